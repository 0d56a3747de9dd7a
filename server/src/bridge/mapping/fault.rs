//! Why a publish, or a part of it, says nothing.

use super::{MAX_METRIC_BYTES, MAX_METRICS, MAX_VALUE_BYTES, object::MAX_DEPTH};
use std::fmt;

/// The most parts that one fault names; of further ones it tells the count.
const MAX_NAMED: usize = 5;

/// Why a publish says nothing, or not all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The topic is none of those that carry anything here.
    #[error("topic has no place for a device and what it says")]
    Topic,
    /// The payload is not UTF-8.
    #[error("payload is not UTF-8")]
    Utf8,
    /// The payload has nothing but white space.
    #[error("payload is empty")]
    Empty,
    /// The payload begins as JSON and is none.
    #[error("payload is no JSON: {0}")]
    Json(String),
    /// A value alone came without a metric.
    #[error("a value alone needs a metric: sensors/<device>/<metric>")]
    NoMetric,
    /// The state of a target is no number, text or flag.
    #[error("state is neither a value nor an object with a `value` or `state`")]
    State,
    /// A text is too long.
    #[error("text has {0} bytes, at most {MAX_VALUE_BYTES} are allowed")]
    TooLong(usize),
    /// A status is none of the known words.
    #[error("status is neither `online` nor `offline`")]
    Status,
    /// Parts of a payload say nothing; what the others say is taken.
    #[error("{0}")]
    Parts(BadParts),
}

/// Why a part of an object or an array says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// Its key cannot be levels of a topic.
    #[error("its name is empty, or has `+`, `#` or a control character")]
    Name,
    /// Its path is too long.
    #[error("its name has more than {MAX_METRIC_BYTES} bytes")]
    LongName,
    /// It is an object or an array in too many others.
    #[error("it is more than {MAX_DEPTH} levels deep")]
    Deep,
    /// Its text or number is too long.
    #[error("it has more than {MAX_VALUE_BYTES} bytes")]
    Long,
    /// Its text does not decode.
    #[error("it is no text")]
    Text,
    /// `unit` beside a value is no text.
    #[error("it is no text")]
    Unit,
}

/// The parts of a payload that say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadParts {
    /// The first of them, by path.
    named: Vec<(String, Bad)>,
    /// How many more there are.
    more: usize,
    /// How many parts there are beyond the most metrics of a payload.
    over: usize,
}

impl BadParts {
    /// Adds a part.
    pub(super) fn add(&mut self, path: &str, bad: Bad) {
        if self.named.len() < MAX_NAMED {
            let path = crate::app::policy::shown(path);
            self.named.push((path, bad));
        } else {
            self.more += 1;
        }
    }

    /// Adds parts beyond the most metrics of a payload.
    pub(super) fn add_over(&mut self, parts: usize) {
        self.over += parts;
    }

    /// The fault, where there are any.
    pub(super) fn fault(self) -> Option<Fault> {
        (self != Self::default()).then_some(Fault::Parts(self))
    }
}

impl fmt::Display for BadParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.iter();
        let mut parts: Vec<_> = named
            .map(|(path, bad)| format!("`{path}`: {bad}"))
            .collect();
        if self.more > 0 {
            parts.push(format!("and {} more", self.more));
        }
        if self.over > 0 {
            let over = self.over;
            parts.push(format!("{over} parts beyond {MAX_METRICS} metrics"));
        }
        formatter.write_str(&parts.join("; "))
    }
}
