// An official client that the server ends: what it is told. Arguments: the origin, the transport, the token.
import { io } from "socket.io-client";

const [origin, transport, token] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));

const socket = io(origin, { transports: [transport], auth: { token }, reconnection: false });
socket.on("connect", () => say("connected"));
socket.on("disconnect", (reason, { description, context }) => {
  const { code, reason: why, status, responseText } = context;
  say("ended", { reason, description, code, why, status, responseText });
});
