//! `GET /healthz`: whether the server lives, and what it is linked to.

use super::socketio::Door;
use crate::app::App;
use axum::Json;
use serde::Serialize;
use std::sync::atomic::Ordering;
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
    /// The events of clients that were refused since the start.
    refused: u64,
    /// The publishes of the broker that said nothing that could be taken, since the start.
    faults: u64,
    /// The chat messages that the broker did not get, since the start.
    unsent: u64,
    /// The messages that any reader missed since the start, the broker too.
    missed: u64,
}

/// Answers with the state of now.
pub fn health(app: &App, door: &Door, bridge: &watch::Receiver<BridgeState>) -> Json<Health> {
    Json(Health {
        status: "ok",
        bridge: *bridge.borrow(),
        connections: door.connections(),
        refused: door.refused(),
        faults: app.counts.faults.load(Ordering::Relaxed),
        unsent: app.counts.unsent.load(Ordering::Relaxed),
        missed: app.hub.missed(),
    })
}
