//! How the server's link to a broker is doing.

use crate::events;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The link to a broker: told at connect and at each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BridgeStatus {
    /// The broker's address without user and password, `mqtt://127.0.0.1:1883`.
    pub broker: String,
    /// Whether the link is up.
    pub state: BridgeState,
    /// The attempt under way since the link went down, from 1; 0 while it is up.
    pub attempt: u32,
    /// When it changed, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
}

/// Whether the link to a broker is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BridgeState {
    /// Connected and subscribed.
    Up,
    /// Not connected; the server tries again by itself.
    Down,
}

events! {
    /// The events of the bridge.
    pub BRIDGE;
    client emits {}
    server emits {
        "bridge:status": BridgeStatus;
    }
}
