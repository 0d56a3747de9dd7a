//! What a publish of the broker becomes in the hub.

use super::Inward;
use crate::{
    app::{App, device},
    hub::{Delivery, History, Keep, Message, Reader},
    store::Archive,
};
use rumqttc::{Publish, PublishProperties, QoS};
use serde_json::Value;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tertulia_shared::{Filter, chat::ChatMessage, sensor::SensorReading};

fn inward() -> (Inward, Arc<App>) {
    let archive = Archive::in_memory(|| 5).unwrap();
    let app = App::new(archive, device::commands().0).unwrap();
    (Inward::new(Arc::clone(&app), false), app)
}

fn publish(topic: &str, payload: &str, properties: &[(&str, &str)]) -> Publish {
    let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload.to_owned(), None);
    let properties = properties
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    publish.properties = Some(PublishProperties {
        user_properties: properties.collect(),
        ..PublishProperties::default()
    });
    publish
}

fn reader(app: &App, filter: &str) -> Reader {
    let reader = app.hub.reader(100);
    reader.subscribe(&Filter::new(filter).unwrap());
    reader
}

async fn next(reader: &Reader) -> Option<Arc<Message>> {
    match tokio::time::timeout(Duration::ZERO, reader.next()).await {
        Ok(Some(Delivery::Message(message))) => Some(message),
        _ => None,
    }
}

