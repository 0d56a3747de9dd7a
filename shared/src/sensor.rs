//! What devices measure: one event a reading, `sensors/<device>/<metric>`.
//!
//! Not here: what devices are told to do (`device`).

use crate::{Topic, events};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Visitor};
use std::fmt;

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

/// A retained value was deleted (an empty payload): it is neither shown nor given to later readers any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SensorCleared {
    /// The topic, `sensors/<device>/<metric>`.
    pub topic: Topic,
    /// The device, one topic level.
    pub device: String,
    /// What was measured; may span several topic levels.
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

/// A measured or commanded value.
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
    /// By hand: what is derived for an untagged enum keeps any JSON first, which weighs 1 kB in every page.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, a flag or a text")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
                Ok(Value::Flag(flag))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Any)
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
    use super::Value;

    #[test]
    fn a_value_is_a_number_a_flag_or_a_text_and_nothing_else() {
        for (json, value) in [
            ("1.5", Value::Number(1.5)),
            ("-3", Value::Number(-3.0)),
            ("18446744073709551615", Value::Number(u64::MAX as f64)),
            ("1e300", Value::Number(1e300)),
            ("true", Value::Flag(true)),
            (r#""\u00e9""#, Value::Text("é".to_owned())),
        ] {
            assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value);
        }
        for json in ["null", "[1]", "{}", r#"{"Number":1}"#, "1e999"] {
            assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
        }
    }
}
