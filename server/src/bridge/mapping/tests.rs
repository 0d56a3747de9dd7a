//! Payloads and topics as devices send them, good and odd.

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
}

#[test]
fn what_does_not_decode_is_a_fault() {
    let bad = |payload| say("sensors/kitchen/temperature", payload).unwrap_err();
    assert_eq!(bad(" "), Fault::Empty);
    assert_eq!(bad("null"), Fault::Nested("null".into()));
    assert_eq!(say("sensors/kitchen", "{}"), Err(Fault::NoMetrics));
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
}

#[test]
fn an_empty_payload_clears_a_value() {
    for name in [
        "sensors/kitchen/temperature",
        "sensors/kitchen",
        "devices/lamp/status",
        "devices/lamp/state/power",
    ] {
        let topic = topic(name);
        assert_eq!(say(name, ""), Ok(vec![Inbound::Cleared { topic }]));
    }
    assert_eq!(say("devices/lamp", ""), Err(Fault::Topic));
    assert!(matches!(
        say("chat/lobby", "").as_deref(),
        Ok([Inbound::Chat { .. }])
    ));
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
