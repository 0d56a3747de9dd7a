//! How much of a topic's stream is kept for readers who come back: by count and by age, for each kind of topic.
//!
//! Not here: the messages themselves (`stream`), and where the rules are read from (`config`).

use tertulia_shared::{Filter, Topic};

/// How many messages of a topic are kept, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The most messages; 0 keeps none.
    pub count: usize,
    /// The longest time, in milliseconds.
    pub age: u64,
}

/// What is kept of which topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(pub Vec<(Filter, Keep)>);

impl History {
    /// What is kept of a topic: what the last rule says that matches it; nothing where none does.
    pub fn of(&self, topic: &Topic) -> Keep {
        let mut rules = self.0.iter().rev();
        let rule = rules.find(|(filter, _)| filter.matches(topic));
        rule.map(|(_, keep)| *keep).unwrap_or_default()
    }
}
