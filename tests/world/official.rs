//! The official Node server.

use super::peer::Peer;
use serde_json::Value;
use tertulia_client::connection::{Connection, Options, Transport};

/// A running `tests/peers/server.mjs`.
pub(crate) struct Node {
    peer: Peer,
    origin: String,
}

impl Node {
    /// Starts it on a free port.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let mut peer = Peer::start("server.mjs", options);
        let port = peer.says().await["value"].clone();
        let origin = format!("http://127.0.0.1:{port}");
        Self { peer, origin }
    }

    /// Connects our client.
    pub(crate) fn connect(&self, options: Options) -> Connection {
        Connection::connect_with(&self.origin, options).unwrap()
    }

    /// The next thing that happens on the server.
    pub(crate) async fn says(&mut self) -> (String, Value) {
        let said = self.peer.says().await;
        (
            said["step"].as_str().unwrap().to_owned(),
            said["value"].clone(),
        )
    }

    /// How many Engine.IO connections it has.
    pub(crate) async fn engines(&mut self) -> u64 {
        let url = format!("{}/engines", self.origin);
        let count = reqwest::get(url).await.unwrap().text().await.unwrap();
        count.parse().unwrap()
    }
}

/// The default options with one transport only.
pub(crate) fn only(transport: Transport) -> Options {
    Options {
        transports: vec![transport],
        ..Options::default()
    }
}
