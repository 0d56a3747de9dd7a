//! What a reader missed of a topic's stream.

use crate::{Topic, events};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// This connection was too slow for a topic, or came back too late: these messages were not delivered to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamMissed {
    /// The topic.
    pub topic: Topic,
    /// The sequence number of the first message missed; 0 where a client came with a position of another epoch, all of
    /// this epoch is kept, and nobody knows what it missed of the other one.
    pub from: u64,
    /// The sequence number of the last message missed, at least `from`.
    pub to: u64,
}

events! {
    /// The events of streams.
    pub STREAM;
    client emits {}
    server emits {
        "stream:missed": StreamMissed;
    }
}
