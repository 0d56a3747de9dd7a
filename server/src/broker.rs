//! The MQTT broker inside this process, behind a trait: which crate it is stays here.
//!
//! It keeps retained values and sessions in memory. Not here: who is let in and may what (`doorman`).

mod clients;
mod doorman;
mod inside;
mod paced;
mod sessions;
#[cfg(test)]
mod tests;

use crate::{
    app::{App, policy::MAX_ROOMS},
    bridge::{link::MAX_PACKET_BYTES, local::Local},
    config::{BrokerUrl, Guests},
    limits::Limits,
};
use doorman::Doorman;
use inside::Inside;
use mqtt5::broker::{
    BrokerConfig, MqttBroker, StorageBackendType, StorageConfig, sys_topics::BrokerStats,
};
use paced::Paced;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The most retained values.
const MAX_RETAINED: usize = 100_000;
/// The largest retained value, in bytes: a text of 4,000 characters is 16,000, an object of 256 readings about as much.
const MAX_RETAINED_BYTES: usize = 65_536;
/// The most filters of a client: as many as a Socket.IO connection joins rooms.
const MAX_SUBSCRIPTIONS: usize = MAX_ROOMS;
/// What waits for a client that is away or slow, in messages; the oldest go first.
const MAX_QUEUED: usize = 1_000;
/// What waits for a client that is away or slow, in bytes.
const MAX_QUEUED_BYTES: usize = 2 * 1024 * 1024;
/// The longest that a session outlives its connection.
const SESSION_EXPIRY: Duration = Duration::from_secs(3_600);
/// Between two looks at whether the clients would still be let in.
const LOOK: Duration = Duration::from_secs(1);

/// Without a publish to a client for so long, all that was confirmed has gone out: the crate does not say so itself.
const QUIET: Duration = Duration::from_millis(100);
/// How long what was confirmed may take to go out at the end.
const LAST_WORDS: Duration = Duration::from_millis(600);

/// The name by which this process's own links are let in; no account has it as its id.
pub const INTERNAL: &str = "tertulia";

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
    doorman: Option<Arc<Doorman>>,
}

impl Embedded {
    /// Binds the address for so many connections at once; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, connections: usize) -> Result<Self, BrokerError> {
        // The crate tells a taken port only in prose, and logs it: ask the system first.
        drop(TcpListener::bind(address).await?);
        let storage = StorageConfig::new()
            .with_backend(StorageBackendType::Memory)
            .with_max_queued_messages_per_client(MAX_QUEUED)
            .with_max_queued_bytes_per_client(MAX_QUEUED_BYTES);
        let config = BrokerConfig::new()
            .with_bind_address(address)
            .with_max_clients(connections)
            .with_storage(storage)
            .with_session_expiry(SESSION_EXPIRY)
            .with_max_packet_size(MAX_PACKET_BYTES as usize)
            .with_max_retained_messages(MAX_RETAINED)
            .with_max_retained_message_size(MAX_RETAINED_BYTES)
            .with_max_subscriptions_per_client(MAX_SUBSCRIPTIONS);
        let other = |error: mqtt5::MqttError| BrokerError::Other(error.to_string());
        let broker = MqttBroker::with_config(config).await.map_err(other)?;
        let address = broker
            .local_addr()
            .ok_or_else(|| BrokerError::Other("it has no address".into()))?;
        Ok(Self {
            broker,
            address,
            doorman: None,
        })
    }

    /// It from inside this process.
    pub fn local(&self) -> Arc<dyn Local> {
        Arc::new(Inside {
            router: self.broker.router(),
            stats: self.broker.stats(),
        })
    }

    /// Lets in only whom `app` knows, guests where they may come, and who has the login of `own`; holds all but these last
    /// to the limits. Without it everybody comes and may all.
    #[must_use]
    pub fn guard(
        self,
        app: &Arc<App>,
        limits: &Arc<Limits>,
        guests: Guests,
        own: &BrokerUrl,
    ) -> Self {
        let secret = own.login.clone().unwrap_or_default().1;
        let whom = (
            guests.may_come_to(self.address),
            self.address.ip().is_loopback(),
        );
        let kept = (self.broker.router(), self.broker.storage());
        let doorman = Arc::new(Doorman::new(Arc::clone(app), whom, &secret, kept));
        let paced = Paced {
            inner: Arc::clone(&doorman),
            limits: Arc::clone(limits),
        };
        Self {
            broker: self.broker.with_auth_provider(Arc::new(paced)),
            doorman: Some(doorman),
            ..self
        }
    }
}

impl Broker for Embedded {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn run(mut self, stop: CancellationToken) {
        let (shutdown, stats) = (self.broker.shutdown_handle(), self.broker.stats());
        let stopped = async {
            stop.cancelled().await;
            let _ = tokio::time::timeout(LAST_WORDS, quiet(&stats)).await;
        };
        let ended = self.broker.run();
        tokio::pin!(ended);
        let result = tokio::select! {
            result = &mut ended => result,
            () = watch(self.doorman) => Ok(()),
            () = stopped => {
                shutdown.shutdown();
                ended.await
            }
        };
        if let Err(error) = result {
            tracing::error!(%error, "the embedded broker ended");
        }
    }
}

/// Waits until nothing more goes out to clients.
async fn quiet(stats: &BrokerStats) {
    let mut before = None;
    loop {
        let sent = stats.publish_sent.load(Ordering::Relaxed);
        if before.replace(sent) == Some(sent) {
            return;
        }
        tokio::time::sleep(QUIET).await;
    }
}

/// Looks again and again whether the clients would still be let in.
async fn watch(doorman: Option<Arc<Doorman>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(doorman) = &doorman {
            doorman.look().await;
        }
    }
}
