//! What the server says of itself.
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

events! {
    /// The events of the server itself.
    pub SERVER;
    client emits {}
    server emits {
        "server:closing": ServerClosing;
    }
}
