//! Putting a server together and taking it apart.

use crate::{
    app::{App, SERVER, device, policy},
    bridge::{self, mqtt::MqttBridge},
    broker::{Broker, BrokerError, Embedded},
    config::{BrokerUrl, Config, Mqtt},
    edge::{health, origin, page, socketio},
    host::Host,
    hub::Hub,
};
use axum::{
    Router, middleware,
    routing::get,
    serve::{Listener, ListenerExt},
};
use std::{
    fmt::Debug,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tertulia_shared::bridge::{BridgeState, BridgeStatus};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// How long each step of a stop waits before it goes on without.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// The embedded broker's address is taken, most often by another broker.
    #[error(
        "cannot start the MQTT broker: {0} is taken; use the broker that is there with --mqtt-url mqtt://{reachable}, \
         or choose another address with --mqtt-listen", reachable = reachable(*.0)
    )]
    BrokerTaken(SocketAddr),
    /// The embedded broker does not start.
    #[error(
        "cannot start the MQTT broker on {address}: {reason}; choose another address with --mqtt-listen"
    )]
    Broker {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: BrokerError,
    },
}

/// Why a running server ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The page is no longer served.
    #[error("the page and Socket.IO are no longer served; the log says why")]
    Page,
    /// The embedded broker ended.
    #[error("the embedded MQTT broker ended; the log says why")]
    Broker,
}

/// A server that is bound and not yet running.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    door: socketio::Door,
    hub: Arc<Hub>,
    broker: Option<Embedded>,
    broker_url: BrokerUrl,
    bridge: MqttBridge,
    bridge_state: watch::Sender<BridgeState>,
    host: Option<Host>,
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
    let (broker, broker_url) = broker(&config.mqtt).await?;
    let hub = Hub::new(now);
    let (commands, carrier) = device::commands();
    let app = App::new(Arc::clone(&hub), commands);
    let bridge = MqttBridge::new(
        Arc::clone(&app),
        broker_url.clone(),
        carrier,
        &policy::chat_rooms(),
    );
    let (bridge_state, bridge_states) = watch::channel(BridgeState::Down);
    let (router, door) = routes(&config, app, bridge_states);
    Ok(Server {
        listener,
        address,
        router,
        door,
        hub,
        broker,
        host: config.host_metrics.then(|| Host::new(broker_url.clone())),
        broker_url,
        bridge,
        bridge_state,
    })
}

impl Server {
    /// Where the page and Socket.IO are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the embedded broker listens; `None` where another one is used.
    pub fn mqtt_address(&self) -> Option<SocketAddr> {
        self.broker.as_ref().map(Broker::address)
    }

    /// The line that says that the server is ready and where.
    pub fn ready_line(&self) -> String {
        let mqtt = self.mqtt_address().map(|address| address.to_string());
        let mqtt = mqtt.unwrap_or_else(|| self.broker_url.to_string());
        format!("tertulia ready: page http://{}, mqtt {mqtt}", self.address)
    }

    /// Serves the page and Socket.IO, without the bridge, on connections that another listener accepts, until it is
    /// dropped: for tests in memory.
    pub async fn serve_on<L>(&self, listener: L)
    where
        L: Listener<Io: Unpin, Addr: Debug>,
    {
        serve(listener, self.router.clone(), CancellationToken::new()).await;
    }

    /// Serves until `stop` is done, then closes what is open: within a few seconds, whatever the clients do.
    ///
    /// # Errors
    /// When a part that nobody starts again ended before `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        let (stop_broker, stop_links, stop_page) =
            <(CancellationToken, CancellationToken, CancellationToken)>::default();
        let mut broker = JoinSet::new();
        if let Some(embedded) = self.broker {
            broker.spawn(embedded.run(stop_broker.clone()));
        }
        let mut links = JoinSet::new();
        let tell = teller(
            Arc::clone(&self.hub),
            self.broker_url.to_string(),
            self.bridge_state,
        );
        links.spawn(bridge::supervise(self.bridge, stop_links.clone(), tell));
        if let Some(host) = self.host {
            links.spawn(bridge::supervise(host, stop_links.clone(), |_| {}));
        }
        let mut page = JoinSet::new();
        // Small packets are to leave at once; a stream that refuses this is slower, not wrong.
        let listener = self.listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        page.spawn(serve(listener, self.router, stop_page.clone()));
        let result = until(stop, &mut page, &mut broker).await;
        tracing::info!("stopping");
        stop_page.cancel();
        let _ = tokio::time::timeout(PATIENCE, self.door.close()).await;
        end(&mut page).await;
        stop_links.cancel();
        end(&mut links).await;
        stop_broker.cancel();
        end(&mut broker).await;
        result
    }
}

