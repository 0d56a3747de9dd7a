//! A log as it stands on the screen: grouped by author, with a line where a day begins.
//!
//! Not here: time zones; the caller says on which day a time falls.

use super::message::{Content, Entry, Message};
use std::sync::Arc;

/// The longest pause within a group, in milliseconds.
const GROUP_MS: u64 = 5 * 60 * 1_000;

/// An entry and what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name of the room.
    pub room: Arc<str>,
    /// The entry.
    pub entry: Entry,
    /// Whether the reader wrote it.
    pub is_own: bool,
    /// The tag of its sender.
    pub tag: Option<Arc<str>>,
    /// Whether a day begins before it.
    pub first_of_day: bool,
    /// Whether a new author begins before it.
    pub first_of_group: bool,
}

/// The key of a row: unique among all rows that the page ever shows, and new after each change of the row.
pub type Key = (Arc<str>, u64, u32, [bool; 3], Option<Arc<str>>);

impl Row {
    /// Differs for two rows that are not the same line of the same room, or look different. The room is part of it because
    /// each log counts its entries from 1.
    pub fn key(&self) -> Key {
        let entry = &self.entry;
        let looks = [self.is_own, self.first_of_day, self.first_of_group];
        let tag = self.tag.clone();
        (self.room.clone(), entry.key, entry.revision, looks, tag)
    }
}

/// The rows of a room's `entries`; `is_mine` says whether a peer is the reader, `tag_of` gives the tag that a sender has now,
/// and `day_of` numbers the day on which a time falls for the reader.
pub fn rows<'a>(
    room: &str,
    entries: impl Iterator<Item = &'a Entry>,
    is_mine: impl Fn(&str) -> bool,
    tag_of: impl Fn(&Message) -> Option<Arc<str>>,
    day_of: impl Fn(u64) -> i64,
) -> Vec<Row> {
    let room: Arc<str> = room.into();
    let mut previous: Option<(&Message, Sender)> = None;
    let mut last_day = None;
    let mut rows = Vec::new();
    for entry in entries {
        let message = match &entry.content {
            Content::Message(message) => {
                let sender = Sender {
                    is_own: message.is_own(&is_mine),
                    tag: message.tag.clone().or_else(|| tag_of(message)),
                };
                Some((message, sender))
            }
            Content::Missed(_) => None,
        };
        let day = message.as_ref().map(|(message, _)| day_of(message.at));
        let first_of_day = day.is_some() && day != last_day;
        let both = previous.as_ref().zip(message.as_ref());
        let continues = both.is_some_and(|(a, b)| one_group(a, b));
        let sender = message.as_ref().map(|(_, sender)| sender);
        rows.push(Row {
            room: room.clone(),
            entry: entry.clone(),
            is_own: sender.is_some_and(|sender| sender.is_own),
            tag: sender.and_then(|sender| sender.tag.clone()),
            first_of_day,
            first_of_group: message.is_some() && (first_of_day || !continues),
        });
        previous = message;
        last_day = day.or(last_day);
    }
    rows
}

/// The sender of a message, as its row shows it.
struct Sender {
    is_own: bool,
    tag: Option<Arc<str>>,
}

/// Whether two messages stand under one head: same peer, name, tag and way. Own messages belong together even before the room
/// has shown them, when their peer is not known yet.
fn one_group((before, a): &(&Message, Sender), (after, b): &(&Message, Sender)) -> bool {
    let same_peer = match (a.is_own, b.is_own) {
        (true, true) => true,
        (false, false) => before.peer == after.peer && a.tag == b.tag,
        _ => false,
    };
    let same_head = before.name == after.name && before.by_broker == after.by_broker;
    same_peer && same_head && after.at.saturating_sub(before.at) < GROUP_MS
}

#[cfg(test)]
mod tests {
    use super::{GROUP_MS, Message, Row, rows};
    use crate::app::model::{chat_log::ChatLog, outbox::Waiting};
    use std::collections::BTreeSet;
    use tertulia_shared::{
        Topic,
        chat::{Author, ChatMessage, Via},
        stream::StreamMissed,
    };

    const DAY_MS: u64 = 86_400_000;

    fn message(seq: u64, peer: &str, at: u64) -> ChatMessage {
        ChatMessage {
            room: Topic::new("chat/lobby").unwrap(),
            seq,
            id: Some(seq.to_string()),
            from: Author::new(peer, peer),
            text: "x".to_owned(),
            at,
            via: None,
        }
    }

    fn say(log: &mut ChatLog, seq: u64, peer: &str, at: u64) {
        log.receive(message(seq, peer, at), peer == "me");
    }

