//! Who is in a chat room.
//!
//! Not here: joining (`room`), names (`chat`).

use crate::{Topic, chat::Author, events};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Asks who is in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceList {
    /// The chat room, `chat/<name>`.
    pub room: String,
}

/// Who is in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct People {
    /// The peers that joined the room, ordered by peer id.
    pub people: Vec<Author>,
}

/// Somebody entered, left, or has another name or tag in a room that this connection joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChange {
    /// The chat room.
    pub room: Topic,
    /// The public id of the peer.
    pub peer: String,
    /// The name of the peer after the change.
    pub name: String,
    /// Its tag after the change, as of an [`Author`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What happened.
    pub change: Change,
}

/// What happened to a peer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The peer joined the room.
    Entered,
    /// The peer left the room or disconnected.
    Left,
    /// The peer took another name, or was given another tag.
    Renamed,
}

events! {
    /// The events of presence.
    pub PRESENCE;
    client emits {
        "presence:list": PresenceList => People;
    }
    server emits {
        "presence:change": PresenceChange;
    }
}
