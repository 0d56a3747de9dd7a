// The official server, to which our client connects. Prints its port, then a JSON line for each thing that happens.
import { createServer } from "node:http";
import { Server } from "socket.io";

const say = (step, value) => console.log(JSON.stringify({ step, value }));
const http = createServer();
const io = new Server(http, { pingInterval: 200, pingTimeout: 2_000 });

io.use((socket, next) => (socket.handshake.auth.token === "wrong" ? next(new Error("not you")) : next()));
io.on("connection", (socket) => {
  say("connected", { auth: socket.handshake.auth, transport: socket.conn.transport.name });
  socket.conn.once("upgrade", (transport) => say("upgraded", transport.name));
  socket.on("chat:send", (payload, ack) => {
    socket.emit("chat:message", {
      room: payload.room,
      seq: 1,
      id: payload.id,
      from: { peer: "p", name: "Node" },
      text: `heard ${payload.text}`,
      at: 1,
    });
    ack({ ok: { seq: 1, at: 1 } });
  });
  socket.on("chat:enter", (_, ack) => ack({ error: { code: "bad-name", message: "taken" } }));
  socket.on("room:leave", () => socket.disconnect());
  socket.on("disconnect", (reason) => say("disconnected", reason));
});
http.listen(0, "127.0.0.1", () => say("port", http.address().port));
