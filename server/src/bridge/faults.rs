//! Counts what did not decode: per topic, and the topics in a bounded number.

use std::collections::BTreeMap;

/// The topics whose faults are counted apart; those of further topics are counted together.
const MAX_TOPICS: usize = 10_000;

/// The faults since the server started.
#[derive(Debug, Default)]
pub(super) struct Faults {
    topics: BTreeMap<String, u64>,
    others: u64,
}

impl Faults {
    /// Counts one more fault of a topic; gives its count. The first one of a topic is worth a line in the log.
    pub(super) fn add(&mut self, topic: &str) -> u64 {
        if let Some(count) = self.topics.get_mut(topic) {
            *count += 1;
            return *count;
        }
        if self.topics.len() < MAX_TOPICS {
            self.topics.insert(topic.to_owned(), 1);
            return 1;
        }
        self.others += 1;
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, MAX_TOPICS};

    #[test]
    fn counts_per_topic_up_to_a_bound_and_then_together() {
        let mut faults = Faults::default();
        assert_eq!(
            [faults.add("a"), faults.add("b"), faults.add("a")],
            [1, 1, 2]
        );
        for topic in 0..MAX_TOPICS {
            faults.add(&topic.to_string());
        }
        assert_eq!(faults.add("a"), 3);
        assert!(faults.add("one too many") > 1);
    }
}
