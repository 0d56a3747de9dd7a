//! What a broker keeps: retained values that are cleared, and those that come again when the bridge reconnects.

use crate::world::{
    client::{connected, emit, join, next},
    mosquitto::{Broker, publish},
    server::Server,
};
use futures_util::Stream;
use std::fmt::Debug;
use tertulia_client::connection::Connection;
use tertulia_shared::{
    bridge::{BridgeState, BridgeStatus},
    chat::ChatMessage,
    device::{DeviceCleared, DeviceState, DeviceStatus},
    room::RoomJoin,
    sensor::{SensorCleared, SensorFault, SensorReading, Value},
};

async fn until<E: Debug>(
    statuses: &mut (impl Stream<Item = Result<BridgeStatus, E>> + Unpin),
    state: BridgeState,
) {
    while next(statuses).await.state != state {}
}

async fn up(server: &Server) -> Connection {
    let connection = Connection::connect(&server.origin()).unwrap();
    until(&mut connection.listen(), BridgeState::Up).await;
    connection
}

async fn retain(port: &str, topic: &str, payload: &str) {
    publish(port, topic, payload, &["-r", "-q", "1"]).await;
}

/// Joins all readings with history, and gives the topics and values of what comes before the reading of `last`.
async fn history(server: &Server, last: &str) -> Vec<(String, Value)> {
    let late = connected(&server.origin()).await;
    let mut readings = late.listen::<SensorReading>();
    let join = RoomJoin {
        history: 100,
        ..RoomJoin::new("sensors/#")
    };
    emit(&late, &join).await.unwrap();
    let mut all = Vec::new();
    loop {
        let reading = next(&mut readings).await;
        if reading.topic.as_str() == last {
            return all;
        }
        if !reading.device.starts_with("host-") {
            all.push((reading.topic.into(), reading.value));
        }
    }
}

