//! Putting a server together and taking it apart.

mod admission;
mod answers;
mod descriptors;
mod error;
mod reach;
mod reread;
mod routes;
mod serve;
mod tls;
mod wire;

pub use error::{RunError, StartError};

use self::tls::Certificates;
use crate::{
    app::{App, SERVER, device, policy},
    bridge::{self, mqtt::MqttBridge},
    broker::{Broker, Embedded, INTERNAL},
    config::{BrokerUrl, Config, Mqtt},
    edge::{health::Readiness, socketio},
    host::Host,
    hub::Hub,
    store::{Archive, DataDir, StoreError},
};
use axum::{
    Router,
    serve::{Listener, ListenerExt},
};
use reread::Files;
use routes::Routes;
use serve::Serving;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tertulia_shared::bridge::{BridgeState, BridgeStatus, Reach};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal::unix::Signal,
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// How long each step of a stop waits before it goes on without.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the links may take to send and take what waits, and to part from their brokers.
const LINKS_PATIENCE: Duration = Duration::from_secs(3);
/// How many connections may wait to be accepted; the system may allow fewer.
const MAX_KNOCKING: u32 = 4_096;

/// A server that is bound and not yet running.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    serving: Serving,
    metrics: Option<(TcpListener, Router)>,
    door: socketio::Door,
    readiness: Readiness,
    /// Cancelled when the stop begins: nobody new is let in.
    stopping: CancellationToken,
    hub: Arc<Hub>,
    broker: Option<Embedded>,
    broker_url: BrokerUrl,
    reach: Reach,
    bridge: MqttBridge,
    bridge_state: watch::Sender<BridgeState>,
    host: Option<Host>,
    app: Arc<App>,
    policy: Option<PathBuf>,
    base_path: Option<String>,
}

