//! The whole server through its public doors: HTTP polling spoken by hand, no Socket.IO library.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

mod bridge;
mod durable;
mod house;
mod program;
mod slow;

use futures_util::SinkExt;
use house::{House, PATIENCE, Poller, heard, request};
use serde_json::{Value, json};
use std::time::Duration;
use tertulia_server::Config;
use tertulia_shared::{
    Event,
    bridge::BridgeStatus,
    chat::{ChatEnter, ChatMessage, ChatSend},
    presence::PresenceList,
    room::RoomJoin,
    stream::StreamMissed,
};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn two_clients_chat_by_polling() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    let mut bob = Poller::connect(&house).await;
    let entered = ada.ask(1, ChatEnter::NAME, json!({"name": "Ada"})).await;
    let peer = entered["ok"]["peer"].as_str().unwrap().to_owned();
    assert!(!ada.path.contains(&peer));
    assert!(
        bob.ask(1, RoomJoin::NAME, json!({"room": "chat/lobby"}))
            .await["ok"]["epoch"]
            .is_u64()
    );
    let message = json!({"room": "chat/lobby", "text": "¡hola!", "id": "a1"});
    let receipt = ada.ask(2, ChatSend::NAME, message).await;
    assert_eq!(receipt["ok"]["seq"], 1);
    let heard: Value = serde_json::from_str(
        bob.take(&format!("42[\"{}\",", ChatMessage::NAME))
            .await
            .trim_end_matches(']'),
    )
    .unwrap();
    let expected = json!({
        "room": "chat/lobby", "seq": 1, "id": "a1", "from": {"peer": peer, "name": "Ada"},
        "text": "¡hola!", "at": receipt["ok"]["at"],
    });
    assert_eq!(heard, expected);
    house.close().await;
}

