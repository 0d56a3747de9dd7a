//! Random lives of a reader: cuts, restarts of the server, retention, duplicates. It misses nothing without being told,
//! sees nothing twice and nothing out of order.
//!
//! The server is a model of what `room:join` promises. A failure prints its seed.

use super::Positions;
use std::collections::{BTreeMap, VecDeque};
use tertulia_shared::{
    Filter, Topic,
    room::{Joined, RoomJoin},
};

const TOPICS: [&str; 4] = ["chat/x", "sensors/a/t", "sensors/b/t", "sensors/b/u"];
const ROOMS: [&str; 2] = ["chat/x", "sensors/#"];
/// How much a join says of the topics of a room in every other life, in bytes of their names: of one topic.
const LITTLE: usize = 12;
/// How many messages of a topic the server keeps.
const KEPT: u64 = 5;
const LIVES: u64 = 400;
const STEPS: usize = 300;

/// xorshift64: enough chance for a test.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What travels to the reader.
#[derive(Clone, Debug)]
enum Event {
    Message(&'static str, u64),
    Missed(&'static str, u64, u64),
    Answer(&'static str, Joined),
}

#[derive(Default)]
struct Hub {
    epoch: u64,
    heads: BTreeMap<&'static str, u64>,
    joined: Vec<&'static str>,
}

impl Hub {
    fn head(&self, topic: &str) -> u64 {
        self.heads.get(topic).copied().unwrap_or(0)
    }

    fn join(
        &mut self,
        room: &'static str,
        join: &RoomJoin,
        is_late: bool,
        chance: &mut Chance,
    ) -> Vec<Event> {
        self.joined.push(room);
        let mut events = Vec::new();
        let mut start = None;
        for topic in TOPICS.into_iter().filter(|topic| is_in(room, topic)) {
            let head = self.head(topic);
            let kept = head.saturating_sub(KEPT);
            let from = match &join.last {
                None => head.saturating_sub(join.history.into()).max(kept),
                Some(last) => {
                    let seqs = last.seqs.0.iter();
                    let of_topic = seqs.filter(|(known, _)| known.as_str() == topic);
                    let seen = last.seq.or(of_topic.map(|(_, seq)| *seq).next());
                    let is_same = last.epoch == self.epoch;
                    let after = seen.filter(|_| is_same).unwrap_or(0);
                    if after < kept {
                        events.push(Event::Missed(topic, after + 1, kept));
                    } else if seen.is_some() && !is_same {
                        events.push(Event::Missed(topic, 0, 0));
                    }
                    after
                }
            };
            let next = from.max(kept) + 1;
            events.extend((next..=head).map(|seq| Event::Message(topic, seq)));
            start = (room == topic).then_some(from);
        }
        let epoch = self.epoch;
        let answer = Event::Answer(room, Joined { epoch, seq: start });
        // The server's answer may be late, behind one that waits for the disk. In an epoch that is new to the reader that
        // is left out: a cut right there can make it read again what it has read, told by `stream:missed`. And where a join
        // does not say all, what comes before its answer may come twice.
        let is_new = (join.last.as_ref()).is_none_or(|last| last.epoch != epoch);
        let most = if is_new || !is_late { 0 } else { events.len() };
        let at = chance.below(most as u64 + 1) as usize;
        events.insert(at, answer);
        events
    }
}

fn is_in(room: &str, topic: &str) -> bool {
    Filter::new(room)
        .unwrap()
        .matches(&Topic::new(topic).unwrap())
}

/// What the reader was handed over of a topic in this epoch: up to where it knows everything, told or read.
#[derive(Default)]
struct Reader {
    positions: Positions,
    known: BTreeMap<&'static str, (u64, u64)>,
    /// Whether its joins do not say all; what it is told to have missed may then begin with what it has read.
    says_little: bool,
}

impl Reader {
    fn take(&mut self, epoch: u64, event: &Event) {
        match event {
            Event::Answer(room, joined) => {
                self.positions.joined(room, joined);
                // From here on it wants everything.
                if let Some(seq) = joined.seq {
                    self.known.entry(room).or_insert((epoch, seq));
                }
            }
            Event::Message(topic, seq) if self.positions.see(topic, *seq) => {
                let before = self.known.insert(topic, (epoch, *seq));
                if let Some((_, known)) = before.filter(|(known, _)| *known == epoch) {
                    assert_eq!(*seq, known + 1, "{topic} after {known}");
                }
            }
            Event::Missed(topic, 0, 0) => {
                assert!(self.positions.see(topic, 0), "{topic}: it is told");
                self.known.insert(topic, (epoch, 0));
            }
            Event::Missed(topic, from, to) if self.positions.see(topic, *to) => {
                let before = self.known.insert(topic, (epoch, *to));
                if let Some((_, known)) = before.filter(|(known, _)| *known == epoch) {
                    let is_exact = *from == known + 1 || (self.says_little && *from == 1);
                    assert!(is_exact, "{topic} missed from {from} after {known}");
                }
            }
            Event::Message(..) | Event::Missed(..) => {}
        }
    }
}

fn live(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut hub, mut reader) = (Hub::default(), Reader::default());
    reader.says_little = seed % 2 == 1;
    if reader.says_little {
        reader.positions = Positions::saying(LITTLE);
    }
    let mut wire: Option<VecDeque<Event>> = None;
    for step in 0..STEPS {
        // At the end it is connected and reads everything.
        let is_end = step + 1 == STEPS;
        match chance.below(if is_end { 1 } else { 12 }) {
            0 if wire.is_none() => {
                reader.positions.lost();
                hub.joined.clear();
                let joins = ROOMS.map(|room| (room, reader.positions.join(room, 3)));
                let is_late = !reader.says_little;
                let answers = joins.map(|(room, join)| hub.join(room, &join, is_late, &mut chance));
                wire = Some(answers.into_iter().flatten().collect());
            }
            1 if chance.below(2) == 0 => wire = None,
            2 if chance.below(4) == 0 => {
                wire = None;
                hub = Hub {
                    epoch: hub.epoch + 1,
                    ..Hub::default()
                };
            }
            3..=7 => {
                let topic = TOPICS[chance.below(4) as usize];
                let head = hub.heads.entry(topic).or_default();
                *head += 1;
                let message = Event::Message(topic, *head);
                if let Some(wire) = &mut wire {
                    wire.push_back(message.clone());
                    if chance.below(5) == 0 {
                        wire.push_back(message);
                    }
                }
            }
            _ => {}
        }
        let arrive = if is_end { u64::MAX } else { chance.below(4) };
        for _ in 0..arrive {
            let Some(event) = wire.as_mut().and_then(VecDeque::pop_front) else {
                break;
            };
            reader.take(hub.epoch, &event);
        }
    }
    for (topic, known) in &reader.known {
        if known.0 == hub.epoch {
            assert_eq!(known.1, hub.head(topic), "{topic} to its end");
        }
    }
}

#[test]
fn random_lives_have_no_gap_no_double_and_no_swap() {
    for seed in 0..LIVES {
        let lived = std::panic::catch_unwind(|| live(seed));
        assert!(lived.is_ok(), "seed {seed}");
    }
}
