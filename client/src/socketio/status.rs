//! How a connection is doing, in the words that Socket.IO's users know.

use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, time::Duration};
use tertulia_shared::wire::{args::ArgsError, json::Json};

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP long polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        })
    }
}

/// How a connection is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Whether there is a connection, or what is done about it.
    pub link: Link,
    /// What carries the packets, once the server has answered.
    pub transport: Option<Transport>,
    /// The id that the server gave this connection (`socket.id`), while there is one. Some servers take it for a
    /// credential: show it to nobody.
    pub id: Option<String>,
    /// Whether the server brought what was missed since the last connection (connection state recovery).
    pub recovered: bool,
    /// Whether the connection is doubtful: the server was asked by [`Options::probe`](super::Options::probe) and nothing comes.
    pub is_silent: bool,
}

/// Whether there is a connection, or what is done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// Under way.
    Connecting {
        /// The reconnection attempt, from 1; 0 the first time.
        attempt: u32,
    },
    /// The namespace is connected.
    Connected,
    /// Lost; the next attempt comes by itself.
    Waiting {
        /// The reconnection attempt that is to come, from 1.
        attempt: u32,
        /// How long after this status it comes.
        retry_in: Duration,
        /// Why the connection was lost or not made.
        reason: Reason,
    },
    /// Not connected, and nothing comes by itself.
    Disconnected(Reason),
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The server disconnected this namespace: "io server disconnect".
    ServerDisconnect,
    /// This side disconnected, or never connected: "io client disconnect".
    ClientDisconnect,
    /// The server's heartbeat did not come in time, or no answer to a probe: "ping timeout".
    PingTimeout,
    /// The connection was closed, and with what words, where there were any: "transport close".
    TransportClose(String),
    /// The connection failed, and how: "transport error".
    TransportError(String),
    /// The server sent something that is no packet, and what is wrong with it: "parse error".
    ParseError(String),
    /// The server refused the namespace: "connect_error".
    Refused(Refusal),
}

impl Reason {
    /// Whether the client tries again by itself after this.
    pub fn is_retried(&self) -> bool {
        !matches!(
            self,
            Self::ServerDisconnect | Self::ClientDisconnect | Self::Refused(_)
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerDisconnect => formatter.write_str("io server disconnect"),
            Self::ClientDisconnect => formatter.write_str("io client disconnect"),
            Self::PingTimeout => formatter.write_str("ping timeout"),
            Self::TransportClose(words) if words.is_empty() => {
                formatter.write_str("transport close")
            }
            Self::TransportClose(words) => write!(formatter, "transport close: {words}"),
            Self::TransportError(what) => write!(formatter, "transport error: {what}"),
            Self::ParseError(what) => write!(formatter, "parse error: {what}"),
            Self::Refused(refusal) => write!(formatter, "connect_error: {}", refusal.message()),
        }
    }
}

/// What a server refuses a namespace with: an object with `message`, and `data` where it has more to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal(pub Json);

impl Refusal {
    /// The server's message; where there is none, all that it sent.
    pub fn message(&self) -> String {
        #[derive(Deserialize)]
        struct Message {
            message: String,
        }
        match self.0.decode::<Message>() {
            Ok(Message { message }) => message,
            Err(_) => self.0.to_string(),
        }
    }

    /// The server's data.
    ///
    /// # Errors
    /// When there is none, or it has not the shape of `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        #[derive(Deserialize)]
        struct Data<T> {
            data: T,
        }
        Ok(self.0.decode::<Data<T>>()?.data)
    }
}
