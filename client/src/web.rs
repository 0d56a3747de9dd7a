//! The client in a browser: the driver that does the machine's `fetch` requests and WebSockets.
//!
//! Not here: any protocol knowledge. Everything runs on the page's one thread; a wake-up is a microtask, so that a ping
//! is answered inside the event that brought it, however much timers are throttled.

mod clock;
mod fetch;
mod wakes;
mod websocket;

use crate::{
    connection::{Ask, AuthRequest, Connection, Dispatcher, Request},
    ordered::Ordered,
    shared::Shared,
    socketio::{Action, Client, Endpoint, EndpointError, Input, IoId, Options},
};
use clock::Clock;
use fetch::Fetch;
use futures_channel::mpsc;
use futures_util::{StreamExt, stream};
use gloo::timers::callback::Timeout;
use std::{rc::Rc, time::Duration};
use wakes::Wake;
use websocket::Socket;

/// Connects to `origin`, `https://example.org:3000`; the driver runs until the last handle is dropped.
///
/// A driver of the same origin, path and query that still runs is shared: its namespaces travel over one connection. With
/// [`Options::force_new`], or where the namespace is in use there already, there is another one.
///
/// # Errors
/// When `origin` is not scheme, host and port.
pub fn connect(origin: &str, mut options: Options) -> Result<Connection, EndpointError> {
    options
        .seed
        .get_or_insert_with(|| js_sys::Math::random().to_bits());
    let endpoint = Endpoint::new(origin, &options.path)?.with_query(&options.query);
    if let Some(connection) = SHARED.with(|shared| shared.join(&endpoint, &options)) {
        return Ok(connection);
    }
    let (connection, requests) = Connection::new(&options);
    SHARED.with(|shared| shared.offer(&endpoint, &connection, &options));
    let headers = options.extra_headers.clone();
    let driver = Driver::new(Client::new(endpoint, options), headers);
    wasm_bindgen_futures::spawn_local(driver.run(requests));
    Ok(connection)
}

thread_local! {
    /// The drivers that run, for [`connect`] to share.
    static SHARED: Shared = const { Shared::new() };
}

struct Driver {
    dispatcher: Dispatcher,
    clock: Clock,
    headers: Rc<[(String, String)]>,
    fetches: Ordered<IoId, Fetch>,
    sockets: Ordered<IoId, Socket>,
    /// The one timer, and for when it is set.
    timer: Option<(Duration, Timeout)>,
    wakes: mpsc::UnboundedSender<Wake>,
    arrivals: mpsc::UnboundedReceiver<Wake>,
}

impl Driver {
    fn new(client: Client, headers: Vec<(String, String)>) -> Self {
        let (wakes, arrivals) = mpsc::unbounded();
        Self {
            dispatcher: Dispatcher::new(client),
            clock: Clock::new(),
            headers: headers.into(),
            fetches: Ordered::new(),
            sockets: Ordered::new(),
            timer: None,
            wakes,
            arrivals,
        }
    }

    async fn run(mut self, requests: mpsc::UnboundedReceiver<Request>) {
        let _page = wakes::listen_to_page(&self.wakes);
        let (_, empty) = mpsc::unbounded();
        let arrivals = std::mem::replace(&mut self.arrivals, empty);
        let requests = requests
            .map(Wake::Request)
            .chain(stream::iter([Wake::Stop]));
        let mut wakes = stream::select(requests, arrivals);
        while let Some(wake) = wakes.next().await {
            let stops = matches!(wake, Wake::Stop);
            self.take(wake);
            self.work();
            if stops {
                return;
            }
            self.arm_timer();
        }
    }

    /// Does what there is to do.
    fn work(&mut self) {
        while let Some(action) = self.dispatcher.poll_action() {
            self.act(action);
        }
        while let Some(AuthRequest { namespace, answer }) = self.dispatcher.poll_auth() {
            let wakes = self.wakes.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let ask = Ask::Authorize(answer.await);
                // Where the driver is gone, nobody is left to tell.
                let _ = wakes.unbounded_send(Wake::Request(Request { namespace, ask }));
            });
        }
    }

    fn take(&mut self, wake: Wake) {
        let now = self.clock.now();
        match wake {
            Wake::Request(request) => self.dispatcher.handle_request(now, request),
            Wake::Stop => self.dispatcher.stop(now),
            Wake::Tick => {
                self.timer = None;
                self.dispatcher.handle_timeout(now);
            }
            Wake::Online => {
                self.dispatcher.handle_timeout(now);
                self.dispatcher.retry(now);
            }
            Wake::Input(input) => {
                self.forget(&input);
                self.dispatcher.handle_input(now, input);
            }
        }
    }

    /// Drops what has come to its end.
    fn forget(&mut self, input: &Input) {
        match input {
            Input::Response(id, ..) | Input::Failed(id, _) => {
                self.fetches.remove(*id);
            }
            Input::Closed(id, _) => {
                self.sockets.remove(*id);
            }
            Input::Opened(_) | Input::Received(..) => {}
        }
    }

    fn act(&mut self, action: Action) {
        let wakes = self.wakes.clone();
        match action {
            Action::Get(id, url) => {
                self.fetches
                    .insert(id, Fetch::send(id, url, None, &self.headers, wakes));
            }
            Action::Post(id, url, body) => {
                let fetch = Fetch::send(id, url, Some(body), &self.headers, wakes);
                self.fetches.insert(id, fetch);
            }
            Action::Abort(id) => {
                if let Some(fetch) = self.fetches.remove(id) {
                    fetch.abort();
                }
            }
            Action::Open(id, url) => match Socket::open(id, &url, &wakes) {
                Ok(socket) => {
                    self.sockets.insert(id, socket);
                }
                Err(reason) => wakes::wake(&wakes, Input::Closed(id, reason)),
            },
            Action::Send(id, frame) => {
                if let Some(socket) = self.sockets.get(id) {
                    socket.send(frame);
                }
            }
            Action::Close(id) => {
                self.sockets.remove(id);
            }
        }
    }

    /// Sets the one timer to when the machine wants to be called.
    fn arm_timer(&mut self) {
        let due = self.dispatcher.poll_timeout();
        if self.timer.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        self.timer = due.map(|due| {
            let wait = due.saturating_sub(self.clock.now());
            // Rounded up: a timer that fires a fraction early would find nothing due.
            let millis = u32::try_from(wait.as_millis() + 1).unwrap_or(u32::MAX >> 1);
            let wakes = self.wakes.clone();
            let tick = move || {
                let _ = wakes.unbounded_send(Wake::Tick);
            };
            (due, Timeout::new(millis, tick))
        });
    }
}
