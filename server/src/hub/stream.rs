//! One topic: its numbering, its latest values, and the newest messages for readers who come back.
//!
//! Not here: who reads it (`routes`) and what waits for a reader (`queue`).

use super::{Delivery, Message, history::Keep};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tertulia_shared::Topic;

/// What a kept message takes beside its text, in bytes, roughly.
const OVERHEAD_BYTES: usize = 256;

/// From where a reader begins to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the latest values, and so many of the newest messages of each topic.
    Newest(usize),
    /// After what it has seen.
    After {
        /// The epoch of the numbers.
        epoch: u64,
        /// The last sequence number seen by topic; nothing was seen of the other topics.
        seen: BTreeMap<Topic, u64>,
    },
}

impl Start {
    /// Where the reader stands in a topic that is numbered in this epoch.
    pub(super) fn position(&self, topic: &Topic, epoch: u64) -> Position {
        match self {
            Self::Newest(count) => Position::Newest(*count),
            Self::After { epoch: its, seen } if *its == epoch => {
                Position::After(seen.get(topic).copied().unwrap_or_default())
            }
            // Also where it saw nothing of the topic: what that epoch had, and how much of it, nobody knows any more.
            Self::After { .. } => Position::Elsewhere,
        }
    }
}

/// The position of a reader in one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// It wants the latest values, and so many of the newest messages.
    Newest(usize),
    /// It has seen all up to this number.
    After(u64),
    /// What it has seen was of another epoch.
    Elsewhere,
}

/// What a reader gets before anything newer.
pub(super) struct Replay {
    /// In order; true where it was kept for its age, and not as a latest value.
    pub(super) deliveries: Vec<(Delivery, bool)>,
    /// The sequence number after which they come.
    pub(super) after: u64,
}

impl Replay {
    /// How many of the messages were kept for their age.
    pub(super) fn kept(&self) -> usize {
        self.deliveries.iter().filter(|(_, kept)| *kept).count()
    }

    /// How many messages are told as missed.
    pub(super) fn missed(&self) -> u64 {
        let missed = |(delivery, _): &(Delivery, bool)| match delivery {
            Delivery::Missed { from, to, .. } if *from > 0 => to - from + 1,
            _ => 0,
        };
        self.deliveries.iter().map(missed).sum()
    }
}

/// One topic.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) seq: u64,
    /// The latest retained message of each event name, in the order of their stamps.
    pub(super) retained: Vec<Arc<Message>>,
    /// The number of the message that told that the latest values were forgotten: what is before it is only for who goes
    /// on from there. 0 where none did.
    cleared: u64,
    keep: Keep,
    /// The newest messages, oldest first, and since when they age.
    kept: VecDeque<(Arc<Message>, u64)>,
    /// What they take.
    bytes: usize,
}

