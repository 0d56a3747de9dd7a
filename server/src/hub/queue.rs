//! What one reader has not read yet: bounded, in order, and honest about what did not fit.

use super::{MAX_TOPICS, Message};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};
use tertulia_shared::Topic;

/// The most topics of which a reader is told what it missed; a reader that misses more of them is cut off.
pub(super) const MAX_MISSED_TOPICS: usize = 10_000;

/// The most that may wait of what a reader that comes back is told to have missed, more than there are topics to join; one
/// that asks for more of it without reading is cut off.
pub(super) const MAX_GAPS: usize = 4 * MAX_TOPICS;

/// What a reader gets.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A message.
    Message(Arc<Message>),
    /// Messages of a topic that did not fit into the queue, or were no longer kept for a reader who came back.
    Missed {
        /// The topic.
        topic: Topic,
        /// The sequence number of the first message missed; 0 where nobody knows what of another epoch was.
        from: u64,
        /// The sequence number of the last message missed, at least `from`.
        to: u64,
    },
}

impl Delivery {
    fn topic(&self) -> &Topic {
        match self {
            Self::Message(message) => &message.topic,
            Self::Missed { topic, .. } => topic,
        }
    }

    fn first(&self) -> u64 {
        match self {
            Self::Message(message) => message.stamp.seq,
            Self::Missed { from, .. } => *from,
        }
    }
}

/// The queue of one reader.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
}

/// Nothing comes out of a queue while one of these is there.
#[derive(Debug)]
pub struct Hold(Arc<Queue>);

impl Drop for Hold {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.holds -= 1;
        waiting.wake();
    }
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    /// How many of the entries count against the capacity.
    taken: usize,
    /// First and last sequence number of what did not fit since the queue was last with room.
    missed: BTreeMap<Topic, (u64, u64)>,
    /// How many of the entries tell what was missed.
    gaps: usize,
    /// More was missed than can be told. What comes from then on stays out: behind it the reader would not know of the gap.
    cut_off: bool,
    /// How many want that nothing comes out until they are gone.
    holds: usize,
    /// The one who reads. It stays there, so that it is not to be said again for each message.
    reads: Option<Waker>,
}

#[derive(Debug)]
struct Entry {
    delivery: Delivery,
    /// Whether it takes capacity: a latest value, which the hub holds anyway, does not.
    counts: bool,
    /// Whether it was published while its reader was there.
    live: bool,
}

