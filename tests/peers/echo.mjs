// A plain Socket.IO server, as other people have: for the commands. Prints its port, then a JSON line for each thing that
// happens. `--transports polling` or `--transports websocket` offers only that one.
import { createServer } from "node:http";
import { Server } from "socket.io";

const say = (step, value) => console.log(JSON.stringify({ step, value }));
const only = process.argv.indexOf("--transports");
const http = createServer();
const io = new Server(http, {
  transports: only > 0 ? [process.argv[only + 1]] : ["polling", "websocket"],
  maxHttpBufferSize: 1_000_000,
});

const serve = (socket) => {
  say("connected", {
    namespace: socket.nsp.name,
    auth: socket.handshake.auth,
    header: socket.handshake.headers["x-name"],
    query: socket.handshake.query.x,
    transport: socket.conn.transport.name,
  });
  socket.on("echo", (...all) => typeof all.at(-1) === "function" && all.pop()(...all));
  socket.on("tell", (...all) => say("told", all));
  socket.on("size", (bytes, ack) => ack(Buffer.isBuffer(bytes) ? bytes.length : "no binary"));
  socket.on("refuse", (ack) => ack({ error: { code: "busy", message: "later" } }));
  socket.on("silence", () => {});
  socket.on("leave me", () => socket.disconnect());
  // What the listening command is to print, to everybody; the last one waits for an acknowledgement.
  socket.on("play", (count, ack) => {
    for (let n = 1; n <= count; n += 1) io.emit("note", n, { name: "é" });
    io.emit("two words");
    io.emit("file", { bytes: Buffer.from([1, 2, 255]) });
    io.timeout(200).emit("question", [], () => {});
    ack(count);
  });
  // Goes without a goodbye, for everybody; what comes after the question goes along.
  socket.on("cut", (ack) => {
    ack(true);
    setTimeout(() => io.sockets.sockets.forEach((other) => other.conn.close()), 50);
  });
  socket.on("dismiss", (ack) => {
    ack(true);
    io.emit("note", "last");
    socket.broadcast.disconnectSockets();
  });
  socket.on("disconnect", (reason) => say("disconnected", reason));
};

io.use((socket, next) => {
  if (socket.handshake.auth.token !== "wrong") return next();
  const refusal = new Error("not you");
  refusal.data = { code: 7 };
  return next(refusal);
});
io.on("connection", serve);
io.of("/admin").on("connection", serve);
http.listen(0, "127.0.0.1", () => say("port", http.address().port));
