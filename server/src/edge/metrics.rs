//! `GET /metrics`: what the server counts, for Prometheus.
//!
//! Who may read it: programs of this machine, or with an address of its own whoever reaches that. The counts themselves
//! are kept where things happen.

mod text;

use super::{
    proxy,
    socketio::{Door, Switch},
};
use crate::{app::App, limits::Limits};
use axum::{
    extract::{ConnectInfo, Request},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::{Arc, atomic::Ordering};
use tertulia_shared::{Code, bridge::BridgeState};
use text::{
    CONTENT_TYPE,
    Kind::{Counter, Gauge},
    Text,
};
use tokio::sync::watch;

/// Where the counts are.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The features and the hub.
    pub app: Arc<App>,
    /// Socket.IO.
    pub door: Door,
    /// The fences.
    pub limits: Arc<Limits>,
    /// The link to the broker.
    pub bridge: watch::Receiver<BridgeState>,
}

impl Metrics {
    /// Answers with the counts of now.
    pub fn answer(&self) -> Response {
        let mut text = Text::default();
        self.connections(&mut text);
        self.events(&mut text);
        self.fences(&mut text);
        self.hub(&mut text);
        self.store(&mut text);
        self.bridge(&mut text);
        let version = [(env!("CARGO_PKG_VERSION"), 1)];
        text.by(
            ("tertulia_build_info", "version"),
            Gauge,
            "The version that runs.",
            version,
        );
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], text.end()).into_response()
    }

    fn connections(&self, text: &mut Text) {
        let (counts, snapshot) = (self.door.counts(), self.door.snapshot());
        text.by(
            ("tertulia_connections", "transport"),
            Gauge,
            "Socket.IO connections now.",
            [
                ("polling", snapshot.polling),
                ("websocket", snapshot.websocket),
            ],
        );
        text.one(
            "tertulia_connections_begun_total",
            Counter,
            "Socket.IO connections begun.",
            counts.begun.load(Ordering::Relaxed),
        );
        text.by(
            ("tertulia_connections_cut_total", "reason"),
            Counter,
            "Socket.IO connections that the server closed because their clients took too little, or sent on what was refused.",
            counts
                .too_slow
                .read()
                .into_iter()
                .chain([("flood", counts.floods.load(Ordering::Relaxed))]),
        );
        text.one(
            "tertulia_acks_waiting",
            Gauge,
            "Acknowledgements that wait for their connections.",
            snapshot.acks_waiting,
        );
        text.one(
            "tertulia_ack_bytes_waiting",
            Gauge,
            "The bytes of acknowledgements that wait for their connections.",
            snapshot.ack_bytes_waiting,
        );
    }

    fn events(&self, text: &mut Text) {
        let counts = self.door.counts();
        text.by(
            ("tertulia_events_in_total", "event"),
            Counter,
            "Events of clients.",
            counts.events_in.read(),
        );
        text.by(
            ("tertulia_events_out_total", "event"),
            Counter,
            "Events to clients, one a connection.",
            counts.events_out.read(),
        );
        text.one(
            "tertulia_acks_total",
            Counter,
            "Acknowledgements to clients.",
            counts.acks.load(Ordering::Relaxed),
        );
        let rejects = counts.rejects();
        text.by(
            ("tertulia_rejects_total", "code"),
            Counter,
            "Events of clients that were refused.",
            rejects.iter().map(|(code, count)| (label(*code), count)),
        );
        text.histogram(
            "tertulia_ack_seconds",
            "From an event of a client to its acknowledgement.",
            &counts.ack_time.read(),
        );
        text.histogram(
            "tertulia_delivery_seconds",
            "From a publish to its emit, one a connection.",
            &counts.delivery_time.read(),
        );
    }

    fn fences(&self, text: &mut Text) {
        text.by(
            ("tertulia_kept_out_total", "fence"),
            Counter,
            "Requests, connections and messages that were kept out, by fence.",
            self.limits.refusals.read(),
        );
        text.one(
            "tertulia_limits_kept",
            Gauge,
            "Users and addresses of whom is kept how much they took.",
            self.limits.kept(),
        );
    }

    fn hub(&self, text: &mut Text) {
        let depths = self.app.hub.depths();
        text.one(
            "tertulia_missed_total",
            Counter,
            "Messages that a reader missed and was told of.",
            self.app.hub.missed(),
        );
        text.one(
            "tertulia_readers",
            Gauge,
            "Readers of the hub: connections and bridges.",
            depths.readers,
        );
        text.one(
            "tertulia_queue_messages",
            Gauge,
            "Messages that wait in the queues of all readers.",
            depths.waiting,
        );
        text.one(
            "tertulia_queue_messages_max",
            Gauge,
            "Messages that wait in the fullest queue.",
            depths.deepest,
        );
    }

    fn store(&self, text: &mut Text) {
        let App {
            store, identity, ..
        } = &*self.app;
        text.one(
            "tertulia_store_waiting",
            Gauge,
            "Messages that wait for the disk.",
            store.waiting(),
        );
        text.one(
            "tertulia_accounts_waiting",
            Gauge,
            "Names, invitations and revoked tokens that wait for the disk.",
            identity.waiting(),
        );
        text.one(
            "tertulia_names_unkept_total",
            Counter,
            "Names of guests that a restart will not know, because too much waited for the disk or it failed.",
            identity.unkept(),
        );
    }

    fn bridge(&self, text: &mut Text) {
        let is_up = *self.bridge.borrow() == BridgeState::Up;
        let counts = &self.app.counts;
        text.one(
            "tertulia_bridge_up",
            Gauge,
            "Whether the link to the MQTT broker is up.",
            u8::from(is_up),
        );
        text.one(
            "tertulia_bridge_faults_total",
            Counter,
            "Publishes of the broker that said nothing that could be taken.",
            counts.faults.load(Ordering::Relaxed),
        );
        text.one(
            "tertulia_bridge_unsent_total",
            Counter,
            "Chat messages that the broker did not get.",
            counts.unsent.load(Ordering::Relaxed),
        );
    }
}

