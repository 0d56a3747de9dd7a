//! The official JavaScript client chats with our server.

use crate::world::{peer::Peer, server::Server};
use serde_json::{Value, json};

/// Runs the whole conversation and gives the transport on which it ended.
async fn converse(transports: &[&str]) -> Value {
    let server = Server::start().await;
    let origin = server.origin();
    let arguments = [&[origin.as_str()], transports].concat();
    let mut peer = Peer::start("client.mjs", &arguments);
    let numbers: Vec<u32> = (1..=50).collect();
    let texts: Vec<_> = (0..50).map(|n| format!("text {n}")).collect();
    for (step, value) in [
        (
            "entered",
            json!({"peer_is_socket_id": false, "peer": "string"}),
        ),
        ("joined", json!(["ok"])),
        ("people", json!(["Ada"])),
        ("receipts", json!(numbers)),
        ("texts", json!(texts)),
        ("author", json!("Ada")),
        ("wrong payload", json!("bad-payload")),
        ("unknown event", json!("unknown-event")),
        ("bad room", json!("bad-room")),
        ("still there", json!(51)),
    ] {
        assert_eq!(peer.says().await, json!({"step": step, "value": value}));
    }
    let ended = peer.says().await;
    peer.ended_well().await;
    ended["value"].clone()
}

#[tokio::test]
async fn chats_with_its_default_transports() {
    assert_eq!(converse(&[]).await, "websocket");
}

#[tokio::test]
async fn chats_by_polling_only() {
    assert_eq!(converse(&["polling"]).await, "polling");
}

#[tokio::test]
async fn chats_by_websocket_only() {
    assert_eq!(converse(&["websocket"]).await, "websocket");
}
