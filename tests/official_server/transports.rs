//! Which transport carries the packets, what is tried when one fails, and how polling merges packets.

use super::BOTH;
use crate::world::{
    client::{code, emit, next, say, until_transport},
    official::{Node, ask, event, only, retrying},
    watch::{until_linked, until_lost},
};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tertulia_client::connection::{Connection, Delivery, Options, Reason, Transport};
use tertulia_shared::chat::{ChatEnter, ChatMessage};

/// Everything that our page does, once: an event with its acknowledgement, an event of the server, a reject.
async fn converse(connection: &Connection) {
    let mut messages = connection.listen::<ChatMessage>();
    assert_eq!(say(connection, "chat/a", "hola ñ €", "1").await.seq, 1);
    assert_eq!(next(&mut messages).await.text, "heard hola ñ €");
    let name = "Ada".to_owned();
    assert_eq!(
        code(emit(connection, &ChatEnter { name }).await),
        "bad-name"
    );
}

fn in_order(transports: &[Transport]) -> Options {
    Options {
        transports: transports.to_vec(),
        ..Options::default()
    }
}

#[tokio::test]
async fn by_one_transport_only() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(only(transport));
        converse(&connection).await;
        let connected = node.until("connected").await;
        assert_eq!(connected["transport"], transport.to_string());
        let seen = ask(&connection, "test:handshake", &[]).await;
        assert_eq!(seen["query"]["transport"], transport.to_string());
    }
}

#[tokio::test]
async fn by_polling_and_then_websocket() {
    let mut node = Node::start().await;
    let connection = node.connect(Options::default());
    assert_eq!(node.says().await.1["transport"], "polling");
    assert_eq!(
        node.says().await,
        ("upgraded".to_owned(), json!("websocket"))
    );
    until_transport(&connection, Transport::WebSocket).await;
    converse(&connection).await;
}

#[tokio::test]
async fn without_upgrade_polling_goes_on() {
    let node = Node::start().await;
    let connection = node.connect(Options {
        upgrade: false,
        ..Options::default()
    });
    for _ in 0..10 {
        converse(&connection).await;
    }
    assert_eq!(
        node.control("cookies", Value::Null).await,
        json!({ "polling": null })
    );
    until_transport(&connection, Transport::Polling).await;
}

/// The server has one transport only, and it is not the one that is tried first.
#[tokio::test]
async fn the_next_transport_is_tried_when_the_first_one_fails() {
    use Transport::{Polling, WebSocket};
    for (first, then) in [(WebSocket, Polling), (Polling, WebSocket)] {
        let has = json!([then.to_string()]);
        let node = Node::with_io(json!({ "transports": has })).await;
        let connection = node.connect(in_order(&[first, then]));
        converse(&connection).await;
        until_transport(&connection, then).await;

        let stubborn = node.connect(retrying(10, only(first)));
        let (reason, retried) = until_lost(&mut stubborn.watch()).await;
        assert!(
            matches!(reason, Reason::TransportError(_)) && retried,
            "{reason}"
        );
    }
}

#[tokio::test]
async fn websocket_first_is_no_upgrade() {
    let mut node = Node::start().await;
    let connection = node.connect(in_order(&[Transport::WebSocket, Transport::Polling]));
    converse(&connection).await;
    assert_eq!(node.says().await.1["transport"], "websocket");
    connection.disconnect();
    assert_eq!(node.says().await.0, "disconnected");
}

#[tokio::test]
async fn an_upgrade_is_remembered_where_that_is_wanted() {
    for (remember_upgrade, again_by) in [(true, "websocket"), (false, "polling")] {
        let mut node = Node::start().await;
        let options = Options {
            remember_upgrade,
            ..Options::default()
        };
        let connection = node.connect(retrying(10, options));
        assert_eq!(node.until("connected").await["transport"], "polling");
        until_transport(&connection, Transport::WebSocket).await;
        node.control("close", Value::Null).await;
        assert_eq!(node.until("connected").await["transport"], again_by);
    }
}

/// A payload over the limit would be answered with status 413 and end the session.
///
/// What breaks it: a limit that does not count the separators, or one packet in each POST.
#[tokio::test]
async fn polling_packets_are_merged_up_to_the_limit() {
    let mut node = Node::with_io(json!({ "maxHttpBufferSize": 1_000 })).await;
    let connection = node.connect(only(Transport::Polling));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    node.until("connected").await;
    let before = node.control("posts", Value::Null).await.as_u64().unwrap();
    let text = "x".repeat(200);
    for n in 0..200 {
        let note = event("test:note", &[json!([n, text])]);
        drop(connection.emit_args(note, Delivery::default()));
    }
    for n in 0..200 {
        assert_eq!(node.says().await, ("noted".to_owned(), json!([n, text])));
    }
    let posts = node.control("posts", Value::Null).await.as_u64().unwrap() - before;
    // A packet has 224 to 226 bytes: four fit into 1,000, and the first POSTs go out before more is there.
    assert!((50..=100).contains(&posts), "{posts} POSTs");
}

/// Packets of the limit to the byte, and packets that would fit together but for the separator between them.
///
/// What breaks it: counting characters, or not the separators; the session ends then.
#[tokio::test]
async fn the_limit_counts_bytes_and_separators() {
    let mut node = Node::with_io(json!({ "maxHttpBufferSize": 1_000 })).await;
    let connection = node.connect(only(Transport::Polling));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    let envelope = r#"42["test:note",""]"#.len();
    let exactly = "ñ".repeat((1_000 - envelope) / 2);
    let half = "y".repeat(500 - envelope);
    let less = "z".repeat(499 - envelope);
    let texts = [&exactly, &half, &half, &half, &less, &half, &exactly];
    for text in texts {
        let note = event("test:note", &[json!(text)]);
        drop(connection.emit_args(note, Delivery::default()));
    }
    for text in texts {
        assert_eq!(node.until("noted").await, json!(text));
    }
    assert_eq!(node.engines().await, 1);
    assert_eq!(
        statuses.next().now_or_never(),
        None,
        "the session is the same"
    );
}
