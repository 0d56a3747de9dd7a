//! The client on tokio: the driver that does the machine's HTTP requests and WebSockets natively.
//!
//! Not here: any protocol knowledge. HTTP by `reqwest`, WebSocket by `tokio-tungstenite`.

mod cookies;
mod http;
mod sign_in;
mod tls;
mod websocket;

use crate::{
    clock::{Clock, Reading},
    connect::{ConnectError, Shared},
    connection::{Ask, AuthRequest, Dispatcher, Request as Wanted},
    socketio::{Action, Client, Input, IoId, Options},
    under_way::UnderWay,
};
use cookies::Cookies;
use futures_channel::mpsc;
use futures_util::StreamExt;
use reqwest::{RequestBuilder, header::HeaderMap};
use rustls::ClientConfig;
pub use sign_in::sign_in;
use std::{
    future::pending,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
pub(crate) use tokio::task::AbortHandle as Request;
use tokio::{
    runtime,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
pub(crate) use websocket::Socket;
use websocket::{GOODBYE, Handshake};

/// Drivers are shared within a runtime only: they end with it.
pub(crate) type Place = runtime::Id;

static SHARED: Mutex<Shared> = Mutex::new(Shared::new());

/// Looks at the drivers that run, from this runtime.
pub(crate) fn with_shared<T>(act: impl FnOnce(&mut Shared, Place) -> T) -> T {
    let place = runtime::Handle::current().id();
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    act(&mut shared, place)
}

/// Another number at each call: the standard library's hash keys are random.
pub(crate) fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// How much later than it should a task may end.
const MARGIN: Duration = Duration::from_secs(1);

/// What requests and WebSockets are made with.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    headers: HeaderMap,
    tls: Arc<ClientConfig>,
    /// Where they are wanted.
    cookies: Option<Cookies>,
}

impl Transport {
    /// Fails when an extra header or a certificate is none, or the HTTP client cannot be built.
    pub(crate) fn new(options: &Options) -> Result<Self, ConnectError> {
        let headers = http::headers(&options.extra_headers)?;
        let tls = tls::config(&options.certificate_authorities)?;
        Ok(Self {
            http: http::client(tls.clone())?,
            headers,
            tls: Arc::new(tls),
            cookies: options.with_credentials.then(Cookies::default),
        })
    }

    /// Runs the driver on the current runtime.
    pub(crate) fn start(self, client: Client, requests: mpsc::UnboundedReceiver<Wanted>) {
        tokio::spawn(Driver::new(client, self).run(requests));
    }

    fn handshake(&self, url: String) -> Handshake {
        Handshake {
            url,
            headers: self.headers(),
            tls: Arc::clone(&self.tls),
            cookies: self.cookies.clone(),
        }
    }

    /// The extra headers, and the cookies of earlier responses.
    fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(cookies) = &self.cookies {
            cookies.add_to(&mut headers);
        }
        headers
    }
}

struct Driver {
    dispatcher: Dispatcher,
    started: Instant,
    clock: Clock,
    transport: Transport,
    /// The requests and WebSockets; when all is over, they are waited for.
    tasks: JoinSet<()>,
    under_way: UnderWay,
    inputs: mpsc::UnboundedSender<Input>,
    arrivals: mpsc::UnboundedReceiver<Input>,
    /// What the application answered when it was asked for the auth.
    answers: mpsc::UnboundedReceiver<Wanted>,
    answering: mpsc::UnboundedSender<Wanted>,
}

impl Driver {
    fn new(client: Client, transport: Transport) -> Self {
        let (inputs, arrivals) = mpsc::unbounded();
        let (answering, answers) = mpsc::unbounded();
        let started = Instant::now();
        Self {
            dispatcher: Dispatcher::new(client),
            started,
            clock: Clock::new(reading(started)),
            transport,
            tasks: JoinSet::new(),
            under_way: UnderWay::new(),
            inputs,
            arrivals,
            answers,
            answering,
        }
    }

    /// Runs until the last handle is gone, and after it until what was sent has gone out.
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Wanted>) {
        // A program has no page that could be hidden.
        let now = self.now();
        self.dispatcher.watch(now, true);
        let mut stops = false;
        while !(stops && self.dispatcher.is_closed()) {
            let timer = wait_until(self.due());
            tokio::select! {
                request = requests.next(), if !stops => {
                    let now = self.now();
                    match request {
                        Some(request) => self.dispatcher.handle_request(now, request),
                        None => {
                            stops = true;
                            self.dispatcher.stop(now);
                        }
                    }
                }
                Some(answer) = self.answers.next() => {
                    let now = self.now();
                    self.dispatcher.handle_request(now, answer);
                }
                Some(input) = self.arrivals.next() => self.take(input),
                () = timer => {
                    let now = self.now();
                    self.dispatcher.handle_timeout(now);
                }
            }
            self.work();
            while self.tasks.try_join_next().is_some() {}
        }
        self.under_way = UnderWay::new();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        // What is late is aborted with the set.
        let _ = timeout(GOODBYE + MARGIN, ended).await;
    }

    /// The time since the driver began, sleep included.
    fn now(&mut self) -> Duration {
        self.clock.now(reading(self.started))
    }

    /// When the machine wants to be called; `None` where that is never, or beyond any time.
    fn due(&mut self) -> Option<Instant> {
        let due = self.dispatcher.poll_timeout()?;
        let wait = due.saturating_sub(self.now());
        Instant::now().checked_add(wait)
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
            let answering = self.answering.clone();
            tokio::spawn(async move {
                let ask = Ask::Authorize(asked, answer.await);
                // Where the driver is gone, nobody is left to tell.
                let _ = answering.unbounded_send(Wanted { namespace, ask });
            });
        }
    }

    fn take(&mut self, input: Input) {
        self.under_way.forget(&input);
        let now = self.now();
        self.dispatcher.handle_input(now, input);
    }

    fn request(&mut self, id: IoId, request: RequestBuilder) {
        let request = request.headers(self.transport.headers());
        let cookies = self.transport.cookies.clone();
        let task = http::send(id, request, cookies, self.inputs.clone());
        self.under_way.requests.insert(id, self.tasks.spawn(task));
    }

    fn act(&mut self, action: Action) {
        match self.under_way.act(action) {
            Some(Action::Get(id, url)) => self.request(id, self.transport.http.get(url)),
            Some(Action::Post(id, url, body)) => {
                let request = self.transport.http.post(url).body(body);
                let request = request.header("content-type", "text/plain;charset=UTF-8");
                self.request(id, request);
            }
            Some(Action::Open(id, url)) => {
                let handshake = self.transport.handshake(url);
                let (socket, task) = Socket::open(id, handshake, self.inputs.clone());
                self.tasks.spawn(task);
                self.under_way.sockets.insert(id, socket);
            }
            _ => {}
        }
    }
}

/// Both clocks: the first one stands still while the machine sleeps.
fn reading(started: Instant) -> Reading {
    Reading {
        monotonic: started.elapsed(),
        date: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
