// The official server, to which our client connects. Its argument is JSON: `port`, `io` (options of the official
// `Server`), `holds` (WebSockets wait until `/release`), `tls` (`key` and `cert`) and `packets` (says every message packet that comes).
// It prints its port and process, then a JSON line for each thing that happens; the test steers it by POST requests.
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Server } from "socket.io";

const { port = 0, io: options = {}, holds = false, packets = false, tls = null } = JSON.parse(process.argv[2]);
const say = (step, value = null) => console.log(JSON.stringify({ step, value }));
const held = [];
const cookies = {};
let posts = 0;

const engines = () => Object.values(io.engine.clients);
const controls = {
  engines: () => io.engine.clientsCount,
  posts: () => posts,
  // The cookies of the last request of each transport.
  cookies: () => cookies,
  release: () => held.splice(0).forEach((go) => go()),
  tell: (args) => void io.emit(...args),
  // Ends every connection without a word of Socket.IO, and tells meanwhile what they miss.
  close: (missed) => {
    engines().forEach((engine) => engine.close());
    missed?.forEach((args) => io.emit(...args));
  },
};
const steer = async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const result = controls[request.url.slice(1)](body && JSON.parse(body));
  response.end(JSON.stringify(result ?? null));
};
const http = tls ? createSecureServer(tls, steer) : createServer(steer);
const io = new Server(http, options);
if (holds) {
  const [accept] = http.listeners("upgrade");
  http.removeAllListeners("upgrade");
  http.on("upgrade", (...request) => {
    held.push(() => accept(...request));
    say("held");
  });
}
http.on("request", ({ method, url }) => (posts += method === "POST" && url.includes("EIO=4")));
io.engine.on("headers", (_, request) => (cookies[request._query.transport] = request.headers.cookie ?? null));
io.engine.on("connection", (engine) => {
  engine.on("heartbeat", () => options.pingInterval && say("heartbeat"));
  engine.once("upgrade", (transport) => say("upgraded", transport.name));
  engine.on("packet", ({ type, data }) => packets && type === "message" && say("packet", data));
});

const refuse = (socket, next) => {
  const { token } = socket.handshake.auth;
  next(token === "wrong" ? Object.assign(new Error("not you"), { data: { code: 7, tried: token } }) : undefined);
};
const serve = (socket) => {
  const { nsp, conn, handshake, recovered } = socket;
  say("connected", { namespace: nsp.name, transport: conn.transport.name, auth: handshake.auth, recovered });
  socket.on("disconnect", (reason) => say("disconnected", reason));

  socket.on("test:handshake", (ack) => ack({ query: handshake.query, headers: handshake.headers, namespace: nsp.name }));
  socket.on("test:echo", (...args) => args.pop()(...args));
  socket.on("test:move", (piece, to, ack) => ack(`${piece.name} ${to} ${piece.mark.toString("hex")}`));
  socket.on("test:back", (...args) => socket.emit(...args));
  socket.on("test:note", (...args) => {
    const ack = typeof args.at(-1) === "function" && args.pop();
    say("noted", args.length > 1 ? args : args[0]);
    if (ack) ack();
  });
  // Every third one carries a binary, and so is an order of its own: head, attachment.
  socket.on("test:flood", (count, from = 0) => {
    for (let n = from; n < from + count; n++) socket.emit("test:tick", n % 3 ? { n } : { n, bytes: Buffer.from([n % 256]) });
  });
  const heard = [];
  socket.on("test:tock", ({ n, bytes }, ack) => {
    heard.push(n);
    if (n % 3 === 0 && bytes?.[0] !== n % 256) say("wrong bytes", n);
    ack?.(heard.length);
  });
  socket.on("test:heard", (ack) => ack(heard));
  socket.on("test:silent", () => say("silent"));
  // Acknowledges only the third time that it hears the same.
  const tries = new Map();
  socket.on("test:stubborn", (what, ack) => {
    tries.set(what, (tries.get(what) ?? 0) + 1);
    if (tries.get(what) === 3) ack(what);
  });
  socket.on("test:ask", async (args, ack) => ack(await socket.timeout(5_000).emitWithAck(...args)));
  socket.on("test:bye", () => socket.disconnect());
  socket.on("test:bye-all", () => socket.disconnect(true));

  socket.on("chat:send", ({ room, id, text }, ack) => {
    const from = { peer: "p", name: "Node" };
    socket.emit("chat:message", { room, seq: 1, id, from, text: `heard ${text}`, at: 1 });
    ack({ ok: { seq: 1, at: 1 } });
  });
  socket.on("chat:enter", (_, ack) => ack({ error: { code: "bad-name", message: "taken" } }));
};
for (const namespace of ["/", "/admin", "/other"]) io.of(namespace).use(refuse).on("connection", serve);
http.listen(port, "127.0.0.1", () => say("ready", { port: http.address().port, process: process.pid }));
