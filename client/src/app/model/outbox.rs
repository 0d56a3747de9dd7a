//! A message that waits to be sent, as it is kept between two visits.
//!
//! Not here: where it is kept (`browser::storage`), and which tab sends it (`view::chat::outbox`).

/// The most messages that wait in one page, over all rooms. With 4,000 characters each they fill a fifth of the storage that a
/// browser gives a page.
pub const MAX_WAITING: usize = 100;
/// How long a message is kept if its writer does not come back, in milliseconds.
pub const ABANDONED_AFTER_MS: u64 = 30 * 86_400_000;

/// A message that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The id under which it is sent, however often.
    pub id: String,
    /// Who wrote it: nobody else sends it.
    pub user: String,
    /// The tab that sends it.
    pub tab: String,
    /// When it was written, in milliseconds since 1970; later than those that were written before.
    pub at: u64,
    /// The name of the room.
    pub room: String,
    /// The name of who wrote it.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Waiting {
    /// What was kept under that id; `None` where it is no message.
    pub fn from_text(id: &str, text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, '\n').map(str::to_owned);
        Some(Self {
            id: id.to_owned(),
            user: parts.next()?,
            tab: parts.next()?,
            at: parts.next()?.parse().ok()?,
            room: parts.next()?,
            name: parts.next()?,
            text: parts.next()?,
        })
    }

    /// As it is kept. What stands before the text is all on one line each.
    pub fn to_text(&self) -> String {
        let line = |text: &str| text.replace('\n', " ");
        let head = [&self.user, &self.tab, &self.at.to_string(), &self.room];
        let mut lines: Vec<String> = head.into_iter().map(|text| line(text)).collect();
        lines.push(line(&self.name));
        lines.push(self.text.clone());
        lines.join("\n")
    }

    /// One for tests.
    #[cfg(test)]
    pub fn example(id: &str, text: &str) -> Self {
        Self {
            id: id.to_owned(),
            user: "p1".to_owned(),
            tab: "t".to_owned(),
            at: 1,
            room: "lobby".to_owned(),
            name: "Ana".to_owned(),
            text: text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        for text in ["hi", "", "two\n\nlines\n", "\u{5d0}\u{1f642}", "  "] {
            let waiting = Waiting::example("a", text);
            let kept = Waiting::from_text("a", &waiting.to_text());
            assert_eq!(kept, Some(waiting));
        }
        for text in ["", "u\nt\n1\nr\nn", "u\nt\nx\nr\nn\ntext"] {
            assert_eq!(Waiting::from_text("a", text), None, "{text:?}");
        }
    }

    #[test]
    fn a_name_with_a_line_break_does_not_move_the_text() {
        let mut waiting = Waiting::example("a", "hi");
        waiting.name = "A\nna".to_owned();
        let kept = Waiting::from_text("a", &waiting.to_text()).unwrap();
        assert_eq!((kept.name.as_str(), kept.text.as_str()), ("A na", "hi"));
    }
}
