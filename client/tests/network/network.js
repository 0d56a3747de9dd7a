// A page's network that the test plays. Nothing here knows Socket.IO.
const real = { fetch: window.fetch, WebSocket: window.WebSocket, setTimeout: window.setTimeout };
const realNow = Date.now;
let log = [];
let inits = [];
let pending = [];
let sockets = [];
let waiting = [];

// Runs the checks of those who wait for something to be asked.
const changed = () => {
  waiting = waiting.filter((check) => !check());
};
const when = (find, then) =>
  new Promise((resolve) => {
    waiting.push(() => {
      const found = find();
      if (found === undefined) return false;
      then(found);
      resolve();
      return true;
    });
    changed();
  });

class Socket extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.sent = [];
    this.closed = false;
    sockets.push(this);
    queueMicrotask(changed);
  }
  send(data) {
    // A real one copies too: the bytes are the sender's.
    this.sent.push(typeof data === "string" ? data : data.slice());
  }
  close() {
    this.closed = true;
  }
}

export function script() {
  log = [];
  inits = [];
  pending = [];
  sockets = [];
  waiting = [];
  window.WebSocket = Socket;
  window.fetch = (url, init) =>
    new Promise((resolve, reject) => {
      const method = init.method ?? "GET";
      log.push(`${method} ${url} ${init.body ?? ""}`);
      inits.push(init);
      const request = { method, resolve };
      pending.push(request);
      init.signal?.addEventListener("abort", () => {
        pending = pending.filter((other) => other !== request);
        reject(new Error("aborted"));
      });
      queueMicrotask(changed);
    });
}

export function restore() {
  Object.assign(window, real);
  Date.now = realNow;
}

export const requests = () => log;
export const header = (request, name) => inits[request].headers.get(name) ?? "";
export const credentials = (request) => inits[request].credentials;
export const answer = (method, status, body) =>
  when(
    () => pending.find((request) => request.method === method),
    (request) => {
      pending = pending.filter((other) => other !== request);
      request.resolve(new Response(body, { status }));
    },
  );
export const open = (socket) =>
  when(
    () => sockets[socket],
    (found) => found.dispatchEvent(new Event("open")),
  );
export const receive = (socket, data) => sockets[socket].dispatchEvent(new MessageEvent("message", { data }));
export const receive_bytes = (socket, bytes) =>
  sockets[socket].dispatchEvent(new MessageEvent("message", { data: bytes.slice().buffer }));
export const closed = (socket, code) => sockets[socket].dispatchEvent(new CloseEvent("close", { code }));
export const sent = (socket) => sockets[socket].sent.map((data) => (typeof data === "string" ? data : `bytes ${data}`));
export const socket_count = () => sockets.length;
export const is_closed = (socket) => sockets[socket].closed;
export function stop_timers() {
  window.setTimeout = () => 0;
}
// The clock that counts sleep goes on; no timer fires.
export function sleep(ms) {
  const now = Date.now();
  Date.now = () => now + ms;
}
export const tell_document = (event) => document.dispatchEvent(new Event(event));
export const tell_page = (event) => window.dispatchEvent(new Event(event));
