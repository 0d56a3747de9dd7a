//! From an MQTT publish to what it says: pure functions over topic, payload and user properties.
//!
//! Not here: the connection (`link`) and what becomes of it (`mqtt`).

#[cfg(test)]
mod tests;

use crate::app::sensor::Reading;
use serde_json::Value as Json;
use tertulia_shared::{
    Topic,
    room::{CHAT, DEVICES, SENSORS},
    sensor::Value,
};

/// The longest text value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1_024;
/// The most metrics of one payload.
pub const MAX_METRICS: usize = 256;
/// The user property that names the author of a chat message.
pub const FROM: &str = "from";
/// The user property that carries the id of a chat message.
pub const ID: &str = "id";

/// What a publish says.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    /// A text in a chat room.
    Chat {
        /// The room.
        room: Topic,
        /// The text.
        text: String,
        /// The author's name, where it is given.
        from: Option<String>,
        /// The message's id, where it is given.
        id: Option<String>,
    },
    /// A reading of a device.
    Reading(Reading),
    /// A device went online or offline.
    Status {
        /// The topic.
        topic: Topic,
        /// The device.
        device: String,
        /// Whether it is online.
        online: bool,
    },
    /// A device's echo of a command.
    State {
        /// The topic.
        topic: Topic,
        /// The device.
        device: String,
        /// The target.
        target: String,
        /// The value that is set.
        value: Value,
    },
    /// A retained value is no more.
    Cleared {
        /// The topic.
        topic: Topic,
    },
}

/// Why a publish says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The topic is none of those that carry anything here.
    #[error("topic has no place for a device and what it says")]
    Topic,
    /// The payload is not UTF-8.
    #[error("payload is not UTF-8")]
    Utf8,
    /// The payload is empty.
    #[error("payload is empty")]
    Empty,
    /// The payload begins as JSON and is none.
    #[error("payload is no JSON: {0}")]
    Json(String),
    /// A number is not finite.
    #[error("`{0}` is not a finite number")]
    NotFinite(String),
    /// A value is an object, an array or null.
    #[error("`{0}` is no number, text or switch")]
    Nested(String),
    /// An object has no `value`.
    #[error("object has no `value`")]
    NoValue,
    /// `unit` is no text.
    #[error("`unit` is no text")]
    Unit,
    /// A metric cannot stand in a topic.
    #[error("`{0}` cannot name a metric")]
    Metric(String),
    /// A value alone came without a metric.
    #[error("a value alone needs a metric: sensors/<device>/<metric>")]
    NoMetric,
    /// An object of metrics has none.
    #[error("object has no metrics")]
    NoMetrics,
    /// There are too many metrics.
    #[error("payload has {0} metrics, at most {MAX_METRICS} are allowed")]
    TooManyMetrics(usize),
    /// A text is too long.
    #[error("text has {0} bytes, at most {MAX_VALUE_BYTES} are allowed")]
    TooLong(usize),
    /// A status is neither of the two words.
    #[error("status is neither `online` nor `offline`")]
    Status,
}

/// What a publish says: several readings where it carries several metrics.
///
/// # Errors
/// When the payload does not decode; then nothing of it is taken.
pub fn map(
    topic: &Topic,
    payload: &[u8],
    properties: &[(String, String)],
) -> Result<Vec<Inbound>, Fault> {
    let text = std::str::from_utf8(payload).map_err(|_| Fault::Utf8)?;
    let levels: Vec<_> = topic.levels().collect();
    if levels.iter().any(|level| level.is_empty()) {
        return Err(Fault::Topic);
    }
    if payload.is_empty() && clears(&levels) {
        let topic = topic.clone();
        return Ok(vec![Inbound::Cleared { topic }]);
    }
    match levels[..] {
        [CHAT, _, ..] => Ok(vec![chat(topic, text, properties)]),
        [SENSORS, device] => metrics(device, text),
        [SENSORS, device, ..] => reading(topic, device, text),
        [DEVICES, device, "status"] => status(topic, device, text),
        [DEVICES, device, "state", target] => state(topic, device, target, text),
        _ => Err(Fault::Topic),
    }
}

/// Whether an empty payload on this topic is how MQTT clears a retained value (MQTT 5 §3.3.1.3).
fn clears(levels: &[&str]) -> bool {
    matches!(
        levels,
        [SENSORS, _, ..] | [DEVICES, _, "status"] | [DEVICES, _, "state", _]
    )
}

/// The device that a topic belongs to, `sensors/<device>/…` or `devices/<device>/…`.
pub fn device(topic: &Topic) -> Option<&str> {
    let mut levels = topic.levels();
    matches!(levels.next(), Some(SENSORS | DEVICES))
        .then(|| levels.next())
        .flatten()
        .filter(|device| !device.is_empty())
}