/// Waits for `stop`, or for the end of what nobody starts again.
async fn until(
    stop: impl Future<Output = ()>,
    page: &mut JoinSet<()>,
    broker: &mut JoinSet<()>,
) -> Result<(), RunError> {
    tokio::select! {
        () = stop => Ok(()),
        Some(_) = page.join_next() => Err(RunError::Page),
        Some(_) = broker.join_next() => Err(RunError::Broker),
    }
}

/// Waits for tasks that were told to end, and drops those that do not.
async fn end(tasks: &mut JoinSet<()>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(PATIENCE, all).await;
    tasks.shutdown().await;
}

async fn serve<L>(listener: L, router: Router, stop: CancellationToken)
where
    L: Listener<Io: Unpin, Addr: Debug>,
{
    let service = router.into_make_service_with_connect_info::<socketio::Switch>();
    let served = axum::serve(socketio::Guarded(listener), service)
        .with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the page is no longer served");
    }
}

/// The embedded broker where there is one, and how the broker is reached.
async fn broker(mqtt: &Mqtt) -> Result<(Option<Embedded>, BrokerUrl), StartError> {
    let address = match mqtt {
        Mqtt::External(url) => return Ok((None, url.clone())),
        Mqtt::Embedded(address) => *address,
    };
    let embedded = Embedded::bind(address)
        .await
        .map_err(|reason| match reason {
            BrokerError::Bind(error) if error.kind() == io::ErrorKind::AddrInUse => {
                StartError::BrokerTaken(address)
            }
            reason => StartError::Broker { address, reason },
        })?;
    let reachable = reachable(embedded.address());
    let url = BrokerUrl {
        host: reachable.ip().to_string(),
        port: reachable.port(),
        login: None,
    };
    Ok((Some(embedded), url))
}

/// An address that this machine can dial: one that listens everywhere is reached by loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Tells every connection, and the health check, how the link to the broker is doing.
fn teller(
    hub: Arc<Hub>,
    broker: String,
    states: watch::Sender<BridgeState>,
) -> impl Fn(bridge::Status) {
    let topic = policy::bridge_topic();
    move |status| {
        states.send_replace(status.state);
        let told = hub.publish(&topic, SERVER, true, |stamp| BridgeStatus {
            broker: broker.clone(),
            state: status.state,
            attempt: status.attempt,
            at: stamp.at,
        });
        if let Err(error) = told {
            tracing::warn!(%error, "the bridge's status is not told");
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
    let (socketio, door) = socketio::Door::new(Arc::clone(&app), heartbeat);
    let healthy = door.clone();
    let mut router = Router::new()
        .route(
            "/healthz",
            get(async move || health::health(&app, &healthy, &bridge)),
        )
        .merge(page::routes(&config.page))
        .layer(socketio)
        .layer(middleware::from_fn_with_state(door.cuts(), socketio::guard));
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

#[cfg(test)]
mod tests {
    use super::{JoinSet, RunError, until};
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_server_ends_when_told_or_when_a_part_is_dead() {
        let (mut page, mut broker) = (JoinSet::new(), JoinSet::new());
        assert!(until(ready(()), &mut page, &mut broker).await.is_ok());
        page.spawn(pending());
        broker.spawn(ready(()));
        let dead = until(pending(), &mut page, &mut broker).await;
        assert!(matches!(dead, Err(RunError::Broker)));
        page.spawn(ready(()));
        let dead = until(pending(), &mut page, &mut broker).await;
        assert!(matches!(dead, Err(RunError::Page)));
    }
}
