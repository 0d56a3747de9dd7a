//! Topic names and topic filters: MQTT 5, section 4.7 (OASIS Standard, 7 March 2019).
//!
//! A Socket.IO room is a filter. Not here: who may join what (the server's policy).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest topic or filter, in bytes of UTF-8 (MQTT 5 §1.5.4).
pub const MAX_BYTES: usize = 65_535;

/// Why a text is not a topic or not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It has no character (§4.7.3: at least one).
    #[error("a topic has at least one character")]
    Empty,
    /// It is longer than [`MAX_BYTES`].
    #[error("topic has {0} bytes, at most {MAX_BYTES} are allowed")]
    TooLong(usize),
    /// It contains U+0000 (§4.7.3).
    #[error("topic `{0}` contains the null character")]
    Null(String),
    /// A topic name contains `+` or `#` (§4.7.1).
    #[error("topic `{0}` contains a wildcard; only filters may")]
    Wildcard(String),
    /// `+` does not stand alone in its level (§4.7.1.3).
    #[error("filter `{0}`: `+` must stand alone in its level")]
    PlusInLevel(String),
    /// `#` does not stand alone in the last level (§4.7.1.2).
    #[error("filter `{0}`: `#` must stand alone in the last level")]
    HashNotLast(String),
}

/// The name of one stream of messages, `sensors/kitchen/temperature`: 1 to [`MAX_BYTES`] bytes, no wildcard.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Topic(String);

impl Topic {
    /// Parses a topic name.
    ///
    /// # Errors
    /// When the text is empty, too long, or contains U+0000 or a wildcard.
    pub fn new(text: impl Into<String>) -> Result<Self, TopicError> {
        let text = checked(text.into())?;
        if text.contains(['+', '#']) {
            return Err(TopicError::Wildcard(text));
        }
        Ok(Self(text))
    }

    /// The levels between the slashes; a level may be empty.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A pattern over topics, `sensors/+/temperature`: `+` is any one level, a last `#` is the level above and all below.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Filter(String);

impl Filter {
    /// Parses a topic filter.
    ///
    /// # Errors
    /// When the text is empty, too long, contains U+0000, or a wildcard shares its level or `#` is not last.
    pub fn new(text: impl Into<String>) -> Result<Self, TopicError> {
        let text = checked(text.into())?;
        let last = text.split('/').count() - 1;
        for (index, level) in text.split('/').enumerate() {
            if level.contains('#') && (level != "#" || index != last) {
                return Err(TopicError::HashNotLast(text));
            }
            if level.contains('+') && level != "+" {
                return Err(TopicError::PlusInLevel(text));
            }
        }
        Ok(Self(text))
    }

