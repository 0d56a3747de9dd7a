//! Our client, natively, talks to the official Node server.

use crate::world::{
    client::{code, emit, next, say, send, until_transport},
    official::{Node, only},
    soon,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tertulia_client::connection::{Auth, Connection, Link, Options, Reason, Transport};
use tertulia_shared::{
    chat::{ChatEnter, ChatMessage},
    room::RoomLeave,
    wire::json::Json,
};

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

#[tokio::test]
async fn by_polling_only() {
    let mut node = Node::start(&[]).await;
    let connection = node.connect(only(Transport::Polling));
    converse(&connection).await;
    let (step, value) = node.says().await;
    assert_eq!(
        (step.as_str(), &value["transport"]),
        ("connected", &json!("polling"))
    );
}

#[tokio::test]
async fn by_websocket_only() {
    let mut node = Node::start(&[]).await;
    let connection = node.connect(only(Transport::WebSocket));
    converse(&connection).await;
    let (step, value) = node.says().await;
    assert_eq!(
        (step.as_str(), &value["transport"]),
        ("connected", &json!("websocket"))
    );
}

#[tokio::test]
async fn by_upgrade_with_events_under_way() {
    let mut node = Node::start(&[]).await;
    let connection = node.connect(Options::default());
    let mut messages = connection.listen::<ChatMessage>();
    let mut expected = Vec::new();
    for n in 0..200 {
        say(&connection, "chat/a", &n.to_string(), "1").await;
        expected.push(format!("heard {n}"));
    }
    until_transport(&connection, Transport::WebSocket).await;
    converse(&connection).await;
    let mut heard = Vec::new();
    for _ in 0..200 {
        heard.push(next(&mut messages).await.text);
    }
    assert_eq!(heard, expected);
    assert_eq!(node.says().await.0, "connected");
    assert_eq!(
        node.says().await,
        ("upgraded".to_owned(), json!("websocket"))
    );
}

/// The server's ping comes every 200 ms here and is to be answered within 2 s.
#[tokio::test]
async fn heartbeats_are_answered_and_the_auth_arrives() {
    let mut node = Node::start(&[]).await;
    let connection = node.connect(Options {
        auth: Auth::Value(Json::parse(r#"{"token":"right"}"#).unwrap()),
        ..Options::default()
    });
    assert_eq!(node.says().await.1["auth"], json!({"token": "right"}));
    assert_eq!(node.says().await.0, "upgraded");
    let quiet = tokio::time::timeout(std::time::Duration::from_secs(3), node.says()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    converse(&connection).await;
}

#[tokio::test]
async fn a_goodbye_is_understood() {
    let mut node = Node::start(&[]).await;
    let connection = node.connect(only(Transport::WebSocket));
    node.says().await;
    connection.disconnect();
    let goodbye = (
        "disconnected".to_owned(),
        json!("client namespace disconnect"),
    );
    assert_eq!(node.says().await, goodbye);
}

#[tokio::test]
async fn the_servers_disconnect_is_final() {
    let node = Node::start(&[]).await;
    let connection = node.connect(only(Transport::WebSocket));
    converse(&connection).await;
    let room = String::new();
    let left = emit(&connection, &RoomLeave { room }).await;
    assert!(left.is_err(), "nobody acknowledged it");
    let status = soon("a status", connection.watch().next()).await.unwrap();
    assert_eq!(status.link, Link::Disconnected(Reason::ServerDisconnect));
}

#[tokio::test]
async fn a_refusal_by_middleware_carries_its_message() {
    let node = Node::start(&[]).await;
    let connection = node.connect(Options {
        auth: Auth::Value(Json::parse(r#"{"token":"wrong"}"#).unwrap()),
        ..Options::default()
    });
    let mut statuses = connection.watch();
    let refused = async {
        loop {
            if let Some(Link::Disconnected(Reason::Refused(body))) =
                statuses.next().await.map(|status| status.link)
            {
                return body;
            }
        }
    };
    let body: Value = soon("the refusal", refused).await.0.decode().unwrap();
    assert_eq!(body["message"], "not you");
}

#[tokio::test]
async fn what_is_emitted_before_the_connection_goes_out_in_order() {
    let node = Node::start(&[]).await;
    let connection = node.connect(Options::default());
    let mut messages = connection.listen::<ChatMessage>();
    let sends: Vec<_> = (0..20)
        .map(|n| connection.emit(&send("chat/a", &n.to_string(), "1")))
        .collect();
    for sent in sends {
        soon("a receipt", sent).await.unwrap();
    }
    for n in 0..20 {
        assert_eq!(next(&mut messages).await.text, format!("heard {n}"));
    }
}
