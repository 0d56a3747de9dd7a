//! Where malformed packets are replaced: in the bodies of polling requests, and in what WebSockets read.
//!
//! socketioxide shows neither, so the guard sits before it: as middleware, and around the stream from the moment
//! when a response switches it to WebSocket.

use super::{
    MAX_PAYLOAD_BYTES, PATH,
    beside::{Beside, Pipe},
    cut::{Cut, Cuts, session},
    frames::Frames,
    malformed,
    patience::{FLUSH, Patience, WRITE},
};
use crate::{
    edge::body,
    limits::{Fence, Limits, Permit},
};
use axum::{
    body::{Body, to_bytes},
    extract::{OriginalUri, Request},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::{
    FutureExt,
    future::{Either, select},
};
use std::{
    future::{Ready, ready},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{self, Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The bytes that are read at once.
const READ_BYTES: usize = 8_192;

/// Whether a request is to begin a connection.
pub(in crate::edge) fn begins(request: &Request) -> bool {
    request.uri().path().starts_with(PATH)
        && request.method() == Method::GET
        && session(request.uri()).is_none()
}

/// Replaces malformed packets in polling bodies, tells the stream below when it becomes a WebSocket, and refuses the
/// requests of a connection that is cut; while the server is closing, new connections too.
pub(in crate::edge) fn guard(
    (cuts, closing): (Cuts, CancellationToken),
    switch: Switch,
    request: Request,
    next: Next,
) -> impl Future<Output = Response> {
    let pass = move |request| pass((&cuts, &closing), switch, request, next);
    match is_payload(&request) {
        true => Either::Left(Box::pin(async move {
            match checked(request).await {
                Ok(request) => pass(request).await,
                Err(refused) => refused,
            }
        })),
        false => Either::Right(pass(request)),
    }
}

/// What waits in a poll is kept small: there may be as many as connections.
fn pass(
    (cuts, closing): (&Cuts, &CancellationToken),
    switch: Switch,
    mut request: Request,
    next: Next,
) -> impl Future<Output = Response> + use<> {
    let is_new = session(request.uri()).is_none() && request.uri().path().starts_with(PATH);
    if is_new && closing.is_cancelled() {
        let refused = (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n");
        return Either::Left(ready(refused.into_response()));
    }
    let cut = match session(request.uri()) {
        Some(session) => cuts.of(session),
        None => Cut::default(),
    };
    // What is held for long: by a session, or while a poll waits.
    if request.method() == Method::GET && request.uri().path().starts_with(PATH) {
        unpin(&mut request);
    }
    // Who begins by WebSocket has no session yet.
    if begins(&request) && request.headers().contains_key(header::UPGRADE) {
        request.extensions_mut().insert(Arc::clone(&cut));
    }
    let ended = Box::pin(CancellationToken::clone(&cut).cancelled_owned());
    let first = select(ended, Box::pin(next.run(request)));
    Either::Right(first.then(move |first| match first {
        Either::Left(_) => Either::Left(ready(closed(&cut))),
        Either::Right((response, _)) => after(response, cut, switch),
    }))
}

/// What becomes of an answer: it may switch to WebSocket, or say in full why the connection is refused.
fn after(response: Response, cut: Cut, switch: Switch) -> Either<Ready<Response>, Told> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        cut.switched(switch.beside);
        // It switches once: there is none before.
        let _ = switch.cut.set(cut);
    } else if cut.refusal.waits() {
        return Either::Right(Box::pin(async move { told(response, &cut).await }));
    }
    Either::Left(ready(response))
}

/// The answer to a request of a connection that is cut.
fn closed(cut: &Cut) -> Response {
    let text = match cut.why() {
        Some(why) => format!("this connection is closed: {why}\n"),
        None => "this connection is closed\n".to_owned(),
    };
    (StatusCode::BAD_REQUEST, text).into_response()
}

/// A polling answer with why the connection is refused.
async fn told(response: Response, cut: &Cut) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_PAYLOAD_BYTES as usize).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(told) = cut.refusal.in_payload(&body) else {
        return Response::from_parts(parts, body.into());
    };
    let length = told.len().into();
    parts.headers.insert(header::CONTENT_LENGTH, length);
    Response::from_parts(parts, told.into())
}

/// Copies what a request says: whoever keeps it keeps otherwise the whole buffer into which it was read.
fn unpin(request: &mut Request) {
    for value in request.headers_mut().values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
    request.extensions_mut().remove::<OriginalUri>();
    if let Ok(copy) = Uri::try_from(request.uri().to_string()) {
        *request.uri_mut() = copy;
    }
}

/// Whether packets are in its body. Too long a one is socketioxide's to refuse: it ends the session too.
fn is_payload(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_too_long = length.is_some_and(|length: usize| length > MAX_PAYLOAD_BYTES as usize);
    request.method() == Method::POST && request.uri().path().starts_with(PATH) && !is_too_long
}

async fn checked(request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let body = body::whole(body, MAX_PAYLOAD_BYTES as usize)
        .await
        .map_err(IntoResponse::into_response)?;
    let replaced = std::str::from_utf8(&body)
        .ok()
        .and_then(malformed::payload_replacement);
    let body = match replaced {
        Some(other) => {
            parts
                .headers
                .insert(header::CONTENT_LENGTH, other.len().into());
            Body::from(other)
        }
        None => Body::from(body),
    };
    Ok(Request::from_parts(parts, body))
}

