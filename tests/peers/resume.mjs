// An official client that joins a room with positions by hand. Arguments: the origin, the transport, the epoch.
import { io } from "socket.io-client";

const [origin, transport, epoch] = process.argv.slice(2);
const room = "chat/lobby";
const socket = io(origin, { transports: [transport] });
const say = (step, value) => console.log(JSON.stringify({ step, value }));

await new Promise((resolve) => socket.on("connect", resolve));
let told = [];
let done;
const tell = (what, last) => {
  told.push(what);
  if (last === 10) done();
};
socket.on("chat:message", ({ seq }) => tell(seq, seq));
socket.on("stream:missed", ({ from, to }) => tell([from, to], to));

for (const [step, request] of Object.entries({
  "older than kept": { last: { epoch: +epoch, seq: 2 } },
  "all is kept": { last: { epoch: +epoch, seqs: { [room]: 8 } } },
  "the newest": { history: 3 },
  "another epoch": { last: { epoch: 1, seq: 10 } },
})) {
  told = [];
  const all = new Promise((resolve) => (done = resolve));
  const joined = await socket.timeout(10_000).emitWithAck("room:join", { room, ...request });
  await all;
  say(step, [{ joined }, ...told]);
  await socket.timeout(10_000).emitWithAck("room:leave", { room });
}
socket.disconnect();
