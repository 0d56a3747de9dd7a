//! What a screen reader hears of a room: messages of others that come while it is shown, and no others.
//!
//! Not here: history, and what was missed while there was no link. Nobody wants fifty old messages read aloud.

/// The most lines that stand to be read.
const MAX_LINES: usize = 5;
/// The most messages of one moment that are read word by word.
const MAX_AT_ONCE: usize = 3;

/// What is read aloud.
#[derive(Clone, Debug, Default)]
pub struct Announcer {
    /// The room of which what comes is new.
    live: Option<String>,
    fresh: Vec<String>,
    lines: Vec<String>,
    next_key: u64,
}

impl Announcer {
    /// The room is shown and its history is there: what comes from now on is new.
    pub fn listen(&mut self, room: &str) {
        self.live = Some(room.to_owned());
    }

    /// Nothing is new until the next `listen`: the link is gone, or the reader goes to another room.
    pub fn pause(&mut self) {
        self.live = None;
        self.fresh.clear();
    }

    /// A message of somebody else came.
    pub fn receive(&mut self, room: &str, name: &str, text: &str) {
        if self.live.as_deref() == Some(room) {
            self.fresh.push(format!("{name}: {text}"));
        }
    }

    /// The lines to be read, if something came since the last call. Each is a unique key, a line feed and the words. `count`
    /// writes how many came when there are too many to read.
    pub fn take(&mut self, count: impl FnOnce(u64) -> String) -> Option<&[String]> {
        let fresh = std::mem::take(&mut self.fresh);
        let said = match fresh.len() {
            0 => return None,
            1..=MAX_AT_ONCE => fresh,
            many => vec![count(many as u64)],
        };
        for words in said {
            self.next_key += 1;
            self.lines.push(format!("{}\n{words}", self.next_key));
        }
        let old = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..old);
        Some(&self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::{Announcer, MAX_LINES};

    fn words(announcer: &mut Announcer) -> Vec<String> {
        let lines = announcer.take(|count| format!("{count} new"));
        let lines = lines.unwrap_or_default().iter();
        lines
            .map(|line| line.split_once('\n').unwrap().1.to_owned())
            .collect()
    }

    #[test]
    fn only_what_comes_to_the_room_that_is_listened_to_is_read() {
        let mut announcer = Announcer::default();
        announcer.receive("lobby", "Ana", "history");
        announcer.listen("lobby");
        announcer.receive("red", "Ana", "elsewhere");
        assert_eq!(announcer.take(|_| String::new()), None);
        announcer.receive("lobby", "Ana", "hello");
        assert_eq!(words(&mut announcer), ["Ana: hello"]);
        announcer.pause();
        announcer.receive("lobby", "Ana", "while away");
        announcer.listen("lobby");
        announcer.receive("lobby", "Ana", "back");
        assert_eq!(words(&mut announcer), ["Ana: hello", "Ana: back"]);
    }

    #[test]
    fn many_at_once_are_counted_and_old_lines_go() {
        let mut announcer = Announcer::default();
        announcer.listen("lobby");
        for text in ["a", "b", "c", "d"] {
            announcer.receive("lobby", "Ana", text);
        }
        assert_eq!(words(&mut announcer), ["4 new"]);
        for number in 1..=20 {
            announcer.receive("lobby", "Ana", &number.to_string());
            announcer.take(|_| String::new());
        }
        announcer.receive("lobby", "Ana", "last");
        let words = words(&mut announcer);
        assert_eq!(words.len(), MAX_LINES);
        assert_eq!(words.last().unwrap(), "Ana: last");
    }
}
