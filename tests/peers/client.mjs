// The official client chats with a Tertulia server. Arguments: the origin and the transports, separated by commas.
// Prints one JSON line for each step; the test compares them.
import { io } from "socket.io-client";

const [origin, transports] = process.argv.slice(2);
const socket = io(origin, transports ? { transports: transports.split(",") } : {});
const say = (step, value) => console.log(JSON.stringify({ step, value }));
const ask = (event, payload) => socket.timeout(10_000).emitWithAck(event, payload);

socket.on("connect_error", (error) => {
  console.error(error.message);
  process.exit(1);
});
await new Promise((resolve) => socket.on("connect", resolve));
const received = [];
const expected = 50;
const all = new Promise((resolve) => {
  socket.on("chat:message", (message) => {
    received.push(message);
    if (received.length === expected) resolve();
  });
});

const entered = await ask("chat:enter", { name: "Ada" });
say("entered", { peer_is_socket_id: entered.ok.peer === socket.id, peer: typeof entered.ok.peer });
say("joined", Object.keys(await ask("room:join", { room: "chat/lobby" })));
say("people", (await ask("presence:list", { room: "chat/lobby" })).ok.people.map((person) => person.name));

// All at once: the order of acknowledgements and messages is that of the calls.
const receipts = await Promise.all(
  Array.from({ length: expected }, (_, n) => ask("chat:send", { room: "chat/lobby", text: `text ${n}`, id: `id-${n}` })),
);
await all;
say("receipts", receipts.map((receipt) => receipt.ok.seq));
say("texts", received.map((message) => message.text));
say("author", received[0].from.name);

say("wrong payload", (await ask("chat:send", { room: 7 })).error.code);
say("unknown event", (await ask("chat:shout", {})).error.code);
say("bad room", (await ask("room:join", { room: "chat/#/x" })).error.code);
say("still there", (await ask("chat:send", { room: "chat/lobby", text: "bye", id: "last" })).ok.seq);
say("transport", socket.io.engine.transport.name);
socket.disconnect();
