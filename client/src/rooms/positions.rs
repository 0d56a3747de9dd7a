//! How far a client has read the topics of its rooms: pure bookkeeping, no connection.
//!
//! Numbers of one epoch do not compare with those of another, and after a new connection nobody knows the server's
//! epoch before a room is joined; messages may come earlier than that answer. So what was seen over an earlier
//! connection is old until then: it refuses nothing as seen before.

use tertulia_shared::{
    Filter, Topic,
    room::{Joined, Last, RoomJoin, Seqs},
};

/// The most that is remembered of topics, in bytes of their names.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The most that one join says of them, in the same measure: it stays far below what a server takes in one event. Of the
/// other topics the server brings all that it keeps behind its answer, and what was seen before is known here by then.
const JOIN_BYTES: usize = 256 * 1024;

/// How far the topics of some rooms were read.
#[derive(Clone, Debug)]
pub struct Positions {
    /// The epoch of each room that was joined.
    epochs: Vec<(String, u64)>,
    /// In the order of the topics.
    topics: Vec<At>,
    bytes: usize,
    /// The most of these bytes that one join says.
    join_bytes: usize,
    duplicates: u64,
    unremembered: u64,
}

impl Default for Positions {
    fn default() -> Self {
        Self::saying(JOIN_BYTES)
    }
}

/// How far a topic was read.
#[derive(Clone, Debug)]
struct At {
    topic: Topic,
    seq: u64,
    /// Whether this is of an earlier connection, and nobody knows yet whether the epoch is still the same.
    old: bool,
}

impl Positions {
    /// Nothing is read yet, and a join says at most so many bytes of the topics' names.
    pub(super) fn saying(join_bytes: usize) -> Self {
        Self {
            epochs: Vec::new(),
            topics: Vec::new(),
            bytes: 0,
            join_bytes,
            duplicates: 0,
            unremembered: 0,
        }
    }

    /// How many messages came that were seen before.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// How many messages came of topics beyond [`MAX_BYTES`], whose place is not remembered: after a loss they may come
    /// again.
    pub fn unremembered(&self) -> u64 {
        self.unremembered
    }

    /// A message came, or the word that all up to this one were missed; false where it was seen before.
    ///
    /// Of topics beyond [`MAX_BYTES`] nothing is remembered: they count as never seen, and as
    /// [`unremembered`](Self::unremembered).
    pub fn see(&mut self, topic: &str, seq: u64) -> bool {
        match self.search(topic) {
            Ok(at) => {
                let at = &mut self.topics[at];
                // Only the word that nobody knows what was missed of another epoch has no number.
                if !at.old && seq <= at.seq && seq > 0 {
                    self.duplicates += 1;
                    return false;
                }
                (at.seq, at.old) = (seq, false);
            }
            Err(at) => self.insert(at, topic, seq),
        }
        true
    }

    /// The connection was lost: what was seen over it is old.
    pub fn lost(&mut self) {
        self.topics.iter_mut().for_each(|at| at.old = true);
    }

    /// What joins a room: from where it was read to, or with so many of the newest messages where it never was.
    pub fn join(&self, room: &str, history: u32) -> RoomJoin {
        let mut join = RoomJoin::new(room);
        match self.epochs.iter().find(|(known, _)| known == room) {
            Some((_, epoch)) => join.last = Some(self.last(room, *epoch)),
            None => join.history = history,
        }
        join
    }

    fn last(&self, room: &str, epoch: u64) -> Last {
        let mut last = Last {
            epoch,
            ..Last::default()
        };
        match self.search(room) {
            Ok(at) => last.seq = Some(self.topics[at].seq),
            Err(_) => {
                let mut left = self.join_bytes;
                let fitting = matching(&self.topics, room).take_while(|at| {
                    let rest = left.checked_sub(at.topic.as_str().len());
                    left = rest.unwrap_or_default();
                    rest.is_some()
                });
                last.seqs = Seqs(fitting.map(|at| (at.topic.clone(), at.seq)).collect());
            }
        }
        last
    }

