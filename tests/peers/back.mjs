// An official client that a stop must not lose: it comes back by itself and joins from where it was. Arguments: the origin
// and the transport.
import { io } from "socket.io-client";

const [origin, transport] = process.argv.slice(2);
const room = "chat/lobby";
const socket = io(origin, { transports: [transport] });
const say = (step, value) => console.log(JSON.stringify({ step, value }));

let last;
socket.on("connect", async () => {
  const request = last ? { room, last } : { room };
  const { ok } = await socket.timeout(10_000).emitWithAck("room:join", request);
  last ??= { epoch: ok.epoch, seq: ok.seq };
  say("joined", ok.epoch === last.epoch);
});
socket.on("chat:message", ({ seq }) => {
  last.seq = seq;
  say("heard", seq);
});
socket.on("stream:missed", (missed) => say("missed", missed));
socket.on("server:closing", ({ back_in }) => say("closing", back_in >= 0));
// `active`: it comes back by itself.
socket.on("disconnect", () => say("lost", socket.active));
