//! The real server and the real client machine in one process, without any network and on a virtual clock.
//!
//! A connection is a pipe in memory. Time is tokio's, paused: it jumps to the next deadline when nothing else is to do.

use axum::serve::Listener;
use futures_channel::mpsc;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};
use tertulia_client::{
    connection::{Connection, Dispatcher, Options, Request},
    socketio::{Action, Client, Endpoint, Frame, Input, IoId},
};
use tertulia_server::{
    Config, build,
    config::{Mqtt, TlsFiles},
};
use tokio::{io::DuplexStream, task::AbortHandle, time::Instant};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// How much a pipe holds, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

/// Where connections are asked for.
#[derive(Clone)]
pub(crate) struct Network(mpsc::UnboundedSender<DuplexStream>);

impl Network {
    /// Starts a server and gives the way to it.
    pub(crate) async fn with_server() -> Self {
        Self::with_tls(None).await
    }

    /// As [`Self::with_server`], with TLS where there are files for it.
    pub(crate) async fn with_tls(tls: Option<TlsFiles>) -> Self {
        let server = build(Config {
            tls,
            listen: ([127, 0, 0, 1], 0).into(),
            mqtt: Mqtt::Embedded(([127, 0, 0, 1], 0).into()),
            host_metrics: false,
            allow_host: vec!["memory".to_owned()],
            data_dir: None,
            ..Config::default()
        });
        let server = server.await.unwrap();
        let (sender, pipes) = mpsc::unbounded();
        tokio::spawn(async move { server.serve_on(Pipes(pipes)).await });
        Self(sender)
    }

    /// Connects our client.
    pub(crate) fn connect(&self, options: Options) -> Connection {
        let (connection, requests) = Connection::new(&options);
        let endpoint = Endpoint::parse("http://memory", &options.path).unwrap().0;
        tokio::spawn(drive(
            Client::new(endpoint, options),
            requests,
            self.clone(),
        ));
        connection
    }

    /// A connection to the server, without any client on it.
    pub(crate) fn pipe(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        // A server that has stopped drops its end: the client reads the end of the pipe.
        let _ = self.0.unbounded_send(theirs);
        ours
    }
}

struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.next().await {
            Some(pipe) => (pipe, ([127, 0, 0, 1], 1).into()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], 1).into())
    }
}

/// The whole driver: drain, wait for one of three things, feed.
async fn drive(client: Client, mut requests: mpsc::UnboundedReceiver<Request>, network: Network) {
    let started = Instant::now();
    let mut dispatcher = Dispatcher::new(client);
    let (inputs, mut arrivals) = mpsc::unbounded();
    let mut tasks: BTreeMap<IoId, AbortHandle> = BTreeMap::new();
    let mut sockets: BTreeMap<IoId, mpsc::UnboundedSender<Frame>> = BTreeMap::new();
    loop {
        while let Some(action) = dispatcher.poll_action() {
            let (pipe, inputs) = (network.clone(), inputs.clone());
            match action {
                Action::Get(id, url) => {
                    let task = tokio::spawn(fetch(id, url, None, pipe, inputs));
                    tasks.insert(id, task.abort_handle());
                }
                Action::Post(id, url, body) => {
                    let task = tokio::spawn(fetch(id, url, Some(body), pipe, inputs));
                    tasks.insert(id, task.abort_handle());
                }
                Action::Abort(id) => drop(tasks.remove(&id).map(|task| task.abort())),
                Action::Open(id, url) => {
                    let (sender, frames) = mpsc::unbounded();
                    tokio::spawn(socket(id, url, frames, pipe, inputs));
                    sockets.insert(id, sender);
                }
                Action::Send(id, frame) => sockets[&id].unbounded_send(frame).unwrap_or_default(),
                Action::Close(id) => drop(sockets.remove(&id)),
            }
        }
        let due = dispatcher
            .poll_timeout()
            .unwrap_or(Duration::from_secs(u32::MAX.into()));
        tokio::select! {
            request = requests.next() => match request {
                Some(request) => dispatcher.handle_request(started.elapsed(), request),
                None => return,
            },
            Some(input) = arrivals.next() => dispatcher.handle_input(started.elapsed(), input),
            () = tokio::time::sleep_until(started + due) => dispatcher.handle_timeout(started.elapsed()),
        }
    }
}

type Inputs = mpsc::UnboundedSender<Input>;

async fn fetch(id: IoId, url: String, body: Option<String>, network: Network, inputs: Inputs) {
    let io = TokioIo::new(network.pipe());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(if body.is_some() { "POST" } else { "GET" })
        .uri(url)
        .header("host", "memory")
        .body(Full::new(body.unwrap_or_default().into_bytes().into()));
    let request: hyper::Request<Full<hyper::body::Bytes>> = request.unwrap();
    let input = match sender.send_request(request).await {
        Ok(response) => {
            let status = response.status().as_u16();
            let body = response.collect().await.unwrap().to_bytes();
            Input::Response(id, status, String::from_utf8(body.to_vec()).unwrap())
        }
        Err(error) => Input::Failed(id, error.to_string()),
    };
    let _ = inputs.unbounded_send(input);
}

async fn socket(
    id: IoId,
    url: String,
    mut frames: mpsc::UnboundedReceiver<Frame>,
    network: Network,
    inputs: Inputs,
) {
    let (mut socket, _) = client_async(url, network.pipe()).await.unwrap();
    let _ = inputs.unbounded_send(Input::Opened(id));
    loop {
        tokio::select! {
            frame = frames.next() => match frame {
                Some(Frame::Text(text)) => socket.send(Message::text(text)).await.unwrap(),
                Some(Frame::Binary(bytes)) => socket.send(Message::binary(bytes)).await.unwrap(),
                None => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame = Frame::Text(text.as_str().to_owned());
                    let _ = inputs.unbounded_send(Input::Received(id, frame));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    let _ = inputs.unbounded_send(Input::Closed(id, "end of the pipe".to_owned()));
                    return;
                }
            },
        }
    }
}
