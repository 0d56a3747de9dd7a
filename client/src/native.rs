//! The client on tokio: the driver that does the machine's HTTP requests and WebSockets natively.
//!
//! Not here: any protocol knowledge. HTTP by `reqwest`, WebSocket by `tokio-tungstenite`.

mod http;
mod tls;
mod websocket;

use crate::{
    connection::{Ask, AuthRequest, Connection, Dispatcher, Request},
    ordered::Ordered,
    shared::Shared,
    socketio::{Action, Client, Endpoint, EndpointError, Input, IoId, Options},
};
use futures_channel::mpsc;
use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use tokio::{task::AbortHandle, time::Instant};
use websocket::Socket;

/// Connects to `origin`, `https://example.org:3000`; the driver runs until the last handle is dropped.
///
/// A driver of the same origin, path and query that still runs is shared: its namespaces travel over one connection. With
/// [`Options::force_new`], or where the namespace is in use there already, there is another one.
///
/// # Errors
/// When `origin` is not scheme, host and port, or an extra header is none.
///
/// # Panics
/// Outside a tokio runtime.
pub fn connect(origin: &str, mut options: Options) -> Result<Connection, ConnectError> {
    let endpoint = Endpoint::new(origin, &options.path)?.with_query(&options.query);
    let headers = http::headers(&options.extra_headers)?;
    options.seed.get_or_insert_with(random_seed);
    if let Some(connection) = SHARED.join(&endpoint, &options) {
        return Ok(connection);
    }
    let (connection, requests) = Connection::new(&options);
    SHARED.offer(&endpoint, &connection, &options);
    let driver = Driver::new(Client::new(endpoint, options), headers);
    tokio::spawn(driver.run(requests));
    Ok(connection)
}

/// Why a connection cannot even be tried.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The origin is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// An extra header has a name or a value that HTTP does not allow.
    #[error("`{0}` is no HTTP header")]
    Header(String),
}

/// Another number in each process and at each call: the standard library's hash keys are random.
fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The drivers that run, for [`connect`] to share.
static SHARED: Shared = Shared::new();

struct Driver {
    dispatcher: Dispatcher,
    started: Instant,
    http: reqwest::Client,
    headers: HeaderMap,
    requests: Ordered<IoId, AbortHandle>,
    sockets: Ordered<IoId, Socket>,
    inputs: mpsc::UnboundedSender<Input>,
    arrivals: mpsc::UnboundedReceiver<Input>,
    /// What the application answered when it was asked for the auth.
    answers: mpsc::UnboundedReceiver<Request>,
    answering: mpsc::UnboundedSender<Request>,
}

impl Driver {
    fn new(client: Client, headers: HeaderMap) -> Self {
        let (inputs, arrivals) = mpsc::unbounded();
        let (answering, answers) = mpsc::unbounded();
        Self {
            dispatcher: Dispatcher::new(client),
            started: Instant::now(),
            http: http::client(&headers),
            headers,
            requests: Ordered::new(),
            sockets: Ordered::new(),
            inputs,
            arrivals,
            answers,
            answering,
        }
    }

    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        loop {
            self.work();
            let due = self.dispatcher.poll_timeout();
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(self.started + due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                request = requests.next() => match request {
                    Some(request) => self.dispatcher.handle_request(self.started.elapsed(), request),
                    None => break,
                },
                Some(answer) = self.answers.next() => {
                    self.dispatcher.handle_request(self.started.elapsed(), answer);
                }
                Some(input) = self.arrivals.next() => self.take(input),
                () = timer => self.dispatcher.handle_timeout(self.started.elapsed()),
            }
        }
        // The last handle is gone: says goodbye, and lets what was sent go out.
        self.dispatcher.stop(self.started.elapsed());
        self.work();
    }

    /// Does what there is to do.
    fn work(&mut self) {
        while let Some(action) = self.dispatcher.poll_action() {
            self.act(action);
        }
        while let Some(AuthRequest { namespace, answer }) = self.dispatcher.poll_auth() {
            let answering = self.answering.clone();
            tokio::spawn(async move {
                let ask = Ask::Authorize(answer.await);
                // Where the driver is gone, nobody is left to tell.
                let _ = answering.unbounded_send(Request { namespace, ask });
            });
        }
    }

    fn take(&mut self, input: Input) {
        match &input {
            Input::Response(id, ..) | Input::Failed(id, _) => {
                self.requests.remove(*id);
            }
            Input::Closed(id, _) => {
                self.sockets.remove(*id);
            }
            Input::Opened(_) | Input::Received(..) => {}
        }
        self.dispatcher.handle_input(self.started.elapsed(), input);
    }

    fn act(&mut self, action: Action) {
        let inputs = self.inputs.clone();
        match action {
            Action::Get(id, url) => {
                let request = self.http.get(url);
                self.requests.insert(id, http::send(id, request, inputs));
            }
            Action::Post(id, url, body) => {
                let request = self
                    .http
                    .post(url)
                    .header("content-type", "text/plain;charset=UTF-8")
                    .body(body);
                self.requests.insert(id, http::send(id, request, inputs));
            }
            Action::Abort(id) => {
                if let Some(request) = self.requests.remove(id) {
                    request.abort();
                }
            }
            Action::Open(id, url) => {
                self.sockets
                    .insert(id, Socket::open(id, url, self.headers.clone(), inputs));
            }
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
}
