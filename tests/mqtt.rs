//! The bridge, judged by mosquitto: both directions, bad payloads, and a broker that goes and comes back.

use crate::world::{
    client::{code, connected, emit, enter, join, next, say},
    mosquitto::{Broker, publish, subscribe},
    server::Server,
    soon,
};
use futures_util::{Stream, StreamExt};
use tertulia_client::connection::Connection;
use tertulia_shared::{
    bridge::{BridgeState, BridgeStatus},
    chat::ChatMessage,
    device::{DeviceCommand, DeviceState, DeviceStatus},
    sensor::{SensorFault, SensorReading, Value},
};

async fn until_up(connection: &Connection) {
    until(&mut connection.listen::<BridgeStatus>(), BridgeState::Up).await;
}

async fn until<E: std::fmt::Debug>(
    statuses: &mut (impl Stream<Item = Result<BridgeStatus, E>> + Unpin),
    state: BridgeState,
) -> BridgeStatus {
    loop {
        let status = next(statuses).await;
        if status.state == state {
            return status;
        }
    }
}

/// A server and a connection to it, once the bridge is up.
async fn bridged() -> (Server, Connection) {
    let server = Server::start().await;
    let connection = up(&server).await;
    (server, connection)
}

/// A connection to a server, once its bridge is up.
async fn up(server: &Server) -> Connection {
    let connection = tertulia_client::connection::Connection::connect(&server.origin()).unwrap();
    until_up(&connection).await;
    connection
}

#[tokio::test]
async fn a_bare_number_is_a_reading_of_a_new_device() {
    let (server, connection) = bridged().await;
    let mut readings = connection.listen::<SensorReading>();
    join(&connection, "sensors/#").await;
    publish(
        server.mqtt_port(),
        "sensors/kitchen/temperature",
        "21.5",
        &[],
    )
    .await;
    let reading = next(&mut readings).await;
    assert_eq!(reading.topic.as_str(), "sensors/kitchen/temperature");
    assert_eq!(
        (reading.device.as_str(), reading.metric.as_str()),
        ("kitchen", "temperature")
    );
    assert_eq!(
        (reading.value, reading.unit, reading.seq),
        (Value::Number(21.5), None, 1)
    );
}

#[tokio::test]
async fn every_form_of_payload_is_read() {
    let (server, connection) = bridged().await;
    let mut readings = connection.listen::<SensorReading>();
    join(&connection, "sensors/+/+").await;
    let number = |number| (Value::Number(number), None);
    for (topic, payload, expected) in [
        (
            "sensors/a/t",
            r#"{"value":21.5,"unit":"°C"}"#,
            (Value::Number(21.5), Some("°C".to_owned())),
        ),
        ("sensors/a/t", "-3", number(-3.0)),
        ("sensors/a/t", "1e3", number(1_000.0)),
        (
            "sensors/a/door",
            "open",
            (Value::Text("open".to_owned()), None),
        ),
        ("sensors/a/on", "true", (Value::Flag(true), None)),
    ] {
        publish(server.mqtt_port(), topic, payload, &[]).await;
        let reading = next(&mut readings).await;
        assert_eq!((reading.value, reading.unit), expected, "{payload}");
    }
    publish(
        server.mqtt_port(),
        "sensors/b",
        r#"{"temperature":21.5,"humidity":40}"#,
        &[],
    )
    .await;
    let mut metrics = [next(&mut readings).await, next(&mut readings).await]
        .map(|reading| (reading.topic.to_string(), reading.value.to_string()));
    metrics.sort();
    let metric = |topic: &str, value: &str| (topic.to_owned(), value.to_owned());
    assert_eq!(
        metrics,
        [
            metric("sensors/b/humidity", "40"),
            metric("sensors/b/temperature", "21.5")
        ]
    );
}

#[tokio::test]
async fn a_late_reader_gets_the_last_value_first() {
    let (server, connection) = bridged().await;
    let mut early = connection.listen::<SensorReading>();
    join(&connection, "sensors/#").await;
    for value in ["1", "2"] {
        publish(server.mqtt_port(), "sensors/a/t", value, &["-q", "1"]).await;
    }
    assert_eq!(next(&mut early).await.seq, 1);
    assert_eq!(next(&mut early).await.seq, 2);
    let late = connected(&server.origin()).await;
    let mut readings = late.listen::<SensorReading>();
    join(&late, "sensors/a/+").await;
    let reading = next(&mut readings).await;
    assert_eq!((reading.seq, reading.value), (2, Value::Number(2.0)));
}

