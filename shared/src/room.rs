//! Joining rooms, leaving them, and inviting to those that are private. A room is a topic filter.
//!
//! Not here: what travels in a room (`chat`, `sensor`, `device`) and who is in it (`presence`).

use crate::{Topic, chat::Author, events};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// The first level of chat rooms, `chat/<name>`.
pub const CHAT: &str = "chat";
/// The first level of sensor topics, `sensors/<device>/<metric>`.
pub const SENSORS: &str = "sensors";
/// The first level of device topics, `devices/<device>/…`.
pub const DEVICES: &str = "devices";
/// The second level of chat rooms that are joined by invitation only, `chat/private/<name>`.
pub const PRIVATE: &str = "private";

/// Starts to receive what is published to a room; joining a room that is joined already changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomJoin {
    /// `chat/<name>`, or a topic filter under `sensors/` or `devices/`.
    pub room: String,
    /// What the client has seen of the room: it gets what came after, then what is published from now on. What of that
    /// is not kept any more is told by `stream:missed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// Without `last`: how many of the newest messages of each topic come first, at most as many as the server keeps.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub history: u32,
}

impl RoomJoin {
    /// Joins a room from now on: its retained values, then what is published.
    pub fn new(room: impl Into<String>) -> Self {
        Self {
            room: room.into(),
            last: None,
            history: 0,
        }
    }
}

/// What a client has seen of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Last {
    /// The epoch in which it saw it, as the answer to its join said. With another one than the server's, each topic of the
    /// room, also one that is not named here, is answered with `stream:missed` first, and then all that is kept of it.
    pub epoch: u64,
    /// The last sequence number seen, for a room without wildcards; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The last sequence numbers seen, by topic; of a topic that is not here nothing was seen.
    #[serde(default, skip_serializing_if = "Seqs::is_empty")]
    pub seqs: Seqs,
}

/// Sequence numbers by topic, in the order of the topics; an object on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct Seqs(#[schemars(with = "BTreeMap<String, u64>")] pub Vec<(Topic, u64)>);

impl Seqs {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Seqs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(topic, seq)| (topic.as_str(), seq)))
    }
}

impl<'de> Deserialize<'de> for Seqs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seqs = BTreeMap::<Topic, u64>::deserialize(deserializer)?;
        Ok(Self(seqs.into_iter().collect()))
    }
}

/// The room is joined: what was asked for comes first, then what is published from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    /// The epoch of the room's numbering, in milliseconds since 1970-01-01 UTC: sequence numbers of another epoch do not
    /// compare.
    pub epoch: u64,
    /// The sequence number after which the room's messages come to this client, for a room without wildcards; 0 for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Stops to receive what is published to a room; leaving a room that is not joined is no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomLeave {
    /// The room, as it was joined.
    pub room: String,
}

/// Invites somebody to a private room, `chat/private/<name>`: who is in it may. Inviting a second time is no error.
///
/// A private room belongs to who joins it first, with a session token. All others are answered as if it did not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomInvite {
    /// The private room.
    pub room: String,
    /// The name of a registered user, or of one guest with a session token who is connected now; `NAME·TAG` names one of
    /// several guests whose names look the same. Without a tag these are refused with `ambiguous-name`.
    pub name: String,
}

/// Somebody invited this user to a private room, which may be joined from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomInvited {
    /// The private room.
    pub room: Topic,
    /// Who invites.
    pub from: Author,
}

events! {
    /// The events of joining, leaving and inviting.
    pub ROOM;
    client emits {
        "room:join": RoomJoin => Joined;
        "room:leave": RoomLeave;
        "room:invite": RoomInvite;
    }
    server emits {
        "room:invited": RoomInvited;
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::{Joined, Last, RoomJoin, Seqs};
    use crate::Topic;

    fn read(text: &str) -> RoomJoin {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_join_without_more_is_what_it_always_was() {
        let plain = RoomJoin::new("chat/lobby");
        let text = r#"{"room":"chat/lobby"}"#;
        assert_eq!(serde_json::to_string(&plain).unwrap(), text);
        assert_eq!(read(text), plain);
        let null = r#"{"room":"chat/lobby","last":null}"#;
        assert_eq!(read(null), plain);
        let joined: Joined = serde_json::from_str(r#"{"epoch":7}"#).unwrap();
        assert_eq!(joined.seq, None);
    }

    #[test]
    fn positions_are_an_object_by_topic() {
        let topic = |text: &str| Topic::new(text).unwrap();
        let text =
            r#"{"room":"sensors/#","last":{"epoch":5,"seqs":{"sensors/a":2,"sensors/b":9}}}"#;
        let last = Last {
            epoch: 5,
            seq: None,
            seqs: Seqs(vec![(topic("sensors/a"), 2), (topic("sensors/b"), 9)]),
        };
        assert_eq!(read(text).last, Some(last));
        assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        let one = r#"{"room":"chat/lobby","last":{"epoch":5,"seq":0}}"#;
        assert_eq!(serde_json::to_string(&read(one)).unwrap(), one);
        for bad in [
            r#"{"room":"a","last":{"seq":1}}"#,
            r#"{"room":"a","last":{"epoch":1,"seqs":{"a/+":1}}}"#,
            r#"{"room":"a","history":-1}"#,
        ] {
            assert!(serde_json::from_str::<RoomJoin>(bad).is_err(), "{bad}");
        }
    }
}
