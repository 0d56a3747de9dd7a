//! The official Node server, steered by requests, and what our client asks it.

use super::{http::http, peer::Peer, process::signal, soon};
use serde_json::{Value, json};
use std::time::Duration;
use tertulia_client::connection::{Connection, Delivery, Options, Transport};
use tertulia_shared::wire::{args::Args, json::Json};

/// Waits for an acknowledgement for as long as anything may take.
pub(crate) const ACKNOWLEDGED: Delivery = Delivery {
    ack_within: Some(super::PATIENCE),
    volatile: false,
    retries: 0,
};

/// A running `tests/peers/server.mjs`.
pub(crate) struct Node {
    peer: Peer,
    setup: Value,
    process: String,
    /// Where it is, `http://127.0.0.1:40123`.
    pub(crate) origin: String,
}

impl Node {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// Starts it with options of the official `Server`.
    pub(crate) async fn with_io(options: Value) -> Self {
        Self::with(json!({ "io": options })).await
    }

    /// Starts it with the options that its script names.
    pub(crate) async fn with(mut setup: Value) -> Self {
        let mut peer = Peer::start("server.mjs", &[&setup.to_string()]);
        let ready = peer.says().await["value"].clone();
        setup["port"] = ready["port"].clone();
        let scheme = if setup["tls"].is_null() {
            "http"
        } else {
            "https"
        };
        Self {
            peer,
            process: ready["process"].to_string(),
            origin: format!("{scheme}://127.0.0.1:{}", ready["port"]),
            setup,
        }
    }

    /// Kills it, as `kill -9`; gives what starts it again where it was.
    pub(crate) async fn kill(mut self) -> Value {
        self.peer.kill().await;
        self.setup
    }

    /// Stops all that it does until [`Node::thaw`]; its connections stay open.
    pub(crate) fn freeze(&self) {
        assert!(signal("STOP", &self.process).status().unwrap().success());
    }

    /// Goes on after [`Node::freeze`].
    pub(crate) fn thaw(&self) {
        assert!(signal("CONT", &self.process).status().unwrap().success());
    }

    /// Connects our client.
    pub(crate) fn connect(&self, options: Options) -> Connection {
        Connection::connect_with(&self.origin, options).unwrap()
    }

    /// The next thing that happens on the server.
    pub(crate) async fn says(&mut self) -> (String, Value) {
        let said = self.peer.says().await;
        let step = said["step"].as_str().unwrap().to_owned();
        (step, said["value"].clone())
    }

    /// The next thing of that kind that happens on the server.
    pub(crate) async fn until(&mut self, step: &str) -> Value {
        loop {
            let (said, value) = self.says().await;
            if said == step {
                return value;
            }
        }
    }

    /// Has the server do something, or asks it.
    pub(crate) async fn control(&self, what: &str, argument: Value) -> Value {
        let url = format!("{}/{what}", self.origin);
        let request = http().post(url).body(argument.to_string());
        let answer = soon(what, request.send()).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// How many Engine.IO connections it has.
    pub(crate) async fn engines(&self) -> Value {
        self.control("engines", Value::Null).await
    }
}

/// The default options with one transport only.
pub(crate) fn only(transport: Transport) -> Options {
    Options {
        transports: vec![transport],
        ..Options::default()
    }
}

/// The options, with attempts that come after exactly that many milliseconds.
pub(crate) fn retrying(every_ms: u64, options: Options) -> Options {
    let delay = Duration::from_millis(every_ms);
    Options {
        reconnection_delay: (delay, delay),
        randomization: 0.0,
        ..options
    }
}

/// An event without a type, of any number of arguments.
pub(crate) fn event(name: &str, arguments: &[Value]) -> Args {
    Args::spread(name, &arguments).unwrap()
}

/// Emits an event and gives the arguments of its acknowledgement.
pub(crate) async fn ask_all(connection: &Connection, name: &str, arguments: &[Value]) -> Args {
    let answer = connection.emit_args(event(name, arguments), ACKNOWLEDGED);
    soon(name, answer).await.unwrap().unwrap()
}

/// Emits an event and gives the first argument of its acknowledgement.
pub(crate) async fn ask(connection: &Connection, name: &str, arguments: &[Value]) -> Value {
    ask_all(connection, name, arguments).await.at(0).unwrap()
}

/// Emits an event that is not acknowledged, and waits until it was handed to the transport.
pub(crate) async fn tell(connection: &Connection, name: &str, arguments: &[Value]) {
    let told = connection.emit_args(event(name, arguments), Delivery::default());
    soon(name, told).await.unwrap();
}

/// A JSON value as auth.
pub(crate) fn json_of(value: &Value) -> Json {
    Json::encode(value).unwrap()
}
