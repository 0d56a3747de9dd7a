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
    /// How other programs reach the broker; absent where the server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// How other programs reach a broker, by MQTT over TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reach {
    /// The host; absent where the broker listens on all addresses of the server, so that the host by which the server was
    /// reached is right. An IPv6 address stands without brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// Whether the broker asks for a user name and a password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login: bool,
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
