//! Serving connections: accepted within the limits, with TLS or without, by HTTP/1.1 or HTTP/2, until the stop.
//!
//! Not here: what is served (`routes`), and where certificates come from (`tls`).

use super::{tls::Certificates, wire::Wire};
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
    body::{Bytes, Frame, Incoming, SizeHint},
    server::conn::{http1, http2},
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
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
/// The requests that one HTTP/2 connection has open at once.
const MAX_STREAMS: u32 = 128;
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
        let is_proxy = proxy::is_trusted(peer.ip(), &self.proxies);
        self.limits.socket((!is_proxy).then(|| peer.ip()))
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
            open: Arc::default(),
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
    let open = Arc::clone(&service.open);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        served = connection.as_mut() => return served,
        () = stop.cancelled() => {}
        () = idle(&open) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Who has asked for something gets it; who has not has been asked to go.
    let rest = async {
        tokio::select! {
            served = connection.as_mut() => served,
            () = idle(&open) => Ok(()),
        }
    };
    rest.await
}

/// Waits until no request was open for as long as one may be waited for.
async fn idle(open: &AtomicUsize) {
    let mut looked_idle = false;
    loop {
        tokio::time::sleep(HEAD / 2).await;
        let is_idle = open.load(Ordering::Relaxed) == 0;
        if looked_idle && is_idle {
            return;
        }
        looked_idle = is_idle;
    }
}

/// The requests of one connection.
#[derive(Clone)]
struct Requests {
    router: Router,
    switch: Switch,
    /// Those that are not answered.
    open: Arc<AtomicUsize>,
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
        Answer {
            answer: self.router.clone().call(request),
            open: Some(Open::new(&self.open)),
        }
    }
}

/// The answer to a request, which is open until all of its body is out.
struct Answer {
    answer: axum::routing::future::RouteFuture<Infallible>,
    open: Option<Open>,
}

impl Future for Answer {
    type Output = Result<axum::response::Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(context))?;
        let open = self.open.take();
        Poll::Ready(Ok(
            response.map(|body| Body::new(OpenBody { body, _open: open }))
        ))
    }
}

/// Counts a request as open until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer whose request is open until it is out.
struct OpenBody {
    body: Body,
    _open: Option<Open>,
}

impl hyper::body::Body for OpenBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
