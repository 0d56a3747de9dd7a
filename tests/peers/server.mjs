// The official server, to which our client connects. Prints its port, then a JSON line for each thing that happens.
import { createServer } from "node:http";
import { Server } from "socket.io";

const say = (step, value) => console.log(JSON.stringify({ step, value }));
const http = createServer((_, response) => response.end(String(io.engine.clientsCount)));
const io = new Server(http, {
  pingInterval: 200,
  pingTimeout: 2_000,
  maxHttpBufferSize: 10_000,
  connectionStateRecovery: process.argv.includes("--recovery") ? { maxDisconnectionDuration: 60_000 } : undefined,
});

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
  socket.on("header", (name, ack) => ack(socket.handshake.headers[name] ?? null));
  socket.on("query", (name, ack) => ack(socket.handshake.query[name] ?? null));
  // Acknowledges only the third time that it hears the same: for retries.
  const heard = new Map();
  socket.on("stubborn", (what, ack) => {
    heard.set(what, (heard.get(what) ?? 0) + 1);
    say("heard", what);
    if (heard.get(what) === 3) ack(what);
  });
  socket.on("ask me", async (_, ack) => ack(await socket.timeout(5_000).emitWithAck("test:question", { text: "how are you?" })));
  // Cuts the transport without a goodbye, and tells everybody something meanwhile.
  socket.on("cut me", () => {
    socket.emit("test:news", { n: 1 });
    setTimeout(() => {
      socket.conn.close();
      setTimeout(() => [2, 3].forEach((n) => io.emit("test:news", { n })), 50);
    }, 50);
  });
  socket.on("disconnect", (reason) => say("disconnected", reason));
});
io.of("/admin").on("connection", (socket) => {
  say("admin", socket.handshake.auth);
  socket.on("whoami", (_, ack) => ack("admin"));
});
http.listen(0, "127.0.0.1", () => say("port", http.address().port));
