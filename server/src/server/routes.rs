//! What is served where: the page, Socket.IO, the checks and the metrics.

use crate::{
    app::App,
    config::Config,
    edge::{
        health::{self, Readiness},
        metrics::{self, Metrics},
        origin, page, socketio, trace,
    },
};
use axum::{Router, middleware, routing::get, serve::Listener};
use std::{net::SocketAddr, sync::Arc};
use tertulia_shared::bridge::BridgeState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const METRICS: &str = "/metrics";

/// What a server serves.
pub(super) struct Routes {
    /// For the page's address.
    pub(super) router: Router,
    /// For the metrics' own address, where they have one.
    pub(super) metrics: Option<Router>,
    pub(super) door: socketio::Door,
    pub(super) readiness: Readiness,
}

impl Routes {
    pub(super) fn new(
        config: &Config,
        app: Arc<App>,
        bridge: watch::Receiver<BridgeState>,
        stopping: CancellationToken,
    ) -> Self {
        let heartbeat = socketio::Heartbeat {
            interval: config.ping_interval,
            timeout: config.ping_timeout,
        };
        let farewell = socketio::Farewell {
            began: stopping.clone(),
            come_back_within: config.come_back_within,
        };
        let (socketio, door) = socketio::Door::new(Arc::clone(&app), heartbeat, farewell);
        let readiness = Readiness::new(bridge.clone(), stopping);
        let (mut router, metrics) = checks(config, app, bridge, &door, &readiness);
        router = router
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
            .layer(origin::cors(&allowed))
            .layer(middleware::from_fn(trace::request));
        Self {
            router,
            metrics,
            door,
            readiness,
        }
    }
}

/// The checks and the metrics for the page's address, and the metrics for their own.
fn checks(
    config: &Config,
    app: Arc<App>,
    bridge: watch::Receiver<BridgeState>,
    door: &socketio::Door,
    readiness: &Readiness,
) -> (Router, Option<Router>) {
    let counted = Metrics {
        app: Arc::clone(&app),
        door: door.clone(),
        bridge: bridge.clone(),
    };
    let metrics = Router::new().route(METRICS, get(async move || counted.answer()));
    let (healthy, ready) = (door.clone(), readiness.clone());
    let checks = Router::new()
        .route(
            "/healthz",
            get(async move || health::health(&app, &healthy, &bridge)),
        )
        .route("/readyz", get(async move || ready.answer()));
    if config.metrics_listen.is_some() {
        return (checks, Some(metrics));
    }
    let here = metrics.route_layer(middleware::from_fn(metrics::only_this_machine));
    (checks.merge(here), None)
}

/// Serves until `stop`, and then what is under way.
pub(super) async fn serve<L>(listener: L, router: Router, stop: CancellationToken)
where
    L: Listener<Io: Unpin, Addr = SocketAddr>,
{
    let service = router.into_make_service_with_connect_info::<socketio::Switch>();
    let served = axum::serve(socketio::Guarded(listener), service)
        .with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the page is no longer served");
    }
}
