//! Clients that ask for more than they take: closed such that an official client comes back by itself.

use crate::house::{House, PATIENCE, Poller, heard, request};
use futures_util::{SinkExt, StreamExt};
use rumqttc::{AsyncClient, MqttOptions, PublishOptions};
use serde_json::json;
use std::time::Duration;
use tertulia_server::Config;
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

#[tokio::test]
async fn a_poller_that_takes_no_acknowledgements_is_refused_without_a_disconnect() {
    let house = House::open(Config::default()).await;
    let ada = Poller::connect(&house).await;
    let burst: Vec<_> = (0..4_000).map(|id| format!("42{id}[\"x\"]")).collect();
    let post = format!("POST {} HTTP/1.1\r\n", ada.path);
    let refused = async {
        while request(house.address, &post, &burst.join("\u{1e}"))
            .await
            .status
            == 200
        {}
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    let get = format!("GET {} HTTP/1.1\r\n", ada.path);
    let polled = request(house.address, &get, "").await;
    assert_eq!(polled.status, 400, "{}", polled.body);
    let why = "too slow for what it asked for, too many acknowledgements wait for it";
    assert_eq!(polled.body, format!("this connection is closed: {why}\n"));
    let metrics = house.get("/metrics").await.body;
    let acks = "tertulia_connections_cut_total{reason=\"acks\"} 1";
    assert!(metrics.lines().any(|line| line == acks), "{metrics}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_takes_no_acknowledgements_ends_without_a_disconnect() {
    let house = House::open(Config::default()).await;
    let (mut out, mut back) = house.websocket().await.split();
    let burst = async { while out.feed(Message::text("421[\"x\"]")).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, burst).await.unwrap();
    while let Some(Ok(message)) = back.next().await {
        assert!(!message.into_text().unwrap().starts_with("41"));
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_misses_more_topics_than_can_be_told_is_told_that() {
    let house = House::open(Config::default()).await;
    let mut ada = house.websocket().await;
    let join = r#"420["room:join",{"room":"sensors/#"}]"#;
    ada.send(Message::text(join)).await.unwrap();
    while !heard(&mut ada).await.starts_with("430") {}
    // She reads nothing while 40,000 topics begin: the system holds some, her queue 8,192, and of 10,000 more she is told.
    let broker = house.mqtt.unwrap();
    let mut options = MqttOptions::new("many", (broker.ip().to_string(), broker.port()));
    options.set_max_packet_size(Some(1_000_000));
    let (client, mut events) = AsyncClient::builder(options).build();
    tokio::spawn(async move { while events.poll().await.is_ok() {} });
    for device in 0..160 {
        let metrics: serde_json::Map<_, _> = (0..250)
            .map(|metric| (format!("m{metric}"), json!("x".repeat(900))))
            .collect();
        let payload = json!(metrics).to_string();
        let topic = format!("sensors/device-{device}");
        let options = PublishOptions::at_least_once();
        client.publish(topic, payload, options).await.unwrap();
    }
    let too_much = async {
        loop {
            let metrics = house.get("/metrics").await.body;
            let mut lines = metrics.lines();
            let missed = lines.find_map(|line| line.strip_prefix("tertulia_missed_total "));
            if missed.unwrap().parse::<u64>().unwrap() > 10_000 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, too_much).await.unwrap();
    let mut told = 0;
    let end = loop {
        let next = tokio::time::timeout(PATIENCE, ada.next()).await.unwrap();
        match next.unwrap().unwrap() {
            Message::Close(end) => break end.unwrap(),
            message => {
                let packet = message.into_text().unwrap();
                assert!(!packet.starts_with("41"), "{packet}");
                told += usize::from(packet.starts_with("42[\"stream:missed\""));
            }
        }
    };
    assert!(told >= 10_000, "{told}");
    assert_eq!(end.code, CloseCode::Again);
    let why = "too slow for what it asked for, it missed more topics than can be told";
    assert_eq!(end.reason.as_str(), why);
    let cut = "tertulia_connections_cut_total{reason=\"missed\"} 1";
    let metrics = house.get("/metrics").await.body;
    assert!(metrics.lines().any(|line| line == cut), "{metrics}");
    house.close().await;
}