impl Entry {
    fn is_gap(&self) -> bool {
        matches!(self.delivery, Delivery::Missed { .. })
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: Mutex::default(),
        }
    }

    /// Queues a message; false where there was no room and it was recorded as missed.
    pub(super) fn push(&self, message: &Arc<Message>) -> bool {
        let mut waiting = self.waiting();
        let fits = !waiting.cut_off && waiting.taken < self.limit(&waiting);
        if fits {
            waiting.tell_missed();
            waiting.taken += 1;
            waiting.entries.push_back(Entry {
                delivery: Delivery::Message(Arc::clone(message)),
                counts: true,
                live: true,
            });
        } else {
            waiting.miss(message);
        }
        waiting.wake();
        fits
    }

    /// Queues what was published before its reader came; each with whether it counts against the capacity.
    pub(super) fn push_replay(&self, deliveries: Vec<(Delivery, bool)>) {
        let mut waiting = self.waiting();
        for (delivery, counts) in deliveries {
            waiting.put(delivery, counts);
        }
        waiting.wake();
    }

    /// Holds back what waits and what comes, until the hold is dropped.
    pub(super) fn hold(self: &Arc<Self>) -> Hold {
        self.waiting().holds += 1;
        Hold(Arc::clone(self))
    }

    /// How many more messages fit now.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.waiting().taken)
    }

    /// The number before the first that waits of a topic, as a message or as missed; `None` where nothing does. 0 where nothing
    /// does and nobody knows what was missed: from there all of it is asked for again.
    pub(super) fn before(&self, topic: &Topic) -> Option<u64> {
        let waiting = self.waiting();
        let mut entries = waiting.entries.iter().map(|entry| &entry.delivery);
        let queued = entries.find(|delivery| delivery.topic() == topic);
        let missed = || waiting.missed.get(topic).map(|(from, _)| *from);
        let untold = || waiting.cut_off.then_some(0);
        let first = queued
            .map(Delivery::first)
            .or_else(missed)
            .or_else(untold)?;
        Some(first.saturating_sub(1))
    }

    /// How many deliveries wait.
    pub(super) fn waits(&self) -> usize {
        self.waiting().entries.len()
    }

    /// Whether nothing waits, also nothing that was missed.
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.entries.is_empty() && waiting.missed.is_empty()
    }

    /// Removes what is queued of topics for which `keep` is false.
    pub(super) fn keep(&self, keep: impl Fn(&Topic) -> bool) {
        let mut waiting = self.waiting();
        waiting.entries.retain(|entry| keep(entry.delivery.topic()));
        waiting.taken = waiting.entries.iter().filter(|entry| entry.counts).count();
        waiting.gaps = waiting.entries.iter().filter(|it| it.is_gap()).count();
        waiting.missed.retain(|topic, _| keep(topic));
    }

    /// The next delivery, and whether it was published while the reader was there; `None` once the reader missed
    /// messages of more than [`MAX_MISSED_TOPICS`] topics.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<(Delivery, bool)>> {
        let mut waiting = self.waiting();
        match &mut waiting.reads {
            Some(reads) => reads.clone_from(context.waker()),
            nobody => *nobody = Some(context.waker().clone()),
        }
        waiting.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// As [`Self::poll_next`], where it is there already.
    pub(super) fn try_next(&self) -> Option<(Delivery, bool)> {
        self.waiting().take().flatten()
    }

    /// Up to how many messages one more is taken. After the first that did not fit, half must have been read: a burst ends
    /// in one gap, not in many small ones.
    fn limit(&self, waiting: &Waiting) -> usize {
        match waiting.missed.is_empty() {
            true => self.capacity,
            false => self.capacity / 2 + 1,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn wake(&self) {
        if let Some(reads) = &self.reads {
            reads.wake_by_ref();
        }
    }

    /// As [`Self::pop`], while nobody holds it back.
    fn take(&mut self) -> Option<Option<(Delivery, bool)>> {
        match self.holds {
            0 => self.pop(),
            _ => None,
        }
    }

    /// `None` where there is nothing yet, `Some(None)` where there will be nothing more.
    fn pop(&mut self) -> Option<Option<(Delivery, bool)>> {
        if self.entries.is_empty() {
            self.tell_missed();
        }
        if let Some(entry) = self.entries.pop_front() {
            self.taken -= usize::from(entry.counts);
            self.gaps -= usize::from(entry.is_gap());
            return Some(Some((entry.delivery, entry.live)));
        }
        self.cut_off.then_some(None)
    }

    /// Puts what was missed behind what is queued: what comes next of these topics is newer.
    fn tell_missed(&mut self) {
        if self.missed.is_empty() {
            return;
        }
        let missed = std::mem::take(&mut self.missed);
        self.gaps += missed.len();
        self.entries
            .extend(missed.into_iter().map(|(topic, (from, to))| Entry {
                delivery: Delivery::Missed { topic, from, to },
                counts: false,
                live: false,
            }));
    }

    /// Queues what was published before the reader came, while there is a way to tell it all.
    fn put(&mut self, delivery: Delivery, counts: bool) {
        let entry = Entry {
            delivery,
            counts,
            live: false,
        };
        self.cut_off |= entry.is_gap() && self.gaps >= MAX_GAPS;
        if !self.cut_off {
            self.taken += usize::from(counts);
            self.gaps += usize::from(entry.is_gap());
            self.entries.push_back(entry);
        }
    }

    fn miss(&mut self, message: &Message) {
        if self.cut_off {
            return;
        }
        let seq = message.stamp.seq;
        if let Some(range) = self.missed.get_mut(&message.topic) {
            range.1 = seq;
        } else if self.missed.len() < MAX_MISSED_TOPICS {
            self.missed.insert(message.topic.clone(), (seq, seq));
        } else {
            self.cut_off = true;
        }
    }
}
