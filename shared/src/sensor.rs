//! What devices measure: one event a reading, `sensors/<device>/<metric>`.
//!
//! Not here: what devices are told to do (`device`).

use crate::{Topic, events, wire::number::number};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::value::RawValue;
use std::fmt;

/// The largest integer up to which every integer has an `f64` of its own: 2^53.
pub const MAX_INTEGER: u64 = 1 << 53;

/// A device measured something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SensorReading {
    /// The topic, `sensors/<device>/<metric>`.
    pub topic: Topic,
    /// The device, one topic level.
    pub device: String,
    /// What was measured; may span several topic levels.
    pub metric: String,
    /// The measured value, in `unit` where there is one.
    pub value: Value,
    /// The unit of the value as the device named it, `°C`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether the broker had kept the value before the server subscribed: its age is unknown, `at` says only when the
    /// server learned it. Absent when false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retained: bool,
    /// When the server received it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of the reading in its topic, from 1.
    pub seq: u64,
}

/// A retained value was deleted (an empty payload): later readers do not get it, nor any fault of its topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SensorCleared {
    /// The topic, `sensors/<device>/<metric>`.
    pub topic: Topic,
    /// The device, one topic level.
    pub device: String,
    /// What was measured; may span several topic levels. Empty for `sensors/<device>`, of which there are only faults.
    pub metric: String,
    /// When the server learned it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of this event in its topic, from 1.
    pub seq: u64,
}

/// A device sent something that does not decode as a reading. Nothing was dropped silently: this is its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SensorFault {
    /// The topic on which it came.
    pub topic: Topic,
    /// The device, one topic level.
    pub device: String,
    /// Why the last payload did not decode.
    pub reason: String,
    /// How many payloads of this topic did not decode since the server started, at least 1.
    pub count: u64,
    /// When the last one came, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of this event in its topic, from 1.
    pub seq: u64,
}

/// A measured or commanded value. Numbers that an `f64` does not hold as they were sent travel as text.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A switch.
    Flag(bool),
    /// A text.
    Text(String),
}

impl<'de> Deserialize<'de> for Value {
    /// From the JSON text: what a number was before it became an `f64` is not known later.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let json = json.get();
        match json.as_bytes().first() {
            Some(b't') => Ok(Self::Flag(true)),
            Some(b'f') => Ok(Self::Flag(false)),
            Some(b'"') => serde_json::from_str(json)
                .map(Self::Text)
                .map_err(D::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self::number(json)),
            _ => Err(D::Error::custom("expected a number, a flag or a text")),
        }
    }
}

impl Value {
    /// A JSON number; as the text that it is where it is an integer beyond 2^53, which would be rounded, or not finite.
    fn number(json: &str) -> Self {
        let digits = json.strip_prefix('-').unwrap_or(json);
        let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_exact = |digits: &str| digits.parse().is_ok_and(|it: u64| it <= MAX_INTEGER);
        match number(json) {
            Some(number) if (!is_integer || is_exact(digits)) => Self::Number(number),
            _ => Self::Text(json.to_owned()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(formatter),
            Self::Flag(flag) => flag.fmt(formatter),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

events! {
    /// The events of sensors.
    pub SENSOR;
    client emits {}
    server emits {
        "sensor:reading": SensorReading;
        "sensor:cleared": SensorCleared;
        "sensor:fault": SensorFault;
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_INTEGER, Value};

    #[test]
    fn a_value_is_a_number_a_flag_or_a_text_and_nothing_else() {
        for (json, value) in [
            ("1.5", Value::Number(1.5)),
            ("-3", Value::Number(-3.0)),
            ("9007199254740992", Value::Number(MAX_INTEGER as f64)),
            ("1e300", Value::Number(1e300)),
            ("true", Value::Flag(true)),
            (r#""\u00e9""#, Value::Text("é".to_owned())),
        ] {
            assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value);
        }
        for json in ["null", "[1]", "{}", r#"{"Number":1}"#, "nan", r#""\ud800""#] {
            assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_integer_that_would_be_rounded_is_a_text() {
        for json in [
            "9007199254740993",
            "-9007199254740993",
            "18446744073709551615",
            "123456789012345678901234567890",
            "1e999",
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(value, Value::Text(json.to_owned()));
            let within: (Value,) = serde_json::from_str(&format!("[ {json} ]")).unwrap();
            assert_eq!(within.0, value);
        }
    }
}
