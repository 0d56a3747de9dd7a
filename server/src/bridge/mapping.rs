//! From an MQTT publish to what it says: pure functions over topic, payload and user properties.
//!
//! Not here: the connection (`link`) and what becomes of it (`mqtt`).

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

/// What a publish says: several readings where it carries several metrics, nothing where it clears a retained value.
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
    match levels[..] {
        [CHAT, _, ..] => Ok(vec![chat(topic, text, properties)]),
        [SENSORS, device] => metrics(device, text),
        [SENSORS, device, ..] => reading(topic, device, text),
        [DEVICES, device, "status"] => status(topic, device, text),
        [DEVICES, device, "state", target] => state(topic, device, target, text),
        _ => Err(Fault::Topic),
    }
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
        "" => return Ok(Vec::new()),
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
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
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

/// A value alone: a number, `true` or `false`, a JSON text, and everything else as the text that it is.
fn bare(text: &str) -> Result<Value, Fault> {
    let text = text.trim();
    match text {
        "" => Err(Fault::Empty),
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

#[cfg(test)]
mod tests {
    use super::{Fault, Inbound, MAX_VALUE_BYTES, device, map};
    use tertulia_shared::{Topic, sensor::Value};

    fn topic(text: &str) -> Topic {
        Topic::new(text).unwrap()
    }

    fn say(name: &str, payload: &str) -> Result<Vec<Inbound>, Fault> {
        map(&topic(name), payload.as_bytes(), &[])
    }

    /// The one reading of a payload on `sensors/kitchen/temperature`.
    #[track_caller]
    fn value(payload: &str) -> (Value, Option<String>) {
        match &say("sensors/kitchen/temperature", payload).unwrap()[..] {
            [Inbound::Reading(reading)] => {
                assert_eq!(reading.device, "kitchen");
                assert_eq!(reading.metric, "temperature");
                (reading.value.clone(), reading.unit.clone())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_value_alone_is_a_number_a_switch_or_a_text() {
        assert_eq!(value("21.5"), (Value::Number(21.5), None));
        assert_eq!(value(" -3\n"), (Value::Number(-3.0), None));
        assert_eq!(value("1e3"), (Value::Number(1_000.0), None));
        assert_eq!(value("true"), (Value::Flag(true), None));
        assert_eq!(value("on"), (Value::Text("on".into()), None));
        assert_eq!(value("\"21.5\""), (Value::Text("21.5".into()), None));
        assert_eq!(value("\"open"), (Value::Text("\"open".into()), None));
    }

    #[test]
    fn an_object_has_a_value_and_perhaps_a_unit() {
        let celsius = Some("°C".to_owned());
        assert_eq!(
            value(r#"{"value":21.5,"unit":"°C"}"#),
            (Value::Number(21.5), celsius)
        );
        assert_eq!(
            value(r#" {"value":"on","battery":3}"#),
            (Value::Text("on".into()), None)
        );
        assert_eq!(
            value(r#"{"value":false,"unit":null}"#),
            (Value::Flag(false), None)
        );
    }

    #[test]
    fn several_metrics_at_once_are_readings_with_their_own_topics() {
        let readings = say(
            "sensors/kitchen",
            r#"{"temperature":21.5,"air/humidity":40}"#,
        )
        .unwrap();
        let topics: Vec<_> = readings
            .iter()
            .map(|inbound| match inbound {
                Inbound::Reading(reading) => (reading.topic.as_str(), reading.metric.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            topics,
            [
                ("sensors/kitchen/air/humidity", "air/humidity"),
                ("sensors/kitchen/temperature", "temperature"),
            ]
        );
        assert_eq!(say("sensors/kitchen", "{}"), Ok(Vec::new()));
    }

    #[test]
    fn what_does_not_decode_is_a_fault() {
        let bad = |payload| say("sensors/kitchen/temperature", payload).unwrap_err();
        assert_eq!(bad(""), Fault::Empty);
        assert_eq!(bad("NaN"), Fault::NotFinite("NaN".into()));
        assert_eq!(bad("-inf"), Fault::NotFinite("-inf".into()));
        assert_eq!(bad("1e999"), Fault::NotFinite("1e999".into()));
        assert!(matches!(bad("{\"value\":"), Fault::Json(_)));
        assert!(matches!(bad("{\"value\":1e999}"), Fault::Json(_)));
        assert!(matches!(bad("[1,2"), Fault::Json(_)));
        assert_eq!(bad("[1,2]"), Fault::Nested("[…]".into()));
        assert_eq!(bad("{\"value\":[1]}"), Fault::Nested("value".into()));
        assert_eq!(bad("{\"value\":null}"), Fault::Nested("value".into()));
        assert_eq!(bad("{\"value\":1,\"unit\":2}"), Fault::Unit);
        assert_eq!(bad("{\"temperature\":1}"), Fault::NoValue);
        assert_eq!(
            bad(&"x".repeat(MAX_VALUE_BYTES + 1)),
            Fault::TooLong(MAX_VALUE_BYTES + 1)
        );
        assert_eq!(map(&topic("sensors/a/b"), b"\xff", &[]), Err(Fault::Utf8));
        assert_eq!(say("sensors/kitchen", "21.5"), Err(Fault::NoMetric));
        assert_eq!(
            say("sensors/kitchen", r#"{"a":1,"b":{}}"#),
            Err(Fault::Nested("b".into()))
        );
        assert_eq!(
            say("sensors/kitchen", r##"{"#":1}"##),
            Err(Fault::Metric("#".into()))
        );
        assert_eq!(
            say("sensors/kitchen", r#"{"":1}"#),
            Err(Fault::Metric(String::new()))
        );
    }

    #[test]
    fn a_number_as_deep_as_a_pit_is_a_fault_and_no_crash() {
        let pit = "[".repeat(100_000);
        assert!(matches!(say("sensors/a/b", &pit), Err(Fault::Json(_))));
    }

    #[test]
    fn odd_topics_are_faults() {
        for odd in [
            "sensors",
            "sensors/",
            "sensors//x",
            "sensors/a/",
            "devices/a",
            "devices//status",
            "other/x",
        ] {
            assert_eq!(say(odd, "1"), Err(Fault::Topic), "{odd}");
        }
    }

    #[test]
    fn a_device_is_online_or_offline() {
        let online = |payload| match &say("devices/lamp/status", payload).unwrap()[..] {
            [Inbound::Status { device, online, .. }] if device == "lamp" => *online,
            other => panic!("{other:?}"),
        };
        assert!(online("online"));
        assert!(!online("offline"));
        assert_eq!(say("devices/lamp/status", "maybe"), Err(Fault::Status));
        assert_eq!(say("devices/lamp/status", ""), Ok(Vec::new()));
    }

    #[test]
    fn a_device_echoes_what_is_set() {
        let echoed = |payload| match &say("devices/lamp/state/power", payload).unwrap()[..] {
            [
                Inbound::State {
                    device,
                    target,
                    value,
                    ..
                },
            ] if device == "lamp" && target == "power" => value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(echoed("on"), Value::Text("on".into()));
        assert_eq!(echoed(r#"{"value":3}"#), Value::Number(3.0));
    }

    #[test]
    fn a_chat_message_is_plain_text_with_its_author_beside_it() {
        let properties = [
            ("from".to_owned(), "Ada".to_owned()),
            ("id".to_owned(), "7".to_owned()),
        ];
        let said = map(&topic("chat/lobby"), "¡hola! {".as_bytes(), &properties).unwrap();
        let expected = Inbound::Chat {
            room: topic("chat/lobby"),
            text: "¡hola! {".into(),
            from: Some("Ada".into()),
            id: Some("7".into()),
        };
        assert_eq!(said, [expected]);
    }

    #[test]
    fn the_device_of_a_topic() {
        assert_eq!(device(&topic("sensors/kitchen/x")), Some("kitchen"));
        assert_eq!(device(&topic("devices/lamp")), Some("lamp"));
        assert_eq!(device(&topic("sensors//x")), None);
        assert_eq!(device(&topic("chat/lobby")), None);
    }
}
