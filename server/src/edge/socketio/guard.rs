//! Where malformed packets are replaced: in the bodies of polling requests, and in what WebSockets read.
//!
//! socketioxide shows neither, so the guard sits before it: as middleware, and around the stream from the moment
//! when a response switches it to WebSocket.

use super::{MAX_PAYLOAD_BYTES, PATH, frames::Frames, malformed};
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, connect_info::Connected},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes that are read at once.
const READ_BYTES: usize = 8_192;

/// Replaces malformed packets in polling bodies, and tells the stream below when it becomes a WebSocket.
pub async fn guard(
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
    next: Next,
) -> Response {
    let request = match checked(request).await {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        switch.0.store(true, Ordering::Release);
    }
    response
}

async fn checked(request: Request) -> Result<Request, Response> {
    let limit = MAX_PAYLOAD_BYTES as usize;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_payload = request.method() == Method::POST && request.uri().path().starts_with(PATH);
    // Too long a body is socketioxide's to refuse: it ends the session too.
    if !is_payload || length.is_some_and(|length: usize| length > limit) {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, limit)
        .await
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
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

/// Set once the stream of a connection is a WebSocket.
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<AtomicBool>);

/// Accepts connections whose WebSocket messages are guarded.
#[derive(Debug)]
pub struct Guarded<L>(pub L);

impl<L: Listener<Io: Unpin>> Listener for Guarded<L> {
    type Io = Stream<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, L::Addr) {
        let (inner, address) = self.0.accept().await;
        let stream = Stream {
            inner,
            switch: Switch::default(),
            frames: Frames::default(),
            read: Vec::new(),
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.0.local_addr()
    }
}

impl<L: Listener<Io: Unpin>> Connected<IncomingStream<'_, Guarded<L>>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Guarded<L>>) -> Self {
        stream.io().switch.clone()
    }
}

/// One connection.
#[derive(Debug)]
pub struct Stream<S> {
    inner: S,
    switch: Switch,
    frames: Frames,
    /// Guarded bytes that are not yet read.
    read: Vec<u8>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.switch.0.load(Ordering::Acquire) {
            return Pin::new(&mut stream.inner).poll_read(context, buffer);
        }
        while stream.read.is_empty() {
            let mut bytes = [0; READ_BYTES];
            let mut bytes = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut stream.inner).poll_read(context, &mut bytes))?;
            if bytes.filled().is_empty() {
                stream.frames.rest(&mut stream.read);
                break;
            }
            stream.frames.push(bytes.filled(), &mut stream.read);
        }
        let length = buffer.remaining().min(stream.read.len());
        buffer.put_slice(&stream.read[..length]);
        stream.read.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
