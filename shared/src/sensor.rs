//! What devices measure: one event a reading, `sensors/<device>/<metric>`.
//!
//! Not here: what devices are told to do (`device`).

use crate::{Topic, events};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// When the server received it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of the reading in its topic, from 1.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A switch.
    Flag(bool),
    /// A text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        "sensor:fault": SensorFault;
    }
}
