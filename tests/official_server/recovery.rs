//! Connection state recovery: the official server, with it on, brings what was missed.

use super::{BOTH, News};
use crate::world::{
    client::next,
    official::{Node, ask, json_of, only, retrying},
    watch::{until_linked, until_lost},
};
use serde_json::json;
use tertulia_client::connection::{Auth, Connection, Options, Reason, Transport};

/// How long a cut lasts, in milliseconds: longer than the server that forgets at once remembers.
const CUT_MS: u64 = 50;

async fn node(max_ms: u32) -> Node {
    Node::with_io(json!({ "connectionStateRecovery": { "maxDisconnectionDuration": max_ms } }))
        .await
}

async fn publish(node: &Node, n: u32) {
    node.control("tell", json!(["test:news", { "n": n }])).await;
}

async fn hears(news: &mut tertulia_client::connection::Listener<News>, n: u32) {
    assert_eq!(next(news).await, News { n });
}

/// Cuts the connection, with that news meanwhile, and gives whether the connection was recovered.
async fn cut(node: &Node, connection: &Connection, missed: std::ops::Range<u32>) -> bool {
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    let missed: Vec<_> = missed.map(|n| json!(["test:news", { "n": n }])).collect();
    node.control("close", json!(missed)).await;
    assert!(matches!(
        until_lost(&mut statuses).await,
        (Reason::TransportClose(_), true)
    ));
    until_linked(&mut statuses).await.recovered
}

/// What breaks it: forgetting the offset once it has been used, or taking it from the first event after.
#[tokio::test]
async fn what_was_missed_comes_after_each_of_several_cuts_in_order_and_once() {
    for transport in BOTH {
        let mut node = node(60_000).await;
        let connection = node.connect(retrying(CUT_MS, only(transport)));
        let mut news = connection.listen::<News>();
        let mut statuses = connection.watch();
        assert!(!until_linked(&mut statuses).await.recovered);
        assert_eq!(node.until("connected").await["recovered"], false);
        publish(&node, 0).await;
        hears(&mut news, 0).await;
        // The last cut has nothing to bring, and the one after it still knows where it was.
        let mut from = 1;
        for count in [3, 1, 2, 0, 2] {
            assert!(cut(&node, &connection, from..from + count).await, "{from}");
            assert_eq!(node.until("connected").await["recovered"], true);
            publish(&node, from + count).await;
            for n in from..=from + count {
                hears(&mut news, n).await;
            }
            from += count + 1;
        }
        assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
        assert!(
            futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(&mut news))
                .is_none()
        );
    }
}

#[tokio::test]
async fn two_cuts_without_an_event_between_them_lose_nothing() {
    let node = node(60_000).await;
    let connection = node.connect(retrying(CUT_MS, only(Transport::WebSocket)));
    let mut news = connection.listen::<News>();
    until_linked(&mut connection.watch()).await;
    publish(&node, 0).await;
    hears(&mut news, 0).await;
    for _ in 0..3 {
        assert!(cut(&node, &connection, 0..0).await);
    }
    assert!(cut(&node, &connection, 1..3).await);
    for n in 1..3 {
        hears(&mut news, n).await;
    }
}

#[tokio::test]
async fn it_works_across_an_upgrade() {
    let node = node(60_000).await;
    let connection = node.connect(retrying(CUT_MS, Options::default()));
    let mut news = connection.listen::<News>();
    until_linked(&mut connection.watch()).await;
    publish(&node, 0).await;
    hears(&mut news, 0).await;
    for from in [1, 4] {
        assert!(cut(&node, &connection, from..from + 3).await);
        for n in from..from + 3 {
            hears(&mut news, n).await;
        }
    }
}

#[tokio::test]
async fn after_too_long_an_outage_nothing_is_recovered_and_the_connection_is_a_new_one() {
    let mut node = node(1).await;
    let connection = node.connect(retrying(CUT_MS, only(Transport::WebSocket)));
    let mut news = connection.listen::<News>();
    until_linked(&mut connection.watch()).await;
    node.until("connected").await;
    publish(&node, 0).await;
    hears(&mut news, 0).await;
    for from in [1, 3] {
        assert!(!cut(&node, &connection, from..from + 1).await);
        assert_eq!(node.until("connected").await["recovered"], false);
        publish(&node, from + 1).await;
        hears(&mut news, from + 1).await;
    }
}

#[tokio::test]
async fn after_a_disconnect_by_hand_nothing_is_recovered() {
    let mut node = node(60_000).await;
    let connection = node.connect(only(Transport::WebSocket));
    let mut news = connection.listen::<News>();
    until_linked(&mut connection.watch()).await;
    node.until("connected").await;
    publish(&node, 0).await;
    hears(&mut news, 0).await;
    connection.disconnect();
    node.until("disconnected").await;
    publish(&node, 1).await;
    connection.open();
    assert_eq!(node.until("connected").await["recovered"], false);
    assert!(!until_linked(&mut connection.watch()).await.recovered);
    publish(&node, 2).await;
    hears(&mut news, 2).await;
}

#[tokio::test]
async fn the_auth_travels_beside_what_recovery_needs() {
    let mut node = node(60_000).await;
    let options = Options {
        auth: Auth::Value(json_of(&json!({ "token": "right" }))),
        ..only(Transport::WebSocket)
    };
    let connection = node.connect(retrying(CUT_MS, options));
    let mut news = connection.listen::<News>();
    until_linked(&mut connection.watch()).await;
    assert_eq!(
        node.until("connected").await["auth"],
        json!({ "token": "right" })
    );
    publish(&node, 0).await;
    hears(&mut news, 0).await;
    assert!(cut(&node, &connection, 1..2).await);
    // A recovered socket keeps the handshake of its first connection; the message says that this one got through.
    hears(&mut news, 1).await;
}
