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
/// What waits for a client that is away or slow, in messages; the oldest go first.
const MAX_QUEUED: usize = 10_000;
/// What waits for a client that is away or slow, in bytes.
const MAX_QUEUED_BYTES: usize = 2 * 1024 * 1024;
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
