//! One connection's bytes: HTTP at first, and from the moment when a response switches it to WebSocket, frames in which
//! malformed packets are replaced before socketioxide reads them.
//!
//! Not here: what requests say (`guard`), and what is written beside socketioxide (`beside`).

use super::{
    beside::{Beside, Pipe},
    cut::Cut,
    frames::Frames,
    patience::{FLUSH, Patience, WRITE},
};
use crate::limits::{Fence, Limits, Permit};
use std::{
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

    /// The stream becomes the WebSocket of a session.
    pub(super) fn becomes_websocket(self, session: Cut) {
        session.switched(self.beside);
        // It switches once: there is none before.
        let _ = self.cut.set(session);
    }
}

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
