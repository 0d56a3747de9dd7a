//! Retries: at least once, with the same acknowledgement id each time, in strict order.

use crate::world::{
    official::{Node, event, only, retrying},
    soon,
    watch::{until_linked, until_lost},
};
use serde_json::{Value, json};
use std::time::Duration;
use tertulia_client::connection::{Connection, Delivery, EmitError, Transport};

const STUBBORN: &str = "test:stubborn";

fn retried(every_ms: u64, retries: u32) -> Delivery {
    Delivery {
        ack_within: Some(Duration::from_millis(every_ms)),
        volatile: false,
        retries,
    }
}

async fn node() -> Node {
    Node::with(json!({ "packets": true })).await
}

/// The next event that travelled: its acknowledgement id, and what it carries.
async fn packet(node: &mut Node) -> (String, String) {
    let packet = node.until("packet").await;
    let event = packet.as_str().unwrap().strip_prefix('2').unwrap();
    let (id, payload) = event.split_once('[').unwrap();
    (id.to_owned(), payload.to_owned())
}

/// Waits until a connection begins.
async fn begins(node: &mut Node) {
    while node.until("packet").await != "0" {}
}

/// All that travelled until now, one after the other: how often, with the same id.
async fn travelled(node: &mut Node, connection: &Connection) -> Vec<(String, usize)> {
    let end = connection.emit_args(event("end", &[]), Delivery::default());
    soon("the end", end).await.unwrap();
    let mut all: Vec<(String, String, usize)> = Vec::new();
    loop {
        let (id, payload) = packet(node).await;
        match all.last_mut() {
            _ if payload == r#""end"]"# => break,
            Some((last, what, count)) if *last == id && *what == payload => *count += 1,
            _ => all.push((id, payload, 1)),
        }
    }
    all.into_iter()
        .map(|(id, payload, count)| {
            assert!(!id.is_empty(), "{payload}");
            (payload, count)
        })
        .collect()
}

fn carries(what: &str) -> String {
    format!(r#""{STUBBORN}","{what}"]"#)
}

/// The server acknowledges the third time only.
///
/// What breaks it: a fresh id each time, or sending the second one before the first is settled.
#[tokio::test]
async fn events_come_again_with_their_id_until_they_are_acknowledged() {
    let mut node = node().await;
    let connection = node.connect(only(Transport::WebSocket));
    begins(&mut node).await;
    let names = ["one", "two", "three"];
    let emits =
        names.map(|what| connection.emit_args(event(STUBBORN, &[json!(what)]), retried(200, 50)));
    for (emit, what) in emits.into_iter().zip(names) {
        let answer = soon(what, emit).await.unwrap().unwrap();
        assert_eq!(answer.at::<String>(0).unwrap(), what);
    }
    let travelled = travelled(&mut node, &connection).await;
    assert_eq!(travelled.len(), 3, "{travelled:?}");
    for ((payload, count), what) in travelled.into_iter().zip(names) {
        assert_eq!(payload, carries(what));
        assert!(count >= 3, "{count} times {what}");
    }
}

#[tokio::test]
async fn retries_come_to_an_end_and_the_next_one_goes() {
    let mut node = node().await;
    let connection = node.connect(only(Transport::Polling));
    begins(&mut node).await;
    let emit = |what: &str, retries| {
        connection.emit_args(event(STUBBORN, &[json!(what)]), retried(200, retries))
    };
    let (given_up, next) = (emit("one", 1), emit("two", 50));
    let timeout = EmitError::Timeout(Duration::from_millis(200));
    assert_eq!(soon("the end", given_up).await, Err(timeout));
    soon("the next", next).await.unwrap();
    let travelled = travelled(&mut node, &connection).await;
    assert_eq!(travelled[0], (carries("one"), 2));
    assert_eq!(travelled[1].0, carries("two"));
}

/// What breaks it: settling it as lost at the first loss, or never.
#[tokio::test]
async fn a_retried_event_survives_the_loss_of_the_connection() {
    for transport in super::BOTH {
        let mut node = node().await;
        let connection = node.connect(retrying(10, only(transport)));
        let mut statuses = connection.watch();
        // Without a loss it would not be sent a second time in the time of this test.
        let patient = connection.emit_args(event(STUBBORN, &[json!("one")]), retried(60_000, 3));
        begins(&mut node).await;
        let first = packet(&mut node).await;
        assert_eq!(first.1, carries("one"));
        until_linked(&mut statuses).await;
        for _ in 0..3 {
            node.control("close", Value::Null).await;
            until_lost(&mut statuses).await;
            until_linked(&mut statuses).await;
            begins(&mut node).await;
            assert_eq!(packet(&mut node).await, first);
        }
        connection.disconnect();
        let settled = soon("the end of the tries", patient).await;
        assert_eq!(settled, Err(EmitError::Disconnected));
    }
}
