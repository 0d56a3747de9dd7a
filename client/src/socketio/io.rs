//! What the machine asks a driver to do, and what a driver tells the machine.

use bytes::Bytes;

/// Names one HTTP request or one WebSocket of a client; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IoId(pub(super) u64);

/// What one WebSocket message carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

/// What the driver is to do. It answers with an [`Input`] of the same id, unless the id was aborted or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a GET request.
    Get(IoId, String),
    /// Send a POST request with a body of type `text/plain;charset=UTF-8`.
    Post(IoId, String, String),
    /// Abort a request; it has no answer any more.
    Abort(IoId),
    /// Open a WebSocket.
    Open(IoId, String),
    /// Send a message on an open WebSocket.
    Send(IoId, Frame),
    /// Close a WebSocket after what was sent; it has no answer any more.
    Close(IoId),
}

/// The most that is told of the words that come with a number, in bytes.
const MAX_TOLD_BYTES: usize = 200;

/// What happened to something that an [`Action`] began. What comes for an unknown id is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A request was answered, with its HTTP status and its body.
    Response(IoId, u16, String),
    /// A request was not answered, and why.
    Failed(IoId, String),
    /// A WebSocket is open.
    Opened(IoId),
    /// A WebSocket got a message.
    Received(IoId, Frame),
    /// A WebSocket was closed, or could not be opened, and why.
    Closed(IoId, String),
}

impl Input {
    /// A WebSocket was closed with that code and those words (RFC 6455, section 7.1.5: 1006 without a Close frame).
    pub fn closed_with(id: IoId, code: u16, words: &str) -> Self {
        Self::Closed(id, told("closed with code", code, words))
    }

    /// Whether the server said something.
    pub(super) fn is_of_server(&self) -> bool {
        matches!(
            self,
            Self::Response(..) | Self::Opened(_) | Self::Received(..)
        )
    }

    /// The request or WebSocket that this is about.
    pub fn id(&self) -> IoId {
        match self {
            Self::Response(id, ..)
            | Self::Failed(id, _)
            | Self::Opened(id)
            | Self::Received(id, _)
            | Self::Closed(id, _) => *id,
        }
    }
}

/// A number and what it is, with the first line of the words that came with it.
pub(super) fn told(what: &str, number: u16, words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let line = &line[..line.floor_char_boundary(MAX_TOLD_BYTES)];
    let colon = if line.is_empty() { "" } else { ": " };
    format!("{what} {number}{colon}{line}")
}