/// Refuses who does not ask from this machine itself.
pub async fn only_this_machine(
    ConnectInfo(peer): ConnectInfo<Switch>,
    request: Request,
    next: Next,
) -> Response {
    if proxy::is_from_here(peer.address().ip(), request.headers()) {
        return next.run(request).await;
    }
    let reason = "metrics are for this machine; give them an address with --metrics-listen\n";
    (StatusCode::FORBIDDEN, reason).into_response()
}

/// The code as it stands in a reject.
fn label(code: Code) -> String {
    let text = serde_json::to_value(code).ok();
    let text = text.as_ref().and_then(serde_json::Value::as_str);
    text.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Metrics, label};
    use crate::{
        app::{App, SERVER, device},
        edge::socketio::{Door, Farewell, Heartbeat},
        limits::{Allowed, Limits},
        store::Archive,
    };
    use axum::body::to_bytes;
    use std::{sync::Arc, time::Duration};
    use tertulia_shared::{
        Code, Filter, Topic,
        bridge::{BridgeState, BridgeStatus},
    };
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn a_code_is_named_as_in_a_reject() {
        assert_eq!(label(Code::RoomNotAllowed), "room-not-allowed");
    }

    fn metrics() -> Metrics {
        let archive = Archive::in_memory(|| 5).unwrap();
        let app = App::new(archive, device::commands().0).unwrap();
        let limits = Limits::new(Allowed::default());
        let heartbeat = Heartbeat {
            interval: Duration::from_secs(25),
            timeout: Duration::from_secs(20),
        };
        let farewell = Farewell {
            began: CancellationToken::new(),
            come_back_within: Duration::ZERO,
        };
        let (_, door) = Door::new(Arc::clone(&app), heartbeat, farewell, &limits);
        Metrics {
            app,
            door,
            limits,
            bridge: watch::channel(BridgeState::Down).1,
        }
    }

    /// Breaks when: what waits and what was missed is not told, or one for the other.
    #[tokio::test]
    async fn what_waits_for_readers_and_what_they_missed_is_told() {
        let metrics = metrics();
        let readers = [3, 5].map(|capacity| {
            let reader = metrics.app.hub.reader(capacity);
            reader.subscribe(&Filter::new("a/#").unwrap());
            reader
        });
        let topic = Topic::new("a/b").unwrap();
        for _ in 0..7 {
            let status = |_| BridgeStatus {
                broker: String::new(),
                state: BridgeState::Down,
                attempt: 1,
                at: 5,
                reach: None,
            };
            let told = metrics.app.hub.publish(&topic, SERVER, false, status);
            told.unwrap();
        }
        let body = metrics.answer().into_body();
        let text = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        for expected in [
            "tertulia_missed_total 6",
            "tertulia_readers 2",
            "tertulia_queue_messages 8",
            "tertulia_queue_messages_max 5",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}");
        }
        drop(readers);
    }
}
