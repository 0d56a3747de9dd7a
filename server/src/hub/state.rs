//! What a hub holds under its one lock: the streams by topic, who reads them, and what all of them keep.

use super::{
    MAX_TOPICS, Message, PublishError,
    history::{History, Keep},
    queue::Queue,
    routes::{ReaderId, Routes},
    stream::{Position, Replay, Start, Stream},
};
use crate::store::Marks;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tertulia_shared::{Filter, Topic};

/// The most that is kept of all topics together for readers who come back, in bytes, roughly: beyond it, each topic gives
/// up the older half of what it keeps.
pub const MAX_HISTORY_BYTES: usize = 128 * 1024 * 1024;

/// All that a hub holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) history: History,
    /// The first level of topics that may have been forgotten, and where those stand.
    pub(super) forgotten: Option<(&'static str, Arc<Marks>)>,
    /// What all streams keep, in bytes.
    pub(super) kept_bytes: usize,
    pub(super) streams: BTreeMap<Topic, Stream>,
    /// How many streams there are by the first level of their topics.
    pub(super) counts: BTreeMap<String, usize>,
    pub(super) routes: Routes,
    pub(super) queues: HashMap<ReaderId, Arc<Queue>>,
    pub(super) next_reader: ReaderId,
}

impl State {
    /// The stream of a topic, a new one where there is none yet.
    pub(super) fn stream(&mut self, topic: &Topic) -> Result<&mut Stream, PublishError> {
        if !self.streams.contains_key(topic) {
            let count = self
                .counts
                .entry(first_level(topic).to_owned())
                .or_default();
            if *count >= MAX_TOPICS {
                return Err(PublishError::TooManyTopics(topic.clone()));
            }
            *count += 1;
        }
        Ok(self.entry(topic))
    }

    /// Numbers the stream of a topic up to `last`.
    pub(super) fn number(&mut self, topic: &Topic, last: u64) {
        self.entry(topic).seq = last;
    }

    /// The last number of a topic; 0 where there is none.
    pub(super) fn last(&self, topic: &Topic) -> u64 {
        let stream = self.streams.get(topic);
        stream.map_or_else(|| self.mark(topic), |stream| stream.seq)
    }

    /// Where a topic stands that has no stream.
    fn mark(&self, topic: &Topic) -> u64 {
        match &self.forgotten {
            Some((level, marks)) if first_level(topic) == *level => marks.of(topic),
            _ => 0,
        }
    }

    fn entry(&mut self, topic: &Topic) -> &mut Stream {
        let history = &self.history;
        let stream = self.streams.entry(topic.clone());
        stream.or_insert_with(|| Stream::new(history.of(topic)))
    }

    /// Puts a message into the stream of its topic: when it was born, and the time `now` by which others are too old.
    pub(super) fn take(&mut self, message: &Arc<Message>, retain: bool, born_now: (u64, u64)) {
        let stream = self.entry(&message.topic);
        let before = stream.bytes();
        stream.take(message, retain, born_now);
        let after = stream.bytes();
        self.kept_bytes = self.kept_bytes - before + after;
        if self.kept_bytes > MAX_HISTORY_BYTES {
            self.give_up_half();
        }
    }

    fn give_up_half(&mut self) {
        self.streams.values_mut().for_each(Stream::give_up_half);
        self.kept_bytes = self.streams.values().map(Stream::bytes).sum();
        tracing::warn!(
            kept = self.kept_bytes,
            "more is said than {MAX_HISTORY_BYTES} bytes hold: each topic gave up the older half of its history"
        );
    }

    /// The topics that a filter matches: those that are known, and those that the reader says it knows.
    pub(super) fn topics_of(&self, filter: &Filter, start: &Start) -> Vec<Topic> {
        if let Some(topic) = filter.as_topic() {
            return vec![topic];
        }
        let seen = match start {
            Start::After { seen, .. } => Some(seen.keys()),
            Start::Newest(_) => None,
        };
        let mut topics: Vec<_> = self
            .streams
            .keys()
            .chain(seen.into_iter().flatten())
            .collect();
        topics.retain(|topic| filter.matches(topic));
        topics.sort_unstable();
        topics.dedup();
        topics.into_iter().cloned().collect()
    }

    /// What a reader at `position` of a topic gets before anything newer, at the time `now`.
    pub(super) fn replay(
        &mut self,
        topic: &Topic,
        position: Position,
        room: usize,
        now: u64,
    ) -> Replay {
        let Some(stream) = self.streams.get_mut(topic) else {
            let mut none = Stream::new(Keep::default());
            none.seq = self.mark(topic);
            return none.replay(topic, position, room);
        };
        let before = stream.bytes();
        stream.shed(now);
        self.kept_bytes = self.kept_bytes - before + stream.bytes();
        stream.replay(topic, position, room)
    }
}

/// The first level of a topic.
pub(super) fn first_level(topic: &Topic) -> &str {
    topic.levels().next().unwrap_or_default()
}
