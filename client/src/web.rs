//! The client in a browser: the driver that does the machine's `fetch` requests and WebSockets.
//!
//! Not here: any protocol knowledge. Everything runs on the page's one thread; a wake-up is a microtask, so that a ping
//! is answered inside the event that brought it, however much timers are throttled.

mod clock;
mod fetch;
mod wakes;
mod websocket;

use crate::{
    clock::Clock,
    connect::{ConnectError, Shared},
    connection::{Ask, AuthRequest, Dispatcher, Request as Wanted},
    socketio::{Action, Client, Input, IoId, Options},
    under_way::UnderWay,
};
pub(crate) use fetch::{Fetch as Request, request};
use futures_channel::mpsc;
use futures_util::{StreamExt, stream};
use gloo::timers::callback::Timeout;
use std::{cell::RefCell, time::Duration};
use wakes::Wake;
use web_sys::{Headers, RequestCredentials};
pub(crate) use websocket::Socket;

thread_local! {
    static SHARED: RefCell<Shared> = const { RefCell::new(Shared::new()) };
}

/// Where drivers run: on the page's one thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place;

/// Looks at the drivers that run on this page.
pub(crate) fn with_shared<T>(act: impl FnOnce(&mut Shared, Place) -> T) -> T {
    SHARED.with_borrow_mut(|shared| act(shared, Place))
}

/// Another number at each call.
pub(crate) fn random_seed() -> u64 {
    js_sys::Math::random().to_bits()
}

/// Browsers fire longer ones at once; the machine is called early then, which is harmless, and the next one is set.
const LONGEST_TIMER_MS: u32 = u32::MAX >> 1;

/// Why what is under way ends when the browser says that there is no network.
const OFFLINE: &str = "the network is gone";

/// What requests are made with.
#[derive(Debug)]
pub(crate) struct Transport {
    headers: Headers,
    credentials: RequestCredentials,
}

impl Transport {
    /// Fails when an extra header is none.
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let headers = Headers::new().map_err(|_| ConnectError::Header(String::new()))?;
        for (name, value) in &options.extra_headers {
            headers
                .append(name, value)
                .map_err(|_| ConnectError::Header(name.clone()))?;
        }
        let credentials = match options.with_credentials {
            true => RequestCredentials::Include,
            false => RequestCredentials::SameOrigin,
        };
        Ok(Self {
            headers,
            credentials,
        })
    }

    /// Runs the driver on the page's one thread.
    pub(crate) fn start(self, client: Client, requests: mpsc::UnboundedReceiver<Wanted>) {
        wasm_bindgen_futures::spawn_local(Driver::new(client, self).run(requests));
    }
}

struct Driver {
    dispatcher: Dispatcher,
    clock: Clock,
    transport: Transport,
    under_way: UnderWay,
    /// Whether the server is on this machine.
    is_local: bool,
    /// The one timer, and for when it is set.
    timer: Option<(Duration, Timeout)>,
    wakes: mpsc::UnboundedSender<Wake>,
    arrivals: mpsc::UnboundedReceiver<Wake>,
}

impl Driver {
    fn new(client: Client, transport: Transport) -> Self {
        let (wakes, arrivals) = mpsc::unbounded();
        Self {
            dispatcher: Dispatcher::new(client),
            clock: Clock::new(clock::reading()),
            transport,
            under_way: UnderWay::new(),
            is_local: false,
            timer: None,
            wakes,
            arrivals,
        }
    }

    async fn run(mut self, requests: mpsc::UnboundedReceiver<Wanted>) {
        let _page = wakes::listen_to_page(&self.wakes);
        let now = self.clock.now(clock::reading());
        self.dispatcher.watch(now, wakes::is_shown());
        let (_, empty) = mpsc::unbounded();
        let arrivals = std::mem::replace(&mut self.arrivals, empty);
        let requests = requests
            .map(Wake::Request)
            .chain(stream::iter([Wake::Stop]));
        let mut wakes = stream::select(requests, arrivals);
        let mut stops = false;
        // After the last handle is gone, it goes on until what was sent has gone out.
        while !(stops && self.dispatcher.is_closed()) {
            let Some(wake) = wakes.next().await else {
                return;
            };
            stops |= matches!(wake, Wake::Stop);
            self.take(wake);
            self.work();
            self.arm_timer();
        }
    }

