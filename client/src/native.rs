//! The client on tokio: the driver that does the machine's HTTP requests and WebSockets natively.
//!
//! Not here: any protocol knowledge. HTTP by `reqwest`, WebSocket by `tokio-tungstenite`.

mod http;
mod websocket;

use crate::{
    connection::{Connection, Dispatcher, Request},
    ordered::Ordered,
    socketio::{Action, Client, Endpoint, EndpointError, Input, IoId, Options},
};
use futures_channel::mpsc;
use futures_util::StreamExt;
use std::hash::{BuildHasher, Hasher, RandomState};
use tokio::{task::AbortHandle, time::Instant};
use websocket::Socket;

/// Connects to `origin`, `http://127.0.0.1:3000`; the driver runs until the last handle is dropped.
///
/// # Errors
/// When `origin` is not scheme, host and port.
///
/// # Panics
/// Outside a tokio runtime.
pub fn connect(origin: &str, mut options: Options) -> Result<Connection, EndpointError> {
    options.seed.get_or_insert_with(random_seed);
    let endpoint = Endpoint::new(origin, &options.path)?;
    let (connection, requests) = Connection::new(options.ack_timeout);
    connection.connect();
    let driver = Driver::new(Client::new(endpoint, options));
    tokio::spawn(driver.run(requests));
    Ok(connection)
}

/// Another number at each call: the standard library's hash keys are random.
fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

struct Driver {
    dispatcher: Dispatcher,
    started: Instant,
    http: reqwest::Client,
    requests: Ordered<IoId, AbortHandle>,
    sockets: Ordered<IoId, Socket>,
    inputs: mpsc::UnboundedSender<Input>,
    arrivals: mpsc::UnboundedReceiver<Input>,
}

impl Driver {
    fn new(client: Client) -> Self {
        let (inputs, arrivals) = mpsc::unbounded();
        Self {
            dispatcher: Dispatcher::new(client),
            started: Instant::now(),
            http: reqwest::Client::new(),
            requests: Ordered::new(),
            sockets: Ordered::new(),
            inputs,
            arrivals,
        }
    }

    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        loop {
            while let Some(action) = self.dispatcher.poll_action() {
                self.act(action);
            }
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
                Some(input) = self.arrivals.next() => self.take(input),
                () = timer => self.dispatcher.handle_timeout(self.started.elapsed()),
            }
        }
        self.stop();
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
                self.sockets.insert(id, Socket::open(id, url, inputs));
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

    /// The last handle is gone: says goodbye, and lets what was sent go out.
    fn stop(mut self) {
        let now = self.started.elapsed();
        self.dispatcher.handle_request(now, Request::Disconnect);
        while let Some(action) = self.dispatcher.poll_action() {
            self.act(action);
        }
    }
}
