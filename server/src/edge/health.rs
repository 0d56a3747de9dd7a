//! `GET /healthz`: whether the server lives, and what it is linked to. `GET /readyz`: whether to send people to it.

use super::socketio::Door;
use crate::{app::App, store::State};
use axum::{Json, http::StatusCode};
use serde::Serialize;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tertulia_shared::bridge::BridgeState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the health check answers.
#[derive(Debug, Serialize)]
pub struct Health {
    /// Always `ok`: who cannot answer says nothing.
    status: &'static str,
    /// The link to the broker.
    bridge: BridgeState,
    /// Whether chat messages can be stored: `ok`, `failing` (the disk is full or fails), or `gone` (the database was
    /// removed or replaced: restart the server).
    storage: &'static str,
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
        storage: match app.store.state() {
            State::Good => "ok",
            State::Failing => "failing",
            State::Gone => "gone",
        },
        connections: door.connections(),
        refused: door.refused(),
        faults: app.counts.faults.load(Ordering::Relaxed),
        unsent: app.counts.unsent.load(Ordering::Relaxed),
        missed: app.hub.missed(),
    })
}

/// Whether the server can serve people: it has its database and is not stopping.
///
/// A broker that goes away later makes it no less ready: the chat goes on without, and all servers of one broker would
/// turn people away at once.
#[derive(Clone, Debug)]
pub struct Readiness {
    bridge: watch::Receiver<BridgeState>,
    was_up: Arc<AtomicBool>,
    stopping: CancellationToken,
}

/// What the readiness check answers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// `ready`, `starting`, `storage-gone` or `stopping`.
    status: &'static str,
    /// The link to the broker.
    bridge: BridgeState,
}

impl Readiness {
    /// Ready once the bridge was up, until `stopping`.
    pub fn new(bridge: watch::Receiver<BridgeState>, stopping: CancellationToken) -> Self {
        Self {
            bridge,
            was_up: Arc::default(),
            stopping,
        }
    }

    /// Waits until the bridge is up for the first time.
    pub async fn watch(mut self) {
        let up = self.bridge.wait_for(|state| *state == BridgeState::Up);
        if up.await.is_ok() {
            self.was_up.store(true, Ordering::Relaxed);
        }
    }

    /// Answers 200, or 503 while people are better sent elsewhere.
    pub fn answer(&self, storage: State) -> (StatusCode, Json<Ready>) {
        let was_up = self.was_up.load(Ordering::Relaxed);
        let status = match (self.stopping.is_cancelled(), storage, was_up) {
            (true, ..) => "stopping",
            (false, State::Gone, _) => "storage-gone",
            (false, _, false) => "starting",
            (false, _, true) => "ready",
        };
        let code = match status {
            "ready" => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        let bridge = *self.bridge.borrow();
        (code, Json(Ready { status, bridge }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Readiness, State};
    use tertulia_shared::bridge::BridgeState::{Down, Up};
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn ready_from_the_first_link_to_the_stop() {
        let ((states, bridge), stopping) = (watch::channel(Down), CancellationToken::new());
        let readiness = Readiness::new(bridge, stopping.clone());
        let told = || {
            let (code, ready) = readiness.answer(State::Failing);
            (code.as_u16(), ready.status, ready.bridge)
        };
        assert_eq!(told(), (503, "starting", Down));
        states.send_replace(Up);
        readiness.clone().watch().await;
        assert_eq!(told(), (200, "ready", Up));
        states.send_replace(Down);
        assert_eq!(told(), (200, "ready", Down));
        let (code, gone) = readiness.answer(State::Gone);
        assert_eq!((code.as_u16(), gone.status), (503, "storage-gone"));
        stopping.cancel();
        assert_eq!(told(), (503, "stopping", Down));
    }
}