/// Binds the addresses and puts the parts together.
///
/// # Errors
/// When an address cannot be bound, or what is stored cannot be used.
pub async fn build(config: Config) -> Result<Server, StartError> {
    let listen = |reason| StartError::Listen {
        address: config.listen,
        reason,
    };
    descriptors::raise(config.limits.connections);
    let certificates = config.tls.as_ref().map(Certificates::open).transpose()?;
    let listener = bind(config.listen).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let metrics = metrics_listener(config.metrics_listen).await?;
    let (broker, broker_url) = broker(&config.mqtt).await?;
    let (commands, carrier) = device::commands();
    let app = admission::app(&config, archive(&config)?, commands)?;
    app.recall(config.kept())?;
    let hub = Arc::clone(&app.hub);
    let bridge = MqttBridge::new(
        Arc::clone(&app),
        (broker_url.clone(), broker.as_ref().map(Embedded::local)),
        carrier,
        &policy::chat_rooms(),
    );
    let (bridge_state, bridge_states) = watch::channel(BridgeState::Down);
    let stopping = CancellationToken::new();
    let routes = Routes::new(&config, Arc::clone(&app), bridge_states, stopping.clone());
    let guests = config.admission.guests;
    let embedded = broker.as_ref().map(Embedded::address);
    let reach = reach::reach(embedded, &broker_url, guests);
    let broker = broker.map(|broker| broker.guard(&app, &routes.limits, guests, &broker_url));
    Ok(Server {
        listener,
        address,
        serving: Serving {
            router: routes.router,
            certificates,
            limits: routes.limits,
            proxies: config.trust_proxy.into(),
        },
        metrics: metrics.zip(routes.metrics),
        door: routes.door,
        readiness: routes.readiness,
        stopping,
        hub,
        broker,
        app,
        policy: config.admission.policy,
        base_path: config.base_path,
        host: config.host_metrics.then(|| Host::new(broker_url.clone())),
        broker_url,
        reach,
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

    /// Where the metrics have an address of their own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        let (listener, _) = self.metrics.as_ref()?;
        listener.local_addr().ok()
    }

    /// The line that says that the server is ready and where.
    pub fn ready_line(&self) -> String {
        let mqtt = self.mqtt_address().map(|address| address.to_string());
        let mqtt = mqtt.unwrap_or_else(|| self.broker_url.to_string());
        let scheme = match self.serving.certificates {
            Some(_) => "https",
            None => "http",
        };
        let base = self.base_path.iter().map(|base| format!("{base}/"));
        let mut line = format!(
            "tertulia ready: page {scheme}://{}{}, mqtt {mqtt}",
            self.address,
            base.collect::<String>()
        );
        if let Some(address) = self.metrics_address() {
            line.push_str(&format!(", metrics http://{address}/metrics"));
        }
        line
    }

    /// Serves the page and Socket.IO, without the bridge, on connections that another listener accepts, until it is
    /// dropped: for tests in memory.
    pub async fn serve_on<L>(&self, listener: L)
    where
        L: Listener<Io: Unpin, Addr = SocketAddr>,
    {
        let serving = self.serving.clone();
        serving.serve(listener, CancellationToken::new()).await;
    }

    /// Serves until `stop` is done; then lets nobody new in, tells all clients when to come back, lets go out what was
    /// accepted, and closes what is open: within 10 s, whatever the clients do. At each `hangup`, which listens since
    /// before the server was built, the rules and the certificate are read again.
    ///
    /// # Errors
    /// When a part that nobody starts again ended before `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>, hangup: Signal) -> Result<(), RunError> {
        let (stop_broker, stop_links, stop_page) =
            <(CancellationToken, CancellationToken, CancellationToken)>::default();
        let mut broker = JoinSet::new();
        let doors = self.broker.as_ref().map(Embedded::doors);
        if let Some(embedded) = self.broker {
            broker.spawn(embedded.run(stop_broker.clone()));
        }
        let mut links = JoinSet::new();
        let tell = teller(
            Arc::clone(&self.hub),
            (self.broker_url.to_string(), self.reach),
            self.bridge_state,
        );
        links.spawn(bridge::supervise(self.bridge, stop_links.clone(), tell));
        let mut watches = JoinSet::new();
        watches.spawn(Arc::clone(&self.app.identity).watch());
        watches.spawn(Arc::clone(&self.app).tell_presence());
        let files = Files {
            app: Arc::clone(&self.app),
            policy: self.policy,
            certificates: self.serving.certificates.clone(),
        };
        watches.spawn(files.follow(hangup));
        if let Some(host) = self.host {
            links.spawn(bridge::supervise(host, stop_links.clone(), |_| {}));
        }
        let mut page = JoinSet::new();
        // Small packets are to leave at once; a stream that refuses this is slower, not wrong.
        let listener = self.listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        if let Some((listener, router)) = self.metrics {
            let serving = self.serving.with_plain(router);
            page.spawn(serving.serve(listener, stop_page.clone()));
        }
        page.spawn(self.serving.serve(listener, stop_page.clone()));
        links.spawn(self.readiness.watch());
        let result = until(stop, &mut page, &mut broker).await;
        tracing::info!(connections = self.door.connections(), "stopping");
        self.app.silence_presence();
        self.stopping.cancel();
        if !self.door.drain().await {
            tracing::warn!("a client did not take all that was for it");
        }
        stop_page.cancel();
        let _ = tokio::time::timeout(PATIENCE, self.door.close()).await;
        end(&mut page, PATIENCE).await;
        // What was accepted goes out to the broker too, and the embedded one, which takes nothing more, outlives that.
        doors.unwrap_or_default().cancel();
        stop_links.cancel();
        end(&mut links, LINKS_PATIENCE).await;
        stop_broker.cancel();
        end(&mut broker, PATIENCE).await;
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
async fn end(tasks: &mut JoinSet<()>, patience: Duration) {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(patience, all).await;
    tasks.shutdown().await;
}

/// Listens such that many may knock at once: who finds the queue full tries again only a second later.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // So that a server that is started again finds its address free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MAX_KNOCKING)
}

async fn metrics_listener(address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).await;
    let refused = |reason| StartError::Metrics { address, reason };
    bound.map(Some).map_err(refused)
}

/// What is stored: in the data directory, or in memory where there is none.
fn archive(config: &Config) -> Result<Archive, StoreError> {
    match &config.data_dir {
        Some(path) => Archive::open(DataDir::open(path)?, now, config.keep),
        None => Archive::in_memory(now),
    }
    .map(|archive| archive.measured_by(steady))
}

/// The embedded broker where there is one, and how the broker is reached.
async fn broker(mqtt: &Mqtt) -> Result<(Option<Embedded>, BrokerUrl), StartError> {
    let address = match mqtt {
        Mqtt::External(url) => return Ok((None, url.clone())),
        Mqtt::Embedded(address) => *address,
    };
    let embedded = Embedded::bind(address).await;
    let embedded = embedded.map_err(|reason| match reason.kind() {
        io::ErrorKind::AddrInUse => StartError::BrokerTaken(address),
        _ => StartError::Broker { address, reason },
    })?;
    let reachable = reachable(embedded.address());
    let url = BrokerUrl {
        host: reachable.ip().to_string(),
        port: reachable.port(),
        login: Some((INTERNAL.to_owned(), secret())),
        own: true,
    };
    Ok((Some(embedded), url))
}

/// What nobody outside of this process knows.
fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
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
    (broker, reach): (String, Reach),
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
            reach: Some(reach.clone()),
        });
        if let Err(error) = told {
            tracing::warn!(%error, "the bridge's status is not told");
        }
    }
}

/// The time in milliseconds since 1970-01-01 UTC.
fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time since the server was started in milliseconds, by a clock that nobody sets.
fn steady() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
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
