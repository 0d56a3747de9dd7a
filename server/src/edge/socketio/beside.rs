//! One connection's stream, written from two sides: what socketioxide sends comes from above, and what we send comes in
//! whole frames beside it, without socketioxide's buffers, wake-ups and copies.
//!
//! Source of the frames: RFC 6455, section 5.2. Not here: who sends beside (`way_out`), and what is read (`guard`).

#[cfg(test)]
mod tests;

use super::boundary::Boundary;
use crate::limits::Permit;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker, ready},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// The event that goes to a WebSocket before anything comes beside: it is taken out here, and all that socketioxide had
/// before it is out.
pub(super) const MARK: &str = "!";
/// The frame of [`MARK`] without arguments.
const MARK_FRAME: &[u8] = b"\x81\x0c42[\"!\",null]";

/// The Engine.IO packet that socketioxide sends before the close frame of a WebSocket. The official server sends it by polling
/// only, and clients in Python stay away for good after it: it is taken out here.
const CLOSE_PACKET_FRAME: &[u8] = b"\x81\x011";

/// How long a client that is told to go has for taking that.
const GOODBYE: Duration = Duration::from_secs(5);

/// What is written beside.
pub(super) trait Beside: fmt::Debug + Send + Sync {
    /// From now on the mark is looked for.
    fn expect_mark(&self);

    /// Waits until the mark has come, so that nothing is before what comes beside.
    ///
    /// # Errors
    /// When the connection is closed.
    fn poll_marked(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Takes whole frames; true where all of them are out, false where [`Self::poll_out`] is to be waited for.
    ///
    /// # Errors
    /// When the connection is closed.
    fn poll_write(&self, context: &mut Context<'_>, frames: &Bytes) -> Poll<io::Result<bool>>;

    /// Takes the stream away from all who write, and ends it with a frame of its own behind what is left of the last one: as
    /// far as the client takes that for [`GOODBYE`].
    fn goodbye(&self, frame: Bytes);

    /// Waits until something more is out; true where all is.
    ///
    /// # Errors
    /// When the connection is closed.
    fn poll_out(&self, context: &mut Context<'_>) -> Poll<io::Result<bool>>;
}

/// A stream with two who write.
pub(super) struct Pipe<S> {
    end: Mutex<End<S>>,
    writers: Arc<Writers>,
    /// Wakes both: a stream wakes only the last one that waited for it.
    both: Waker,
}

#[derive(Default)]
struct Writers {
    above: AtomicWaker,
    beside: AtomicWaker,
}

struct End<S> {
    /// `None` once it is closed from above.
    stream: Option<S>,
    place: Option<Permit>,
    boundary: Boundary,
    mark: Mark,
    /// What is left of frames from beside.
    rest: Bytes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    No,
    Expected,
    Seen,
}

impl Wake for Writers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.above.wake();
        self.beside.wake();
    }
}

impl<S> Pipe<S> {
    /// A stream that has a place among the connections as long as it is open.
    pub(super) fn new(stream: S, place: Option<Permit>) -> Arc<Self> {
        let writers = Arc::<Writers>::default();
        Arc::new(Self {
            end: Mutex::new(End {
                stream: Some(stream),
                place,
                boundary: Boundary::default(),
                mark: Mark::No,
                rest: Bytes::new(),
            }),
            both: Waker::from(Arc::clone(&writers)),
            writers,
        })
    }

    /// Closes the stream, whoever else holds this.
    pub(super) fn close(&self) {
        let mut end = self.end();
        let open = (end.stream.take(), end.place.take());
        drop(end);
        drop(open);
        self.writers.beside.wake();
    }

    fn end(&self) -> MutexGuard<'_, End<S>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pipe<S> {
    pub(super) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.end().stream()?).poll_read(context, buffer)
    }

    /// Writes what comes from above: a response, or frames where `is_switched`.
    pub(super) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
        is_switched: bool,
    ) -> Poll<io::Result<usize>> {
        self.retry(context, &self.writers.above, |end, context| {
            if !is_switched {
                return Pin::new(end.stream()?).poll_write(context, bytes);
            }
            ready!(end.poll_rest(context))?;
            if end.boundary.is_between() {
                if end.mark == Mark::Expected && bytes.starts_with(MARK_FRAME) {
                    end.mark = Mark::Seen;
                    self.writers.beside.wake();
                    return Poll::Ready(Ok(MARK_FRAME.len()));
                }
                if bytes.starts_with(CLOSE_PACKET_FRAME) {
                    return Poll::Ready(Ok(CLOSE_PACKET_FRAME.len()));
                }
            }
            let frames = end.boundary.first(bytes);
            let length = ready!(Pin::new(end.stream()?).poll_write(context, frames))?;
            end.boundary.pass(&frames[..length]);
            if end.boundary.is_between() {
                self.writers.beside.wake();
            }
            Poll::Ready(Ok(length))
        })
    }

    pub(super) fn poll_write_vectored(
        &self,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
        is_switched: bool,
    ) -> Poll<io::Result<usize>> {
        if is_switched {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(context, first.map_or(&[], |slice| slice), true);
        }
        self.retry(context, &self.writers.above, |end, context| {
            Pin::new(end.stream()?).poll_write_vectored(context, slices)
        })
    }

    pub(super) fn is_write_vectored(&self) -> bool {
        let end = self.end();
        end.stream.as_ref().is_some_and(S::is_write_vectored)
    }

    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.retry(context, &self.writers.above, |end, context| {
            Pin::new(end.stream()?).poll_flush(context)
        })
    }

    pub(super) fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.retry(context, &self.writers.above, |end, context| {
            Pin::new(end.stream()?).poll_shutdown(context)
        })
    }
}

