//! A Socket.IO connection by WebSocket, spoken by hand.

use anyhow::{Context, Result, bail};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, Utf8Bytes},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

/// Where its packets come out.
pub(crate) struct Packets(SplitStream<WebSocketStream<TcpStream>>);

/// Where its packets go in.
pub(crate) struct Out(SplitSink<WebSocketStream<TcpStream>, Message>);

impl Socket {
    /// Connects to the namespace `/`.
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = client_async(url, stream).await?;
        let mut socket = Self { stream };
        socket.until("0{").await?;
        socket.send("40").await?;
        socket.until("40{").await?;
        Ok(socket)
    }

    /// Emits an event and gives the packet of its acknowledgement.
    pub(crate) async fn ask(&mut self, event: &str) -> Result<Utf8Bytes> {
        self.send(&format!("420{event}")).await?;
        self.until("430").await
    }

    /// Reads for so long and answers pings.
    pub(crate) async fn idle(&mut self, time: Duration) -> Result<()> {
        match tokio::time::timeout(time, self.until("41")).await {
            Ok(ended) => ended.and_then(|_| bail!("disconnected")),
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn split(self) -> (Out, Packets) {
        let (out, packets) = self.stream.split();
        (Out(out), Packets(packets))
    }

    async fn send(&mut self, packet: &str) -> Result<()> {
        Ok(self.stream.send(Message::text(packet)).await?)
    }

    /// The next packet that begins so.
    async fn until(&mut self, begin: &str) -> Result<Utf8Bytes> {
        let found = async {
            while let Some(message) = self.stream.next().await {
                match message? {
                    Message::Text(text) if text.as_str() == "2" => self.send("3").await?,
                    Message::Text(text) if text.starts_with(begin) => return Ok(text),
                    _ => {}
                }
            }
            bail!("the connection ended")
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .with_context(|| format!("no `{begin}`"))?
    }
}

impl Packets {
    /// The next packet.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        match next.context("nothing comes")?.context("it ended")?? {
            Message::Text(text) => Ok(text),
            other => bail!("no text: {other}"),
        }
    }
}

impl Out {
    /// Sends a packet at once.
    pub(crate) async fn send(&mut self, packet: String) -> Result<()> {
        Ok(self.0.send(Message::text(packet)).await?)
    }

    /// Sends a packet with what follows it.
    pub(crate) async fn feed(&mut self, packet: String) -> Result<()> {
        Ok(self.0.feed(Message::text(packet)).await?)
    }

    pub(crate) async fn flush(&mut self) -> Result<()> {
        Ok(self.0.flush().await?)
    }
}