#[tokio::test]
async fn a_text_is_not_lost_for_its_properties() {
    let (inward, app) = inward();
    let room = reader(&app, "chat/lobby");
    let (long, hidden) = ("é".repeat(50), "\u{200b}\u{202e}");
    for (name, expected) in [(long.as_str(), "é".repeat(40)), (hidden, "mqtt".to_owned())] {
        let properties = [("from", name), ("id", "")];
        inward.take(publish("chat/lobby", "hello", &properties));
        let message = next(&room).await.unwrap().decode::<ChatMessage>().unwrap();
        assert_eq!(
            (message.text.as_str(), message.from.name),
            ("hello", expected)
        );
        let id = message.id.unwrap();
        assert!(id.starts_with("mqtt-"), "{id}");
    }
    assert_eq!(app.counts.faults.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_says_nothing_is_counted_for_everybody() {
    let (inward, app) = inward();
    inward.take(publish("chat/lobby", " ", &[]));
    inward.take(publish("sensors/a/t", " ", &[]));
    inward.take(publish("sensors/a", r##"{"#":1}"##, &[]));
    assert_eq!(app.counts.faults.load(Ordering::Relaxed), 3);
}

/// What waits for a reader, each as `event topic payload` without the time.
async fn waiting(reader: &Reader) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(message) = next(reader).await {
        let mut body: Value = serde_json::from_str(message.body.get()).unwrap();
        let mut shown = |field| body.as_object_mut().unwrap().remove(field);
        let parts = [
            "value", "online", "target", "metric", "count", "retained", "text",
        ];
        let parts = parts.map(|it| shown(it).map(|value| format!(" {it}={value}")));
        let parts: String = parts.into_iter().flatten().collect();
        all.push(format!("{} {}{parts}", message.event, message.topic));
    }
    all
}

fn retained(topic: &str, payload: &str) -> Publish {
    let mut publish = publish(topic, payload, &[]);
    publish.retain = true;
    publish
}

#[tokio::test]
async fn a_cleared_value_is_told_and_not_given_any_more() {
    let (inward, app) = inward();
    for (topic, payload, told) in [
        (
            "sensors/a/t",
            "1",
            "sensor:cleared sensors/a/t metric=\"t\"",
        ),
        (
            "devices/a/state/power",
            "on",
            "device:cleared devices/a/state/power target=\"power\"",
        ),
        (
            "devices/a/status",
            "online",
            "device:cleared devices/a/status",
        ),
    ] {
        let open = reader(&app, topic);
        inward.take(publish(topic, "", &[]));
        inward.take(publish(topic, payload, &[]));
        inward.take(publish(topic, "", &[]));
        inward.take(publish(topic, "", &[]));
        let waiting = waiting(&open).await;
        assert_eq!(waiting.len(), 2, "{waiting:?}");
        assert_eq!(waiting[1], told);
        assert!(next(&reader(&app, topic)).await.is_none(), "{topic}");
    }
    assert_eq!(app.counts.faults.load(Ordering::Relaxed), 0);
    inward.take(publish("sensors/a/t", "2", &[]));
    let message = next(&reader(&app, "sensors/#")).await.unwrap();
    assert_eq!(message.decode::<SensorReading>().unwrap().seq, 3);
}

#[tokio::test]
async fn a_cleared_object_clears_all_that_came_in_it() {
    let (inward, app) = inward();
    let object = r##"{"t":1,"air":{"co2":600,"#":1},"h":2}"##;
    inward.take(publish("sensors/a", object, &[]));
    inward.take(publish("sensors/a/h", "3", &[]));
    inward.take(publish("sensors/ab/t", "4", &[]));
    inward.take(publish("sensors/a", "", &[]));
    let late = waiting(&reader(&app, "sensors/#")).await;
    assert_eq!(
        late,
        [
            "sensor:reading sensors/a/h value=3.0 metric=\"h\"",
            "sensor:reading sensors/ab/t value=4.0 metric=\"t\""
        ]
    );
}

#[tokio::test]
async fn what_a_broker_sends_again_at_a_subscribe_is_not_told_again() {
    let (inward, app) = inward();
    let open = reader(&app, "sensors/#");
    open.subscribe(&Filter::new("devices/#").unwrap());
    open.subscribe(&Filter::new("chat/lobby").unwrap());
    let retained_values = [
        ("sensors/a", r##"{"t":1,"#":2}"##),
        ("devices/a/status", "online"),
        ("devices/a/state/power", "on"),
        ("chat/lobby", "welcome"),
    ];
    for (topic, payload) in retained_values {
        inward.take(retained(topic, payload));
    }
    let told = waiting(&open).await;
    assert_eq!(
        told[..2],
        [
            "sensor:reading sensors/a/t value=1.0 metric=\"t\" retained=true",
            "sensor:fault sensors/a count=1"
        ]
    );
    assert_eq!(told.len(), 5, "{told:?}");
    for (topic, payload) in retained_values {
        inward.take(retained(topic, payload));
    }
    assert_eq!(waiting(&open).await, [""; 0]);
    assert_eq!(app.counts.faults.load(Ordering::Relaxed), 1);
    // What the device says itself is news, and what another value is.
    inward.take(publish("sensors/a/t", "1", &[]));
    inward.take(retained("sensors/a", r#"{"t":1}"#));
    inward.take(retained("sensors/a", r#"{"t":2}"#));
    inward.take(retained("devices/a/state/power", "off"));
    assert_eq!(
        waiting(&open).await,
        [
            "sensor:reading sensors/a/t value=1.0 metric=\"t\"",
            "sensor:reading sensors/a/t value=2.0 metric=\"t\" retained=true",
            "device:state devices/a/state/power value=\"off\" target=\"power\"",
        ]
    );
}

#[tokio::test]
async fn a_chat_message_that_was_heard_live_does_not_come_again() {
    let (inward, app) = inward();
    app.recall(History(vec![(
        Filter::new("chat/#").unwrap(),
        Keep {
            count: 10,
            age: u64::MAX,
        },
    )]))
    .unwrap();
    let room = reader(&app, "chat/lobby");
    inward.take(publish("chat/lobby", "welcome", &[]));
    inward.take(publish("chat/lobby", "welcome", &[]));
    inward.take(retained("chat/lobby", "welcome"));
    let told = ["chat:message chat/lobby text=\"welcome\""; 2];
    assert_eq!(waiting(&room).await, told);
}
