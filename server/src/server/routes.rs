//! What is served where: the page, Socket.IO, the checks and the metrics.

use crate::{
    app::App,
    config::Config,
    edge::{
        base,
        fence::{self, Fences},
        headers,
        health::{self, Readiness},
        host::Hosts,
        metrics::{self, Metrics},
        origin::{self, Origins},
        page, session, socketio,
    },
    limits::Limits,
};
use axum::{Router, http::request::Parts, middleware, routing::get};
use std::sync::Arc;
use tertulia_shared::bridge::BridgeState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

const METRICS: &str = "/metrics";

/// What a server serves.
pub(super) struct Routes {
    /// For the page's address.
    pub(super) router: Router,
    /// For the metrics' own address, where they have one.
    pub(super) metrics: Option<Router>,
    pub(super) door: socketio::Door,
    pub(super) readiness: Readiness,
    pub(super) limits: Arc<Limits>,
}

impl Routes {
    pub(super) fn new(
        config: &Config,
        app: Arc<App>,
        bridge: watch::Receiver<BridgeState>,
        stopping: CancellationToken,
    ) -> Self {
        let limits = Limits::new(config.limits);
        let heartbeat = socketio::Heartbeat {
            interval: config.ping_interval,
            timeout: config.ping_timeout,
        };
        let farewell = socketio::Farewell {
            began: stopping.clone(),
            come_back_within: config.come_back_within,
        };
        let (service, door) = socketio::Door::new(Arc::clone(&app), heartbeat, farewell, &limits);
        let readiness = Readiness::new(bridge.clone(), stopping);
        let sessions = Arc::clone(&app);
        let (mut router, metrics) = checks(config, app, bridge, (&door, &limits), &readiness);
        router = router
            .merge(session::routes(sessions))
            .merge(page::routes(&config.page, &config.allow_embedding));
        let fences = Arc::new(fences(config, &limits, door.gate(service.clone())));
        let reader = Arc::clone(&fences);
        // In one: each further call would cost a polling connection a kilobyte.
        let layers = ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(
                config.tls.is_some(),
                headers::usual,
            ))
            .layer(origin::cors(move |request: &Parts| {
                reader.may_read(request)
            }))
            .layer(middleware::from_fn_with_state(fences, fence::admit));
        for path in ["", "/", "/{*rest}"] {
            let path = format!("{}{path}", socketio::PATH);
            router = router.route_service(&path, service.clone());
        }
        let router = base::below(config.base_path.as_deref(), router.layer(layers));
        Self {
            router,
            metrics,
            door,
            readiness,
            limits,
        }
    }
}

fn fences(config: &Config, limits: &Arc<Limits>, gate: socketio::Gate) -> Fences {
    Fences {
        hosts: Hosts::new(&config.allow_host, &config.allow_origin, config.listen.ip()),
        origins: Origins::new(&config.allow_origin, config.tls.is_some()),
        proxies: config.trust_proxy.clone().into(),
        limits: Arc::clone(limits),
        gate: Arc::new(gate),
        refuse_upgrade: config.refuse_upgrade,
    }
}

/// The checks and the metrics for the page's address, and the metrics for their own.
fn checks(
    config: &Config,
    app: Arc<App>,
    bridge: watch::Receiver<BridgeState>,
    (door, limits): (&socketio::Door, &Arc<Limits>),
    readiness: &Readiness,
) -> (Router, Option<Router>) {
    let counted = Metrics {
        app: Arc::clone(&app),
        door: door.clone(),
        limits: Arc::clone(limits),
        bridge: bridge.clone(),
    };
    let metrics = Router::new().route(METRICS, get(async move || counted.answer()));
    let (healthy, ready, stores) = (door.clone(), readiness.clone(), Arc::clone(&app));
    let checks = Router::new()
        .route(
            "/healthz",
            get(async move || health::health(&app, &healthy, &bridge)),
        )
        .route(
            "/readyz",
            get(async move || ready.answer(stores.store.state())),
        );
    if config.metrics_listen.is_some() {
        return (checks, Some(metrics));
    }
    let here = metrics.route_layer(middleware::from_fn(metrics::only_this_machine));
    (checks.merge(here), None)
}
