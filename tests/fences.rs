//! What keeps strangers, floods and the slow out, and lets everybody else in: seen from outside, at the bound and beyond it.

mod connections;
mod door;
mod page;
mod passwords;
mod payloads;
mod polls;
mod rates;
mod secrets;
mod slow;

use crate::world::{prometheus::Metrics, soon};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Begins a session by polling.
const POLLING: &str = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n";
/// Begins one by WebSocket.
const WEBSOCKET: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nupgrade: websocket\r\n\
                         connection: upgrade\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A Socket.IO connection by WebSocket: what is sent before the CONNECT reply has no listener yet.
async fn websocket(address: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = connect_async(url).await.unwrap();
    socket.send(Message::text("40")).await.unwrap();
    let mut said = String::new();
    while !said.starts_with("40{") {
        let message = soon("CONNECT", socket.next()).await.unwrap();
        said = message.unwrap().to_string();
    }
    socket
}

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// Milliseconds until one may come again, as the body says.
    fn retry_after(&self) -> u64 {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect(&self.body);
        body["error"]["retry_after"].as_u64().unwrap()
    }
}

/// Sends a head without its end, and a body, on a connection of its own.
async fn ask(address: &str, head: &str, body: &str) -> Answer {
    let host = match head.contains("\r\nhost: ") {
        true => String::new(),
        false => format!("host: {address}\r\n"),
    };
    let length = body.len();
    let request =
        format!("{head}{host}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream).await
}

/// What comes until the end, or until the head is whole where the protocol is switched.
async fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = async {
        while stream.read_buf(&mut bytes).await.unwrap() > 0 {
            if bytes.starts_with(b"HTTP/1.1 101") && bytes.windows(4).any(|end| end == b"\r\n\r\n")
            {
                return;
            }
        }
    };
    soon("an answer", read).await;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect(&text);
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// How often something was kept out by a fence.
async fn kept_out(origin: &str, fence: &str) -> f64 {
    let series = format!("tertulia_kept_out_total{{fence=\"{fence}\"}}");
    Metrics::of(origin).await.get(&series)
}
