//! What the server says of itself: that it stops, and what time it is.
//!
//! Not here: how it is linked to its broker (`bridge`).

use crate::events;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The server is about to stop: it closes this connection once what it has accepted has gone out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerClosing {
    /// How long to wait before coming back, in milliseconds: another time for each connection, so that they do not all
    /// come at once.
    pub back_in: u64,
}

/// Asks the server for its time. The answer comes at once, ahead of others, so that it also proves that the link works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerTime {}

/// The server's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Time {
    /// Milliseconds since 1970-01-01 UTC, by the clock that messages are stamped with.
    pub at: u64,
}

events! {
    /// The events of the server itself.
    pub SERVER;
    client emits {
        "server:time": ServerTime => Time;
    }
    server emits {
        "server:closing": ServerClosing;
    }
}