    fn shown(room: &str, log: &ChatLog) -> Vec<Row> {
        let day_of = |at| (at / DAY_MS) as i64;
        rows(room, log.entries(), |peer| peer == "me", |_| None, day_of)
    }

    fn marks(log: &ChatLog) -> Vec<(bool, bool)> {
        shown("lobby", log)
            .iter()
            .map(|row| (row.first_of_day, row.first_of_group))
            .collect()
    }

    #[test]
    fn groups_by_author_time_and_day() {
        let mut log = ChatLog::default();
        let evening = DAY_MS - 60_000;
        say(&mut log, 1, "ana", evening);
        say(&mut log, 2, "ana", evening + 1_000);
        say(&mut log, 3, "zoe", evening + 2_000);
        say(&mut log, 4, "zoe", DAY_MS + 1_000);
        say(&mut log, 5, "zoe", DAY_MS + 1_000 + GROUP_MS);
        assert_eq!(
            marks(&log),
            [
                (true, true),
                (false, false),
                (false, true),
                (true, true),
                (false, true)
            ]
        );
    }

    /// Breaks when: two people of the same name, or one person's messages by two ways, stand under one head.
    #[test]
    fn a_group_is_one_peers_by_one_way() {
        let mut log = ChatLog::default();
        for (seq, peer, via) in [
            (1, "1", None),
            (2, "2", None),
            (3, "2", Some(Via::Mqtt)),
            (4, "2", Some(Via::Mqtt)),
            (5, "me", None),
            (6, "me", Some(Via::Mqtt)),
        ] {
            let message = ChatMessage {
                from: Author::new(peer, "Ana"),
                via,
                ..message(seq, peer, seq)
            };
            log.receive(message, peer == "me");
        }
        let leads: Vec<bool> = marks(&log).iter().map(|(_, leads)| *leads).collect();
        assert_eq!(leads, [true, true, true, false, true, true]);
    }

    /// Breaks when: what a guest said before its namesake came looks like the namesake's.
    #[test]
    fn a_tag_is_shown_at_what_was_said_before_it_was_given() {
        let mut log = ChatLog::default();
        say(&mut log, 1, "ana", 0);
        let tag_of = |message: &Message| (*message.peer == *"ana").then(|| "3f2a".into());
        let before = shown("lobby", &log);
        let after = rows("lobby", log.entries(), |_| false, tag_of, |_| 0);
        assert_eq!(after[0].tag.as_deref(), Some("3f2a"));
        assert_ne!(before[0].key(), after[0].key());
    }

    #[test]
    fn a_missed_line_ends_a_group_but_begins_no_day() {
        let mut log = ChatLog::default();
        say(&mut log, 1, "ana", 0);
        log.missed(&StreamMissed {
            topic: Topic::new("chat/lobby").unwrap(),
            from: 2,
            to: 2,
        });
        say(&mut log, 3, "ana", 1_000);
        assert_eq!(marks(&log), [(true, true), (false, false), (false, true)]);
    }

    #[test]
    fn own_messages_belong_together_before_and_after_they_are_sent() {
        let mut log = ChatLog::default();
        for (id, at) in [("1", 1_000), ("2", 1_500)] {
            let mut waiting = Waiting::example(id, "x");
            (waiting.name, waiting.at) = ("me".to_owned(), at);
            log.write(&waiting);
        }
        say(&mut log, 1, "me", 1_010);
        assert_eq!(marks(&log), [(true, true), (false, false)]);
        assert!(shown("lobby", &log).iter().all(|row| row.is_own));
    }

    /// Breaks when: mine is only what was written on this page, and a reload or another tab makes it a stranger's.
    #[test]
    fn mine_is_what_my_peer_wrote() {
        let mut log = ChatLog::default();
        say(&mut log, 1, "me", 0);
        say(&mut log, 2, "zoe", 0);
        let own: Vec<bool> = shown("lobby", &log).iter().map(|row| row.is_own).collect();
        assert_eq!(own, [true, false]);
        assert_eq!(log.received(), 1, "only those of others");
    }

    /// Breaks when: a row of one room has the key of a row of another one, whose node is then kept in its place.
    #[test]
    fn rows_of_several_rooms_never_share_a_key() {
        let mut keys = BTreeSet::new();
        for room in ["lobby", "red", "private/blue"] {
            let mut log = ChatLog::default();
            for seq in 1..=3 {
                say(&mut log, seq, "ana", seq);
            }
            keys.extend(shown(room, &log).iter().map(Row::key));
        }
        assert_eq!(keys.len(), 9);
    }
}
