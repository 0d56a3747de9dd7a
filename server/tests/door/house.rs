//! A server to test, and a Socket.IO client by polling that is spoken by hand.

use futures_util::{SinkExt, Stream, StreamExt};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tertulia_server::{Config, build, config::Mqtt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message},
};

/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct House {
    pub(super) address: SocketAddr,
    /// Where the embedded broker listens.
    pub(super) mqtt: Option<SocketAddr>,
    pub(super) stop: oneshot::Sender<()>,
    pub(super) running: JoinHandle<()>,
}

impl House {
    /// On free ports, with the embedded broker and without the metrics of the machine.
    pub(super) async fn open(config: Config) -> Self {
        Self::start(Config {
            mqtt: Mqtt::Embedded(free()),
            host_metrics: false,
            data_dir: None,
            ..config
        })
        .await
    }

    /// On a free port, and otherwise as it is told.
    pub(super) async fn start(config: Config) -> Self {
        let listen = free();
        let server = build(Config { listen, ..config }).await.unwrap();
        let (address, mqtt) = (server.address(), server.mqtt_address());
        let (stop, stopped) = oneshot::channel();
        let hangup = signal(SignalKind::hangup()).unwrap();
        let running = tokio::spawn(async {
            let stopped = async {
                let _ = stopped.await;
            };
            server.run(stopped, hangup).await.unwrap();
        });
        Self {
            address,
            mqtt,
            stop,
            running,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        request(self.address, &format!("GET {path} HTTP/1.1\r\n"), "").await
    }

    /// A Socket.IO connection by WebSocket.
    pub(super) async fn websocket(&self) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let address = self.address;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        socket.send(Message::text("40")).await.unwrap();
        // What is sent before the CONNECT reply has no namespace yet.
        while !heard(&mut socket).await.starts_with("40{") {}
        socket
    }

    pub(super) async fn close(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .unwrap()
            .unwrap();
    }
}

/// The next packet of a WebSocket.
pub(super) async fn heard(
    socket: &mut (impl Stream<Item = Result<Message, tungstenite::Error>> + Unpin),
) -> String {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
    message.unwrap().unwrap().into_text().unwrap().to_string()
}

/// A free port of this machine.
pub(super) fn free() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(super) struct Response {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// One request on a connection of its own.
pub(super) async fn request(address: SocketAddr, line_and_headers: &str, body: &str) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{line_and_headers}host: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Response {
        status: head[9..12].parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// A Socket.IO client by polling.
pub(super) struct Poller {
    pub(super) address: SocketAddr,
    pub(super) path: String,
    /// Packets that were polled and not yet taken.
    pub(super) packets: Vec<String>,
}

impl Poller {
    pub(super) async fn connect(house: &House) -> Self {
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        let open = house.get(&path).await.body;
        let open: Value = serde_json::from_str(&open[1..]).unwrap();
        let path = format!("{path}&sid={}", open["sid"].as_str().unwrap());
        let (address, packets) = (house.address, Vec::new());
        let mut poller = Self {
            address,
            path,
            packets,
        };
        poller.post("40").await;
        poller.take("40{").await;
        poller
    }

    pub(super) async fn post(&self, packets: &str) {
        let line = format!("POST {} HTTP/1.1\r\n", self.path);
        assert_eq!(request(self.address, &line, packets).await.status, 200);
    }

    /// The first packet that begins so, without its beginning.
    pub(super) async fn take(&mut self, begin: &str) -> String {
        loop {
            if let Some(at) = self
                .packets
                .iter()
                .position(|packet| packet.starts_with(begin))
            {
                return self.packets.remove(at)[begin.len()..].to_owned();
            }
            let line = format!("GET {} HTTP/1.1\r\n", self.path);
            let polled = request(self.address, &line, "").await.body;
            self.packets
                .extend(polled.split('\u{1e}').map(str::to_owned));
        }
    }

    pub(super) async fn ask(&mut self, id: u32, event: &str, payload: Value) -> Value {
        self.post(&format!("42{id}{}", json!([event, payload])))
            .await;
        self.acknowledged(id).await
    }

    /// The payload of the next event of this name.
    pub(super) async fn hear(&mut self, event: &str) -> Value {
        let rest = self.take(&format!("42[\"{event}\",")).await;
        serde_json::from_str(rest.strip_suffix(']').unwrap()).unwrap()
    }

    pub(super) async fn acknowledged(&mut self, id: u32) -> Value {
        let args: Value = serde_json::from_str(&self.take(&format!("43{id}")).await).unwrap();
        args[0].clone()
    }
}
