//! Joining and leaving rooms. A room is a topic filter.
//!
//! Not here: what travels in a room (`chat`, `sensor`, `device`) and who is in it (`presence`).

use crate::events;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The first level of chat rooms, `chat/<name>`.
pub const CHAT: &str = "chat";
/// The first level of sensor topics, `sensors/<device>/<metric>`.
pub const SENSORS: &str = "sensors";
/// The first level of device topics, `devices/<device>/…`.
pub const DEVICES: &str = "devices";

/// Starts to receive what is published to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomJoin {
    /// `chat/<name>`, or a topic filter under `sensors/` or `devices/`.
    pub room: String,
}

/// The room is joined: retained values come first, then what is published from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    /// The hub's epoch, in milliseconds since 1970-01-01 UTC: sequence numbers of another epoch do not compare.
    pub epoch: u64,
}

/// Stops to receive what is published to a room; leaving a room that is not joined is no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomLeave {
    /// The room, as it was joined.
    pub room: String,
}

events! {
    /// The events of joining and leaving.
    pub ROOM;
    client emits {
        "room:join": RoomJoin => Joined;
        "room:leave": RoomLeave;
    }
    server emits {}
}
