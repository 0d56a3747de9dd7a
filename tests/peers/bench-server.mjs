// The official server with just enough of Tertulia's contract to be measured beside it: `cargo xtask bench`. It answers with
// the same bytes, keeps nothing, and checks nothing. Prints its port.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxHttpBufferSize: 1_000_000,
  perMessageDeflate: false,
  httpCompression: false,
});
const epoch = Date.now();
const sequences = new Map();

io.on("connection", (socket) => {
  const peer = randomBytes(16).toString("base64url");
  const me = { peer, name: `guest-${peer.slice(0, 4)}` };
  socket.emit("bridge:status", { broker: "mqtt://127.0.0.1:1883", state: "up", attempt: 0, at: epoch });
  socket.on("chat:enter", ({ name }, ack) => {
    me.name = name;
    for (const room of socket.rooms) {
      if (room !== socket.id) io.to(room).emit("presence:change", { room, peer, name, change: "renamed" });
    }
    ack({ ok: { peer } });
  });
  socket.on("room:join", ({ room }, ack) => {
    socket.join(room);
    io.to(room).emit("presence:change", { room, peer, name: me.name, change: "entered" });
    ack({ ok: { epoch, seq: sequences.get(room) ?? 0 } });
  });
  socket.on("chat:send", ({ room, text, id }, ack) => {
    const seq = (sequences.get(room) ?? 0) + 1;
    const at = Date.now();
    sequences.set(room, seq);
    io.to(room).emit("chat:message", { room, seq, id, from: me, text, at });
    ack({ ok: { seq, at } });
  });
  socket.on("disconnecting", () => {
    for (const room of socket.rooms) {
      if (room !== socket.id) io.to(room).emit("presence:change", { room, peer, name: me.name, change: "left" });
    }
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
