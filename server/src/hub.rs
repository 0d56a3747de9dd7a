//! The hub: topics in the middle. It stamps what is published, keeps the latest value and hands it to readers.
//!
//! It never waits, knows no concrete event and no protocol: what accepts is in `edge`, what dials in `bridge`.

mod history;
mod queue;
mod reader;
mod routes;
mod share;
mod state;
mod stream;
#[cfg(test)]
mod tests;

pub use history::{History, Keep};
pub use queue::{Delivery, Hold};
pub use reader::{Measured, Reader};
use share::Shares;
pub use state::MAX_HISTORY_BYTES;
pub use stream::Start;

use crate::store::{Age, Marks};
use queue::Queue;
use routes::ReaderId;
use serde_json::value::RawValue;
use state::{State, first_level};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use stream::{Position, Stream};
use tertulia_shared::{Event, Filter, Topic};

/// The most topics with the same first level that a hub numbers; a further one is refused, those of others are not.
pub const MAX_TOPICS: usize = 50_000;

/// Tells the time in milliseconds since 1970-01-01 UTC.
pub type Clock = fn() -> u64;

/// Who published a message: a bridge skips what it published itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(pub &'static str);

/// What the hub adds to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The place in the topic's stream, from 1, one more each message.
    pub seq: u64,
    /// The time of publishing, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
}

/// A published event, encoded once for all readers.
#[derive(Debug)]
pub struct Message {
    /// The topic to which it was published.
    pub topic: Topic,
    /// Its place and time.
    pub stamp: Stamp,
    /// Who published it.
    pub origin: Origin,
    /// The event's name on the wire.
    pub event: &'static str,
    /// The event's payload as JSON.
    pub body: Box<RawValue>,
    /// When it came into this process, for measuring.
    pub since: Instant,
}

impl Message {
    /// The payload as `E`; `None` where the message is another event or does not decode.
    pub fn decode<E: Event>(&self) -> Option<E> {
        if self.event != E::NAME {
            return None;
        }
        serde_json::from_str(self.body.get()).ok()
    }
}

/// How full the queues of all readers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// The readers.
    pub readers: usize,
    /// The messages that wait in all queues together.
    pub waiting: usize,
    /// The messages that wait in the fullest one.
    pub deepest: usize,
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The hub numbers [`MAX_TOPICS`] topics with this first level already.
    #[error("topic `{0}` is new and the server holds {MAX_TOPICS} of its first level already")]
    TooManyTopics(Topic),
    /// The payload does not encode.
    #[error("payload does not encode: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Topics that are numbered elsewhere, where their numbers outlive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// The first level of these topics.
    pub level: &'static str,
    /// Their epoch, in milliseconds since 1970-01-01 UTC.
    pub epoch: u64,
}

/// Topics, their numbering and latest values, and who reads them.
#[derive(Debug)]
pub struct Hub {
    age: Arc<Age>,
    epoch: u64,
    durable: Option<Durable>,
    missed: AtomicU64,
    state: Mutex<State>,
}

impl Hub {
    /// An empty hub; its epoch is the clock's time now.
    pub fn new(clock: Clock) -> Arc<Self> {
        Self::build(Age::new(clock), None)
    }

    /// As [`Hub::new`], where some topics have an epoch of their own.
    pub fn with_durable(age: Arc<Age>, durable: Durable) -> Arc<Self> {
        Self::build(age, Some(durable))
    }

    fn build(age: Arc<Age>, durable: Option<Durable>) -> Arc<Self> {
        Arc::new(Self {
            epoch: age.now().wall,
            age,
            durable,
            missed: AtomicU64::new(0),
            state: Mutex::default(),
        })
    }

    /// The time that messages are stamped with, in milliseconds since 1970-01-01 UTC.
    pub fn now(&self) -> u64 {
        self.age.now().wall
    }

    /// Says what is kept for readers who come back, of the topics that are new from now on. Without it, nothing is.
    pub fn keep(&self, history: History) {
        self.state().history = history;
    }

