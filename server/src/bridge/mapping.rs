//! From an MQTT publish to what it says: pure functions over topic, payload and user properties.
//!
//! Here: which topic carries what. In the folder: numbers, text, objects and faults. Not here: the connection (`link`) and
//! what becomes of it (`inward`).

mod fault;
mod number;
mod object;
#[cfg(test)]
mod tests;
mod text;

pub use fault::{Bad, BadParts, Fault};

use crate::app::sensor::Reading;
use object::Parts;
use tertulia_shared::{
    Topic,
    room::{CHAT, DEVICES, SENSORS},
    sensor::Value,
};

/// The longest text value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1_024;
/// The most metrics of one payload.
pub const MAX_METRICS: usize = 256;
/// The longest metric that an object names, in bytes.
pub const MAX_METRIC_BYTES: usize = 256;
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
    /// The retained value of the topic was deleted.
    Cleared,
}

/// All that a publish says, and why it is not more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// What it says: several readings where it carries several metrics.
    pub inbound: Vec<Inbound>,
    /// What of it says nothing.
    pub fault: Option<Fault>,
}

impl From<Inbound> for Said {
    fn from(inbound: Inbound) -> Self {
        let (inbound, fault) = (vec![inbound], None);
        Self { inbound, fault }
    }
}

impl From<Option<Inbound>> for Said {
    fn from(inbound: Option<Inbound>) -> Self {
        inbound.map(Self::from).unwrap_or_default()
    }
}

impl From<Fault> for Said {
    fn from(fault: Fault) -> Self {
        let (inbound, fault) = (Vec::new(), Some(fault));
        Self { inbound, fault }
    }
}

/// What a publish says.
pub fn map(topic: &Topic, payload: &[u8], properties: &[(String, String)]) -> Said {
    read(topic, payload, properties).unwrap_or_else(Said::from)
}

fn read(topic: &Topic, payload: &[u8], properties: &[(String, String)]) -> Result<Said, Fault> {
    let levels: Vec<_> = topic.levels().collect();
    if levels.iter().any(|level| level.is_empty()) {
        return Err(Fault::Topic);
    }
    if payload.is_empty() && clears(&levels) {
        return Ok(Inbound::Cleared.into());
    }
    let text = std::str::from_utf8(payload).map_err(|_| Fault::Utf8)?;
    let text = text::trimmed(text);
    match levels[..] {
        [CHAT, _, ..] => Ok(chat(topic, text, properties).into()),
        [SENSORS, device, ref metric @ ..] => readings(device, &metric.join("/"), text),
        [DEVICES, device, "status"] => status(topic, device, text),
        [DEVICES, device, "state", target] => state(topic, device, target, text),
        _ => Err(Fault::Topic),
    }
}

/// Whether an empty payload on this topic is how MQTT deletes a retained value (MQTT 5 §3.3.1.3).
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

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// What a device measured: a value alone of one metric, or an object or an array of several below it.
fn readings(device: &str, metric: &str, text: &str) -> Result<Said, Fault> {
    let mut parts = if is_json(text) {
        Parts::of(metric, text)?
    } else if metric.is_empty() {
        let is_empty = text.trim().is_empty();
        return Err(if is_empty {
            Fault::Empty
        } else {
            Fault::NoMetric
        });
    } else {
        let reading = text::reading(text)?;
        let good = reading.map(|reading| (metric.to_owned(), reading));
        Parts {
            good: good.into_iter().collect(),
            ..Parts::default()
        }
    };
    let mut inbound = Vec::with_capacity(parts.good.len());
    for (metric, measured) in parts.good {
        let Ok(topic) = Topic::new(format!("{SENSORS}/{device}/{metric}")) else {
            parts.bad.add(&metric, Bad::LongName);
            continue;
        };
        inbound.push(Inbound::Reading(Reading {
            topic,
            device: device.to_owned(),
            metric,
            value: measured.value,
            unit: measured.unit,
            retained: false,
        }));
    }
    let fault = parts.bad.fault();
    Ok(Said { inbound, fault })
}

fn status(topic: &Topic, device: &str, text: &str) -> Result<Said, Fault> {
    let word = match value(text) {
        Ok(None) => return Ok(Said::default()),
        Ok(Some(value)) => value.to_string(),
        Err(Fault::State) => return Err(Fault::Status),
        Err(fault) => return Err(fault),
    };
    Ok(Said::from(Inbound::Status {
        topic: topic.clone(),
        device: device.to_owned(),
        online: text::is_online(&word).ok_or(Fault::Status)?,
    }))
}

fn state(topic: &Topic, device: &str, target: &str, text: &str) -> Result<Said, Fault> {
    let state = value(text)?.map(|value| Inbound::State {
        topic: topic.clone(),
        device: device.to_owned(),
        target: target.to_owned(),
        value,
    });
    Ok(state.into())
}

/// One value, alone or in an object; a unit stays in its text. `None` where it is `null`.
fn value(text: &str) -> Result<Option<Value>, Fault> {
    match is_json(text) {
        true => object::single(text),
        false => text::bare(text),
    }
}