impl<S> Pipe<S> {
    /// Tries, with both writers to be woken. Who has to wait is known before it is tried for the last time.
    fn retry<T>(
        &self,
        context: &mut Context<'_>,
        writer: &AtomicWaker,
        mut attempt: impl FnMut(&mut End<S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut end = self.end();
        let both = &mut Context::from_waker(&self.both);
        let first = attempt(&mut end, both);
        if first.is_ready() {
            return first;
        }
        writer.register(context.waker());
        attempt(&mut end, both)
    }
}

impl<S> End<S> {
    fn stream(&mut self) -> io::Result<&mut S> {
        let closed = || io::ErrorKind::BrokenPipe.into();
        self.stream.as_mut().ok_or_else(closed)
    }
}

impl<S: AsyncWrite + Unpin> End<S> {
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            ready!(self.poll_some(context))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_some(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let rest = self.rest.clone();
        let length = ready!(Pin::new(self.stream()?).poll_write(context, &rest))?;
        if length == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.rest = rest.slice(length..);
        Poll::Ready(Ok(()))
    }

    /// Whether all is out, also of what the stream holds itself.
    fn is_out(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let flushed = Pin::new(self.stream()?).poll_flush(context)?;
        Ok(self.rest.is_empty() && flushed.is_ready())
    }
}

/// Sends the last frames, and takes what still comes: closed with something unread, the system resets the connection, and
/// then the client may not read what was sent.
async fn end(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    frames: [Bytes; 2],
) -> io::Result<()> {
    for mut frame in frames {
        stream.write_all_buf(&mut frame).await?;
    }
    stream.shutdown().await?;
    let mut unread = [0; 1_024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Beside for Pipe<S> {
    fn expect_mark(&self) {
        self.end().mark = Mark::Expected;
    }

    fn poll_marked(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.retry(context, &self.writers.beside, |end, _| {
            end.stream()?;
            match end.mark {
                Mark::Seen => Poll::Ready(Ok(())),
                Mark::No | Mark::Expected => Poll::Pending,
            }
        })
    }

    fn poll_write(&self, context: &mut Context<'_>, frames: &Bytes) -> Poll<io::Result<bool>> {
        self.retry(context, &self.writers.beside, |end, context| {
            ready!(end.poll_rest(context))?;
            end.stream()?;
            if !end.boundary.is_between() {
                return Poll::Pending;
            }
            let stream = Pin::new(end.stream()?);
            let written = match stream.poll_write(context, frames)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => written,
                Poll::Pending => 0,
            };
            if written < frames.len() {
                end.rest = frames.slice(written..);
            }
            Poll::Ready(end.is_out(context))
        })
    }

    fn goodbye(&self, frame: Bytes) {
        let mut end = self.end();
        let (stream, place) = (end.stream.take(), end.place.take());
        let rest = std::mem::take(&mut end.rest);
        // Behind half a frame from above nothing can be said.
        let stream = stream.filter(|_| end.boundary.is_between());
        drop(end);
        self.both.wake_by_ref();
        if let Some(stream) = stream {
            // Whoever does not take it is closed without.
            tokio::spawn(async move {
                let _place = place;
                tokio::time::timeout(GOODBYE, self::end(stream, [rest, frame])).await
            });
        }
    }

    fn poll_out(&self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.retry(context, &self.writers.beside, |end, context| {
            if end.is_out(context)? {
                return Poll::Ready(Ok(true));
            }
            if !end.rest.is_empty() {
                ready!(end.poll_some(context))?;
                return Poll::Ready(Ok(false));
            }
            Poll::Pending
        })
    }
}

impl<S> fmt::Debug for Pipe<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipe").finish_non_exhaustive()
    }
}
