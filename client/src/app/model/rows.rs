//! A log as it stands on the screen: grouped by author, with a line where a day begins.
//!
//! Not here: time zones; the caller says on which day a time falls.

use super::chat_log::{Content, Entry, Message};

/// The longest pause within a group, in milliseconds.
const GROUP_MS: u64 = 5 * 60 * 1_000;

/// An entry and what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The entry.
    pub entry: Entry,
    /// Whether a day begins before it.
    pub first_of_day: bool,
    /// Whether a new author begins before it.
    pub first_of_group: bool,
}

impl Row {
    /// Differs for two rows that look different.
    pub fn key(&self) -> (u64, u32, bool, bool) {
        let entry = &self.entry;
        (
            entry.key,
            entry.revision,
            self.first_of_day,
            self.first_of_group,
        )
    }
}

/// The rows of `entries`; `day_of` numbers the day on which a time falls for the reader.
pub fn rows<'a>(entries: impl Iterator<Item = &'a Entry>, day_of: impl Fn(u64) -> i64) -> Vec<Row> {
    let mut previous: Option<&Message> = None;
    let mut last_day = None;
    let mut rows = Vec::new();
    for entry in entries {
        let message = match &entry.content {
            Content::Message(message) => Some(message),
            Content::Missed(_) => None,
        };
        let day = message.map(|message| day_of(message.at));
        let first_of_day = day.is_some() && day != last_day;
        let continues = previous.zip(message).is_some_and(|(a, b)| one_group(a, b));
        rows.push(Row {
            entry: entry.clone(),
            first_of_day,
            first_of_group: message.is_some() && (first_of_day || !continues),
        });
        previous = message;
        last_day = day.or(last_day);
    }
    rows
}

/// Own messages belong together even before the room knows them, when their peer is not known.
fn one_group(before: &Message, after: &Message) -> bool {
    let same_author = before.name == after.name
        && (before.own && after.own || before.own == after.own && before.peer == after.peer);
    same_author && after.at.saturating_sub(before.at) < GROUP_MS
}

#[cfg(test)]
mod tests {
    use super::{GROUP_MS, Row, rows};
    use crate::app::model::chat_log::ChatLog;
    use tertulia_shared::{
        Topic,
        chat::{Author, ChatMessage},
        stream::StreamMissed,
    };

    const DAY_MS: u64 = 86_400_000;

    fn say(log: &mut ChatLog, seq: u64, peer: &str, at: u64) {
        log.receive(ChatMessage {
            room: Topic::new("chat/lobby").unwrap(),
            seq,
            id: None,
            from: Author::new(peer, peer),
            text: "x".to_owned(),
            at,
            via: None,
        });
    }

    fn marks(log: &ChatLog) -> Vec<(bool, bool)> {
        let rows: Vec<Row> = rows(log.entries(), |at| (at / DAY_MS) as i64);
        rows.iter()
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
        log.write("1", "ana", "x", 1_000);
        log.write("2", "ana", "y", 1_500);
        say(&mut log, 1, "ana", 1_010);
        assert_eq!(marks(&log), [(true, true), (false, false)]);
    }
}
