//! What the status line and the banner say about the browser's link.
//!
//! Not here: the link itself (`connection`).

use crate::connection::{Link, Status};

/// How long a gap lasts before a banner tells it, in milliseconds.
pub const BANNER_AFTER_MS: f64 = 1_500.0;

/// The link in one word, as it stands in `data-link`.
pub fn word(status: &Status) -> &'static str {
    match &status.link {
        Link::Connecting { .. } => "connecting",
        Link::Connected if status.is_silent => "silent",
        Link::Connected => "connected",
        Link::Waiting { .. } => "waiting",
        Link::Disconnected(_) => "disconnected",
    }
}

/// A gap in the link: since when there is none or it is doubtful, and when the next attempt begins.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gap {
    /// When the link went or became doubtful, or the page started; `None` while there is a link. A doubt is told at once, so that
    /// it counts from earlier.
    pub since: Option<f64>,
    /// When the next attempt begins, where one is planned.
    pub next_attempt: Option<f64>,
    /// The attempt under way or planned, from 0.
    pub attempt: u32,
}

impl Gap {
    /// What follows from `status`, which came at `now`.
    pub fn after(self, status: &Status, now: f64) -> Self {
        let since = Some(self.since.unwrap_or(now));
        match &status.link {
            Link::Connected if status.is_silent => Self {
                since: Some(self.since.unwrap_or(now - BANNER_AFTER_MS)),
                next_attempt: None,
                attempt: 0,
            },
            Link::Connected => Self::default(),
            Link::Connecting { attempt } => Self {
                since,
                next_attempt: None,
                attempt: *attempt,
            },
            Link::Waiting {
                attempt, retry_in, ..
            } => Self {
                since,
                next_attempt: Some(now + retry_in.as_secs_f64() * 1_000.0),
                attempt: *attempt,
            },
            Link::Disconnected(_) => Self {
                since,
                next_attempt: None,
                attempt: 0,
            },
        }
    }

    /// Whether the gap is long enough to bother anybody with.
    pub fn is_told(&self, now: f64) -> bool {
        self.since
            .is_some_and(|since| now - since >= BANNER_AFTER_MS)
    }

    /// Whole seconds until the next attempt, at least 1, where one is planned.
    pub fn countdown(&self, now: f64) -> Option<u32> {
        let left = (self.next_attempt? - now) / 1_000.0;
        Some(left.ceil().max(1.0) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gap, word};
    use crate::connection::{Link, Reason, Status};
    use std::time::Duration;

    fn status(link: Link) -> Status {
        Status {
            link,
            transport: None,
            id: None,
            recovered: false,
            is_silent: false,
        }
    }

    #[test]
    fn a_short_gap_is_not_told() {
        let waiting = status(Link::Waiting {
            attempt: 1,
            retry_in: Duration::from_millis(800),
            reason: Reason::TransportClose(String::new()),
        });
        let gap = Gap::default().after(&waiting, 10_000.0);
        assert!(!gap.is_told(11_000.0));
        assert_eq!(gap.countdown(10_000.0), Some(1));
        let gap = gap.after(&status(Link::Connected), 11_000.0);
        assert!(!gap.is_told(99_000.0));
    }

    #[test]
    fn a_gap_counts_from_its_begin_over_all_attempts() {
        let waiting = |attempt, seconds| {
            status(Link::Waiting {
                attempt,
                retry_in: Duration::from_secs(seconds),
                reason: Reason::TransportClose(String::new()),
            })
        };
        let gap = Gap::default()
            .after(&waiting(1, 1), 0.0)
            .after(&status(Link::Connecting { attempt: 1 }), 1_000.0)
            .after(&waiting(2, 4), 1_400.0);
        assert!(gap.is_told(1_500.0));
        assert_eq!(gap.attempt, 2);
        assert_eq!(gap.countdown(2_000.0), Some(4));
    }

    fn silent() -> Status {
        Status {
            is_silent: true,
            ..status(Link::Connected)
        }
    }

    #[test]
    fn a_doubt_is_told_at_once_and_until_there_is_a_link_again() {
        let gap = Gap::default().after(&silent(), 10_000.0);
        assert!(gap.is_told(10_000.0));
        assert_eq!(gap.countdown(10_000.0), None);
        let lost = gap.after(&status(Link::Connecting { attempt: 1 }), 16_000.0);
        assert!(lost.is_told(16_000.0));
        let back = lost.after(&status(Link::Connected), 17_000.0);
        assert!(!back.is_told(99_000.0));
        assert!(
            !gap.after(&status(Link::Connected), 11_000.0)
                .is_told(99_000.0)
        );
    }

    #[test]
    fn the_words_are_those_of_the_attribute() {
        let connecting = status(Link::Connecting { attempt: 0 });
        assert_eq!(word(&connecting), "connecting");
        assert_eq!(word(&status(Link::Connected)), "connected");
        assert_eq!(word(&silent()), "silent");
    }
}
