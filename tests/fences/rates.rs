//! How much may come in a time: events, bytes and handshakes.

use super::{Answer, POLLING, ask, kept_out, websocket};
use crate::world::{
    client::{code, connected, emit, enter, join, send},
    mosquitto::{publish, publish_lines, subscribe},
    prometheus::Metrics,
    server::Server,
    soon,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::{Duration, Instant};
use tertulia_client::connection::EmitError;
use tertulia_shared::{Code, chat::ChatEnter, server::ServerTime};
use tokio_tungstenite::tungstenite::Message;

const LOBBY: &str = "chat/lobby";
/// With 0.5 events a second 50 come at once.
const BURST: usize = 50;
/// With 1 event a second 25 handshakes of an address come at once, and then one every 4 s.
const HANDSHAKES: usize = 25;
const SECONDS_A_HANDSHAKE: u64 = 4;

async fn strict() -> Server {
    Server::with(&["--no-host-metrics", "--rate-limit", "0.5"]).await
}

/// Breaks when: events are not counted, the refusal does not say when to come again, or it says so wrongly.
#[tokio::test]
async fn who_sends_too_much_is_told_when_to_go_on_and_can() {
    let server = strict().await;
    let ada = connected(&server.origin()).await;
    let mut accepted = 0;
    let reject = loop {
        let name = "Ada".to_owned();
        match emit(&ada, &ChatEnter { name }).await {
            Ok(_) => accepted += 1,
            Err(EmitError::Rejected(reject)) => break reject,
            Err(error) => panic!("{error}"),
        }
        assert!(accepted <= 2 * BURST, "it never ends");
    };
    assert!(accepted >= BURST, "{accepted}");
    assert_eq!(reject.code, Code::RateLimited);
    let wait = reject.retry_after.unwrap();
    assert!((1..=2_000).contains(&wait), "{wait}");
    let refused = "tertulia_rejects_total{code=\"rate-limited\"}";
    assert_eq!(Metrics::of(&server.origin()).await.get(refused), 1.0);
    // Another one is not concerned.
    let bob = connected(&server.origin()).await;
    enter(&bob, "Bob").await;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    enter(&ada, "Ada").await;
}

/// Breaks when: the clients' own probes use up what people may send, or they may come without any limit.
#[tokio::test]
async fn asking_for_the_time_counts_as_a_tenth_of_an_event() {
    let server = strict().await;
    let ada = connected(&server.origin()).await;
    for _ in 0..4 * BURST {
        emit(&ada, &ServerTime {}).await.unwrap();
    }
    let mut accepted = 0;
    while (emit(&ada, &ChatEnter { name: "Ada".into() }).await).is_ok() {
        accepted += 1;
    }
    assert!((BURST / 2..BURST).contains(&accepted), "{accepted}");
    assert_eq!(code(emit(&ada, &ServerTime {}).await), "rate-limited");
}

/// Breaks when: bytes are not counted, or what is larger than the whole share can never come.
#[tokio::test]
async fn bytes_are_limited_too() {
    let server = strict().await;
    let ada = connected(&server.origin()).await;
    // What no event has is refused, and has come nevertheless: 150 kB of 100.
    let name = "x".repeat(150_000);
    assert_eq!(code(emit(&ada, &ChatEnter { name }).await), "bad-name");
    let name = "Ada".to_owned();
    assert_eq!(code(emit(&ada, &ChatEnter { name }).await), "rate-limited");
}

/// Breaks when: who goes on regardless is refused for ever, at the server's cost, or is counted as too slow too, or events
/// without an acknowledgement are not counted.
#[tokio::test]
async fn a_flood_is_cut_and_nobody_else_notices() {
    let mut server = strict().await;
    let origin = server.origin();
    let ada = connected(&origin).await;
    join(&ada, LOBBY).await;
    let mut socket = super::websocket(&server.address).await;
    let flood = async {
        for id in 0.. {
            // Every other one asks for no acknowledgement.
            let id = [String::new(), format!("{id}")][id % 2].clone();
            // After the end nothing can be sent; what was said before it can be read.
            let event = format!(r#"42{id}["chat:enter",{{"name":"Eve"}}]"#);
            let _ = socket.send(Message::text(event)).await;
            // What comes is taken, so that nothing but the flood is a reason to be cut.
            while let Some(Some(read)) = futures_util::FutureExt::now_or_never(socket.next()) {
                if let Message::Close(end) = read.expect("an end in order") {
                    return end.unwrap();
                }
            }
        }
        unreachable!("numbers do not end")
    };
    let end = soon("the cut", flood).await;
    assert_eq!(
        (u16::from(end.code), end.reason.as_str()),
        (1008, "it sends on what is refused")
    );
    let metrics = Metrics::of(&origin).await;
    let cut = "tertulia_connections_cut_total{reason=\"flood\"}";
    assert_eq!(metrics.get(cut), 1.0);
    let refused = metrics.get("tertulia_rejects_total{code=\"rate-limited\"}");
    assert!(refused >= BURST as f64 && refused < 20_000.0, "{refused}");
    emit(&ada, &send(LOBBY, "still here", "1")).await.unwrap();
    // Its end is one, and not also that it took no acknowledgements.
    let websockets = "tertulia_connections{transport=\"websocket\"}";
    let gone = async { while Metrics::of(&origin).await.get(websockets) > 1.0 {} };
    soon("its end", gone).await;
    let too_slow = "tertulia_connections_cut_total{reason=\"acks\"}";
    assert_eq!(Metrics::of(&origin).await.get(too_slow), 0.0);
    drop(ada);
    assert!(server.terminate().await.success());
    let log = server.log().await;
    assert!(!log.contains("too slow"), "{log}");
}

/// Breaks when: connections may be begun without end, or one address's are another's.
#[tokio::test]
async fn handshakes_of_an_address_are_limited_and_it_is_told_by_http() {
    let options = [
        "--no-host-metrics",
        "--rate-limit",
        "1",
        "--trust-proxy",
        "127.0.0.1",
    ];
    let server = Server::with(&options).await;
    let from = |address: &str| format!("{POLLING}x-forwarded-for: {address}\r\n");
    let house = async |_| ask(&server.address, &from("203.0.113.9"), "").await;
    let (accepted, refused) = until_refused(house).await;
    assert!(accepted >= HANDSHAKES, "{accepted}");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=4).contains(&seconds), "{refused:?}");
    assert!((1..=4_000).contains(&refused.retry_after()));
    let body: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(body["error"]["code"], "rate-limited");
    let session = "POST /session HTTP/1.1\r\nx-forwarded-for: 203.0.113.9\r\n";
    // What the handshakes left.
    let (accepted, _) = until_refused(async |_| ask(&server.address, session, "{}").await).await;
    assert!(accepted < HANDSHAKES, "{accepted}");
    // A house's IPv6 addresses are one, another house is another.
    let another = async |last| {
        let address = from(&format!("2001:db8::{last:x}"));
        ask(&server.address, &address, "").await
    };
    let (accepted, _) = until_refused(another).await;
    assert!(accepted >= HANDSHAKES, "{accepted}");
    for other in ["203.0.113.10", "2001:db8:0:1::1"] {
        assert_eq!(
            ask(&server.address, &from(other), "").await.status,
            200,
            "{other}"
        );
    }
    assert_eq!(kept_out(&server.origin(), "requests").await, 3.0);
}

