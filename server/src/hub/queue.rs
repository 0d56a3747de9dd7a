//! What one reader has not read yet: bounded, in order, and honest about what did not fit.

use super::Message;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::Topic;
use tokio::sync::Notify;

/// The most topics of which a reader is told what it missed; a reader that misses more of them is cut off.
pub(super) const MAX_MISSED_TOPICS: usize = 10_000;

/// What a reader gets.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A message.
    Message(Arc<Message>),
    /// Messages of a topic that did not fit into the queue.
    Missed {
        /// The topic.
        topic: Topic,
        /// The sequence number of the first message missed.
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
}

/// The queue of one reader.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    /// How many of the entries count against the capacity.
    live: usize,
    /// First and last sequence number of what did not fit since the queue was last with room.
    missed: BTreeMap<Topic, (u64, u64)>,
    cut_off: bool,
}

/// A retained value was stored before its reader came: it holds no memory of its own and takes no capacity.
#[derive(Debug)]
struct Entry {
    delivery: Delivery,
    live: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Queues a message; false where there was no room and it was recorded as missed.
    pub(super) fn push(&self, message: &Arc<Message>) -> bool {
        let mut waiting = self.waiting();
        let fits = waiting.live < self.capacity;
        if fits {
            waiting.tell_missed();
            waiting.live += 1;
            waiting.entries.push_back(Entry {
                delivery: Delivery::Message(Arc::clone(message)),
                live: true,
            });
        } else {
            waiting.miss(message);
        }
        self.filled.notify_one();
        fits
    }

    /// Queues retained messages, all of them.
    pub(super) fn push_retained<'a>(&self, messages: impl Iterator<Item = &'a Arc<Message>>) {
        let mut waiting = self.waiting();
        waiting.entries.extend(messages.map(|message| Entry {
            delivery: Delivery::Message(Arc::clone(message)),
            live: false,
        }));
        self.filled.notify_one();
    }

    /// How many deliveries wait.
    pub(super) fn waits(&self) -> usize {
        self.waiting().entries.len()
    }

    /// Removes what is queued of topics for which `keep` is false.
    pub(super) fn keep(&self, keep: impl Fn(&Topic) -> bool) {
        let mut waiting = self.waiting();
        waiting.entries.retain(|entry| keep(entry.delivery.topic()));
        waiting.live = waiting.entries.iter().filter(|entry| entry.live).count();
        waiting.missed.retain(|topic, _| keep(topic));
    }

    /// The next delivery, and whether it was published while the reader was there; `None` once the reader missed
    /// messages of more than [`MAX_MISSED_TOPICS`] topics.
    pub(super) async fn next(&self) -> Option<(Delivery, bool)> {
        loop {
            let filled = self.filled.notified();
            if let Some(next) = self.waiting().pop() {
                return next;
            }
            filled.await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// `None` where there is nothing yet, `Some(None)` where there will be nothing more.
    fn pop(&mut self) -> Option<Option<(Delivery, bool)>> {
        if self.entries.is_empty() {
            self.tell_missed();
        }
        if let Some(entry) = self.entries.pop_front() {
            self.live -= usize::from(entry.live);
            return Some(Some((entry.delivery, entry.live)));
        }
        self.cut_off.then_some(None)
    }

    /// Puts what was missed behind what is queued: what comes next of these topics is newer.
    fn tell_missed(&mut self) {
        let missed = std::mem::take(&mut self.missed);
        self.entries
            .extend(missed.into_iter().map(|(topic, (from, to))| Entry {
                delivery: Delivery::Missed { topic, from, to },
                live: false,
            }));
    }

    fn miss(&mut self, message: &Message) {
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
