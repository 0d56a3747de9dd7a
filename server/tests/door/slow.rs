//! Clients that ask for more than they take: closed such that an official client comes back by itself.

use crate::house::{House, PATIENCE, Poller, request};
use futures_util::{SinkExt, StreamExt};
use tertulia_server::Config;
use tokio_tungstenite::tungstenite::Message;

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