/// Asks until it is refused as too much, which it is once what comes at once and what comes meanwhile are used up. Says how
/// often it was not.
async fn until_refused(ask: impl AsyncFn(usize) -> Answer) -> (usize, Answer) {
    let (began, mut accepted) = (Instant::now(), 0);
    loop {
        let answer = ask(accepted).await;
        if answer.status == 429 {
            return (accepted, answer);
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        accepted += 1;
        let meanwhile = began.elapsed().as_secs() / SECONDS_A_HANDSHAKE;
        let most = HANDSHAKES + 1 + meanwhile as usize;
        assert!(accepted <= most, "{accepted} in {:?}", began.elapsed());
    }
}

/// Whom no proxy may name is who comes: on this machine, without a limit.
#[tokio::test]
async fn a_header_that_anybody_can_write_is_not_believed() {
    let server = Server::with(&["--no-host-metrics", "--rate-limit", "1"]).await;
    let forged = format!("{POLLING}x-forwarded-for: 203.0.113.9\r\n");
    for _ in 0..30 {
        assert_eq!(ask(&server.address, &forged, "").await.status, 200);
    }
}

#[tokio::test]
async fn without_limits_nothing_is_limited() {
    let server = Server::with(&["--no-host-metrics", "--rate-limit", "off"]).await;
    let ada = connected(&server.origin()).await;
    for _ in 0..200 {
        enter(&ada, "Ada").await;
    }
}

/// Breaks when: a device that sends faster than it may is not held back, or loses something by it.
#[tokio::test]
async fn by_mqtt_what_is_too_much_comes_later_and_whole() {
    // 50 at once, then one in 2 s: also a slow machine sends faster.
    let server = Server::with(&["--no-host-metrics", "--rate-limit", "0.5"]).await;
    let mut readings = subscribe(server.mqtt_port(), "sensors/#").await;
    let began = Instant::now();
    let lines: Vec<_> = (0..52).map(|n| n.to_string()).collect();
    let hear = async {
        for n in &lines {
            let heard = loop {
                let line = readings.line().await;
                if let Some(payload) = line.strip_prefix("sensors/x/y ") {
                    break payload.to_owned();
                }
            };
            assert_eq!(&heard, n);
        }
    };
    tokio::join!(
        publish_lines(server.mqtt_port(), "sensors/x/y", &lines),
        hear
    );
    assert!(
        began.elapsed() >= Duration::from_millis(3_900),
        "{:?}",
        began.elapsed()
    );
    assert!(kept_out(&server.origin(), "pace").await >= 1.0);
    publish(server.mqtt_port(), "sensors/x/y", "last", &[]).await;
}

/// Breaks when: a stranger fills the log with lines of one kind, or nobody learns how many there were.
#[tokio::test]
async fn lines_that_strangers_cause_are_limited_and_counted() {
    let mut server = Server::with(&["--no-host-metrics", "--rate-limit", "0.02"]).await;
    for _ in 0..30 {
        let mut socket = websocket(&server.address).await;
        for _ in 0..10 {
            // Closed while it sends is what it is here for.
            let _ = socket.send(Message::text("42[\"x\"]")).await;
        }
        let end = async { while let Some(Ok(_)) = socket.next().await {} };
        soon("the cut", end).await;
    }
    assert!(server.terminate().await.success());
    let log = server.log().await;
    let lines = log.matches("closed: it sends on what is refused");
    // One of them in the line that counts the others.
    assert_eq!(lines.count(), 21, "{log}");
    assert!(log.contains("lines=10"), "{log}");
}