    /// A room was joined.
    pub fn joined(&mut self, room: &str, joined: &Joined) {
        let known = self.epochs.iter_mut().find(|(known, _)| known == room);
        let is_same = match known {
            Some((_, epoch)) => std::mem::replace(epoch, joined.epoch) == joined.epoch,
            None => {
                self.epochs.push((room.to_owned(), joined.epoch));
                true
            }
        };
        if let Some(seq) = joined.seq {
            match self.search(room) {
                Ok(at) if self.topics[at].old => self.topics[at].seq = seq,
                Ok(_) => {}
                Err(at) => self.insert(at, room, seq),
            }
        }
        let Ok(filter) = Filter::new(room) else {
            return;
        };
        // A number of another epoch says nothing; what the answer said of the room itself is of this one.
        self.topics.retain_mut(|at| {
            if at.old && filter.matches(&at.topic) {
                let keeps = is_same || at.topic.as_str() == room;
                at.old = false;
                if !keeps {
                    self.bytes -= at.topic.as_str().len();
                }
                return keeps;
            }
            true
        });
    }

    /// A room is as one that was never joined, and its topics as never read.
    pub fn forget(&mut self, room: &str) {
        self.epochs.retain(|(known, _)| known != room);
        let Ok(filter) = Filter::new(room) else {
            return;
        };
        self.topics.retain(|at| {
            let keeps = !filter.matches(&at.topic);
            if !keeps {
                self.bytes -= at.topic.as_str().len();
            }
            keeps
        });
    }

    fn insert(&mut self, at: usize, topic: &str, seq: u64) {
        let bytes = self.bytes + topic.len();
        if let Ok(topic) = Topic::new(topic)
            && bytes <= MAX_BYTES
        {
            self.bytes = bytes;
            let old = false;
            self.topics.insert(at, At { topic, seq, old });
        } else {
            self.unremembered += 1;
        }
    }

    fn search(&self, topic: &str) -> Result<usize, usize> {
        self.topics
            .binary_search_by(|at| at.topic.as_str().cmp(topic))
    }
}

fn matching<'a>(topics: &'a [At], room: &str) -> impl Iterator<Item = &'a At> {
    let filter = Filter::new(room).ok();
    topics
        .iter()
        .filter(move |at| filter.as_ref().is_some_and(|it| it.matches(&at.topic)))
}

#[cfg(test)]
mod tests {
    use super::{JOIN_BYTES, MAX_BYTES, Positions};
    use serde_json::{Value, json};
    use tertulia_shared::room::Joined;

    const LOBBY: &str = "chat/lobby";
    const ALL: &str = "sensors/#";

    fn joined(epoch: u64, seq: Option<u64>) -> Joined {
        Joined { epoch, seq }
    }

    fn last(positions: &Positions, room: &str) -> Value {
        serde_json::to_value(positions.join(room, 50)).unwrap()
    }

    #[test]
    fn the_first_join_asks_for_history_and_the_next_ones_go_on() {
        let mut positions = Positions::default();
        assert_eq!(
            last(&positions, LOBBY),
            json!({"room": LOBBY, "history": 50})
        );
        positions.joined(LOBBY, &joined(7, Some(3)));
        let expected = |seq: u64| json!({"room": LOBBY, "last": {"epoch": 7, "seq": seq}});
        assert_eq!(last(&positions, LOBBY), expected(3));
        assert!(positions.see(LOBBY, 4) && positions.see(LOBBY, 6));
        assert!(!positions.see(LOBBY, 6) && !positions.see(LOBBY, 1));
        assert_eq!(positions.duplicates(), 2);
        positions.lost();
        assert_eq!(last(&positions, LOBBY), expected(6));
    }

    #[test]
    fn a_room_with_wildcards_goes_on_in_each_topic() {
        let mut positions = Positions::default();
        positions.joined(ALL, &joined(7, None));
        positions.see("sensors/b", 2);
        positions.see("sensors/a", 9);
        positions.see(LOBBY, 1);
        let seqs = json!({"sensors/a": 9, "sensors/b": 2});
        let expected = json!({"room": ALL, "last": {"epoch": 7, "seqs": seqs}});
        assert_eq!(last(&positions, ALL), expected);
    }

