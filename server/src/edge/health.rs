//! `GET /healthz`: whether the server lives, and what it is linked to.

use super::socketio::Door;
use axum::Json;
use serde::Serialize;
use tertulia_shared::bridge::BridgeState;
use tokio::sync::watch;

/// What the health check answers.
#[derive(Debug, Serialize)]
pub struct Health {
    /// Always `ok`: who cannot answer says nothing.
    status: &'static str,
    /// The link to the broker.
    bridge: BridgeState,
    /// The Socket.IO connections.
    connections: usize,
}

/// Answers with the state of now.
pub fn health(door: &Door, bridge: &watch::Receiver<BridgeState>) -> Json<Health> {
    Json(Health {
        status: "ok",
        bridge: *bridge.borrow(),
        connections: door.connections(),
    })
}
