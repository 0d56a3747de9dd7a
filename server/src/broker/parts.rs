//! The parts of the crate's broker (mqtt5 0.49), without the `MqttBroker` that it makes of them: that one accepts by itself,
//! limits only those who have said who they are, and tries again at once where nobody can be accepted.

use crate::{app::policy::MAX_ROOMS, bridge::link::MAX_PACKET_BYTES};
use mqtt5::broker::{
    AuthProvider, BrokerConfig, DynamicStorage, MemoryBackend, ResourceLimits, ResourceMonitor,
    StorageBackend,
    client_handler::ClientHandler,
    router::MessageRouter,
    storage::QueueLimits,
    sys_topics::{BrokerStats, SysTopicsProvider},
    transport::BrokerTransport,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::broadcast};

/// The most retained values.
const MAX_RETAINED: usize = 100_000;
/// The largest retained value, in bytes: a text of 4,000 characters is 16,000, an object of 256 readings about as much.
pub(super) const MAX_RETAINED_BYTES: usize = 65_536;
/// The most filters of a client: as many as a Socket.IO connection joins rooms.
pub(super) const MAX_SUBSCRIPTIONS: usize = MAX_ROOMS;
/// What waits for a client that is away or slow, in messages; the oldest go first, and where what had not gone out is put
/// back before the others, the newest.
const MAX_QUEUED: usize = 10_000;
/// What waits for a client that is away or slow, in bytes, with what the crate needs for each message: about 9,000 short
/// readings, or 6,000 short chat messages, which bring who said them.
const MAX_QUEUED_BYTES: usize = 4 * 1024 * 1024;
/// What a client sends with QoS 2 and does not release, in messages.
const MAX_UNRELEASED: u16 = 128;
/// The longest that a session outlives its connection.
const SESSION_EXPIRY: Duration = Duration::from_secs(3_600);

/// What all connections of a broker share.
pub(super) struct Parts {
    pub(super) router: Arc<MessageRouter>,
    pub(super) storage: Arc<DynamicStorage>,
    pub(super) stats: Arc<BrokerStats>,
    config: Arc<BrokerConfig>,
    monitor: Arc<ResourceMonitor>,
    goodbye: broadcast::Sender<()>,
}

impl Parts {
    /// A broker without connections, which keeps everything in memory.
    pub(super) fn new() -> Self {
        let queues = QueueLimits {
            max_messages: MAX_QUEUED,
            max_bytes: MAX_QUEUED_BYTES,
        };
        let storage = MemoryBackend::with_queue_limits(queues);
        let storage = Arc::new(DynamicStorage::Memory(storage));
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_fallback_queue_limits(queues)
            .with_retained_limits(MAX_RETAINED, MAX_RETAINED_BYTES);
        let config = BrokerConfig::new()
            .with_session_expiry(SESSION_EXPIRY)
            .with_max_packet_size(MAX_PACKET_BYTES as usize)
            .with_server_receive_maximum(MAX_UNRELEASED)
            .with_max_subscriptions_per_client(MAX_SUBSCRIPTIONS);
        Self {
            router: Arc::new(router),
            storage,
            stats: Arc::default(),
            config: Arc::new(config),
            monitor: Arc::new(ResourceMonitor::new(without_limits())),
            goodbye: broadcast::Sender::new(1),
        }
    }

    /// What serves a connection, and whoever it is by `auth`.
    pub(super) fn handler(
        &self,
        (stream, peer): (TcpStream, SocketAddr),
        auth: Arc<dyn AuthProvider>,
    ) -> ClientHandler {
        ClientHandler::new(
            BrokerTransport::tcp(stream),
            peer,
            Arc::clone(&self.config),
            Arc::clone(&self.router),
            auth,
            Some(Arc::clone(&self.storage)),
            Arc::clone(&self.stats),
            Arc::clone(&self.monitor),
            self.goodbye.subscribe(),
        )
    }

    /// What publishes figures to `$SYS/`.
    pub(super) fn figures(&self) -> SysTopicsProvider {
        SysTopicsProvider::new(Arc::clone(&self.router), Arc::clone(&self.stats))
    }

    /// Forgets what has expired.
    pub(super) async fn sweep(&self) {
        if let Err(error) = self.storage.cleanup_expired().await {
            tracing::warn!(%error, "the broker keeps what has expired");
        }
        self.router.sweep_sessions().await;
    }

    /// Tells all clients that the server stops.
    pub(super) fn say_goodbye(&self) {
        // Nobody may be there.
        let _ = self.goodbye.send(());
    }
}

/// The crate's limits are not ours: `limits` and `paced` are.
fn without_limits() -> ResourceLimits {
    ResourceLimits {
        max_connections: usize::MAX,
        max_connections_per_ip: usize::MAX,
        max_message_rate_per_client: 0,
        max_bandwidth_per_client: 0,
        max_connection_rate: u32::MAX,
        ..ResourceLimits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_QUEUED, Parts};
    use mqtt5::{QoS, broker::storage::QueuedMessage, packet::publish::PublishPacket};

    /// Puts so many messages into a queue, and tells how many of them wait.
    fn waits(id: &str, with: impl Fn(&mut PublishPacket)) -> usize {
        let parts = Parts::new();
        let queue = parts.router.queue_handle(id);
        for _ in 0..=MAX_QUEUED {
            let mut packet = PublishPacket::new("chat/lobby", "21.5", QoS::AtLeastOnce);
            with(&mut packet);
            queue.push(QueuedMessage::new(
                packet,
                id.to_owned(),
                QoS::AtLeastOnce,
                None,
            ));
        }
        queue.count()
    }

    /// Breaks when: fewer messages wait than is said.
    #[test]
    fn so_many_messages_wait() {
        let bare = waits("a", |_| ());
        let readings = waits("dashboard", |packet| {
            packet.properties.inject_client_id(Some("sensor"));
        });
        let said = waits("somebody", |packet| {
            for (name, value) in [
                ("from", "Zoë"),
                ("id", "0198c0de-0000-7000-8000-000000000000"),
            ] {
                packet
                    .properties
                    .add_user_property(name.to_owned(), value.to_owned());
            }
            packet.properties.inject_sender(Some("tertulia"));
            packet
                .properties
                .inject_client_id(Some("tertulia-0198c0de"));
        });
        println!("{bare} {readings} {said}");
        assert!(
            bare >= 10_000 && readings >= 9_000 && said >= 6_000,
            "{bare} {readings} {said}"
        );
    }
}