    /// Does what there is to do.
    fn work(&mut self) {
        while let Some(action) = self.dispatcher.poll_action() {
            self.act(action);
        }
        while let Some(request) = self.dispatcher.poll_auth() {
            let AuthRequest {
                namespace,
                asked,
                answer,
            } = request;
            let wakes = self.wakes.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let ask = Ask::Authorize(asked, answer.await);
                // Where the driver is gone, nobody is left to tell.
                let _ = wakes.unbounded_send(Wake::Request(Wanted { namespace, ask }));
            });
        }
    }

    fn take(&mut self, wake: Wake) {
        let now = self.clock.now(clock::reading());
        match wake {
            Wake::Request(request) => self.dispatcher.handle_request(now, request),
            Wake::Stop => self.dispatcher.stop(now),
            Wake::Tick => {
                self.timer = None;
                self.dispatcher.handle_timeout(now);
            }
            Wake::Seen => {
                self.dispatcher.handle_timeout(now);
                self.dispatcher.watch(now, wakes::is_shown());
            }
            Wake::Online => {
                self.dispatcher.handle_timeout(now);
                self.dispatcher.suspect(now);
            }
            Wake::Offline if self.is_local => self.dispatcher.suspect(now),
            Wake::Offline => self.lose_all(now),
            Wake::Input(input) => {
                self.under_way.forget(&input);
                self.dispatcher.handle_input(now, input);
            }
        }
    }

    /// Ends what is under way: without a network it would only be found out later.
    fn lose_all(&mut self, now: Duration) {
        while let Some(id) = self.under_way.requests.first_key() {
            if let Some(fetch) = self.under_way.requests.remove(id) {
                fetch.abort();
            }
            let failed = Input::Failed(id, OFFLINE.to_owned());
            self.dispatcher.handle_input(now, failed);
        }
        while let Some(id) = self.under_way.sockets.first_key() {
            self.under_way.sockets.remove(id);
            let closed = Input::Closed(id, OFFLINE.to_owned());
            self.dispatcher.handle_input(now, closed);
        }
    }

    fn act(&mut self, action: Action) {
        if let Action::Get(_, url) | Action::Open(_, url) = &action {
            self.is_local = is_local(url);
        }
        match self.under_way.act(action) {
            Some(Action::Get(id, url)) => self.request(id, url, None),
            Some(Action::Post(id, url, body)) => self.request(id, url, Some(body)),
            Some(Action::Open(id, url)) => match Socket::open(id, &url, &self.wakes) {
                Ok(socket) => self.under_way.sockets.insert(id, socket),
                Err(reason) => wakes::wake(&self.wakes, Input::Closed(id, reason)),
            },
            _ => {}
        }
    }

    fn request(&mut self, id: IoId, url: String, body: Option<String>) {
        let request = Request::send(id, url, body, &self.transport, self.wakes.clone());
        self.under_way.requests.insert(id, request);
    }

    /// Sets the one timer to when the machine wants to be called.
    fn arm_timer(&mut self) {
        let due = self.dispatcher.poll_timeout();
        if self.timer.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        self.timer = due.map(|due| {
            let wait = due.saturating_sub(self.clock.now(clock::reading()));
            // Rounded up: a timer that fires a fraction early would find nothing due.
            let millis = u32::try_from(wait.as_millis() + 1).unwrap_or(LONGEST_TIMER_MS);
            let millis = millis.min(LONGEST_TIMER_MS);
            let wakes = self.wakes.clone();
            let tick = move || {
                let _ = wakes.unbounded_send(Wake::Tick);
            };
            (due, Timeout::new(millis, tick))
        });
    }
}

/// Whether a URL is of this machine, as far as its name says.
fn is_local(url: &str) -> bool {
    let authority = url.split('/').nth(2).unwrap_or_default();
    let names = ["localhost", "127.0.0.1", "[::1]"];
    let rest = names.iter().find_map(|name| authority.strip_prefix(name));
    rest.is_some_and(|port| port.is_empty() || port.starts_with(':'))
}