    /// Says where durable topics stand of which nothing is known here: behind what of them was forgotten.
    pub fn go_on(&self, marks: Arc<Marks>) {
        let level = self.durable.map(|durable| durable.level);
        self.state().forgotten = level.map(|level| (level, marks));
    }

    /// When the hub started, in milliseconds since 1970-01-01 UTC: sequence numbers of another epoch do not compare.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The epoch of what a filter reads: the one of the durable topics where their level is the filter's first.
    pub fn epoch_of(&self, filter: &Filter) -> u64 {
        let first = filter.levels().next();
        match self.durable {
            Some(durable) if first == Some(durable.level) => durable.epoch,
            _ => self.epoch,
        }
    }

    /// How many messages readers missed since the hub started.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// How many readers there are, and how many messages wait in their queues.
    pub fn depths(&self) -> Depths {
        let queues: Vec<_> = self.state().queues.values().map(Arc::clone).collect();
        let mut depths = Depths::default();
        for waiting in queues.iter().map(|queue| queue.waits()) {
            depths.readers += 1;
            depths.waiting += waiting;
            depths.deepest = depths.deepest.max(waiting);
        }
        depths
    }

    /// Publishes the event that `event` makes of the stamp, which must not call the hub.
    ///
    /// With `retain` it becomes the latest value of this event on the topic: who subscribes later gets it first.
    ///
    /// # Errors
    /// When the topic is new and one too many, or the payload does not encode.
    pub fn publish<E: Event>(
        &self,
        topic: &Topic,
        origin: Origin,
        retain: bool,
        event: impl FnOnce(Stamp) -> E,
    ) -> Result<Stamp, PublishError> {
        let mut state = self.state();
        let seq = state.stream(topic)?.seq + 1;
        let times = self.age.now();
        let stamp = Stamp {
            seq,
            at: times.wall,
        };
        let message = made(topic, stamp, origin, event)?;
        state.take(&message, retain, (times.born, times.aged));
        self.deliver(&state, &message);
        Ok(stamp)
    }

    /// Publishes a message of a durable topic, which was numbered where it is stored, and ages since `born`
    /// ([`Times::born`](crate::store::Times::born)): in the order of its numbers.
    pub fn deliver_stored(&self, message: Message, born: u64) {
        let mut state = self.state();
        let message = Arc::new(message);
        state.take(&message, false, (born, self.age.now().aged));
        self.deliver(&state, &message);
    }

    /// Says how far a durable topic is numbered, also where its last messages are not kept any more.
    pub fn number(&self, topic: &Topic, last: u64) {
        self.state().number(topic, last);
    }

    /// Removes a topic with its latest values and its numbering: for one that nobody reads any more.
    pub fn remove(&self, topic: &Topic) {
        let mut state = self.state();
        let Some(stream) = state.streams.remove(topic) else {
            return;
        };
        state.kept_bytes -= stream.bytes();
        if let Some(count) = state.counts.get_mut(first_level(topic)) {
            *count -= 1;
        }
    }

    /// Forgets the latest values of a topic and publishes the event that tells it. A later reader gets nothing of what was
    /// before; one that goes on from a position there gets the event. Its numbering goes on. `None`, and no event, where
    /// nothing was to be forgotten.
    ///
    /// # Errors
    /// When the payload does not encode: then nothing is forgotten.
    pub fn clear<E: Event>(
        &self,
        topic: &Topic,
        origin: Origin,
        event: impl FnOnce(Stamp) -> E,
    ) -> Result<Option<Stamp>, PublishError> {
        let mut state = self.state();
        let stream = state.streams.get(topic);
        let Some(stream) = stream.filter(|stream| stream.has_latest()) else {
            return Ok(None);
        };
        let times = self.age.now();
        let stamp = Stamp {
            seq: stream.seq + 1,
            at: times.wall,
        };
        let message = made(topic, stamp, origin, event)?;
        state.take(&message, true, (times.born, times.aged));
        if let Some(stream) = state.streams.get_mut(topic) {
            stream.clear();
        }
        self.deliver(&state, &message);
        Ok(Some(stamp))
    }

