//! Who takes too long: on a virtual clock, so that half a minute is over at once and to the second.

use crate::world::memory::Network;
use futures_util::{SinkExt, StreamExt};
use std::{sync::mpsc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// A client that does not read unless it is asked to.
type Deaf = WebSocketStream<DuplexStream>;

/// What comes until the server closes, and when that is.
async fn until_closed(pipe: &mut DuplexStream) -> (String, Duration) {
    let (began, mut bytes) = (Instant::now(), Vec::new());
    // A reset is an end too.
    let _ = pipe.read_to_end(&mut bytes).await;
    (
        String::from_utf8_lossy(&bytes).into_owned(),
        began.elapsed(),
    )
}

#[track_caller]
fn is_about(took: Duration, seconds: u64) {
    let about = Duration::from_secs(seconds)..Duration::from_secs(seconds + 2);
    assert!(about.contains(&took), "{took:?}");
}

/// Breaks when: a connection that never says what it wants is kept (slowloris).
#[tokio::test(start_paused = true)]
async fn a_request_comes_whole_in_10_seconds() {
    let network = Network::with_server().await;
    for said in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let mut pipe = network.pipe();
        pipe.write_all(said.as_bytes()).await.unwrap();
        let (answer, took) = until_closed(&mut pipe).await;
        assert!(!answer.contains(" 200 "), "{answer}");
        is_about(took, 10);
    }
    // A byte from time to time is no sign of life.
    let mut pipe = network.pipe();
    let began = Instant::now();
    while pipe.write_all(b"G").await.is_ok() && began.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(
        began.elapsed() <= Duration::from_secs(13),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_for_nothing_more_is_closed() {
    let network = Network::with_server().await;
    let mut pipe = network.pipe();
    pipe.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let (answer, took) = until_closed(&mut pipe).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    is_about(took, 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_comes_whole_in_half_a_minute() {
    let network = Network::with_server().await;
    for path in ["/socket.io/?EIO=4&transport=polling&sid=x", "/session"] {
        let mut pipe = network.pipe();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n4");
        pipe.write_all(head.as_bytes()).await.unwrap();
        let (answer, took) = until_closed(&mut pipe).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        is_about(took, 30);
    }
}

const METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A connection on which more is answered than fits into a pipe.
async fn asked_for_much(network: &Network) -> DuplexStream {
    let mut pipe = network.pipe();
    pipe.write_all(&METRICS.repeat(200)).await.unwrap();
    pipe
}

/// Breaks when: who asks and does not read keeps its place for ever.
#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_an_answer_for_half_a_minute_is_closed() {
    let network = Network::with_server().await;
    let (mut deaf, mut slow) = (
        asked_for_much(&network).await,
        asked_for_much(&network).await,
    );
    let began = Instant::now();
    // A byte from time to time is a sign of life.
    let reads = tokio::spawn(async move {
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            slow.read_u8().await.unwrap();
            slow.write_all(b"\r\n").await.unwrap();
        }
        began.elapsed()
    });
    while deaf.write_all(b"\r\n").await.is_ok() && began.elapsed() < Duration::from_secs(90) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    is_about(began.elapsed(), 30);
    is_about(reads.await.unwrap(), 120);
    let mut pipe = network.pipe();
    pipe.write_all(METRICS).await.unwrap();
    let (answer, _) = until_closed(&mut pipe).await;
    let line = "tertulia_kept_out_total{fence=\"slow\"} 1";
    assert!(answer.lines().any(|it| it == line), "{answer}");
}

/// The official servers wait longer (45 s), and a place is taken until then.
#[tokio::test(start_paused = true)]
async fn a_session_that_never_connects_is_closed() {
    let network = Network::with_server().await;
    let url = "ws://localhost/socket.io/?EIO=4&transport=websocket";
    let (mut socket, _) = client_async(url, network.pipe()).await.unwrap();
    let began = Instant::now();
    while let Some(Ok(message)) = socket.next().await {
        // Its heart beats.
        if message == Message::text("2") && socket.send(Message::text("3")).await.is_err() {
            break;
        }
    }
    is_about(began.elapsed(), 20);
}

/// Connects, and joins the room.
async fn enter(socket: &mut Deaf) {
    for (says, then) in [
        ("0{", "40"),
        ("40{", r#"420["room:join",{"room":"chat/lobby"}]"#),
        ("430", "3"),
    ] {
        while !next(socket).await.to_text().unwrap().starts_with(says) {}
        socket.send(Message::text(then)).await.unwrap();
    }
}

/// A frame of the server, or its end.
async fn next(socket: &mut Deaf) -> Message {
    socket.next().await.expect("it ends").expect("a frame")
}

/// Breaks when: who is too slow is cut without a word, or nothing behind the word is left of what was said before it.
#[tokio::test(start_paused = true)]
async fn who_took_nothing_for_half_a_minute_reads_why_it_is_closed() {
    let network = Network::with_server().await;
    let url = "ws://localhost/socket.io/?EIO=4&transport=websocket";
    let (mut deaf, _) = client_async(url, network.pipe()).await.unwrap();
    enter(&mut deaf).await;
    let (mut other, _) = client_async(url, network.pipe()).await.unwrap();
    enter(&mut other).await;
    let text = "x".repeat(4_000);
    for id in 0..100 {
        let event =
            format!(r#"42["chat:send",{{"room":"chat/lobby","text":"{text}","id":"{id}"}}]"#);
        deaf.send(Message::text(event)).await.unwrap();
    }
    // The clock stands still while something blocks: what is said comes by a thread that knows no such clock.
    let (stored, until_stored) = mpsc::channel();
    let clock = tokio::task::spawn_blocking(move || until_stored.recv());
    while !next(&mut other)
        .await
        .to_text()
        .unwrap()
        .contains(r#""id":"99""#)
    {}
    stored.send(()).unwrap();
    clock.await.unwrap().unwrap();
    drop(other);
    tokio::time::sleep(Duration::from_secs(15)).await;
    // Its heart beats.
    deaf.send(Message::text("3")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(17)).await;
    let mut heard = 0;
    let last = loop {
        match next(&mut deaf).await {
            Message::Close(last) => break last.unwrap(),
            message => heard += usize::from(message.to_text().unwrap().starts_with("42")),
        }
    };
    assert!((10..100).contains(&heard), "{heard} heard");
    assert_eq!(u16::from(last.code), 1013);
    assert_eq!(
        last.reason.as_str(),
        "too slow for what it asked for, it took nothing for too long"
    );
    let mut pipe = network.pipe();
    let ask = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    pipe.write_all(ask).await.unwrap();
    let (answer, _) = until_closed(&mut pipe).await;
    for (reason, count) in [("stalled", 1), ("acks", 0), ("missed", 0)] {
        let line = format!("tertulia_connections_cut_total{{reason=\"{reason}\"}} {count}");
        assert!(answer.lines().any(|it| it == line), "{line}: {answer}");
    }
}
