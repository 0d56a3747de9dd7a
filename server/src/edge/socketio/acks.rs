//! The acknowledgements of one connection, in the order of its events: also where some wait for the disk.
//!
//! An event that is answered later holds a place in the queue, and what comes behind it waits.

use super::listen::AckId;
use futures_util::task::AtomicWaker;
use serde_json::value::RawValue;
use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Instant,
};
use tokio::sync::oneshot;

/// An acknowledgement on its way out.
#[derive(Debug)]
pub(super) struct Ack {
    pub(super) id: AckId,
    pub(super) body: Box<RawValue>,
    /// When its event came.
    pub(super) since: Instant,
}

#[derive(Debug)]
enum Slot {
    Ready(Ack),
    Held(oneshot::Receiver<Ack>),
}

/// No place is left.
#[derive(Debug)]
pub(super) struct Full;

/// Where acknowledgements go in.
#[derive(Debug)]
pub(super) struct Acks(Arc<Queue>);

/// What waits. An idle connection's takes next to nothing.
#[derive(Debug)]
struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    /// The one task that sends.
    sends: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    slots: VecDeque<Slot>,
    closed: bool,
}

/// A place in the queue. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Place(oneshot::Sender<Ack>);

/// Where acknowledgements come out.
#[derive(Debug)]
pub(super) struct InOrder {
    queue: Arc<Queue>,
    /// The first one, while it is not answered yet.
    held: Option<oneshot::Receiver<Ack>>,
}

/// A queue of at most `capacity` acknowledgements, answered or not.
pub(super) fn queue(capacity: usize) -> (Acks, InOrder) {
    let queue = Arc::new(Queue {
        capacity,
        waiting: Mutex::default(),
        sends: AtomicWaker::new(),
    });
    (Acks(Arc::clone(&queue)), InOrder { queue, held: None })
}

impl Queue {
    fn push(&self, slot: Slot) -> Result<(), Full> {
        let mut waiting = self.waiting();
        if waiting.slots.len() >= self.capacity {
            return Err(Full);
        }
        waiting.slots.push_back(slot);
        drop(waiting);
        self.sends.wake();
        Ok(())
    }

    /// The next slot; `None` where there will be no more.
    async fn next(&self) -> Option<Slot> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Slot>> {
        let first = self.waiting().pop();
        if first.is_ready() {
            return first;
        }
        self.sends.register(context.waker());
        // What came before the registration woke nobody.
        self.waiting().pop()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn pop(&mut self) -> Poll<Option<Slot>> {
        match self.slots.pop_front() {
            None if !self.closed => Poll::Pending,
            slot => Poll::Ready(slot),
        }
    }
}

impl Acks {
    /// Queues an acknowledgement.
    pub(super) fn push(&self, ack: Ack) -> Result<(), Full> {
        self.0.push(Slot::Ready(ack))
    }

    /// Holds a place for one that comes later.
    pub(super) fn hold(&self) -> Result<Place, Full> {
        let (place, held) = oneshot::channel();
        self.0.push(Slot::Held(held))?;
        Ok(Place(place))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting().slots.len()
    }
}

impl Drop for Acks {
    fn drop(&mut self) {
        self.0.waiting().closed = true;
        self.0.sends.wake();
    }
}

impl Place {
    pub(super) fn fill(self, ack: Ack) {
        // Nobody reads them any more where the connection has ended.
        let _ = self.0.send(ack);
    }
}

impl InOrder {
    /// The next acknowledgement where it is there already.
    pub(super) fn try_next(&mut self) -> Option<Ack> {
        loop {
            if let Some(held) = &mut self.held {
                match held.try_recv() {
                    Ok(ack) => {
                        self.held = None;
                        return Some(ack);
                    }
                    Err(oneshot::error::TryRecvError::Empty) => return None,
                    Err(oneshot::error::TryRecvError::Closed) => self.held = None,
                }
            }
            let slot = self.queue.waiting().slots.pop_front();
            match slot? {
                Slot::Ready(ack) => return Some(ack),
                Slot::Held(held) => self.held = Some(held),
            }
        }
    }

    /// The next acknowledgement; a cancelled wait loses nothing. `None` where there will be no more.
    pub(super) async fn next(&mut self) -> Option<Ack> {
        loop {
            if let Some(held) = &mut self.held {
                let ack = held.await;
                self.held = None;
                if let Ok(ack) = ack {
                    return Some(ack);
                }
            }
            match self.queue.next().await? {
                Slot::Ready(ack) => return Some(ack),
                Slot::Held(held) => self.held = Some(held),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ack, Full, InOrder, queue};
    use futures_util::FutureExt;
    use serde_json::value::RawValue;
    use std::time::Instant;

    fn ack(id: i64) -> Ack {
        Ack {
            id,
            body: RawValue::from_string("[]".to_owned()).unwrap(),
            since: Instant::now(),
        }
    }

    fn ready(acks: &mut InOrder) -> Option<i64> {
        acks.next().now_or_never().flatten().map(|ack| ack.id)
    }

    fn now(acks: &mut InOrder) -> Option<i64> {
        acks.try_next().map(|ack| ack.id)
    }

    #[test]
    fn what_is_answered_early_waits_for_what_came_before() {
        let (acks, mut out) = queue(10);
        acks.push(ack(1)).unwrap();
        let second = acks.hold().unwrap();
        let given_up = acks.hold().unwrap();
        let fourth = acks.hold().unwrap();
        acks.push(ack(5)).unwrap();
        fourth.fill(ack(4));
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(1), None));
        assert_eq!(now(&mut out), None);
        second.fill(ack(2));
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(2), None));
        drop(given_up);
        assert_eq!((now(&mut out), now(&mut out)), (Some(4), Some(5)));
        assert_eq!(now(&mut out), None);
        drop(acks);
        assert!(out.next().now_or_never().unwrap().is_none());
    }

    #[test]
    fn places_that_are_held_are_bounded_too() {
        let (acks, _out) = queue(2);
        let _held = acks.hold().unwrap();
        acks.push(ack(2)).unwrap();
        assert!(matches!(acks.hold(), Err(Full)));
        assert_eq!(acks.waiting(), 2);
    }
}