#[tokio::test]
async fn bad_input_is_refused_and_the_connection_lives_on() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    let (send, shout) = (ChatSend::NAME, "chat:shout");
    for (id, event, rest, code) in [
        (1, send, ",{oops", "bad-payload"),
        (2, send, ",7]", "bad-payload"),
        (3, send, "]", "bad-payload"),
        (4, shout, ",{}]", "unknown-event"),
        (5, ChatEnter::NAME, r#",{"name":" "}]"#, "bad-name"),
        (6, RoomJoin::NAME, r##",{"room":"#"}]"##, "room-not-allowed"),
        (7, RoomJoin::NAME, r#",{"room":"a+"}]"#, "bad-room"),
        (
            8,
            send,
            r#",{"room":"chat/x","text":"","id":"1"}]"#,
            "bad-text",
        ),
        (
            9,
            send,
            r#",{"room":"chat/x","text":"y","id":""}]"#,
            "bad-id",
        ),
    ] {
        ada.post(&format!("42{id}[\"{event}\"{rest}")).await;
        let reply = ada.acknowledged(id).await;
        assert_eq!(reply["error"]["code"], code, "{reply}");
        assert!(reply["error"]["message"].is_string(), "{reply}");
    }
    ada.post(&format!(
        "42oops\u{1e}42[\"{shout}\"]\u{1e}42[\"{send}\",7]"
    ))
    .await;
    let people = ada
        .ask(10, PresenceList::NAME, json!({"room": "chat/lobby"}))
        .await;
    assert_eq!(people, json!({"ok": {"people": [], "count": 0}}));
    house.close().await;
}

/// An event that says its own number in a room.
fn said(id: u64) -> Value {
    let id = id.to_string();
    json!([ChatSend::NAME, {"room": "chat/x", "text": id, "id": id}])
}

#[tokio::test]
async fn many_events_are_acknowledged_in_their_order() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    let events: Vec<_> = (0..1_000).map(|id| format!("42{id}{}", said(id))).collect();
    ada.post(&events.join("\u{1e}")).await;
    for id in 0..1_000 {
        let seq: Value =
            serde_json::from_str(&ada.take("43").await[id.to_string().len()..]).unwrap();
        assert_eq!(seq[0]["ok"]["seq"], id + 1);
    }
    house.close().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_for_a_while_gets_all_or_is_told_what_it_missed() {
    let house = House::open(Config::default()).await;
    let ada = Poller::connect(&house).await;
    let mut bob = Poller::connect(&house).await;
    bob.ask(1, RoomJoin::NAME, json!({"room": "chat/x"})).await;
    let sent = 10_000;
    for batch in 0..10 {
        let ids = batch * 1_000..(batch + 1) * 1_000;
        let event = |id| format!("42{}", said(id));
        ada.post(&ids.map(event).collect::<Vec<_>>().join("\u{1e}"))
            .await;
    }
    let (mut got, mut gaps, mut last) = (0, 0, 0);
    while last < sent {
        let args: Value = serde_json::from_str(&bob.take("42").await).unwrap();
        let payload = &args[1];
        let range = match args[0].as_str() {
            Some(ChatMessage::NAME) => [&payload["seq"], &payload["seq"]],
            Some(StreamMissed::NAME) => [&payload["from"], &payload["to"]],
            _ => continue,
        };
        assert_eq!(range[0].as_u64(), Some(last + 1), "{args}");
        last = range[1].as_u64().unwrap();
        got += u64::from(args[0] == ChatMessage::NAME);
        gaps += u64::from(args[0] == StreamMissed::NAME);
    }
    assert_eq!(gaps, 1, "{got} got");
    let metrics = house.get("/metrics").await.body;
    let missed = format!("tertulia_missed_total {}", sent - got);
    assert!(metrics.lines().any(|line| line == missed), "{metrics}");
    assert!((8_192..sent).contains(&got), "{got}");
    let name = json!({"name": "Bob"});
    assert!(bob.ask(2, ChatEnter::NAME, name).await["ok"].is_object());
    house.close().await;
}

#[tokio::test]
async fn a_websocket_outlives_what_is_no_packet() {
    let house = House::open(Config::default()).await;
    let mut socket = house.websocket().await;
    for packet in [
        "oops",
        "42oops",
        &format!("421[\"{}\",{{oops", ChatSend::NAME),
        &format!("422{}", json!([ChatEnter::NAME, {"name": "Ada"}])),
    ] {
        socket.send(Message::text(packet)).await.unwrap();
    }
    let mut replies = Vec::new();
    while replies.len() < 2 {
        let packet = heard(&mut socket).await;
        replies.extend(packet.starts_with("43").then_some(packet));
    }
    assert!(
        replies[0].starts_with(r#"431[{"error":{"code":"bad-payload""#),
        "{replies:?}"
    );
    assert!(replies[1].starts_with(r#"432[{"ok""#), "{replies:?}");
    house.close().await;
}

#[tokio::test]
async fn the_health_check_sees_the_bridge_and_the_connections() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    let refused = ada.ask(1, ChatEnter::NAME, json!({"name": ""})).await;
    assert_eq!(refused["error"]["code"], "bad-name");
    let expected = json!({
        "status": "ok", "bridge": "up", "storage": "ok", "connections": 1, "refused": 1, "faults": 0, "unsent": 0, "missed": 0,
    });
    let healthy = async {
        while serde_json::from_str::<Value>(&house.get("/healthz").await.body).unwrap() != expected
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, healthy).await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn without_a_built_page_the_server_says_how_to_build_it() {
    let page = "there/is/no/such/directory".into();
    let house = House::open(Config {
        page,
        ..Config::default()
    })
    .await;
    let root = house.get("/").await;
    assert_eq!(root.status, 503);
    assert!(root.body.contains("cargo xtask serve"), "{}", root.body);
    assert_eq!(house.get("/other").await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn the_page_comes_compressed_and_is_kept_as_long_as_its_name_allows() {
    let directory = std::env::temp_dir().join(format!("tertulia-page-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for (name, content) in [
        ("index.html", "<p>page"),
        ("app-0123456789abcdef.js", "plain"),
        ("app-0123456789abcdef.js.br", "brotli"),
        ("app-0123456789abcdef.js.gz", "gzip"),
    ] {
        std::fs::write(directory.join(name), content).unwrap();
    }
    let page = directory.clone();
    let house = House::open(Config {
        page,
        ..Config::default()
    })
    .await;
    let root = house.get("/").await;
    assert_eq!((root.status, root.body.as_str()), (200, "<p>page"));
    assert!(
        root.head.contains("cache-control: no-cache"),
        "{}",
        root.head
    );
    for (accept, content) in [
        ("br, gzip", "brotli"),
        ("gzip", "gzip"),
        ("identity", "plain"),
    ] {
        let line =
            format!("GET /app-0123456789abcdef.js HTTP/1.1\r\naccept-encoding: {accept}\r\n");
        let script = request(house.address, &line, "").await;
        assert_eq!(script.body, content);
        assert!(
            script.head.contains("max-age=31536000, immutable"),
            "{}",
            script.head
        );
        assert!(
            script.head.contains("x-content-type-options: nosniff"),
            "{}",
            script.head
        );
        assert!(
            script.head.contains("content-type: text/javascript"),
            "{}",
            script.head
        );
    }
    house.close().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out_and_local_ones_are_let_in() {
    let house = House::open(Config::default()).await;
    let ask = async |origin: &str| {
        let line =
            format!("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\norigin: {origin}\r\n");
        request(house.address, &line, "").await
    };
    assert_eq!(ask("https://evil.example").await.status, 403);
    let local = ask("http://localhost:8080").await;
    assert_eq!(local.status, 200);
    assert!(
        local
            .head
            .contains("access-control-allow-origin: http://localhost:8080"),
        "{}",
        local.head
    );
    house.close().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_403_and_polling_goes_on() {
    let refuse_upgrade = true;
    let house = House::open(Config {
        refuse_upgrade,
        ..Config::default()
    })
    .await;
    let line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nupgrade: websocket\r\n";
    assert_eq!(request(house.address, line, "").await.status, 403);
    let open = house.get("/socket.io/?EIO=4&transport=polling").await.body;
    assert!(open.contains(r#""upgrades":["websocket"]"#), "{open}");
    house.close().await;
}

/// Nothing shows that a poll has arrived and waits: one that came too late for a server is
/// refused, and the next server gets more turns to read it. A server that let go of its polls
/// would never answer one.
#[tokio::test]
async fn a_stop_ends_a_waiting_poll() {
    for turns in (100..=2_000).step_by(100) {
        let house = House::open(Config::default()).await;
        let mut ada = Poller::connect(&house).await;
        ada.take(&format!("42[\"{}\"", BridgeStatus::NAME)).await;
        let waiting = tokio::spawn(async move { ada.take("1").await });
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        house.close().await;
        let answer = tokio::time::timeout(PATIENCE, waiting).await.unwrap();
        if let Ok(rest) = answer {
            assert_eq!(rest, "");
            return;
        }
    }
    panic!("no poll was answered by a server that stopped");
}
