//! What an operator sees: metrics that agree with what was done, readiness, and a log that says what belongs together.

use crate::world::{
    PATIENCE,
    client::{code, connected_with, emit, enter, join, next, say, send},
    mosquitto::Broker,
    official::only,
    process::Process,
    prometheus::Metrics,
    server::{Server, program},
    soon,
};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tertulia_client::connection::Transport;
use tertulia_shared::chat::{ChatMessage, ChatSend};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const LOBBY: &str = "chat/lobby";

/// Breaks when: a count is kept in the wrong place, twice or not at all.
#[tokio::test]
async fn the_metrics_agree_with_what_was_done() {
    let server = Server::start().await;
    let origin = server.origin();
    until_ready(&server).await;
    let before = Metrics::of(&origin).await;
    let ada = connected_with(&origin, only(Transport::Polling)).await;
    let bob = connected_with(&origin, only(Transport::WebSocket)).await;
    let mut heard = bob.listen::<ChatMessage>();
    enter(&ada, "Ada").await;
    join(&bob, LOBBY).await;
    for n in 0..5 {
        say(&ada, LOBBY, "hello", &n.to_string()).await;
        next(&mut heard).await;
    }
    for (room, expected) in [("nowhere", "room-not-allowed"), ("a+", "bad-room")] {
        assert_eq!(code(emit(&bob, &send(room, "x", "1")).await), expected);
    }
    let expected = [
        ("tertulia_connections{transport=\"polling\"}", 1.0),
        ("tertulia_connections{transport=\"websocket\"}", 1.0),
        ("tertulia_connections_begun_total", 2.0),
        ("tertulia_connections_cut_total{reason=\"stalled\"}", 0.0),
        ("tertulia_events_in_total{event=\"chat:send\"}", 7.0),
        ("tertulia_events_in_total{event=\"chat:enter\"}", 1.0),
        ("tertulia_events_in_total{event=\"room:join\"}", 1.0),
        ("tertulia_events_in_total{event=\"unknown\"}", 0.0),
        ("tertulia_events_out_total{event=\"chat:message\"}", 5.0),
        ("tertulia_acks_total", 9.0),
        ("tertulia_ack_seconds_count", 9.0),
        ("tertulia_acks_waiting", 0.0),
        ("tertulia_ack_bytes_waiting", 0.0),
        ("tertulia_missed_total", 0.0),
        ("tertulia_queue_messages", 0.0),
        ("tertulia_readers", 2.0),
        ("tertulia_store_waiting", 0.0),
        ("tertulia_accounts_waiting", 0.0),
        ("tertulia_names_unkept_total", 0.0),
    ];
    // What goes out is counted once it is written, which its reader may know before.
    let differs = |now: &Metrics| {
        let differs =
            |(series, count): &&(&str, f64)| now.get(series) - before.get(series) != *count;
        expected.iter().find(differs).copied()
    };
    let now = metrics_once(&origin, |now| differs(now).is_none()).await;
    assert_eq!(differs(&now), None, "{now:?}");
    let grown = |series: &str| now.get(series) - before.get(series);
    // The bridge's state and who is in the room are published too.
    assert!(grown("tertulia_delivery_seconds_count") >= 5.0);
    assert!(now.get("tertulia_delivery_seconds_sum") < 60.0);
    assert_eq!(
        now.get("tertulia_rejects_total{code=\"room-not-allowed\"}"),
        1.0
    );
    assert_eq!(now.get("tertulia_rejects_total{code=\"bad-room\"}"), 1.0);
    assert_eq!(now.get("tertulia_bridge_up"), 1.0);
}

