// An official server that keeps just enough of Tertulia's contract for the page: names, rooms, who is there, chat.
// Prints its port, then the first transport of each connection and what it is upgraded to.
import { createServer } from "node:http";
import { Server } from "socket.io";

const say = (step, value) => console.log(JSON.stringify({ step, value }));
const http = createServer();
const io = new Server(http, { cors: { origin: true } });
const epoch = Date.now();
const sequences = new Map();
let peers = 0;

io.on("connection", (socket) => {
  say("transport", socket.conn.transport.name);
  socket.conn.once("upgrade", ({ name }) => say("transport", name));
  const me = { peer: `p${++peers}`, name: "" };
  socket.data.author = me;
  const change = (room, what) =>
    socket.to(room).emit("presence:change", { room, peer: me.peer, name: me.name, change: what });

  const answers = {
    "chat:enter": ({ name }) => {
      me.name = name;
      for (const room of socket.rooms) if (room !== socket.id) change(room, "renamed");
      return { peer: me.peer };
    },
    "room:join": ({ room }) => {
      socket.join(room);
      change(room, "entered");
      return { epoch };
    },
    "room:leave": ({ room }) => {
      socket.leave(room);
      change(room, "left");
      return null;
    },
    "presence:list": async ({ room }) => {
      const people = (await io.in(room).fetchSockets()).map((one) => one.data.author);
      return { people: people.sort((a, b) => (a.peer < b.peer ? -1 : 1)) };
    },
    "chat:send": ({ room, text, id }) => {
      const seq = (sequences.get(room) ?? 0) + 1;
      const at = Date.now();
      sequences.set(room, seq);
      io.to(room).emit("chat:message", { room, seq, id, from: me, text, at });
      return { seq, at };
    },
  };
  socket.onAny(async (event, payload, ack) => {
    const answer = answers[event];
    ack(answer ? { ok: await answer(payload) } : { error: { code: "unknown-event", message: event } });
  });
  socket.on("disconnecting", () => socket.rooms.forEach((room) => change(room, "left")));
});
http.listen(0, "127.0.0.1", () => say("port", http.address().port));