    #[test]
    fn what_comes_before_the_answer_to_a_join_is_not_refused_in_another_epoch() {
        for answer_first in [true, false] {
            let mut positions = Positions::default();
            positions.joined(ALL, &joined(7, None));
            positions.see("sensors/a", 9);
            positions.see("sensors/gone", 9);
            positions.lost();
            if answer_first {
                positions.joined(ALL, &joined(8, None));
            }
            assert!(positions.see("sensors/a", 1), "{answer_first}");
            assert!(!positions.see("sensors/a", 1));
            positions.joined(ALL, &joined(8, None));
            let expected = json!({"epoch": 8, "seqs": {"sensors/a": 1}});
            assert_eq!(last(&positions, ALL)["last"], expected);
            assert_eq!(positions.bytes, "sensors/a".len());
        }
    }

    #[test]
    fn a_chat_that_was_never_heard_goes_on_from_its_join() {
        let mut positions = Positions::default();
        positions.joined(LOBBY, &joined(7, Some(0)));
        positions.lost();
        let expected = json!({"epoch": 7, "seq": 0});
        assert_eq!(last(&positions, LOBBY)["last"], expected);
        positions.joined(LOBBY, &joined(8, Some(5)));
        assert_eq!(
            last(&positions, LOBBY)["last"],
            json!({"epoch": 8, "seq": 5})
        );
        assert!(!positions.see(LOBBY, 5) && positions.see(LOBBY, 6));
    }

    #[test]
    fn in_the_same_epoch_what_was_seen_stays_seen() {
        let mut positions = Positions::default();
        positions.joined(LOBBY, &joined(7, Some(0)));
        positions.see(LOBBY, 4);
        positions.lost();
        positions.see(LOBBY, 5);
        positions.joined(LOBBY, &joined(7, Some(4)));
        assert!(!positions.see(LOBBY, 5) && positions.see(LOBBY, 6));
    }

    /// Breaks when: a room that was forgotten is joined without its history, or what comes of that counts as seen before.
    #[test]
    fn a_room_that_is_forgotten_is_joined_as_a_new_one() {
        for (room, topic) in [(LOBBY, LOBBY), (ALL, "sensors/a")] {
            let mut positions = Positions::default();
            positions.joined(room, &joined(7, Some(0).filter(|_| room == topic)));
            positions.see(topic, 1);
            positions.see("devices/a/status", 1);
            positions.forget(room);
            assert_eq!(last(&positions, room), json!({"room": room, "history": 50}));
            assert!(positions.see(topic, 1) && !positions.see(topic, 1));
            assert!(!positions.see("devices/a/status", 1), "of no such room");
            assert_eq!(positions.bytes, topic.len() + "devices/a/status".len());
        }
    }

    /// Breaks when: what does not fit into a join, or is not remembered, is doubled or dropped without a word.
    #[test]
    fn what_is_remembered_is_bounded_and_what_a_join_says_is_less() {
        let mut positions = Positions::default();
        positions.joined(ALL, &joined(7, None));
        let topic = |number: usize| format!("sensors/{number:07}");
        let fit = MAX_BYTES / topic(0).len();
        for number in 0..fit {
            assert!(positions.see(&topic(number), 2));
        }
        assert_eq!(positions.unremembered(), 0);
        assert!(positions.see(&topic(fit), 1) && positions.see(&topic(fit), 1));
        assert_eq!(positions.unremembered(), 2);
        assert!(positions.bytes <= MAX_BYTES);
        positions.lost();
        let join = positions.join(ALL, 50);
        let said = join.last.unwrap().seqs.0.len();
        assert_eq!(said, JOIN_BYTES / topic(0).len());
        // Of the rest the server brings what it keeps, and it is known.
        positions.joined(ALL, &joined(7, None));
        for seq in [1, 2] {
            assert!(!positions.see(&topic(fit - 1), seq));
        }
        assert!(positions.see(&topic(fit - 1), 3));
        assert_eq!(positions.duplicates(), 2);
    }
}