/// Breaks when: what waits for the disk is not counted, or stays counted after it is there.
#[tokio::test]
async fn what_waits_for_the_disk_is_seen() {
    let directory = TempDir::new().unwrap();
    let at = directory.path().to_str().unwrap();
    let server = Server::with(&["--no-host-metrics", "--data-dir", at]).await;
    let origin = server.origin();
    let ada = connected_with(&origin, only(Transport::WebSocket)).await;
    enter(&ada, "Ada").await;
    let waiting = async || Metrics::of(&origin).await.get("tertulia_store_waiting");
    let busy = Connection::open(directory.path().join("tertulia.db")).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut sent = Vec::new();
    let seen = async {
        // The server gives one up after a while: another one waits then.
        while waiting().await == 0.0 {
            let (room, text) = (LOBBY.to_owned(), "hello".to_owned());
            let id = Some(sent.len().to_string());
            sent.push(ada.emit(&ChatSend { room, text, id }));
        }
    };
    soon("one that waits", seen).await;
    busy.execute_batch("ROLLBACK").unwrap();
    let gone = async { while waiting().await > 0.0 {} };
    soon("its end", gone).await;
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_have_their_own_address() {
    let server = Server::start().await;
    let passed_on = reqwest::Client::new()
        .get(format!("{}/metrics", server.origin()))
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(passed_on.send().await.unwrap().status(), 403);
    let server = Server::with(&["--no-host-metrics", "--metrics-listen", "127.0.0.1:0"]).await;
    let not_here = reqwest::get(format!("{}/metrics", server.origin())).await;
    assert_eq!(not_here.unwrap().status(), 404);
    let (_, own) = server.mqtt.split_once(", metrics ").unwrap();
    let metrics = Metrics::of(own.strip_suffix("/metrics").unwrap()).await;
    assert_eq!(
        metrics.get("tertulia_connections{transport=\"polling\"}"),
        0.0
    );
}

/// The metrics once they are as asked, or after a while as they are.
async fn metrics_once(origin: &str, asked: impl Fn(&Metrics) -> bool) -> Metrics {
    let began = Instant::now();
    loop {
        let now = Metrics::of(origin).await;
        if asked(&now) || began.elapsed() > PATIENCE {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ready(server: &Server) -> (u16, Value) {
    let answer = reqwest::get(format!("{}/readyz", server.origin()))
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    )
}

async fn until_ready(server: &Server) {
    let ready = async {
        while ready(server).await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("readiness", ready).await;
}

/// A broker that goes away later makes it no less ready.
#[tokio::test]
async fn ready_is_who_has_had_its_broker() {
    let broker = Broker::start().await;
    let url = broker.url();
    let gone = broker.kill().await;
    let server = Server::with(&["--no-host-metrics", "--mqtt-url", &url]).await;
    let (status, said) = ready(&server).await;
    assert_eq!((status, said["status"].as_str()), (503, Some("starting")));
    let alive = reqwest::get(format!("{}/healthz", server.origin())).await;
    assert_eq!(alive.unwrap().status(), 200);
    let broker = gone.restart().await;
    until_ready(&server).await;
    let _gone = broker.kill().await;
    let down = async { while ready(&server).await.1["bridge"] != "down" {} };
    soon("the loss", down).await;
    assert_eq!(ready(&server).await.0, 200);
}

/// Breaks when: a line of a connection or of a request does not say its id, or a session id, which is a credential, is logged.
#[tokio::test]
async fn the_log_says_what_belongs_together_and_no_credential() {
    let mut process = Process::start(
        program()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--mqtt-listen",
                "127.0.0.1:0",
            ])
            .args(["--log-format", "json"])
            .env("TERTULIA_LOG", "trace"),
    );
    let line = process.line().await;
    let origin = line
        .split(", ")
        .next()
        .unwrap()
        .split("page ")
        .nth(1)
        .unwrap();
    let http = reqwest::Client::new();
    let (mut sids, mut requests) = (Vec::new(), Vec::new());
    for name in ["no:such", "nor:this"] {
        let url = format!("{origin}/socket.io/?EIO=4&transport=polling");
        let open = http.get(&url).send().await.unwrap();
        requests.push(open.headers()["x-request-id"].to_str().unwrap().to_owned());
        let open: Value = serde_json::from_str(&open.text().await.unwrap()[1..]).unwrap();
        let sid = open["sid"].as_str().unwrap().to_owned();
        let url = format!("{url}&sid={sid}");
        let event = format!("421[\"{name}\"]");
        // An event before the reply to CONNECT ends the session, here as with the official server.
        for (packet, answer) in [("40", "40{"), (&event, "431[")] {
            let posted = http.post(&url).body(packet.to_owned()).send().await;
            assert_eq!(posted.unwrap().status(), 200);
            let mut polled = String::new();
            while !polled.contains(answer) {
                let poll = http.get(&url).send().await.unwrap();
                assert_eq!(poll.status(), 200);
                polled = poll.text().await.unwrap();
            }
        }
        sids.push(sid);
    }
    process.terminate().await;
    assert!(process.ended().await.success());
    let log = soon("the log", process.rest()).await;
    let (mut of_connections, mut of_requests) = (BTreeSet::new(), BTreeSet::new());
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            entry["timestamp"].is_string() && entry["level"].is_string(),
            "{line}"
        );
        if ["connected", "refused"].contains(&entry["message"].as_str().unwrap_or_default()) {
            assert_eq!(entry["span"]["name"], "connection", "{line}");
            of_connections.insert(entry["span"]["id"].as_str().unwrap().to_owned());
        }
        if entry["message"] == "answered" {
            assert_eq!(entry["span"]["name"], "request", "{line}");
            of_requests.insert(entry["span"]["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(of_connections.len(), 2, "{log}");
    for id in requests {
        assert!(of_requests.contains(&id), "{id}: {log}");
    }
    for sid in sids {
        assert!(!log.contains(&sid), "{log}");
    }
}

/// Breaks when: what a client chose begins a line of its own in the log.
#[tokio::test]
async fn an_event_is_one_line_of_the_log_whatever_a_client_is_called() {
    let mut server = Server::start().await;
    let id = "x\n2026-11-22T00:00:00Z  INFO tertulia_server: stopping";
    let head = [
        0,
        4,
        b'M',
        b'Q',
        b'T',
        b'T',
        5,
        2,
        0,
        60,
        0,
        0,
        id.len() as u8,
    ];
    let length = (head.len() + id.len()) as u8;
    let connect = [&[0x10, length], &head[..], id.as_bytes()].concat();
    let address = format!("127.0.0.1:{}", server.mqtt_port());
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&connect).await.unwrap();
    let mut answer = Vec::new();
    let answered = soon("the refusal", client.read_to_end(&mut answer));
    answered.await.unwrap();
    assert!(server.terminate().await.success());
    let log = server.log().await;
    assert!(log.contains("x\\n2026"), "it is not logged: {log}");
    let stops = log
        .lines()
        .filter(|line| line.starts_with("2026-11-22T00:00:00Z"));
    assert_eq!(stops.count(), 0, "{log}");
}
