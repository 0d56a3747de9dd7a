//! Putting a server together and taking it apart.

use crate::{
    app::{App, device},
    config::{Config, Mqtt},
    edge::{health, origin, page, socketio},
    hub::Hub,
};
use axum::{Router, middleware, routing::get};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tertulia_shared::bridge::BridgeState;
use tokio::{net::TcpListener, sync::watch};

/// How long a stop waits for connections before it drops them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a server does not start: one line that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The page's address cannot be bound.
    #[error("cannot listen on {address}: {reason}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
}

/// A server that is bound and not yet running.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    door: socketio::Door,
    broker: String,
}

/// Binds the addresses and puts the parts together.
///
/// # Errors
/// When an address cannot be bound.
pub async fn build(config: Config) -> Result<Server, StartError> {
    let listen = |reason| StartError::Listen {
        address: config.listen,
        reason,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let hub = Hub::new(now);
    let (commands, _carrier) = device::commands();
    let app = App::new(hub, commands);
    let (_, bridge) = watch::channel(BridgeState::Down);
    let (router, door) = routes(&config, app, bridge);
    let broker = match &config.mqtt {
        Mqtt::Embedded(address) => address.to_string(),
        Mqtt::External(url) => url.to_string(),
    };
    Ok(Server {
        listener,
        address,
        router,
        door,
        broker,
    })
}

impl Server {
    /// Where the page and Socket.IO are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The line that says that the server is ready and where.
    pub fn ready_line(&self) -> String {
        format!(
            "tertulia ready: page http://{}, mqtt {}",
            self.address, self.broker
        )
    }

    /// Serves until `stop` is done, then closes what is open within a few seconds.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) {
        let door = self.door.clone();
        let close = async move {
            stop.await;
            let _ = tokio::time::timeout(PATIENCE, door.close()).await;
        };
        let serve = axum::serve(self.listener, self.router).with_graceful_shutdown(close);
        if let Err(error) = serve.await {
            tracing::error!(%error, "serving ended");
        }
    }
}

fn routes(
    config: &Config,
    app: Arc<App>,
    bridge: watch::Receiver<BridgeState>,
) -> (Router, socketio::Door) {
    let heartbeat = socketio::Heartbeat {
        interval: config.ping_interval,
        timeout: config.ping_timeout,
    };
    let (socketio, door) = socketio::Door::new(app, heartbeat);
    let healthy = door.clone();
    let mut router = Router::new()
        .route(
            "/healthz",
            get(async move || health::health(&healthy, &bridge)),
        )
        .merge(page::routes(&config.page))
        .layer(socketio);
    if config.refuse_upgrade {
        router = router.layer(middleware::from_fn(socketio::refuse_upgrade));
    }
    let allowed: origin::Allowed = config.allow_origin.clone().into();
    let router = router
        .layer(middleware::from_fn_with_state(
            Arc::clone(&allowed),
            origin::refuse_strangers,
        ))
        .layer(origin::cors(&allowed));
    (router, door)
}

/// The time in milliseconds since 1970-01-01 UTC.
fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
