//! Acknowledgements that wait for the disk: in the order of the events, whatever kind they are.

use crate::house::{House, PATIENCE, Poller, free, heard};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tertulia_server::{Config, config::Mqtt};
use tertulia_shared::{
    Event,
    chat::{ChatEnter, ChatMessage, ChatSend},
    room::{RoomJoin, RoomLeave},
};
use tokio_tungstenite::tungstenite::Message;

const EVENTS: usize = 12_000;

async fn house(directory: &tempfile::TempDir) -> House {
    House::start(Config {
        mqtt: Mqtt::Embedded(free()),
        host_metrics: false,
        data_dir: Some(directory.path().join("data")),
        ..Config::default()
    })
    .await
}

/// Every third one needs no disk, and every fifth one is refused at once.
fn event(id: usize) -> String {
    let text = if id.is_multiple_of(5) { " " } else { "x" };
    let payload = if id.is_multiple_of(3) {
        json!([ChatEnter::NAME, {"name": "Ada"}])
    } else {
        json!([ChatSend::NAME, {"room": "chat/x", "text": text, "id": id.to_string()}])
    };
    format!("42{id}{payload}")
}

/// The sequence number of an acknowledgement, which must be the one that is expected.
fn check(packet: &str, id: usize) -> Option<u64> {
    let args = packet.strip_prefix(&format!("43{id}"));
    assert!(args.is_some(), "expected {id}: {packet}");
    let args: Value = serde_json::from_str(args.unwrap()).unwrap();
    assert_eq!(
        args[0]["error"].is_object(),
        !id.is_multiple_of(3) && id.is_multiple_of(5),
        "{args}"
    );
    args[0]["ok"]["seq"].as_u64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_gets_all_acknowledgements_in_the_order_of_its_events() {
    let directory = tempfile::tempdir().unwrap();
    let house = house(&directory).await;
    let (mut out, mut back) = house.websocket().await.split();
    let emit = async {
        for id in 0..EVENTS {
            out.feed(Message::text(event(id))).await.unwrap();
        }
        out.flush().await.unwrap();
    };
    let settle = async {
        let mut last = 0;
        for id in 0..EVENTS {
            let mut packet = heard(&mut back).await;
            while !packet.starts_with("43") {
                packet = heard(&mut back).await;
            }
            if let Some(seq) = check(&packet, id) {
                assert_eq!(seq, last + 1);
                last = seq;
            }
        }
    };
    tokio::join!(emit, settle);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_gets_all_acknowledgements_in_the_order_of_its_events() {
    let directory = tempfile::tempdir().unwrap();
    let house = house(&directory).await;
    let mut ada = Poller::connect(&house).await;
    for batch in 0..EVENTS / 1_000 {
        let ids = batch * 1_000..(batch + 1) * 1_000;
        ada.post(&ids.map(event).collect::<Vec<_>>().join("\u{1e}"))
            .await;
    }
    let settle = async {
        for id in 0..EVENTS {
            check(&format!("43{}", ada.take("43").await), id);
        }
    };
    tokio::time::timeout(PATIENCE, settle).await.unwrap();
    house.close().await;
}

/// Breaks when: what a join brings overtakes its answer, which waits for those before it: the client does not know yet to
/// which epoch the numbers belong.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_join_comes_before_what_the_join_brings() {
    let directory = tempfile::tempdir().unwrap();
    let house = house(&directory).await;
    let (mut out, mut back) = house.websocket().await.split();
    let say = |id: usize| {
        let payload = json!({"room": "chat/x", "text": "x", "id": id.to_string()});
        format!("42{id}{}", json!([ChatSend::NAME, payload]))
    };
    let join = json!([RoomJoin::NAME, {"room": "chat/x", "history": 5}]);
    let leave = json!([RoomLeave::NAME, {"room": "chat/x"}]);
    let message = format!("42[\"{}\"", ChatMessage::NAME);
    let mut brought = 0;
    for round in (0..300).step_by(3) {
        let (second, third) = (round + 1, round + 2);
        for packet in [say(round), format!("42{second}{join}"), say(third)] {
            out.feed(Message::text(packet)).await.unwrap();
        }
        out.flush().await.unwrap();
        let mut answered = Vec::new();
        while answered.len() < 3 {
            let packet = heard(&mut back).await;
            match packet.strip_prefix("43") {
                Some(answer) => answered.push(answer.split('[').next().unwrap().to_owned()),
                None if packet.starts_with(&message) => {
                    assert!(answered.len() >= 2, "{round}: {packet} after {answered:?}");
                    brought += 1;
                }
                None => {}
            }
        }
        assert_eq!(answered, [round, second, third].map(|id| id.to_string()));
        let leaves = format!("42{}{leave}", 1_000 + round);
        out.send(Message::text(leaves)).await.unwrap();
        while !heard(&mut back)
            .await
            .starts_with(&format!("43{}", 1_000 + round))
        {}
    }
    assert!(brought > 0);
    house.close().await;
}
