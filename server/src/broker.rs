//! The MQTT broker inside this process, behind a trait: which crate it is stays here.
//!
//! It keeps retained values and sessions in memory, and lets everybody in who can reach its address.

mod paced;

use crate::{bridge::link::MAX_PACKET_BYTES, limits::Limits};
use mqtt5::broker::{
    AllowAllAuthProvider, BrokerConfig, MqttBroker, StorageBackendType, StorageConfig,
};
use paced::Paced;
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The most retained values.
const MAX_RETAINED: usize = 100_000;
/// The longest that a session outlives its connection.
const SESSION_EXPIRY: Duration = Duration::from_secs(3_600);

/// A broker that is bound and not yet running.
pub trait Broker: Send {
    /// Where it listens; the port is the real one.
    fn address(&self) -> SocketAddr;

    /// Serves until `stop`.
    fn run(self, stop: CancellationToken) -> impl Future<Output = ()> + Send;
}

/// Why the broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address cannot be bound.
    #[error(transparent)]
    Bind(#[from] io::Error),
    /// The broker has another reason.
    #[error("{0}")]
    Other(String),
}

/// The broker of the crate `mqtt5`.
pub struct Embedded {
    broker: MqttBroker,
    address: SocketAddr,
}

impl Embedded {
    /// Binds the address for so many connections at once; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, connections: usize) -> Result<Self, BrokerError> {
        // The crate tells a taken port only in prose, and logs it: ask the system first.
        drop(TcpListener::bind(address).await?);
        let storage = StorageConfig::new().with_backend(StorageBackendType::Memory);
        let config = BrokerConfig::new()
            .with_bind_address(address)
            .with_max_clients(connections)
            .with_storage(storage)
            .with_session_expiry(SESSION_EXPIRY)
            .with_max_packet_size(MAX_PACKET_BYTES as usize)
            .with_max_retained_messages(MAX_RETAINED);
        let other = |error: mqtt5::MqttError| BrokerError::Other(error.to_string());
        let broker = MqttBroker::with_config(config).await.map_err(other)?;
        let address = broker
            .local_addr()
            .ok_or_else(|| BrokerError::Other("it has no address".into()))?;
        Ok(Self { broker, address })
    }

    /// Holds everybody to the limits but `own`, the clients of this server itself.
    #[must_use]
    pub fn within(self, limits: Arc<Limits>, own: Vec<String>) -> Self {
        let paced = Paced {
            inner: Arc::new(AllowAllAuthProvider),
            limits,
            own,
        };
        Self {
            broker: self.broker.with_auth_provider(Arc::new(paced)),
            ..self
        }
    }
}

impl Broker for Embedded {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn run(mut self, stop: CancellationToken) {
        let shutdown = self.broker.shutdown_handle();
        let ended = self.broker.run();
        tokio::pin!(ended);
        let result = tokio::select! {
            result = &mut ended => result,
            () = stop.cancelled() => {
                shutdown.shutdown();
                ended.await
            }
        };
        if let Err(error) = result {
            tracing::error!(%error, "the embedded broker ended");
        }
    }
}
