// A page's network that the test plays. Nothing here knows Socket.IO.
const real = { fetch: window.fetch, WebSocket: window.WebSocket, setTimeout: window.setTimeout };
let log = [];
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
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
}

export function script() {
  log = [];
  pending = [];
  sockets = [];
  waiting = [];
  window.WebSocket = Socket;
  window.fetch = (url, init) =>
    new Promise((resolve, reject) => {
      const method = init.method ?? "GET";
      log.push(`${method} ${url} ${init.body ?? ""}`);
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
}

export const requests = () => log;
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
export const sent = (socket) => sockets[socket].sent;
export const is_closed = (socket) => sockets[socket].closed;
export function stop_timers() {
  window.setTimeout = () => 0;
}
export const tell_page = (event) => window.dispatchEvent(new Event(event));
