//! Rules of what is kept for clients that come back, as they are written: `sensors/#=600,1h`.
//!
//! Not here: keeping it (`hub`).

use crate::hub::Keep;
use std::{fmt, str::FromStr, time::Duration};
use tertulia_shared::{Filter, TopicError, room};

/// The most messages that are kept of one topic.
const MAX_COUNT: usize = 1_000_000;

const HOUR: Duration = Duration::from_secs(3_600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What is kept of some topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRule {
    /// The topics.
    pub topics: Filter,
    /// What is kept of each of them.
    pub keep: Keep,
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// It is not written as a rule is.
    #[error("write topics, how many messages and for how long, such as sensors/#=600,1h")]
    Form,
    /// The topics are no filter.
    #[error(transparent)]
    Topics(#[from] TopicError),
    /// The count is no number, or too great.
    #[error("`{0}` is no number of messages from 0 to {MAX_COUNT}")]
    Count(String),
    /// The age is no duration.
    #[error("`{0}` is no duration; write one such as 30d, 1h or 90s")]
    Age(String),
}

impl HistoryRule {
    /// What is kept where nobody says otherwise: chat for a month, what devices say for an hour, nothing else.
    pub fn defaults() -> Vec<Self> {
        let rules = [
            (room::CHAT, 1_000, MONTH),
            (room::SENSORS, 600, HOUR),
            (room::DEVICES, 100, HOUR),
        ];
        let rule = |(first, count, age)| {
            let topics = Filter::new(format!("{first}/#")).ok()?;
            let keep = keep(count, age);
            Some(Self { topics, keep })
        };
        rules.into_iter().filter_map(rule).collect()
    }
}

impl FromStr for HistoryRule {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let (topics, rest) = text.rsplit_once('=').ok_or(HistoryError::Form)?;
        let (count, age) = rest.split_once(',').ok_or(HistoryError::Form)?;
        let topics = Filter::new(topics)?;
        let count = (count.parse().ok())
            .filter(|count| *count <= MAX_COUNT)
            .ok_or_else(|| HistoryError::Count(count.to_owned()))?;
        let age = humantime::parse_duration(age).map_err(|_| HistoryError::Age(age.to_owned()))?;
        let keep = keep(count, age);
        Ok(Self { topics, keep })
    }
}

impl fmt::Display for HistoryRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = humantime::format_duration(Duration::from_millis(self.keep.age));
        write!(
            formatter,
            "{}={},{age}",
            self.topics.as_str(),
            self.keep.count
        )
    }
}

fn keep(count: usize, age: Duration) -> Keep {
    Keep {
        count,
        age: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::{HistoryError, HistoryRule};

    fn shown(text: &str) -> Result<String, HistoryError> {
        text.parse().map(|rule: HistoryRule| rule.to_string())
    }

    #[test]
    fn a_rule_is_topics_a_count_and_an_age() {
        for text in [
            "chat/#=1000,30days",
            "sensors/+/temperature=600,1h",
            "#=0,0s",
            "a=b=1,1s",
        ] {
            assert_eq!(shown(text).as_deref(), Ok(text));
        }
        let defaults: Vec<_> = HistoryRule::defaults()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            defaults,
            ["chat/#=1000,30days", "sensors/#=600,1h", "devices/#=100,1h"]
        );
    }

    #[test]
    fn what_is_no_rule_says_what_is_wrong() {
        for text in ["", "chat/#", "chat/#=10", "1000,30d"] {
            assert_eq!(shown(text), Err(HistoryError::Form), "{text}");
        }
        assert!(matches!(
            shown("chat/#/x=1,1s"),
            Err(HistoryError::Topics(_))
        ));
        for count in ["-1", "x", "", "1000001"] {
            let text = format!("a={count},1s");
            assert_eq!(shown(&text), Err(HistoryError::Count(count.into())));
        }
        assert_eq!(shown("a=1,soon"), Err(HistoryError::Age("soon".into())));
    }
}
