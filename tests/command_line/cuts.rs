//! `tertulia emit` while its connection is cut, and while the server refuses.

use super::emit::Emitting;
use crate::world::{
    client::{connected, join, next},
    proxy::Proxy,
    random::Random,
    server::Server,
    soon,
};
use serde_json::Value;
use std::time::Duration;
use tertulia_client::connection::{Connection, Listener};
use tertulia_shared::chat::ChatMessage;
use tokio::time::sleep;

const ROOM: &str = "chat/lobby";

/// A server, a way to it that can be bad, and somebody who hears what is said in the lobby.
struct Scene {
    server: Server,
    proxy: Proxy,
    _reader: Connection,
    heard: Listener<ChatMessage>,
}

async fn scene() -> Scene {
    let options = ["--ping-interval", "300ms", "--ping-timeout", "300ms"];
    let server = Server::with(&[&["--no-host-metrics"], &options[..]].concat()).await;
    let proxy = Proxy::start(&server.address, Random::seeded("cuts")).await;
    let reader = connected(&server.origin()).await;
    let heard = reader.listen();
    join(&reader, ROOM).await;
    Scene {
        server,
        proxy,
        _reader: reader,
        heard,
    }
}

/// Lines with a text each.
fn lines(texts: impl Iterator<Item = u32>) -> String {
    let line = |text| format!("{{\"room\":\"{ROOM}\",\"text\":\"{text}\"}}\n");
    texts.map(line).collect()
}

/// Waits until so many connections had a fault.
async fn had(proxy: &Proxy, faults: u32) {
    let had = async {
        while proxy.counts().values().sum::<u32>() < faults {
            sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the faults", had).await;
}

/// Breaks when: a line whose acknowledgement is lost is given up, or is said twice.
#[tokio::test]
async fn each_line_is_acknowledged_once_through_cuts() {
    let Scene {
        server: _server,
        proxy,
        _reader,
        mut heard,
    } = scene().await;
    let (lines_in_all, faults) = (60, 6);
    let arguments = ["chat:send", "-", "--ack", "--timeout", "25"];
    let mut emitting = Emitting::start(&proxy.origin(), &arguments);
    emitting.write(&lines(0..1)).await;
    next(&mut heard).await;
    proxy.storm();
    emitting.write(&lines(1..lines_in_all)).await;
    had(&proxy, faults).await;
    proxy.calm();
    let ended = emitting.end().await;
    println!("{} lines, faults: {:?}", lines_in_all, proxy.counts());
    assert_eq!((ended.code, ended.error.as_str()), (Some(0), ""));
    let receipts = ended.out.lines().map(|line| {
        let receipt: Value = serde_json::from_str(line).unwrap();
        receipt["ok"]["seq"].as_u64().unwrap()
    });
    assert!(receipts.eq(1..=u64::from(lines_in_all)), "{}", ended.out);
    for text in 1..lines_in_all {
        assert_eq!(next(&mut heard).await.text, text.to_string());
    }
}

/// Breaks when: the lines after a refused one are not emitted, or nobody learns which one was refused.
#[tokio::test]
async fn the_lines_after_a_refused_one_are_emitted() {
    let Scene {
        server,
        proxy: _proxy,
        _reader,
        mut heard,
    } = scene().await;
    let mut emitting = Emitting::start(&server.origin(), &["chat:send", "-", "--ack"]);
    emitting.write(&lines(0..1)).await;
    emitting
        .write("{\"room\":\"\",\"text\":\"x\"}\noops\n")
        .await;
    emitting.write(&lines(1..2)).await;
    let ended = emitting.end().await;
    assert_eq!(ended.code, Some(1));
    let errors: Vec<_> = ended.error.lines().collect();
    assert_eq!(errors[0], "error: line 2: refused");
    assert!(
        errors[1].starts_with("error: line 3: not JSON"),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 2);
    assert_eq!(ended.out.lines().count(), 3);
    for text in ["0", "1"] {
        assert_eq!(next(&mut heard).await.text, text);
    }
}

/// Breaks when: the exit code says that the server has read every event, while a cut may have taken some along.
#[tokio::test]
async fn without_acknowledgement_a_cut_fails() {
    let Scene {
        server: _server,
        proxy,
        _reader,
        mut heard,
    } = scene().await;
    let mut emitting = Emitting::start(&proxy.origin(), &["chat:send", "-"]);
    emitting.write(&lines(0..1)).await;
    next(&mut heard).await;
    // The storm ends the connection of before.
    proxy.storm();
    had(&proxy, 1).await;
    proxy.calm();
    let ended = emitting.end().await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.error.contains("may not have read every"),
        "{}",
        ended.error
    );

    let mut emitting = Emitting::start(&proxy.origin(), &["chat:send", "-"]);
    emitting.write(&lines(1..100)).await;
    let ended = emitting.end().await;
    assert_eq!((ended.code, ended.error.as_str()), (Some(0), ""));
    for text in 1..100 {
        assert_eq!(next(&mut heard).await.text, text.to_string());
    }
}
