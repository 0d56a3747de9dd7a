//! The acknowledgements of one connection, in the order of its events: also where some wait for the disk.
//!
//! An event that is answered later holds a place in the queue, and what comes behind it waits. A few go ahead of all others.

use super::listen::AckId;
use crate::hub::Hold;
use serde_json::value::RawValue;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
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
    /// What comes only behind it.
    pub(super) before: Option<Hold>,
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

/// The most that may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    /// The acknowledgements, answered or not.
    pub(super) count: usize,
    /// The texts of those that are answered, in bytes. One that is longer waits alone.
    pub(super) bytes: usize,
}

/// What waits. An idle connection's takes next to nothing.
#[derive(Debug)]
struct Queue {
    capacity: Capacity,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    slots: VecDeque<Slot>,
    /// Acknowledgements that go out ahead of all slots.
    ahead: VecDeque<Ack>,
    /// The answered acknowledgements, whether in a slot, in a held place, or ahead.
    bytes: usize,
    closed: bool,
    /// The one who sends. It stays there, so that it is not to be said again for each acknowledgement.
    sends: Option<Waker>,
}

/// A place in the queue. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Place {
    queue: Arc<Queue>,
    answer: oneshot::Sender<Ack>,
}

/// Where acknowledgements come out.
#[derive(Debug)]
pub(super) struct InOrder {
    queue: Arc<Queue>,
    /// The first one, while it is not answered yet.
    held: Option<oneshot::Receiver<Ack>>,
}

/// A queue that holds at most `capacity`.
pub(super) fn queue(capacity: Capacity) -> (Acks, InOrder) {
    let queue = Arc::new(Queue {
        capacity,
        waiting: Mutex::default(),
    });
    (Acks(Arc::clone(&queue)), InOrder { queue, held: None })
}

impl Queue {
    fn push(&self, slot: Slot) -> Result<(), Full> {
        let mut waiting = self.waiting();
        if waiting.count() >= self.capacity.count {
            return Err(Full);
        }
        if let Slot::Ready(ack) = &slot {
            waiting.weigh(ack, self.capacity.bytes)?;
        }
        waiting.slots.push_back(slot);
        waiting.wake();
        Ok(())
    }

    fn push_ahead(&self, ack: Ack) -> Result<(), Full> {
        let mut waiting = self.waiting();
        if waiting.count() >= self.capacity.count {
            return Err(Full);
        }
        waiting.weigh(&ack, self.capacity.bytes)?;
        waiting.ahead.push_back(ack);
        waiting.wake();
        Ok(())
    }

    /// An acknowledgement is taken out of a place that was held.
    fn taken(&self, ack: Ack) -> Ack {
        self.waiting().bytes -= ack.bytes();
        ack
    }