/// One connection of the network as its requests see it.
#[derive(Clone, Debug)]
pub struct Switch {
    peer: SocketAddr,
    /// Set once the stream is a WebSocket, to what cuts it.
    cut: Arc<OnceLock<Cut>>,
    beside: Arc<dyn Beside>,
}

impl Switch {
    /// The other side: a client, or a proxy before it.
    pub fn address(&self) -> SocketAddr {
        self.peer
    }
}

/// Tells why a connection is refused.
type Told = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Waits for the cut of a stream.
type Ended = Pin<Box<WaitForCancellationFutureOwned>>;

/// A connection that was accepted from `peer`, and how its requests see it.
pub fn guarded<S>(
    stream: S,
    peer: SocketAddr,
    permit: Permit,
    limits: Arc<Limits>,
) -> (Stream<S>, Switch)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pipe = Pipe::new(stream, Some(permit));
    let switch = Switch {
        peer,
        cut: Arc::default(),
        beside: Arc::clone(&pipe) as _,
    };
    let stream = Stream {
        pipe,
        cut: Arc::clone(&switch.cut),
        limits,
        frames: Frames::default(),
        read: Vec::new(),
        write: Vec::new(),
        reads_end: None,
        writes_end: None,
        patience: Patience::default(),
    };
    (stream, switch)
}

/// One connection.
#[derive(Debug)]
pub struct Stream<S> {
    pipe: Arc<Pipe<S>>,
    /// Set once it is a WebSocket.
    cut: Arc<OnceLock<Cut>>,
    limits: Arc<Limits>,
    frames: Frames,
    /// Guarded bytes that are not yet read.
    read: Vec<u8>,
    /// What replaces bytes that were taken, and is not yet written.
    write: Vec<u8>,
    /// Each direction may wait in another task.
    reads_end: Option<Ended>,
    writes_end: Option<Ended>,
    /// With who does not read an answer.
    patience: Patience,
}

/// Whether the stream is a WebSocket that is cut; wakes the task when it is.
fn is_cut(cut: &OnceLock<Cut>, ended: &mut Option<Ended>, context: &mut Context<'_>) -> bool {
    let Some(cut) = cut.get() else {
        return false;
    };
    let wait = || Box::pin(CancellationToken::clone(cut).cancelled_owned());
    let ended = ended.get_or_insert_with(wait);
    cut.is_cancelled() || ended.as_mut().poll(context).is_ready()
}

impl<S> Drop for Stream<S> {
    fn drop(&mut self) {
        // Who writes beside holds the pipe too.
        self.pipe.close();
    }
}

impl<S> Stream<S> {
    /// The frames that are to go out instead of these, where among them is why the connection is refused.
    fn refusal(&self, frames: &[u8]) -> Option<Vec<u8>> {
        let line = self.cut.get()?;
        let refusal = &line.refusal;
        refusal.waits().then(|| refusal.in_frames(frames)).flatten()
    }

    /// What became of a write, or an error once a client took nothing for too long. WebSockets are closed with a reason.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        most: Duration,
    ) -> Poll<io::Result<T>> {
        if self.cut.get().is_none() && self.patience.is_over(context, &written, most) {
            self.limits.refusals.add(Fence::Slow);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// Writes what replaces bytes that were taken.
    fn poll_replaced(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.write.is_empty() {
            let written = task::ready!(self.pipe.poll_write(context, &self.write, true))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.write.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.cut.get().is_none() {
            return stream.pipe.poll_read(context, buffer);
        }
        if is_cut(&stream.cut, &mut stream.reads_end, context) {
            return Poll::Ready(Ok(()));
        }
        while stream.read.is_empty() {
            let mut bytes = [0; READ_BYTES];
            let mut bytes = ReadBuf::new(&mut bytes);
            task::ready!(stream.pipe.poll_read(context, &mut bytes))?;
            if bytes.filled().is_empty() {
                stream.frames.rest(&mut stream.read);
                break;
            }
            stream.frames.push(bytes.filled(), &mut stream.read);
            if stream.frames.took_too_long() {
                stream.limits.refusals.add(Fence::Payload);
            }
        }
        let length = buffer.remaining().min(stream.read.len());
        buffer.put_slice(&stream.read[..length]);
        stream.read.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if is_cut(&stream.cut, &mut stream.writes_end, context) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        task::ready!(stream.poll_replaced(context))?;
        if let Some(told) = stream.refusal(bytes) {
            stream.write = told;
            return Poll::Ready(Ok(bytes.len()));
        }
        let is_switched = stream.cut.get().is_some();
        let written = stream.pipe.poll_write(context, bytes, is_switched);
        stream.in_time(context, written, WRITE)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        task::ready!(stream.poll_replaced(context))?;
        let flushed = stream.pipe.poll_flush(context);
        stream.in_time(context, flushed, FLUSH)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        task::ready!(stream.poll_replaced(context))?;
        let shut = stream.pipe.poll_shutdown(context);
        stream.in_time(context, shut, FLUSH)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if is_cut(&stream.cut, &mut stream.writes_end, context) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        task::ready!(stream.poll_replaced(context))?;
        let is_switched = stream.cut.get().is_some();
        let written = (stream.pipe).poll_write_vectored(context, slices, is_switched);
        stream.in_time(context, written, WRITE)
    }

    fn is_write_vectored(&self) -> bool {
        self.pipe.is_write_vectored()
    }
}