/// Breaks when: a value that was deleted stays on open pages, or comes back for those that are opened later.
#[tokio::test]
async fn a_cleared_value_is_told_and_does_not_come_back() {
    let server = Server::start().await;
    let port = server.mqtt_port().to_owned();
    let connection = up(&server).await;
    let mut readings = connection.listen::<SensorReading>();
    let mut cleared = connection.listen::<SensorCleared>();
    let mut devices = connection.listen::<DeviceCleared>();
    let mut faults = connection.listen::<SensorFault>();
    join(&connection, "sensors/#").await;
    join(&connection, "devices/#").await;
    retain(&port, "sensors/k/t", "1").await;
    retain(&port, "sensors/k/t", "2").await;
    retain(&port, "sensors/o", r#"{"t":1,"air":{"co2":600}}"#).await;
    retain(&port, "devices/k/state/power", "on").await;
    retain(&port, "devices/k/status", "online").await;
    for _ in 0..4 {
        next(&mut readings).await;
    }
    for topic in ["sensors/k/t", "sensors/o", "sensors/nothing"] {
        retain(&port, topic, "").await;
    }
    let mut metrics = Vec::new();
    for _ in 0..3 {
        let cleared = next(&mut cleared).await;
        metrics.push((cleared.topic.to_string(), cleared.metric, cleared.seq));
    }
    let metric = |topic: &str, metric: &str, seq| (topic.to_owned(), metric.to_owned(), seq);
    assert_eq!(
        metrics,
        [
            metric("sensors/k/t", "t", 3),
            metric("sensors/o/air/co2", "air/co2", 2),
            metric("sensors/o/t", "t", 2),
        ]
    );
    for (topic, target) in [
        ("devices/k/state/power", Some("power".to_owned())),
        ("devices/k/status", None),
    ] {
        retain(&port, topic, "").await;
        let cleared = next(&mut devices).await;
        assert_eq!((cleared.device.as_str(), cleared.target), ("k", target));
    }
    retain(&port, "sensors/z/last", "1").await;
    assert_eq!(history(&server, "sensors/z/last").await, []);
    // A clear that clears nothing is neither told nor a fault.
    retain(&port, "sensors/nothing", "{").await;
    let fault = next(&mut faults).await;
    assert_eq!((fault.topic.as_str(), fault.count), ("sensors/nothing", 1));
}

/// Breaks when: a value that a broker sends again at each subscribe counts as news, or looks as new as one of now.
#[tokio::test]
async fn what_a_broker_kept_is_of_unknown_age_and_told_once() {
    let broker = Broker::keeping().await;
    retain(&broker.port, "sensors/k", r#"{"t":1,"h":2}"#).await;
    retain(&broker.port, "devices/k/status", "Online").await;
    retain(&broker.port, "devices/k/state/power", "ON").await;
    retain(&broker.port, "chat/lobby", "kept before").await;
    let server = Server::with(&["--no-host-metrics", "--mqtt-url", &broker.url()]).await;
    let connection = up(&server).await;
    let mut bridge = connection.listen::<BridgeStatus>();
    let mut readings = connection.listen::<SensorReading>();
    let mut states = connection.listen::<DeviceState>();
    let mut statuses = connection.listen::<DeviceStatus>();
    let mut messages = connection.listen::<ChatMessage>();
    for room in ["sensors/#", "devices/#"] {
        join(&connection, room).await;
    }
    let lobby = RoomJoin {
        history: 100,
        ..RoomJoin::new("chat/lobby")
    };
    emit(&connection, &lobby).await.unwrap();
    let seen = |reading: SensorReading| (reading.metric, reading.value, reading.retained);
    let metric = |name: &str, value, retained| (name.to_owned(), Value::Number(value), retained);
    let mut kept = [next(&mut readings).await, next(&mut readings).await].map(seen);
    kept.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(kept, [metric("h", 2.0, true), metric("t", 1.0, true)]);
    assert!(next(&mut statuses).await.online);
    assert_eq!(next(&mut states).await.value, Value::Text("ON".to_owned()));
    assert_eq!(next(&mut messages).await.text, "kept before");
    // The device says it itself now: it is of now.
    retain(&broker.port, "sensors/k", r#"{"t":1}"#).await;
    assert_eq!(seen(next(&mut readings).await), metric("t", 1.0, false));
    retain(&broker.port, "chat/lobby", "said live").await;
    assert_eq!(next(&mut messages).await.text, "said live");
    retain(&broker.port, "sensors/l/away", "5").await;
    assert_eq!(seen(next(&mut readings).await), metric("away", 5.0, false));
    let gone = broker.terminate().await;
    until(&mut bridge, BridgeState::Down).await;
    let broker = gone.restart().await;
    until(&mut bridge, BridgeState::Up).await;
    // What was kept comes before what is new, and is not told.
    publish(&broker.port, "sensors/z/last", "1", &["-q", "1"]).await;
    assert_eq!(seen(next(&mut readings).await), metric("last", 1.0, false));
    publish(&broker.port, "devices/k/status", "offline", &["-q", "1"]).await;
    assert!(!next(&mut statuses).await.online);
    publish(&broker.port, "devices/k/state/power", "OFF", &["-q", "1"]).await;
    assert_eq!(next(&mut states).await.value, Value::Text("OFF".to_owned()));
    publish(&broker.port, "chat/lobby", "the last", &["-q", "1"]).await;
    assert_eq!(next(&mut messages).await.text, "the last");
}

/// Breaks when: one bad part of an object costs the others, or nobody is told of it.
#[tokio::test]
async fn a_bad_part_is_told_and_the_others_are_read() {
    let server = Server::start().await;
    let connection = up(&server).await;
    let mut readings = connection.listen::<SensorReading>();
    let mut faults = connection.listen::<SensorFault>();
    join(&connection, "sensors/plug/#").await;
    let payload = r##"{"voltage":240.1,"power":null,"update":{"state":"idle"},"a+b":1,"id":12345678901234567890}"##;
    publish(server.mqtt_port(), "sensors/plug", payload, &[]).await;
    for (metric, value) in [
        ("voltage", Value::Number(240.1)),
        ("update/state", Value::Text("idle".to_owned())),
        ("id", Value::Text("12345678901234567890".to_owned())),
    ] {
        let reading = next(&mut readings).await;
        assert_eq!((reading.metric.as_str(), reading.value), (metric, value));
        assert_eq!(reading.topic.as_str(), format!("sensors/plug/{metric}"));
    }
    let fault = next(&mut faults).await;
    assert!(fault.reason.starts_with("`a+b`: "), "{}", fault.reason);
    assert_eq!((fault.topic.as_str(), fault.count), ("sensors/plug", 1));
}