#[tokio::test]
async fn what_does_not_decode_is_counted_and_told_and_the_bridge_lives_on() {
    let (server, connection) = bridged().await;
    let mut faults = connection.listen::<SensorFault>();
    let mut readings = connection.listen::<SensorReading>();
    join(&connection, "sensors/#").await;
    for (count, payload) in [(1, r#"{"value":"#), (2, " "), (3, r##"{"#":1}"##)] {
        publish(server.mqtt_port(), "sensors/a/t", payload, &[]).await;
        let fault = next(&mut faults).await;
        assert_eq!(
            (fault.device.as_str(), fault.count),
            ("a", count),
            "{payload}"
        );
        assert!(!fault.reason.is_empty());
    }
    publish(server.mqtt_port(), "sensors/a/t", "7", &[]).await;
    assert_eq!(next(&mut readings).await.value, Value::Number(7.0));
}

#[tokio::test]
async fn chat_goes_both_ways_and_nothing_comes_back() {
    let (server, connection) = bridged().await;
    let mut messages = connection.listen::<ChatMessage>();
    enter(&connection, "Ada").await;
    join(&connection, "chat/lobby").await;
    let mut lobby = subscribe(server.mqtt_port(), "chat/lobby").await;
    publish(server.mqtt_port(), "chat/lobby", "hello", &[]).await;
    let message = next(&mut messages).await;
    assert_eq!(
        (message.text.as_str(), message.from.name.as_str()),
        ("hello", "mqtt")
    );
    assert_eq!(lobby.line_with("chat/lobby ").await, "chat/lobby hello");
    say(&connection, "chat/lobby", "hola ñ", "1").await;
    assert_eq!(lobby.line_with("chat/lobby ").await, "chat/lobby hola ñ");
    say(&connection, "chat/lobby", "end", "2").await;
    for text in ["hola ñ", "end"] {
        assert_eq!(next(&mut messages).await.text, text, "each once");
    }
    assert_eq!(lobby.line_with("chat/lobby ").await, "chat/lobby end");
}

#[tokio::test]
async fn a_command_is_accepted_when_the_broker_has_it_and_the_echo_is_told() {
    let (server, connection) = bridged().await;
    let mut states = connection.listen::<DeviceState>();
    let mut statuses = connection.listen::<DeviceStatus>();
    join(&connection, "devices/#").await;
    let mut lamp = subscribe(server.mqtt_port(), "devices/lamp/set/+").await;
    let command = DeviceCommand {
        device: "lamp".to_owned(),
        target: "power".to_owned(),
        value: Value::Text("on".to_owned()),
    };
    let commanded = emit(&connection, &command).await.unwrap();
    assert_eq!(commanded.topic.as_str(), "devices/lamp/set/power");
    assert_eq!(
        lamp.line_with("devices/lamp/set/power ").await,
        "devices/lamp/set/power on"
    );
    publish(
        server.mqtt_port(),
        "devices/lamp/state/power",
        "on",
        &["-r"],
    )
    .await;
    let state = next(&mut states).await;
    assert_eq!(
        (state.target.as_str(), state.value),
        ("power", Value::Text("on".to_owned()))
    );
    publish(
        server.mqtt_port(),
        "devices/lamp/status",
        "offline",
        &["-r"],
    )
    .await;
    assert!(!next(&mut statuses).await.online);
    let device = "la/mp".to_owned();
    assert_eq!(
        code(emit(&connection, &DeviceCommand { device, ..command }).await),
        "bad-device"
    );
}

#[tokio::test]
async fn a_broker_that_goes_is_told_and_waited_for() {
    let broker = Broker::start().await;
    let server = Server::with(&["--no-host-metrics", "--mqtt-url", &broker.url()]).await;
    let connection = up(&server).await;
    let mut statuses = connection.listen::<BridgeStatus>();
    let mut readings = connection.listen::<SensorReading>();
    let mut messages = connection.listen::<ChatMessage>();
    join(&connection, "sensors/#").await;
    join(&connection, "chat/lobby").await;
    let gone = broker.kill().await;
    let down = until(&mut statuses, BridgeState::Down).await;
    assert!(down.attempt >= 1 && !down.broker.is_empty(), "{down:?}");
    let command = DeviceCommand {
        device: "lamp".to_owned(),
        target: "power".to_owned(),
        value: Value::Flag(true),
    };
    assert_eq!(code(emit(&connection, &command).await), "bridge-down");
    say(&connection, "chat/lobby", "people still talk", "1").await;
    assert_eq!(next(&mut messages).await.text, "people still talk");
    let broker = gone.restart().await;
    until(&mut statuses, BridgeState::Up).await;
    publish(&broker.port, "sensors/a/t", "1", &[]).await;
    assert_eq!(next(&mut readings).await.value, Value::Number(1.0));
    emit(&connection, &command).await.unwrap();
}

#[tokio::test]
async fn the_machine_publishes_itself_over_mqtt() {
    let server = Server::with(&[]).await;
    let connection = up(&server).await;
    let mut readings = connection.listen::<SensorReading>();
    join(&connection, "sensors/#").await;
    let mut missing = vec!["cpu", "memory", "network_in", "network_out", "load"];
    let complete = async {
        while let Some(reading) = readings.next().await {
            let reading = reading.unwrap();
            assert!(reading.device.starts_with("host-"), "{reading:?}");
            assert!(matches!(reading.value, Value::Number(_)), "{reading:?}");
            missing.retain(|metric| *metric != reading.metric);
            if missing.is_empty() {
                return;
            }
        }
    };
    soon("all metrics of the machine", complete).await;
}

#[tokio::test]
async fn the_machine_is_online_as_long_as_its_server_runs_however_that_ends() {
    let broker = Broker::start().await;
    for killed in [true, false] {
        let mut server = Server::with(&["--mqtt-url", &broker.url()]).await;
        drop(up(&server).await);
        // The broker tells each late subscriber what is retained.
        until_retained(&broker, "online").await;
        if killed {
            server.kill().await;
        } else {
            server.terminate().await;
        }
        until_retained(&broker, "offline").await;
    }
}

/// Waits until a late subscriber reads this status of a machine.
async fn until_retained(broker: &Broker, status: &str) {
    let reads = async {
        loop {
            let mut late = subscribe(&broker.port, "devices/+/status").await;
            let line = late.line_with("/status o").await;
            if line.starts_with("devices/host-") && line.ends_with(&format!(" {status}")) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    soon("the retained status", reads).await;
}
