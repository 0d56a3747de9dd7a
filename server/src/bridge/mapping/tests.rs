//! Payloads and topics as devices send them, good and odd.

mod devices;
mod properties;

use super::{Fault, Inbound, MAX_METRICS, MAX_VALUE_BYTES, Said, device, map};
use tertulia_shared::{Topic, sensor::Value};

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

fn say(name: &str, payload: &str) -> Said {
    map(&topic(name), payload.as_bytes(), &[])
}

/// The readings of a payload, each as `metric=value unit`; texts in quotes.
fn readings(said: &Said) -> Vec<String> {
    let shown = |inbound: &Inbound| {
        let Inbound::Reading(reading) = inbound else {
            panic!("{inbound:?}")
        };
        let expected = format!("sensors/{}/{}", reading.device, reading.metric);
        assert_eq!(reading.topic.as_str(), expected);
        let value = match &reading.value {
            Value::Text(text) => format!("{text:?}"),
            value => value.to_string(),
        };
        match &reading.unit {
            Some(unit) => format!("{}={value} {unit}", reading.metric),
            None => format!("{}={value}", reading.metric),
        }
    };
    said.inbound.iter().map(shown).collect()
}

fn fault(said: &Said) -> String {
    said.fault
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// A payload on `sensors/k`, and the readings and the start of the fault that it is to give.
#[track_caller]
fn check(payload: &str, expected: &[&str], begins: &str) {
    let said = say("sensors/k", payload);
    assert_eq!(readings(&said), expected, "{payload}");
    let fault = fault(&said);
    assert_eq!(fault.is_empty(), begins.is_empty(), "{fault}");
    assert!(fault.starts_with(begins), "{fault}");
}

/// The one reading of a payload on `sensors/k/t`.
#[track_caller]
fn value(payload: &str) -> String {
    let said = say("sensors/k/t", payload);
    assert_eq!(said.fault, None, "{payload}");
    let readings = readings(&said);
    assert_eq!(readings.len(), 1, "{payload}");
    readings[0].strip_prefix("t=").unwrap().to_owned()
}

#[test]
fn a_value_alone_is_a_number_a_flag_or_a_text() {
    for (payload, expected) in [
        ("21.5", "21.5"),
        (" -3\n", "-3"),
        ("1e3", "1000"),
        ("true", "true"),
        ("on", "\"on\""),
        ("\"21.5\"", "\"21.5\""),
        ("\"open", "\"\\\"open\""),
        ("20.6 ℃\r\n", "20.6 ℃"),
        ("\u{feff}40,78\0", "40.78"),
        ("24E1641094172783", "\"24E1641094172783\""),
        ("NaN", "\"NaN\""),
        ("-inf", "\"-inf\""),
    ] {
        assert_eq!(value(payload), expected, "{payload}");
    }
}

#[test]
fn an_object_with_a_value_is_one_reading_with_a_unit() {
    assert_eq!(value(r#"{"value":21.5,"unit":"°C"}"#), "21.5 °C");
    assert_eq!(value(r#"{"value":false,"unit":null}"#), "false");
    assert_eq!(value(r#"{"value":"20.6 °C"}"#), "20.6 °C");
    let beside = say("sensors/k/t", r#" {"value":"on","battery":3,"unit":2}"#);
    assert_eq!(readings(&beside), ["t=\"on\"", "t/battery=3"]);
    assert_eq!(fault(&beside), "`t/unit`: it is no text");
    let nested = r#"{"air":{"value":7,"unit":"ppm"},"value":1,"unit":"x"}"#;
    check(nested, &["air=7 ppm", "value=1", "unit=\"x\""], "");
}

#[test]
fn a_bad_part_does_not_cost_the_others() {
    check(r#"{"voltage":240.1,"power":null}"#, &["voltage=240.1"], "");
    check(
        r#"{"update":{"state":"idle","progress":null},"a":[1,[2],{"b":3}]}"#,
        &["update/state=\"idle\"", "a/0=1", "a/1/0=2", "a/2/b=3"],
        "",
    );
    check(
        r##"{"a+b":1,"#":2,"":3,"/":4,"x/":5,"\u0000":6,"air/humidity":40,"n#":null,"t":7}"##,
        &["air/humidity=40", "t=7"],
        "`a+b`: its name is empty, or has `+`, `#` or a control character; `#`: ",
    );
    check(r#"{"a":1,"a":2}"#, &["a=1", "a=2"], "");
    check("[1,2]", &["0=1", "1=2"], "");
    for nothing in ["{}", "[]", r#"{"a":null}"#, r#"{"errors":[]}"#] {
        check(nothing, &[], "");
    }
    assert_eq!(say("sensors/k/t", "null"), Said::default());
}

#[test]
fn words_that_some_firmwares_write_for_no_number_are_text() {
    check(
        r#"{"t":nan,"h":-NaN,"p":[Infinity,1e+5],"s":"a \" nan"}"#,
        &[
            "t=\"nan\"",
            "h=\"-NaN\"",
            "p/0=\"Infinity\"",
            "p/1=100000",
            "s=\"a \\\" nan\"",
        ],
        "",
    );
}

#[test]
fn a_number_is_never_rounded() {
    check(
        r#"{"id":12345678901234567890,"e":1e999,"x":1234E5,"f":0.30000000000000004}"#,
        &[
            "id=\"12345678901234567890\"",
            "e=\"1e999\"",
            "x=123400000",
            "f=0.30000000000000004",
        ],
        "",
    );
}

#[test]
fn what_is_over_a_bound_is_told_and_the_rest_is_taken() {
    let long = format!(
        r#"{{"a":1,"text":"{}","b":2}}"#,
        "x".repeat(MAX_VALUE_BYTES + 1)
    );
    check(&long, &["a=1", "b=2"], "`text`: it has more than 1024");
    let long = format!(r#"{{"{}":1,"b":2}}"#, "k".repeat(300));
    check(&long, &["b=2"], "`kkkkkkkk");
    let deep = format!(r#"{{"a":1,"d":{}7{}}}"#, "[".repeat(8), "]".repeat(8));
    check(&deep, &["a=1"], "`d/0/0/0/0/0/0/0`: it is more than 8");
    let deep = format!("{}7{}", "[".repeat(8), "]".repeat(8));
    check(&deep, &["0/0/0/0/0/0/0/0=7"], "");
    let many: Vec<_> = (0..2_000).map(|number| number.to_string()).collect();
    let said = say("sensors/k", &format!("[{}]", many.join(",")));
    assert_eq!(said.inbound.len(), MAX_METRICS);
    assert_eq!(fault(&said), "1744 parts beyond 256 metrics");
    let bad = say(
        "sensors/k",
        r##"{"#1":1,"#2":1,"#3":1,"#4":1,"#5":1,"#6":1}"##,
    );
    assert!(fault(&bad).ends_with("; and 1 more"), "{bad:?}");
}

#[test]
fn what_does_not_decode_is_a_fault() {
    let bad = |payload: &str| say("sensors/k/t", payload).fault.unwrap();
    assert_eq!(bad(" "), Fault::Empty);
    assert_eq!(bad("\0"), Fault::Empty);
    for cut in ["{\"value\":", "[1,2", "{\"a\":1}}", "{nan 1}", "{\"a\":n}"] {
        assert!(matches!(bad(cut), Fault::Json(_)), "{cut}");
    }
    assert_eq!(
        bad(&"x".repeat(MAX_VALUE_BYTES + 1)),
        Fault::TooLong(MAX_VALUE_BYTES + 1)
    );
    let latin = map(&topic("sensors/a/b"), b"20.6 \xb0C", &[]);
    assert_eq!(latin.fault, Some(Fault::Utf8));
    assert_eq!(say("sensors/k", "21.5").fault, Some(Fault::NoMetric));
    assert_eq!(say("sensors/k", " ").fault, Some(Fault::Empty));
}

#[test]
fn a_payload_as_deep_as_a_pit_is_a_fault_and_no_crash() {
    for pit in ["[", "{\"a\":"] {
        let open = pit.repeat(100_000);
        assert!(matches!(
            say("sensors/a/b", &open).fault,
            Some(Fault::Json(_))
        ));
    }
    let closed = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    assert!(matches!(
        say("sensors/a/b", &closed).fault,
        Some(Fault::Parts(_))
    ));
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
        assert_eq!(say(odd, "1"), Fault::Topic.into(), "{odd}");
    }
}

#[test]
fn a_device_is_online_or_offline() {
    let online = |payload| match &say("devices/lamp/status", payload).inbound[..] {
        [Inbound::Status { device, online, .. }] if device == "lamp" => *online,
        other => panic!("{other:?}"),
    };
    for payload in [
        "online",
        "Online\r\n",
        "ONLINE",
        "true",
        "1",
        "\"online\"",
        r#"{"state":"online"}"#,
        r#"{"state":true}"#,
    ] {
        assert!(online(payload), "{payload}");
    }
    for payload in [
        "offline",
        "OFFLINE\0",
        "False",
        "0",
        r#"{"state":"Offline"}"#,
    ] {
        assert!(!online(payload), "{payload}");
    }
    for payload in ["maybe", "2", r#"{"on":1}"#, r#"{"state":[]}"#, "[1]"] {
        let said = say("devices/lamp/status", payload);
        assert_eq!(said, Fault::Status.into(), "{payload}");
    }
    assert_eq!(say("devices/lamp/status", "null"), Said::default());
}

#[test]
fn an_empty_payload_clears_a_value() {
    for name in [
        "sensors/kitchen/temperature",
        "sensors/kitchen",
        "devices/lamp/status",
        "devices/lamp/state/power",
    ] {
        assert_eq!(say(name, ""), Inbound::Cleared.into());
    }
    assert_eq!(say("devices/lamp", ""), Fault::Topic.into());
    assert!(matches!(
        say("chat/lobby", "").inbound[..],
        [Inbound::Chat { .. }]
    ));
}

#[test]
fn a_device_echoes_what_is_set() {
    let echoed = |payload| match &say("devices/lamp/state/power", payload).inbound[..] {
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
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(echoed("on"), text("on"));
    assert_eq!(echoed("ON\n"), text("ON"));
    assert_eq!(echoed("1"), Value::Number(1.0));
    assert_eq!(echoed("21 °C"), text("21 °C"));
    assert_eq!(echoed(r#"{"value":3}"#), Value::Number(3.0));
    assert_eq!(echoed(r#"{"state":"OFF","brightness":3}"#), text("OFF"));
    assert_eq!(echoed(r#"{"state":"1"}"#), Value::Number(1.0));
    assert_eq!(echoed(r#"{"value":"21 °C"}"#), text("21 °C"));
    let said = say("devices/lamp/state/power", r#"{"brightness":3}"#);
    assert_eq!(said, Fault::State.into());
    assert_eq!(say("devices/lamp/state/power", "null"), Said::default());
}

#[test]
fn a_chat_message_is_plain_text_with_its_author_beside_it() {
    let properties = [
        ("from".to_owned(), "Ada".to_owned()),
        ("id".to_owned(), "7".to_owned()),
    ];
    let said = map(&topic("chat/lobby"), "¡hola! {\n".as_bytes(), &properties);
    let expected = Inbound::Chat {
        room: topic("chat/lobby"),
        text: "¡hola! {".into(),
        from: Some("Ada".into()),
        id: Some("7".into()),
    };
    assert_eq!(said, expected.into());
}

#[test]
fn the_device_of_a_topic() {
    assert_eq!(device(&topic("sensors/kitchen/x")), Some("kitchen"));
    assert_eq!(device(&topic("devices/lamp")), Some("lamp"));
    assert_eq!(device(&topic("sensors//x")), None);
    assert_eq!(device(&topic("chat/lobby")), None);
}
