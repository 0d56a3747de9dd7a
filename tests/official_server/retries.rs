//! Retries: at least once, with the same acknowledgement id each time, in strict order.

use crate::world::{
    official::{Node, event, only, retrying},
    soon,
    watch::{until_linked, until_lost},
};
use serde_json::{Value, json};
use std::time::Duration;
use tertulia_client::connection::{Delivery, EmitError, Transport};

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

/// The acknowledgement id of the packet, as it travelled, that carries that.
async fn id_of(node: &mut Node, what: &str) -> String {
    let packet = node.until("packet").await;
    let text = packet.as_str().unwrap();
    let (id, payload) = text.strip_prefix('2').unwrap().split_once('[').unwrap();
    assert_eq!(payload, format!(r#""{STUBBORN}","{what}"]"#));
    id.to_owned()
}

/// The server acknowledges the third time only.
///
/// What breaks it: a fresh id each time, or sending the second one before the first is settled.
#[tokio::test]
async fn events_come_again_with_their_id_until_they_are_acknowledged() {
    let mut node = node().await;
    let connection = node.connect(only(Transport::WebSocket));
    assert_eq!(node.until("packet").await, "0", "CONNECT");
    let emits = ["one", "two", "three"]
        .map(|what| connection.emit_args(event(STUBBORN, &[json!(what)]), retried(300, 5)));
    for (emit, what) in emits.into_iter().zip(["one", "two", "three"]) {
        let id = id_of(&mut node, what).await;
        assert!(!id.is_empty());
        for _ in 0..2 {
            assert_eq!(id_of(&mut node, what).await, id);
        }
        let answer = soon(what, emit).await.unwrap().unwrap();
        assert_eq!(answer.at::<String>(0).unwrap(), what);
    }
}

#[tokio::test]
async fn retries_come_to_an_end_and_the_next_one_goes() {
    let mut node = node().await;
    let connection = node.connect(only(Transport::Polling));
    assert_eq!(node.until("packet").await, "0", "CONNECT");
    let emit = |what: &str, retries| {
        connection.emit_args(event(STUBBORN, &[json!(what)]), retried(200, retries))
    };
    let (given_up, next) = (emit("one", 1), emit("two", 2));
    let timeout = EmitError::Timeout(Duration::from_millis(200));
    assert_eq!(soon("the end", given_up).await, Err(timeout));
    soon("the next", next).await.unwrap();
    for what in ["one", "one", "two", "two", "two"] {
        id_of(&mut node, what).await;
    }
}

/// What breaks it: settling it as lost, or counting the loss as a try.
#[tokio::test]
async fn a_retried_event_survives_the_loss_of_the_connection() {
    for transport in super::BOTH {
        let mut node = node().await;
        let connection = node.connect(retrying(10, only(transport)));
        let mut statuses = connection.watch();
        let emit =
            |what: &str| connection.emit_args(event(STUBBORN, &[json!(what)]), retried(300, 3));
        let (first, second) = (emit("one"), emit("two"));
        assert_eq!(node.until("packet").await, "0");
        let id = id_of(&mut node, "one").await;
        until_linked(&mut statuses).await;
        for _ in 0..2 {
            node.control("close", Value::Null).await;
            until_lost(&mut statuses).await;
            until_linked(&mut statuses).await;
            assert_eq!(node.until("packet").await, "0");
            assert_eq!(id_of(&mut node, "one").await, id);
        }
        // The server counts anew on each connection.
        soon("one", first).await.unwrap();
        soon("two", second).await.unwrap();
    }
}
