//! How much history each topic of a join brings: what one topic leaves over goes to the others.
//!
//! Not here: a join from a position, which brings all that was missed while there is room.

/// The part of a queue that stays free for what is published meanwhile: one in so many.
const FREE: usize = 4;

/// The shares of the topics of one join.
#[derive(Debug)]
pub(super) struct Shares {
    /// How many messages fit.
    room: usize,
    /// How many topics come, with the next one.
    topics: usize,
}

impl Shares {
    /// Shares for so many topics of what a queue has room for.
    pub(super) fn of(room: usize, topics: usize) -> Self {
        Self {
            room: room - room / FREE,
            topics,
        }
    }

    /// The most messages of the next topic.
    pub(super) fn next(&mut self) -> usize {
        let share = self.room / self.topics.max(1);
        self.topics = self.topics.saturating_sub(1);
        share
    }

    /// So many messages were taken of it.
    pub(super) fn taken(&mut self, messages: usize) {
        self.room = self.room.saturating_sub(messages);
    }
}

#[cfg(test)]
mod tests {
    use super::Shares;

    /// What topics that keep so many messages bring.
    fn shared(room: usize, kept: &[usize]) -> Vec<usize> {
        let mut shares = Shares::of(room, kept.len());
        let bring = |kept: &usize| {
            let brings = shares.next().min(*kept);
            shares.taken(brings);
            brings
        };
        kept.iter().map(bring).collect()
    }

    #[test]
    fn each_topic_has_its_share_and_some_room_stays_free() {
        assert_eq!(shared(80, &[600, 600]), [30, 30]);
        assert_eq!(shared(80, &[600]), [60]);
        assert_eq!(shared(0, &[600, 600]), [0, 0]);
        assert_eq!(shared(80, &[]), [0; 0]);
    }

    #[test]
    fn what_one_leaves_over_goes_to_the_others() {
        assert_eq!(shared(80, &[2, 600, 600]), [2, 29, 29]);
        let many = shared(8_192, &[600; 500]);
        assert!(many.iter().all(|brings| *brings == 12 || *brings == 13));
        assert!(many.iter().sum::<usize>() <= 6_144);
    }
}