    /// Whether `topic` is one of those that this filter names.
    ///
    /// A filter that begins with a wildcard does not match a topic that begins with `$` (§4.7.2).
    pub fn matches(&self, topic: &Topic) -> bool {
        if topic.0.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.levels();
        for pattern in self.0.split('/') {
            if pattern == "#" {
                return true;
            }
            match levels.next() {
                Some(level) if pattern == "+" || pattern == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    /// Whether this filter matches every topic that `other` matches.
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_blind_to(other) {
            return false;
        }
        // Every topic has a first level.
        let all = if other.0 == "#" { "+/#" } else { &other.0 };
        let mut others = all.split('/');
        for level in self.levels() {
            match (level, others.next()) {
                ("#", _) => return true,
                ("+", Some(theirs)) if theirs != "#" => {}
                (own, Some(theirs)) if own == theirs => {}
                _ => return false,
            }
        }
        others.next().is_none()
    }

    /// Whether there is a topic that both filters match.
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.is_blind_to(other) || other.is_blind_to(self) {
            return false;
        }
        let (mut levels, mut others) = (self.levels(), other.levels());
        loop {
            match (levels.next(), others.next()) {
                (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
                (Some(own), Some(theirs)) if own == theirs || own == "+" || theirs == "+" => {}
                _ => return false,
            }
        }
    }

    /// Whether `other` names only topics that a filter which begins with a wildcard does not match (§4.7.2).
    fn is_blind_to(&self, other: &Self) -> bool {
        self.0.starts_with(['+', '#']) && other.0.starts_with('$')
    }

    /// Whether the filter contains `+` or `#`.
    pub fn has_wildcard(&self) -> bool {
        self.0.contains(['+', '#'])
    }

    /// The topic that a filter without wildcards names; `None` with wildcards.
    pub fn as_topic(&self) -> Option<Topic> {
        (!self.has_wildcard()).then(|| Topic(self.0.clone()))
    }

    /// The levels between the slashes; a level may be empty.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The filter as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(text: String) -> Result<String, TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(TopicError::TooLong(text.len()));
    }
    if text.contains('\0') {
        return Err(TopicError::Null(text));
    }
    Ok(text)
}

impl From<Topic> for Filter {
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

macro_rules! text_conversions {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = TopicError;
            fn try_from(text: String) -> Result<Self, TopicError> {
                Self::new(text)
            }
        }
        impl std::str::FromStr for $type {
            type Err = TopicError;
            fn from_str(text: &str) -> Result<Self, TopicError> {
                Self::new(text)
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.0
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
text_conversions!(Topic);
text_conversions!(Filter);

#[cfg(test)]
mod tests {
    use super::{Filter, MAX_BYTES, Topic, TopicError};

    #[track_caller]
    fn check(filter: &str, topic: &str, expected: bool) {
        let matched = Filter::new(filter)
            .unwrap()
            .matches(&Topic::new(topic).unwrap());
        assert_eq!(matched, expected, "{filter} on {topic}");
    }

    #[test]
    fn multi_level_examples_of_section_4_7_1_2() {
        for topic in [
            "sport/tennis/player1",
            "sport/tennis/player1/ranking",
            "sport/tennis/player1/score/wimbledon",
        ] {
            check("sport/tennis/player1/#", topic, true);
            check("#", topic, true);
            check("sport/tennis/#", topic, true);
        }
        check("sport/#", "sport", true);
        check("sport/#", "sports", false);
        assert!(Filter::new("#").is_ok());
        assert!(Filter::new("sport/tennis/#").is_ok());
        let not_last = |text: &str| Err(TopicError::HashNotLast(text.to_owned()));
        assert_eq!(Filter::new("sport/tennis#"), not_last("sport/tennis#"));
        assert_eq!(
            Filter::new("sport/tennis/#/ranking"),
            not_last("sport/tennis/#/ranking")
        );
    }

    #[test]
    fn single_level_examples_of_section_4_7_1_3() {
        check("sport/tennis/+", "sport/tennis/player1", true);
        check("sport/tennis/+", "sport/tennis/player2", true);
        check("sport/tennis/+", "sport/tennis/player1/ranking", false);
        check("sport/+", "sport", false);
        check("sport/+", "sport/", true);
        for valid in ["+", "+/tennis/#", "sport/+/player1"] {
            assert!(Filter::new(valid).is_ok(), "{valid}");
        }
        assert_eq!(
            Filter::new("sport+"),
            Err(TopicError::PlusInLevel("sport+".to_owned()))
        );
        check("+/+", "/finance", true);
        check("/+", "/finance", true);
        check("+", "/finance", false);
    }

    #[test]
    fn dollar_examples_of_section_4_7_2() {
        check("#", "$SYS/broker/uptime", false);
        check("+/monitor/Clients", "$SYS/monitor/Clients", false);
        check("$SYS/#", "$SYS/broker/uptime", true);
        check("$SYS/monitor/+", "$SYS/monitor/Clients", true);
    }

    #[test]
    fn names_of_section_4_7_3() {
        assert!(Topic::new("ACCOUNTS").is_ok());
        check("ACCOUNTS", "Accounts", false);
        assert!(Topic::new("Accounts payable").is_ok());
        check("/finance", "finance", false);
        assert!(Topic::new("/").is_ok());
        assert_eq!(Topic::new(""), Err(TopicError::Empty));
        assert_eq!(Topic::new("a\0b"), Err(TopicError::Null("a\0b".to_owned())));
        assert!(Topic::new("a".repeat(MAX_BYTES)).is_ok());
        assert_eq!(
            Topic::new("a".repeat(MAX_BYTES + 1)),
            Err(TopicError::TooLong(MAX_BYTES + 1))
        );
    }

    #[test]
    fn a_topic_has_no_wildcard() {
        for text in ["a/+", "#", "a+b"] {
            assert_eq!(Topic::new(text), Err(TopicError::Wildcard(text.to_owned())));
        }
    }

    #[test]
    fn covering_and_overlapping_agree_with_matching() {
        let mut filters = Vec::new();
        for one in ["a", "b", "+", "#", "$x"] {
            for rest in ["", "/a", "/b", "/+", "/#", "/a/b", "/+/b", "/a/#", "/+/#"] {
                filters.extend(Filter::new(format!("{one}{rest}")));
            }
        }
        // `c` and a fourth level stand for all that no filter names.
        let levels = || ["a", "b", "c", "$x", "$y"].into_iter();
        let mut topics: Vec<_> = levels().map(str::to_owned).collect();
        for start in 0..=1 {
            let longer = topics[start * 5..].to_vec();
            for topic in longer {
                topics.extend(levels().map(|level| format!("{topic}/{level}")));
            }
        }
        let topics: Vec<_> = topics.into_iter().map(topic).collect();
        for own in &filters {
            for other in &filters {
                let theirs = || topics.iter().filter(|topic| other.matches(topic));
                let (covers, overlaps) = (own.covers(other), own.overlaps(other));
                assert_eq!(
                    covers,
                    theirs().all(|topic| own.matches(topic)),
                    "{own} {other}"
                );
                assert_eq!(
                    overlaps,
                    theirs().any(|topic| own.matches(topic)),
                    "{own} {other}"
                );
            }
        }
    }

    fn topic(text: String) -> Topic {
        Topic::new(text).unwrap()
    }

    #[test]
    fn levels_are_compared_as_whole_characters() {
        check("+/x", "é/x", true);
        check("é/#", "é", true);
    }
}
