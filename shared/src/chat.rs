//! The chat's events: choose a name, send a text to a room, read what others send.
//!
//! Not here: joining rooms (`room`) and who is there (`presence`).

use crate::{Topic, events};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest name, in characters (Unicode scalar values).
pub const MAX_NAME_CHARS: usize = 40;
/// The longest text, in characters (Unicode scalar values).
pub const MAX_TEXT_CHARS: usize = 4_000;
/// The longest client-made id, in bytes.
pub const MAX_ID_BYTES: usize = 64;
/// An id of fewer characters (Unicode scalar values) counts as short: two clients may well choose the same one.
pub const LONG_ID_CHARS: usize = 16;

/// Whether an id is so short that it counts for its sender only.
pub fn is_short_id(id: &str) -> bool {
    id.chars().count() < LONG_ID_CHARS
}

/// Takes a name for this user, in all its connections; a second time renames. A registered user keeps its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatEnter {
    /// The name to show, 1 to 40 characters after trimming, all of which show: no control, zero-width, directional or
    /// other format characters. No registered user's, nor one that looks like it.
    pub name: String,
}

/// The name was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entered {
    /// The public id of this connection's user; not the Socket.IO id. With a session token it is always the same.
    pub peer: String,
}

/// Sends a text to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatSend {
    /// The room, `chat/<name>`: a topic without wildcards.
    pub room: String,
    /// The text, 1 to 4,000 characters, of which at least one shows: not only white space and characters that are drawn
    /// as nothing.
    pub text: String,
    /// An id that the client made, 1 to 64 bytes: sending it again within a day gives the same receipt, not a second
    /// message. An id of 16 characters or more, such as a UUID, counts in the whole room and across reconnects. A shorter
    /// one counts for its sender only: the holder of the session token, or, without a token, this connection. Without an
    /// id, every send is a new message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// The text was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The place of the message in its room, from 1, or behind what was forgotten of it.
    pub seq: u64,
    /// When it was accepted, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
}

/// A text in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatMessage {
    /// The room.
    pub room: Topic,
    /// The place of the message in its room, from 1, or behind what was forgotten of it; one more each message.
    pub seq: u64,
    /// The id that the sender made; absent where it made none. Two senders may have made the same short one: `seq` tells
    /// messages apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who sent it.
    pub from: Author,
    /// The text, 1 to 4,000 characters.
    pub text: String,
    /// When the server accepted it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// How it reached the server; absent for a client of this protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// How a message reached the server, where its sender is no client of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Through an MQTT broker.
    Mqtt,
    /// In a way of a newer server that this build does not know.
    #[serde(other)]
    Unknown,
}

/// Who sent a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// The public id of the peer; `mqtt` for what came through a broker that does not know a registered user by it.
    pub peer: String,
    /// The name that the peer had when it sent.
    pub name: String,
    /// Tells this guest from others whose names look the same: 4 or more hexadecimal digits, to be shown beside the name.
    /// Absent where no other guest's name looks the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl Author {
    /// An author without a tag.
    pub fn new(peer: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            peer: peer.into(),
            name: name.into(),
            tag: None,
        }
    }
}

events! {
    /// The events of the chat.
    pub CHAT;
    client emits {
        "chat:enter": ChatEnter => Entered;
        "chat:send": ChatSend => Receipt;
    }
    server emits {
        "chat:message": ChatMessage;
    }
}
