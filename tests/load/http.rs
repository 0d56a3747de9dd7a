//! A Socket.IO connection by polling, spoken by hand over one TCP connection that is kept.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const PATH: &str = "/socket.io/?EIO=4&transport=polling";
/// Between two packets of a body.
const SEPARATOR: char = '\u{1e}';

/// A connection.
pub(crate) struct Poller {
    stream: BufReader<TcpStream>,
    address: String,
    path: String,
}

impl Poller {
    /// Connects to the namespace `/`.
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut poller = Self {
            stream: BufReader::with_capacity(1_024, stream),
            address: address.to_owned(),
            path: PATH.to_owned(),
        };
        let open = poller.request(None).await?;
        let open: Value = serde_json::from_str(open.get(1..).context("no open packet")?)?;
        let sid = open["sid"].as_str().context("no session")?;
        poller.path = format!("{PATH}&sid={sid}");
        poller.request(Some("40")).await?;
        while !poller.poll().await? {}
        Ok(poller)
    }

    /// Polls for so long and answers pings. A poll that is under way at the end is given up with its connection.
    pub(crate) async fn idle(&mut self, time: Duration) -> Result<()> {
        let polls = async {
            loop {
                self.poll().await?;
            }
        };
        match tokio::time::timeout(time, polls).await {
            Ok(ended) => ended,
            Err(_) => Ok(()),
        }
    }

    /// Takes what there is, and answers a ping; whether the reply to CONNECT was there.
    async fn poll(&mut self) -> Result<bool> {
        let body = self.request(None).await?;
        let mut connected = false;
        for packet in body.split(SEPARATOR) {
            connected |= packet.starts_with("40{");
            match packet {
                "1" => bail!("closed"),
                "2" => drop(self.request(Some("3")).await?),
                _ => {}
            }
        }
        Ok(connected)
    }

    /// Gets, or posts where there is a body; gives the body of the answer.
    async fn request(&mut self, body: Option<&str>) -> Result<String> {
        let Self { address, path, .. } = self;
        let head = format!("{path} HTTP/1.1\r\nhost: {address}\r\n");
        let request = match body {
            None => format!("GET {head}\r\n"),
            Some(body) => format!(
                "POST {head}content-type: text/plain;charset=UTF-8\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        self.stream.write_all(request.as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<String> {
        let status = self.line().await?;
        if !status.starts_with("HTTP/1.1 200") {
            bail!("{status}");
        }
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse()?,
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(_) => {}
            }
        }
        if !chunked {
            return self.bytes(length).await;
        }
        let mut body = String::new();
        loop {
            let length = usize::from_str_radix(self.line().await?.trim(), 16)?;
            body.push_str(&self.bytes(length).await?);
            self.line().await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    async fn bytes(&mut self, length: usize) -> Result<String> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await?;
        Ok(String::from_utf8(bytes)?)
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            bail!("the connection ended");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