impl Stream {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            seq: 0,
            retained: Vec::new(),
            cleared: 0,
            keep,
            kept: VecDeque::new(),
            bytes: 0,
        }
    }

    /// What the kept messages take, in bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next message, which ages since `born`, at the time `now`.
    pub(super) fn take(&mut self, message: &Arc<Message>, retain: bool, (born, now): (u64, u64)) {
        self.seq = message.stamp.seq;
        if retain {
            self.retained.retain(|old| old.event != message.event);
            self.retained.push(Arc::clone(message));
        }
        if self.keep.count > 0 {
            self.bytes += size(message);
            self.kept.push_back((Arc::clone(message), born));
        }
        self.shed(now);
    }

    /// Whether there is a latest value.
    pub(super) fn has_latest(&self) -> bool {
        let mut latest = self.retained.iter();
        latest.any(|message| message.stamp.seq > self.cleared)
    }

    /// Forgets the latest values, of which the last message told it: that one is kept for who goes on from before it.
    pub(super) fn clear(&mut self) {
        self.cleared = self.seq;
        self.retained
            .retain(|message| message.stamp.seq == self.seq);
    }

    /// The newest messages, oldest first.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.kept.iter().map(|(message, _)| message)
    }

    /// Gives up what is too old at the time `now`, or too much.
    pub(super) fn shed(&mut self, now: u64) {
        let oldest = now.saturating_sub(self.keep.age);
        while self.kept.len() > self.keep.count || self.first().is_some_and(|born| born < oldest) {
            self.drop_first();
        }
    }

    /// Gives up the older half of what is kept.
    pub(super) fn give_up_half(&mut self) {
        for _ in 0..self.kept.len().div_ceil(2) {
            self.drop_first();
        }
        self.kept.shrink_to_fit();
    }

    /// What a reader at `position` gets before anything newer; at most `room` messages that are not latest values.
    pub(super) fn replay(&self, topic: &Topic, position: Position, room: usize) -> Replay {
        match position {
            Position::Newest(count) => self.newest(count.min(room)),
            Position::After(seen) => self.after(topic, seen.min(self.seq), room),
            Position::Elsewhere => self.elsewhere(topic, room),
        }
    }

    fn newest(&self, count: usize) -> Replay {
        let messages = self.messages(self.cleared, count);
        let first = messages.first().map(|(message, _)| message.stamp.seq);
        let delivery = |(message, kept): (&Arc<Message>, _)| (message_of(message), kept);
        Replay {
            deliveries: messages.into_iter().map(delivery).collect(),
            after: first.map_or(self.seq, |first| first - 1),
        }
    }

    /// Every number after `seen` once, in a message or in what was missed.
    fn after(&self, topic: &Topic, seen: u64, room: usize) -> Replay {
        let mut deliveries = Vec::new();
        let mut next = seen + 1;
        for (message, kept) in self.messages(seen, room) {
            let seq = message.stamp.seq;
            if next < seq {
                deliveries.push((missed(topic, next, seq - 1), false));
            }
            deliveries.push((message_of(message), kept));
            next = seq + 1;
        }
        if next <= self.seq {
            deliveries.push((missed(topic, next, self.seq), false));
        }
        Replay {
            deliveries,
            after: seen,
        }
    }

    /// All of this epoch, and always that something was missed: nobody knows how the other epoch ended.
    fn elsewhere(&self, topic: &Topic, room: usize) -> Replay {
        let mut replay = self.after(topic, 0, room);
        if !matches!(
            replay.deliveries.first(),
            Some((Delivery::Missed { .. }, _))
        ) {
            replay.deliveries.insert(0, (missed(topic, 0, 0), false));
        }
        replay
    }

    fn first(&self) -> Option<u64> {
        self.kept.front().map(|(_, born)| *born)
    }

    fn drop_first(&mut self) {
        if let Some((message, _)) = self.kept.pop_front() {
            self.bytes -= size(&message);
        }
    }

    /// The newest `count` kept messages after `seen`, and the latest values after it, each once and in order.
    fn messages(&self, seen: u64, count: usize) -> Vec<(&Arc<Message>, bool)> {
        let first = self.kept.len().saturating_sub(count);
        let mut messages: Vec<_> = self.kept.range(first..).map(|(it, _)| (it, true)).collect();
        messages.extend(self.retained.iter().map(|it| (it, false)));
        messages.retain(|(message, _)| message.stamp.seq > seen);
        messages.sort_by_key(|(message, kept)| (message.stamp.seq, !kept));
        messages.dedup_by_key(|(message, _)| message.stamp.seq);
        messages
    }
}

fn message_of(message: &Arc<Message>) -> Delivery {
    Delivery::Message(Arc::clone(message))
}

fn missed(topic: &Topic, from: u64, to: u64) -> Delivery {
    Delivery::Missed {
        topic: topic.clone(),
        from,
        to,
    }
}

fn size(message: &Message) -> usize {
    message.body.get().len() + message.topic.as_str().len() + OVERHEAD_BYTES
}
