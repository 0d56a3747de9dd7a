// An official client with a token that is refused, then with a good one. Arguments: the origin, the transport, the tokens.
import { io } from "socket.io-client";

const [origin, transport, bad, good] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));

const socket = io(origin, { transports: [transport], auth: { token: bad } });
const refused = await new Promise((resolve) => socket.on("connect_error", resolve));
say("refused", { message: refused.message, data: refused.data, active: socket.active });

// The same connection again, as the application decides: with what it got meanwhile.
socket.auth = { token: good };
const connected = new Promise((resolve) => socket.on("connect", resolve));
socket.connect();
await connected;
const { ok } = await socket.timeout(10_000).emitWithAck("chat:enter", { name: "Ada" });
say("connected", ok.peer);
socket.disconnect();
