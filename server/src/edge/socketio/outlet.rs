//! The way out of one WebSocket: a courier writes what is there, as soon as the stream takes it.
//!
//! Not here: what is done about a stream that takes nothing (`way_out`).

#[cfg(test)]
mod tests;

use super::{
    beside::Beside,
    courier::{Courier, Stop},
    item::{Item, Source},
};
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker, ready},
    time::Instant,
};
use tokio::time::Instant as Moment;

/// The bytes from which on nothing more is put into one write.
const BATCH_BYTES: usize = 16 * 1024;

/// The way out of one WebSocket.
pub(super) struct Outlet {
    courier: Arc<Courier<Self>>,
    /// Whether the courier is to come.
    is_called: AtomicBool,
    /// `None` once it is given up.
    line: Mutex<Option<Line>>,
    /// The task that watches it.
    watches: AtomicWaker,
}

/// How a way out is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What was there is out.
    Open,
    /// The stream took the last of it then, and takes nothing now.
    Blocked(Moment),
    /// The connection is closed.
    Closed,
    /// The client missed more than it can be told.
    Missed,
}

struct Line {
    source: Source,
    beside: Arc<dyn Beside>,
    /// What goes out before what comes from the source.
    first: VecDeque<Item>,
    /// What the stream has taken nothing of.
    batch: Option<Batch>,
    /// Whether all that the stream began with is out.
    is_out: bool,
    state: State,
}

/// What goes out in one write.
struct Batch {
    frames: Bytes,
    first: Item,
    more: Vec<Item>,
    /// Whether something may be behind it.
    is_followed: bool,
}

/// An outlet in use. Dropping it gives it up.
pub(super) struct Used(Arc<Outlet>);

impl Outlet {
    /// Begins to write, that item first.
    pub(super) fn begin(
        courier: Arc<Courier<Self>>,
        source: Source,
        beside: Arc<dyn Beside>,
        first: Item,
    ) -> Used {
        let outlet = Arc::new(Self {
            courier,
            is_called: AtomicBool::new(false),
            line: Mutex::new(Some(Line {
                source,
                beside,
                first: VecDeque::from([first]),
                batch: None,
                is_out: true,
                state: State::Open,
            })),
            watches: AtomicWaker::new(),
        });
        outlet.wake_by_ref();
        Used(outlet)
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    /// Sends an item before what waits.
    pub(super) fn send(&self, item: Item) {
        if let Some(line) = &mut *self.0.line() {
            line.first.push_back(item);
        }
        self.0.wake_by_ref();
    }

    /// Whether all is out that was to be.
    pub(super) fn is_empty(&self) -> bool {
        self.0.line().as_ref().is_none_or(|line| {
            let is_out = line.is_out && line.batch.is_none() && line.first.is_empty();
            is_out && line.source.is_empty()
        })
    }

    /// Waits until it is not as `known`: woken where it is no longer open.
    pub(super) async fn changed(&self, known: State) -> State {
        poll_fn(|context| {
            self.0.watches.register(context.waker());
            let state = self.0.line().as_ref().map_or(State::Closed, |it| it.state);
            match state == known {
                true => Poll::Pending,
                false => Poll::Ready(state),
            }
        })
        .await
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        // What wakes it holds it.
        let line = self.0.line().take();
        drop(line);
    }
}

impl Wake for Outlet {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_called.swap(true, Ordering::SeqCst) {
            self.courier.call(Arc::clone(self));
        }
    }
}

impl Stop for Outlet {
    fn visit(self: Arc<Self>) {
        // First: what comes from now on calls again. A swap, so that what came before the last call is seen.
        self.is_called.swap(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self));
        let visit = Visit {
            outlet: &self,
            is_over: false,
        };
        visit.go(&mut Context::from_waker(&waker));
    }
}

/// One visit. Where it panics, the connection ends: what was taken from its queues would be missing without a word.
struct Visit<'a> {
    outlet: &'a Arc<Outlet>,
    is_over: bool,
}

impl Visit<'_> {
    fn go(mut self, context: &mut Context<'_>) {
        let mut line = self.outlet.line();
        if let Some(line) = &mut *line {
            let before = line.state;
            let is_more = line.go(context);
            if line.state != before && line.state != State::Open {
                self.outlet.watches.wake();
            }
            if is_more {
                self.outlet.wake_by_ref();
            }
        }
        self.is_over = true;
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(line) = &mut *self.outlet.line() {
            line.state = State::Closed;
        }
        self.outlet.watches.wake();
    }
}

impl Line {
    /// Writes a batch; whether there may be more.
    fn go(&mut self, context: &mut Context<'_>) -> bool {
        if matches!(self.state, State::Closed | State::Missed) {
            return false;
        }
        match self.poll_write(context) {
            Poll::Ready(Ok(is_more)) => is_more,
            Poll::Ready(Err(end)) => {
                self.state = end;
                false
            }
            Poll::Pending => {
                if self.state == State::Open {
                    self.state = State::Blocked(Moment::now());
                }
                false
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, State>> {
        ready!(self.poll_out(context))?;
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => match self.gather(context)? {
                Some(batch) => batch,
                None => return Poll::Ready(Ok(false)),
            },
        };
        let is_out = match self.beside.poll_write(context, &batch.frames) {
            Poll::Ready(is_out) => is_out.map_err(|_| State::Closed)?,
            Poll::Pending => {
                // What comes while it waits has called in vain.
                self.batch = Some(Batch {
                    is_followed: true,
                    ..batch
                });
                return Poll::Pending;
            }
        };
        let (connection, now) = (&self.source.connection, Instant::now());
        batch.first.count(connection, now);
        batch.more.iter().for_each(|it| it.count(connection, now));
        self.is_out = is_out;
        // It took something.
        self.state = State::Open;
        ready!(self.poll_out(context))?;
        Poll::Ready(Ok(batch.is_followed))
    }

    /// Waits until what was begun is out.
    fn poll_out(&mut self, context: &mut Context<'_>) -> Poll<Result<(), State>> {
        while !self.is_out {
            let is_out = ready!(self.beside.poll_out(context));
            self.is_out = is_out.map_err(|_| State::Closed)?;
            self.state = State::Open;
        }
        Poll::Ready(Ok(()))
    }

    /// What is ready, as far as it goes into one write.
    fn gather(&mut self, context: &mut Context<'_>) -> Result<Option<Batch>, State> {
        let Some(first) = self.next(context)? else {
            return Ok(None);
        };
        let mut batch = Batch {
            frames: first.frame(&self.source.connection),
            first,
            more: Vec::new(),
            is_followed: true,
        };
        let mut frames = Vec::new();
        while batch.frames.len().max(frames.len()) < BATCH_BYTES {
            let next = match self.next(context) {
                Ok(Some(next)) => next,
                // How it ends is met again.
                next => {
                    batch.is_followed = next.is_err();
                    break;
                }
            };
            if frames.is_empty() {
                frames.extend_from_slice(&batch.frames);
            }
            frames.extend_from_slice(&next.frame(&self.source.connection));
            batch.more.push(next);
        }
        if !frames.is_empty() {
            batch.frames = frames.into();
        }
        Ok(Some(batch))
    }

    fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Item>, State> {
        if let Some(first) = self.first.pop_front() {
            return Ok(Some(first));
        }
        match self.source.poll_next(context) {
            Poll::Ready(item) => item.ok_or(State::Missed).map(Some),
            Poll::Pending => Ok(None),
        }
    }
}
