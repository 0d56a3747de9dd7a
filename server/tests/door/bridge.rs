//! What the door tells of brokers and devices, with the embedded broker.

use crate::house::{House, PATIENCE, Poller, free, heard};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::time::Duration;
use tertulia_server::{Config, config::Mqtt};
use tertulia_shared::{
    Event,
    device::{DeviceCommand, DeviceStatus},
    room::RoomJoin,
};
use tokio_tungstenite::tungstenite::Message;

/// A server that is the machine's device on that broker.
async fn host(mqtt: Mqtt) -> House {
    let host_metrics = true;
    House::start(Config {
        mqtt,
        host_metrics,
        data_dir: None,
        ..Config::default()
    })
    .await
}

/// Waits until the machine's device is online or not.
async fn until(reader: &mut Poller, online: bool) {
    let told = async { while reader.hear(DeviceStatus::NAME).await["online"] != online {} };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
}

#[tokio::test]
async fn two_servers_of_one_machine_are_one_device_that_is_online_until_both_have_ended() {
    let first = host(Mqtt::Embedded(free())).await;
    let mut reader = Poller::connect(&first).await;
    let room = json!({"room": "devices/+/status"});
    reader.ask(1, RoomJoin::NAME, room).await;
    until(&mut reader, true).await;
    let broker = format!("mqtt://{}", first.mqtt.unwrap());
    let second = host(Mqtt::External(broker.parse().unwrap())).await;
    until(&mut reader, true).await;
    let steady = Duration::from_secs(3);
    let fell = tokio::time::timeout(steady, until(&mut reader, false)).await;
    assert!(fell.is_err(), "each takes the other's connection");
    // A poll that was given up took its answer with it: another reader, which gets the latest value first.
    let mut reader = Poller::connect(&first).await;
    let room = json!({"room": "devices/+/status"});
    reader.ask(1, RoomJoin::NAME, room).await;
    until(&mut reader, true).await;
    second.close().await;
    until(&mut reader, false).await;
    until(&mut reader, true).await;
    first.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_commands_is_taken_or_refused_and_the_bridge_stays_up() {
    let house = House::open(Config::default()).await;
    let mut socket = house.websocket().await;
    while !heard(&mut socket).await.contains(r#""state":"up""#) {}
    let command = json!([DeviceCommand::NAME, {"device": "lamp", "target": "power", "value": 1}]);
    let (mut out, mut back) = socket.split();
    let emit = async {
        for id in 0..5_000 {
            let packet = Message::text(format!("42{id}{command}"));
            out.send(packet).await.unwrap();
        }
    };
    let settle = async {
        let (mut taken, mut settled) = (0, 0);
        while settled < 5_000 {
            let packet = heard(&mut back).await;
            assert!(!packet.contains(r#""state":"down""#), "{packet}");
            settled += usize::from(packet.starts_with("43"));
            taken += usize::from(packet.contains(r#"{"ok":"#));
        }
        taken
    };
    let ((), taken) = tokio::join!(emit, settle);
    assert!(taken >= 64, "{taken}");
    let again = Message::text(format!("425000{command}"));
    out.send(again).await.unwrap();
    let reply = heard(&mut back).await;
    assert!(reply.starts_with(r#"435000[{"ok":"#), "{reply}");
    house.close().await;
}