fn chat(room: &Topic, text: &str, properties: &[(String, String)]) -> Inbound {
    let property = |name: &str| {
        let found = properties.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    Inbound::Chat {
        room: room.clone(),
        text: text.to_owned(),
        from: property(FROM),
        id: property(ID),
    }
}

/// Several metrics at once on `sensors/<device>`.
fn metrics(device: &str, text: &str) -> Result<Vec<Inbound>, Fault> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Err(if text.trim().is_empty() {
            Fault::Empty
        } else {
            Fault::NoMetric
        });
    }
    let object = object(text)?;
    if object.is_empty() {
        return Err(Fault::NoMetrics);
    }
    if object.len() > MAX_METRICS {
        return Err(Fault::TooManyMetrics(object.len()));
    }
    let reading = |(metric, value): (&String, &Json)| {
        let name = || Fault::Metric(shown(metric));
        if metric.split('/').any(str::is_empty) {
            return Err(name());
        }
        Ok(Inbound::Reading(Reading {
            topic: Topic::new(format!("{SENSORS}/{device}/{metric}")).map_err(|_| name())?,
            device: device.to_owned(),
            metric: metric.clone(),
            value: scalar(metric, value)?,
            unit: None,
            retained: false,
        }))
    };
    object.iter().map(reading).collect()
}

/// One metric on `sensors/<device>/<metric>`: a value alone, or an object with `value` and perhaps `unit`.
fn reading(topic: &Topic, device: &str, text: &str) -> Result<Vec<Inbound>, Fault> {
    let (value, unit) = if text.trim_start().starts_with(['{', '[']) {
        measured(&object(text)?)?
    } else {
        (bare(text)?, None)
    };
    let metric: Vec<_> = topic.levels().skip(2).collect();
    Ok(vec![Inbound::Reading(Reading {
        topic: topic.clone(),
        device: device.to_owned(),
        metric: metric.join("/"),
        value,
        unit,
        retained: false,
    })])
}

fn measured(object: &serde_json::Map<String, Json>) -> Result<(Value, Option<String>), Fault> {
    let value = scalar("value", object.get("value").ok_or(Fault::NoValue)?)?;
    let unit = match object.get("unit") {
        None | Some(Json::Null) => None,
        Some(Json::String(unit)) if unit.len() <= MAX_VALUE_BYTES => Some(unit.clone()),
        Some(_) => return Err(Fault::Unit),
    };
    Ok((value, unit))
}

fn status(topic: &Topic, device: &str, text: &str) -> Result<Vec<Inbound>, Fault> {
    let online = match text.trim() {
        "online" => true,
        "offline" => false,
        _ => return Err(Fault::Status),
    };
    let (topic, device) = (topic.clone(), device.to_owned());
    Ok(vec![Inbound::Status {
        topic,
        device,
        online,
    }])
}

fn state(topic: &Topic, device: &str, target: &str, text: &str) -> Result<Vec<Inbound>, Fault> {
    Ok(vec![Inbound::State {
        topic: topic.clone(),
        device: device.to_owned(),
        target: target.to_owned(),
        value: if text.trim_start().starts_with(['{', '[']) {
            measured(&object(text)?)?.0
        } else {
            bare(text)?
        },
    }])
}

fn object(text: &str) -> Result<serde_json::Map<String, Json>, Fault> {
    match serde_json::from_str(text).map_err(|error| Fault::Json(error.to_string()))? {
        Json::Object(object) => Ok(object),
        _ => Err(Fault::Nested("[…]".to_owned())),
    }
}

/// A value alone: a number, `true` or `false`, a JSON text, and everything else but `null` as the text that it is.
fn bare(text: &str) -> Result<Value, Fault> {
    let text = text.trim();
    match text {
        "" => Err(Fault::Empty),
        "null" => Err(Fault::Nested("null".to_owned())),
        "true" => Ok(Value::Flag(true)),
        "false" => Ok(Value::Flag(false)),
        _ => match text.parse::<f64>() {
            Ok(number) => finite(number, text),
            Err(_) => self::text(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())),
        },
    }
}

fn scalar(name: &str, value: &Json) -> Result<Value, Fault> {
    match value {
        Json::Number(number) => finite(number.as_f64().unwrap_or(f64::NAN), &number.to_string()),
        Json::Bool(flag) => Ok(Value::Flag(*flag)),
        Json::String(value) => text(value.clone()),
        Json::Null | Json::Array(_) | Json::Object(_) => Err(Fault::Nested(shown(name))),
    }
}

fn finite(number: f64, text: &str) -> Result<Value, Fault> {
    if number.is_finite() {
        return Ok(Value::Number(number));
    }
    Err(Fault::NotFinite(shown(text)))
}

fn text(text: String) -> Result<Value, Fault> {
    if text.len() > MAX_VALUE_BYTES {
        return Err(Fault::TooLong(text.len()));
    }
    Ok(Value::Text(text))
}

fn shown(text: &str) -> String {
    crate::app::policy::shown(text)
}
