//! Socket.IO protocol version 5: packets, and the attachments that follow a packet as binaries.
//!
//! Source: the Socket.IO protocol document, revision 5, "Packet encoding". Not here: acknowledgement bookkeeping and
//! how packets travel (`engine`).

mod decode;

use super::{args::Args, json::Json};
use bytes::Bytes;
pub use decode::{DecodeError, Decoder, MAX_ATTACHMENTS};

/// The default namespace.
pub const MAIN: &str = "/";

/// Pairs an event with its acknowledgement, within one namespace of one connection.
pub type AckId = u64;

/// One unit of Socket.IO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The namespace, with its leading slash.
    pub namespace: String,
    /// What it says.
    pub kind: Kind,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `0`: asks to connect (client: an auth object) or confirms it (server: an object with `sid`).
    Connect(Option<Json>),
    /// `1`: leaves the namespace.
    Disconnect,
    /// `2`, or `5` with attachments: an event, with an id where an acknowledgement is expected.
    Event(Option<AckId>, Args),
    /// `3`, or `6` with attachments: acknowledges the event of that id.
    Ack(AckId, Args),
    /// `4`: the connection to the namespace was refused.
    ConnectError(Json),
}

impl Packet {
    /// A packet of the namespace.
    pub fn new(namespace: impl Into<String>, kind: Kind) -> Self {
        Self {
            namespace: namespace.into(),
            kind,
        }
    }

    /// Encodes the packet: its text, after which its attachments are sent in order.
    pub fn encode(self) -> (String, Vec<Bytes>) {
        let mut text = String::new();
        text.push(self.kind.digit());
        if let Some(args) = self.kind.args().filter(|args| !args.attachments.is_empty()) {
            text.push_str(&format!("{}-", args.attachments.len()));
        }
        if self.namespace != MAIN {
            text.push_str(&self.namespace);
            text.push(',');
        }
        match self.kind {
            Kind::Connect(body) => {
                text.push_str(body.as_ref().map_or("", Json::as_str));
                (text, Vec::new())
            }
            Kind::Disconnect => (text, Vec::new()),
            Kind::ConnectError(body) => (text + body.as_str(), Vec::new()),
            Kind::Event(id, args) => {
                let id = id.map(|id| id.to_string()).unwrap_or_default();
                (text + &id + args.json().as_str(), args.attachments)
            }
            Kind::Ack(id, args) => (
                text + &id.to_string() + args.json().as_str(),
                args.attachments,
            ),
        }
    }
}

impl Kind {
    fn args(&self) -> Option<&Args> {
        match self {
            Self::Event(_, args) | Self::Ack(_, args) => Some(args),
            _ => None,
        }
    }

    fn digit(&self) -> char {
        match self {
            Self::Connect(_) => '0',
            Self::Disconnect => '1',
            Self::Event(_, args) if args.attachments.is_empty() => '2',
            Self::Ack(_, args) if args.attachments.is_empty() => '3',
            Self::ConnectError(_) => '4',
            Self::Event(..) => '5',
            Self::Ack(..) => '6',
        }
    }
}

#[cfg(test)]
mod tests;