    /// The next acknowledgement ahead of all others, or else the next slot unless one `is_held` already. `None` if no more will
    /// come.
    fn poll_next(&self, context: &Context<'_>, is_held: bool) -> Poll<Option<Slot>> {
        let mut waiting = self.waiting();
        waiting.wakes(context);
        match waiting.take_ahead() {
            Some(ack) => Poll::Ready(Some(Slot::Ready(ack))),
            None if is_held => Poll::Pending,
            None => waiting.pop(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ack {
    fn bytes(&self) -> usize {
        self.body.get().len()
    }
}

impl Waiting {
    fn count(&self) -> usize {
        self.slots.len() + self.ahead.len()
    }

    /// From now on it is this one who sends.
    fn wakes(&mut self, context: &Context<'_>) {
        match &mut self.sends {
            Some(sends) => sends.clone_from(context.waker()),
            nobody => *nobody = Some(context.waker().clone()),
        }
    }

    fn wake(&self) {
        if let Some(sends) = &self.sends {
            sends.wake_by_ref();
        }
    }

    /// Counts the bytes of an acknowledgement, where they fit.
    fn weigh(&mut self, ack: &Ack, most: usize) -> Result<(), Full> {
        let bytes = self.bytes + ack.bytes();
        if self.bytes > 0 && bytes > most {
            return Err(Full);
        }
        self.bytes = bytes;
        Ok(())
    }

    fn take_ahead(&mut self) -> Option<Ack> {
        let ack = self.ahead.pop_front()?;
        self.bytes -= ack.bytes();
        Some(ack)
    }

    fn take_first(&mut self) -> Option<Slot> {
        let first = self.slots.pop_front();
        if let Some(Slot::Ready(ack)) = &first {
            self.bytes -= ack.bytes();
        }
        first
    }

    fn pop(&mut self) -> Poll<Option<Slot>> {
        match self.take_first() {
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

    /// Queues an acknowledgement ahead of all others.
    pub(super) fn push_ahead(&self, ack: Ack) -> Result<(), Full> {
        self.0.push_ahead(ack)
    }

    /// Holds a place for one that comes later.
    pub(super) fn hold(&self) -> Result<Place, Full> {
        let (place, held) = oneshot::channel();
        self.0.push(Slot::Held(held))?;
        Ok(Place {
            queue: Arc::clone(&self.0),
            answer: place,
        })
    }

    /// How many wait, and the bytes of those that are answered.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let waiting = self.0.waiting();
        (waiting.count(), waiting.bytes)
    }
}

impl Drop for Acks {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.closed = true;
        waiting.wake();
    }
}

impl Place {
    pub(super) fn fill(self, ack: Ack) -> Result<(), Full> {
        let Self { queue, answer } = self;
        queue.waiting().weigh(&ack, queue.capacity.bytes)?;
        // Nobody reads them any more where the connection has ended.
        let _ = answer.send(ack);
        Ok(())
    }
}

impl InOrder {
    /// Whether none waits, answered or not.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_none() && self.queue.waiting().count() == 0
    }

    /// The next acknowledgement, for the one who sends. `None` where there will be no more.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Ack>> {
        loop {
            match self.queue.poll_next(context, self.held.is_some()) {
                Poll::Ready(Some(Slot::Ready(ack))) => return Poll::Ready(Some(ack)),
                Poll::Ready(Some(Slot::Held(held))) => self.held = Some(held),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            let Some(held) = &mut self.held else {
                return Poll::Pending;
            };
            let ack = ready!(Pin::new(held).poll(context));
            self.held = None;
            if let Ok(ack) = ack {
                return Poll::Ready(Some(self.queue.taken(ack)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ack, Capacity, Full, InOrder, queue};
    use serde_json::value::RawValue;
    use std::{
        task::{Context, Poll, Waker},
        time::Instant,
    };

    const TEN: Capacity = Capacity {
        count: 10,
        bytes: 100,
    };

    fn ack(id: i64) -> Ack {
        long(id, 2)
    }

    /// An acknowledgement of so many bytes.
    fn long(id: i64, bytes: usize) -> Ack {
        let body = format!("[{}]", " ".repeat(bytes - 2));
        Ack {
            id,
            body: RawValue::from_string(body).unwrap(),
            since: Instant::now(),
            before: None,
        }
    }

    fn ready(acks: &mut InOrder) -> Option<i64> {
        match acks.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ack) => ack.map(|ack| ack.id),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_answered_early_waits_for_what_came_before() {
        let (acks, mut out) = queue(TEN);
        acks.push(ack(1)).unwrap();
        let second = acks.hold().unwrap();
        let given_up = acks.hold().unwrap();
        let fourth = acks.hold().unwrap();
        acks.push(ack(5)).unwrap();
        fourth.fill(ack(4)).unwrap();
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(1), None));
        assert_eq!(ready(&mut out), None);
        second.fill(ack(2)).unwrap();
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(2), None));
        drop(given_up);
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(4), Some(5)));
        assert_eq!(ready(&mut out), None);
        drop(acks);
        let end = out.poll_next(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(end, Poll::Ready(None)));
    }

    #[test]
    fn an_acknowledgement_goes_ahead_of_those_that_wait() {
        let (acks, mut out) = queue(TEN);
        acks.push(ack(1)).unwrap();
        let second = acks.hold().unwrap();
        acks.push_ahead(ack(3)).unwrap();
        acks.push_ahead(ack(4)).unwrap();
        assert_eq!(acks.waiting(), (4, 6));
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(3), Some(4)));
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(1), None));
        // Also while the first one is waited for.
        acks.push_ahead(ack(5)).unwrap();
        assert!(!out.is_empty());
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(5), None));
        second.fill(ack(2)).unwrap();
        assert_eq!((ready(&mut out), acks.waiting()), (Some(2), (0, 0)));
        for id in 0..10 {
            acks.push_ahead(ack(id)).unwrap();
        }
        assert!(matches!(acks.push_ahead(ack(10)), Err(Full)));
    }

    #[test]
    fn places_that_are_held_are_bounded_too() {
        let (acks, _out) = queue(Capacity { count: 2, ..TEN });
        let _held = acks.hold().unwrap();
        acks.push(ack(2)).unwrap();
        assert!(matches!(acks.hold(), Err(Full)));
        assert_eq!(acks.waiting(), (2, 2));
    }

    #[test]
    fn bytes_are_bounded_too_and_counted_exactly() {
        let (acks, mut out) = queue(TEN);
        let [first, second, late] = [(); 3].map(|()| acks.hold().unwrap());
        acks.push(long(4, 60)).unwrap();
        first.fill(long(1, 40)).unwrap();
        assert_eq!(acks.waiting(), (4, 100));
        assert!(matches!(acks.push(ack(5)), Err(Full)));
        assert!(matches!(second.fill(ack(2)), Err(Full)));
        assert_eq!(acks.waiting(), (4, 100));
        assert_eq!(ready(&mut out), Some(1));
        assert_eq!(acks.waiting().1, 60);
        // Its place, too, was given up with what did not fit.
        assert_eq!(ready(&mut out), None);
        late.fill(ack(3)).unwrap();
        assert_eq!((ready(&mut out), ready(&mut out)), (Some(3), Some(4)));
        assert_eq!(acks.waiting(), (0, 0));
        // Longer than all that may wait: alone.
        acks.push(long(6, 101)).unwrap();
        assert!(matches!(acks.push(ack(7)), Err(Full)));
        assert_eq!((ready(&mut out), acks.waiting()), (Some(6), (0, 0)));
    }
}
