//! Who is in a chat room.
//!
//! Not here: joining (`room`), names (`chat`).

use crate::{Topic, chat::Author, events};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most people of a room that are listed. A room of more people is large until half as many are left: its changes are told in
/// batches, once a second.
pub const LISTED: usize = 1_024;
/// The most changes in one batch.
pub const BATCH: usize = 32;

/// Asks who is in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceList {
    /// The chat room, `chat/<name>`.
    pub room: String,
}

/// Who is in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct People {
    /// The peers that joined the room, ordered by peer id: the first [`LISTED`].
    pub people: Vec<Author>,
    /// How many peers are in the room.
    pub count: u32,
}

/// Somebody entered, left, or has another name or tag in a room that this connection joined. Changes of a large room come as
/// [`PresenceChanges`].
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

/// What changed within a second in a large room that this connection joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChanges {
    /// The chat room.
    pub room: Topic,
    /// How many peers are in the room.
    pub count: u32,
    /// The last change of each peer, ordered by peer id: at most [`BATCH`].
    pub changes: Vec<PresenceChange>,
    /// How many changes are not in `changes`.
    pub left_out: u32,
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
        "presence:changes": PresenceChanges;
    }
}
