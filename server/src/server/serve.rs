//! Serving connections: accepted within the limits, with TLS or without, by HTTP/1.1 or HTTP/2, until the stop.
//!
//! Not here: what is served (`routes`), and where certificates come from (`tls`).

use super::{
    answers::{Answer, Answers, End},
    tls::Certificates,
    wire::Wire,
};
use crate::edge::{
    proxy,
    socketio::{Stream, Switch, guarded},
};
use crate::{
    config::Net,
    limits::{Fence, Full, Limits, Permit},
};
use axum::{Router, body::Body, extract::ConnectInfo, serve::Listener};
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

/// How long a request may take from its first byte to its last header, and how long a connection may wait for one.
const HEAD: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 65_536;
/// The requests that one HTTP/2 connection has open at once: all tabs of a browser share one, and each polls.
const MAX_STREAMS: u32 = 32;
/// What somebody is told for whom there is no connection: it is not read what was asked.
const NO_PLACE: [&str; 2] = ["503 Service Unavailable", "429 Too Many Requests"];

/// How connections are served.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) router: Router,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) limits: Arc<Limits>,
    /// Proxies bring everybody: they are no address among others.
    pub(super) proxies: Arc<[Net]>,
}

impl Serving {
    /// The same limits and no TLS, for another address.
    pub(super) fn with_plain(&self, router: Router) -> Self {
        Self {
            router,
            certificates: None,
            ..self.clone()
        }
    }

    /// Serves until `stop`, and then what is under way.
    pub(super) async fn serve<L>(self, mut listener: L, stop: CancellationToken)
    where
        L: Listener<Io: Unpin, Addr = SocketAddr>,
    {
        let connections = TaskTracker::new();
        while let Some((stream, peer)) = stop.run_until_cancelled(listener.accept()).await {
            match self.place(peer) {
                Ok(permit) => {
                    let (serving, stop) = (self.clone(), stop.clone());
                    connections.spawn(serving.connection(stream, (peer, permit), stop));
                }
                Err(full) if self.certificates.is_none() => {
                    connections.spawn(turn_away(stream, full));
                }
                Err(_) => {}
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }

    fn place(&self, peer: SocketAddr) -> Result<Permit, Full> {
        self.limits.socket(client(peer, &self.proxies))
    }

    async fn connection<S>(
        self,
        stream: S,
        (peer, permit): (SocketAddr, Permit),
        stop: CancellationToken,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(stream) = self.secured(stream).await else {
            self.limits.refusals.add(Fence::Tls);
            return;
        };
        let is_http2 = stream.is_http2();
        let (stream, switch) = guarded(stream, peer, permit, Arc::clone(&self.limits));
        let service = Requests {
            router: self.router,
            switch,
            limits: Arc::clone(&self.limits),
            client: client(peer, &self.proxies),
            answers: None,
        };
        let served = match is_http2 {
            // Much larger than the other, and not asked for by most.
            true => Box::pin(http2(stream, service, stop)).await,
            false => http1(stream, service, stop).await,
        };
        match served {
            Err(error) if error.is_timeout() => self.limits.refusals.add(Fence::Slow),
            Err(error) => tracing::trace!(%error, "connection ended"),
            Ok(()) => {}
        }
    }

    /// The connection after its TLS handshake, where there is TLS.
    async fn secured<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Option<Wire<S>> {
        let Some(certificates) = &self.certificates else {
            return Some(Wire::Plain(stream));
        };
        let secured = certificates.acceptor().accept(stream);
        let secured = tokio::time::timeout(HANDSHAKE, secured).await.ok()?;
        secured.ok().map(|stream| Wire::Tls(Box::new(stream)))
    }
}

/// Whom limits go by; `None` for a proxy.
fn client(peer: SocketAddr, proxies: &[Net]) -> Option<IpAddr> {
    let is_proxy = proxy::is_trusted(peer.ip(), proxies);
    (!is_proxy).then(|| peer.ip())
}

/// Says that there is no place, without waiting for what is asked.
async fn turn_away(mut stream: impl AsyncRead + AsyncWrite + Unpin, full: Full) {
    let status = NO_PLACE[usize::from(full == Full::Address)];
    let answer = format!(
        "HTTP/1.1 {status}\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    // It is nobody's loss where it does not fit.
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
}

async fn http1<S>(
    stream: Stream<Wire<S>>,
    service: Requests,
    stop: CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD_BYTES);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    tokio::select! {
        served = connection.as_mut() => return served,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn http2<S>(
    stream: Stream<Wire<S>>,
    service: Requests,
    stop: CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .keep_alive_interval(HEAD)
        .keep_alive_timeout(HEAD);
    let answers = Arc::<Answers>::default();
    let (service, limits) = (service.with(&answers), Arc::clone(&service.limits));
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        served = connection.as_mut() => return served,
        () = stop.cancelled() => {}
        end = answers.watch() => if end == End::Stalled {
            limits.refusals.add(Fence::Slow);
            return Ok(());
        },
    }
    connection.as_mut().graceful_shutdown();
    // A client that has asked for something gets it; one that has not has been asked to go.
    let rest = async {
        tokio::select! {
            served = connection.as_mut() => served,
            _ = answers.watch() => Ok(()),
        }
    };
    rest.await
}

/// The requests of one connection.
#[derive(Clone)]
struct Requests {
    router: Router,
    switch: Switch,
    limits: Arc<Limits>,
    /// Whom limits go by; `None` for a proxy.
    client: Option<IpAddr>,
    /// By HTTP/2.
    answers: Option<Arc<Answers>>,
}

impl Requests {
    /// The same requests, of which the answers are looked after.
    fn with(&self, answers: &Arc<Answers>) -> Self {
        Self {
            answers: Some(Arc::clone(answers)),
            ..self.clone()
        }
    }
}

impl Service<Request<Incoming>> for Requests {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let mut request = request.map(Body::new);
        request
            .extensions_mut()
            .insert(ConnectInfo(self.switch.clone()));
        let limits = (Arc::clone(&self.limits), self.client);
        let answer = self.router.clone().call(request);
        Answer::new(answer, self.answers.as_ref(), limits)
    }
}
