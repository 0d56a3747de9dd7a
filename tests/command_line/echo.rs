//! A plain server of the official kind, for the commands: `tests/peers/echo.mjs`.

use crate::world::peer::Peer;
use serde_json::Value;

/// It runs until it goes out of scope.
pub(super) struct Echo {
    peer: Peer,
    /// Where it is.
    pub(super) url: String,
}

impl Echo {
    /// Starts it on a free port.
    pub(super) async fn start(options: &[&str]) -> Self {
        let mut peer = Peer::start("echo.mjs", options);
        let port = peer.says().await["value"].clone();
        let url = format!("http://127.0.0.1:{port}");
        Self { peer, url }
    }

    /// What is told with the next step of that name.
    pub(super) async fn says(&mut self, step: &str) -> Value {
        loop {
            let said = self.peer.says().await;
            if said["step"] == step {
                return said["value"].clone();
            }
        }
    }
}