    /// The latest value of this event on a topic.
    pub fn latest<E: Event>(&self, topic: &Topic) -> Option<E> {
        let state = self.state();
        let mut latest = state.streams.get(topic)?.retained.iter();
        latest.find_map(|message| message.decode())
    }

    /// What is kept of a topic for readers who come back, oldest first.
    pub fn kept(&self, topic: &Topic) -> Vec<Arc<Message>> {
        let state = self.state();
        let kept = state.streams.get(topic).map(Stream::kept);
        kept.into_iter().flatten().map(Arc::clone).collect()
    }

    /// A new reader without subscriptions that holds at most `capacity` messages that are not yet read.
    pub fn reader(self: &Arc<Self>, capacity: usize) -> Reader {
        let queue = Arc::new(Queue::new(capacity));
        let mut state = self.state();
        let id = state.next_reader;
        state.next_reader += 1;
        state.queues.insert(id, Arc::clone(&queue));
        Reader::new(Arc::clone(self), id, queue)
    }

    fn deliver(&self, state: &State, message: &Arc<Message>) {
        state.routes.each(&message.topic, |queue| {
            if !queue.push(message) {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    /// Adds a filter; what the reader is to get of it goes into its queue before anything newer. Gives the number after
    /// which that comes, where the filter is a topic: 0 where nothing was published yet.
    ///
    /// A topic that another filter of the reader matches already is on its way since then: nothing of it is repeated, and
    /// what still waits of it is what comes.
    fn subscribe(&self, id: ReaderId, queue: &Arc<Queue>, filter: &Filter, start: &Start) -> u64 {
        let mut state = self.state();
        let before = state.routes.filters_of(id);
        if !state.routes.add(id, queue, filter) {
            return 0;
        }
        let known = |topic: &Topic| before.iter().any(|filter| filter.matches(topic));
        if let Some(topic) = filter.as_topic().filter(known) {
            return queue.before(&topic).unwrap_or_else(|| state.last(&topic));
        }
        let epoch = self.epoch_of(filter);
        let first = filter.levels().next();
        let durable = self.durable.is_some_and(|it| first == Some(it.level));
        let now = self.age.now().aged;
        let mut room = queue.room();
        let mut after = 0;
        let mut topics = state.topics_of(filter, start);
        topics.retain(|topic| !known(topic));
        let mut shares = Shares::of(room, topics.len());
        for topic in topics {
            let position = start.position(&topic, epoch);
            let position = match position {
                Position::Newest(count) => Position::Newest(count.min(shares.next())),
                // What is stored is older than what the reader has seen: a backup, numbered on since then.
                Position::After(seen) if durable && seen > state.last(&topic) => {
                    Position::Elsewhere
                }
                position => position,
            };
            let replay = state.replay(&topic, position, room, now);
            room -= replay.kept();
            shares.taken(replay.kept());
            after = replay.after;
            self.missed.fetch_add(replay.missed(), Ordering::Relaxed);
            queue.push_replay(replay.deliveries);
        }
        after
    }

    /// Removes a filter, and from the queue what no other filter of the reader matches.
    fn unsubscribe(&self, id: ReaderId, queue: &Queue, filter: &Filter) {
        let mut state = self.state();
        if !state.routes.remove(id, filter) {
            return;
        }
        let left = state.routes.filters_of(id);
        queue.keep(|topic| left.iter().any(|filter| filter.matches(topic)));
    }

    fn forget(&self, id: ReaderId) {
        let mut state = self.state();
        state.routes.remove_all(id);
        state.queues.remove(&id);
    }

    /// A panic while the lock was held leaves whole values behind: each step under it completes or changes nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn made<E: Event>(
    topic: &Topic,
    stamp: Stamp,
    origin: Origin,
    event: impl FnOnce(Stamp) -> E,
) -> Result<Arc<Message>, PublishError> {
    Ok(Arc::new(Message {
        topic: topic.clone(),
        stamp,
        origin,
        event: E::NAME,
        body: serde_json::value::to_raw_value(&event(stamp))?,
        since: Instant::now(),
    }))
}
