//! A server that is told to stop: nobody new is let in, what was accepted goes out, and everybody knows when to come
//! back.

mod dam;
mod flood;

use crate::world::{
    client::{connected, connected_with, emit, join, next, say, send},
    mosquitto::{Broker, subscribe},
    official::only,
    peer::Peer,
    process::Process,
    server::Server,
    soon,
    watch::{until, until_linked, until_lost},
};
use dam::Dam;
use flood::Flood;
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tertulia_client::connection::{Connection, Link, Options, Status, Transport};
use tertulia_server::store::{Archive, DataDir, Limits};
use tertulia_shared::{Topic, chat::ChatMessage, server::ServerClosing};

const LOBBY: &str = "chat/lobby";
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(10);

/// The receipts before which the stop does not begin.
const FIRST: u64 = 50;

fn alone(transport: Transport) -> Options {
    Options {
        force_new: true,
        ..only(transport)
    }
}

/// Breaks when: a stop closes before it has told and sent all, or does not wait for what is to be acknowledged.
#[tokio::test]
async fn what_was_accepted_goes_out_before_the_end() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut server = Server::start().await;
        let origin = server.origin();
        let sender = connected_with(&origin, alone(transport)).await;
        let reader = connected_with(&origin, alone(transport)).await;
        let mut messages = reader.listen::<ChatMessage>();
        join(&reader, LOBBY).await;
        let mut receipts: FuturesUnordered<_> = (0..2_000)
            .map(|n| sender.emit(&send(LOBBY, &n.to_string(), &n.to_string())))
            .collect();
        for _ in 0..FIRST {
            soon("a receipt", receipts.next()).await.unwrap().unwrap();
        }
        let stopped = server.terminate();
        let settled = async {
            let mut acknowledged = FIRST;
            while let Some(receipt) = receipts.next().await {
                acknowledged += u64::from(receipt.is_ok());
            }
            acknowledged
        };
        let (status, acknowledged) = tokio::join!(stopped, settled);
        assert!(status.success());
        if server.log().await.contains("did not take all") {
            println!("{transport}: the machine was too slow to tell");
            continue;
        }
        for seq in 1..=acknowledged {
            assert_eq!(next(&mut messages).await.seq, seq, "{transport}");
        }
        let more = tokio::time::timeout(Duration::from_millis(200), messages.next());
        assert!(
            more.await.is_err(),
            "{transport}: heard and not acknowledged"
        );
        println!("{transport}: {acknowledged} of 2000 were accepted");
    }
}

/// Says so many texts, each acknowledged.
async fn say_all(sender: &Connection, count: usize) {
    let receipts: Vec<_> = (0..count)
        .map(|n| sender.emit(&send(LOBBY, &n.to_string(), &n.to_string())))
        .collect();
    for receipt in receipts {
        soon("a receipt", receipt).await.unwrap();
    }
}

/// Hears so many texts by MQTT.
async fn hear_all(subscriber: &mut Process, count: usize) {
    for n in 0..count {
        let text = format!("{LOBBY} {n}");
        while subscriber.line().await != text {}
    }
}

/// Breaks when: a stop drops what was acknowledged and the bridge has not sent yet.
#[tokio::test]
async fn what_was_acknowledged_reaches_a_broker_that_is_late() {
    let broker = Broker::start().await;
    let dam = Dam::before(&format!("127.0.0.1:{}", broker.port)).await;
    let mut server = Server::with(&["--no-host-metrics", "--mqtt-url", &dam.url]).await;
    let origin = server.origin();
    while reqwest::get(format!("{origin}/readyz"))
        .await
        .unwrap()
        .status()
        != 200
    {}
    let mut subscriber = subscribe(&broker.port, "chat/#").await;
    let sender = connected_with(&origin, alone(Transport::WebSocket)).await;
    dam.close();
    say_all(&sender, 300).await;
    let mut statuses = sender.watch();
    let lost = async {
        until_lost(&mut statuses).await;
        // From now on nothing but the bridge holds the end up.
        dam.open();
    };
    let (status, ()) = tokio::join!(server.terminate(), lost);
    assert!(status.success());
    hear_all(&mut subscriber, 300).await;
}

/// Breaks when: the embedded broker ends before the bridge, or before its clients have what it confirmed.
#[tokio::test]
async fn what_was_acknowledged_reaches_the_clients_of_the_embedded_broker() {
    let mut server = Server::start().await;
    let origin = server.origin();
    while reqwest::get(format!("{origin}/readyz"))
        .await
        .unwrap()
        .status()
        != 200
    {}
    let mut subscriber = subscribe(server.mqtt_port(), "chat/#").await;
    let sender = connected_with(&origin, alone(Transport::WebSocket)).await;
    say_all(&sender, 1_000).await;
    assert!(server.terminate().await.success());
    hear_all(&mut subscriber, 1_000).await;
}

/// Breaks when: at a stop the embedded broker confirms what this server does not take any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_embedded_broker_confirmed_is_there_after_the_stop() {
    const ROOMS: [&str; 2] = ["chat/0", "chat/1"];
    // Where they are confirmed until the end, these are some thousands; else about a hundred.
    const GOES_ON: usize = 3_000;
    let data = tempfile::tempdir().unwrap();
    let directory = data.path().to_str().unwrap();
    let options = ["--no-host-metrics", "--rate-limit", "off", "--data-dir"];
    let mut server = Server::with(&[&options[..], &[directory]].concat()).await;
    let ready = format!("{}/readyz", server.origin());
    while reqwest::get(&ready).await.unwrap().status() != 200 {}
    let mut floods = Vec::new();
    for room in ROOMS {
        floods.push(Flood::of(server.mqtt_port(), room).await);
    }
    let mut confirmed = Vec::new();
    for flood in &mut floods {
        confirmed.push(flood.confirmed(50).await);
    }
    let began = Instant::now();
    assert!(server.terminate().await.success());
    assert!(began.elapsed() < STOP, "{:?}", began.elapsed());
    let log = server.log().await;
    if log.contains("confirmed last may be missing") {
        for flood in floods {
            assert!(flood.cut().await.len() < GOES_ON, "{log}");
        }
        println!("the machine was too slow to tell");
        return;
    }
    let stored = DataDir::open(data.path()).unwrap();
    let stored = Archive::open(stored, || 0, Limits::default()).unwrap();
    for ((room, flood), mut confirmed) in ROOMS.into_iter().zip(floods).zip(confirmed) {
        confirmed.extend(flood.cut().await);
        let history = stored.history(&Topic::new(room).unwrap(), u64::MAX);
        let history: BTreeSet<_> = history.unwrap().into_iter().map(|it| it.text).collect();
        let lost = confirmed
            .iter()
            .filter(|it| !history.contains(&it.to_string()));
        let lost: Vec<_> = lost.collect();
        let of = confirmed.len();
        assert!(lost.is_empty(), "{room}: {lost:?} of {of}: {log}");
        println!("{room}: {} were confirmed", confirmed.len());
    }
}

/// Breaks when: our client comes back by its own backoff, or all are told the same time.
#[tokio::test]
async fn everybody_comes_back_when_told_and_not_at_once() {
    let mut server = Server::with(&["--no-host-metrics", "--come-back-within", "4s"]).await;
    let origin = server.origin();
    let mut clients = Vec::new();
    for n in 0..20 {
        let transport = [Transport::Polling, Transport::WebSocket][n % 2];
        let client = connected_with(&origin, alone(transport)).await;
        let (told, statuses) = (client.listen::<ServerClosing>(), client.watch());
        clients.push((client, told, statuses));
    }
    let began = Instant::now();
    assert!(server.terminate().await.success());
    assert!(began.elapsed() < STOP, "{:?}", began.elapsed());
    let _server = server.restart().await;
    let mut waits = Vec::new();
    for (_, told, statuses) in &mut clients {
        let back_in = Duration::from_millis(next(told).await.back_in);
        let waiting = |status: &Status| matches!(status.link, Link::Waiting { attempt: 1, .. });
        match until(statuses, "a loss", waiting).await.link {
            Link::Waiting { retry_in, .. } => assert_eq!(retry_in, back_in),
            other => panic!("{other:?}"),
        }
        waits.push(back_in);
    }
    for (_, _, statuses) in &mut clients {
        until_linked(statuses).await;
    }
    waits.sort();
    assert!(
        waits[19] < Duration::from_secs(4) && waits[19] - waits[0] > Duration::from_secs(2),
        "{waits:?}"
    );
}

/// Somebody who takes nothing holds the stop up for a bounded time only; who comes meanwhile is sent elsewhere.
#[tokio::test]
async fn who_takes_nothing_delays_the_end_but_not_for_long() {
    let mut server = Server::start().await;
    let origin = server.origin();
    let url = format!("{origin}/socket.io/?EIO=4&transport=polling");
    let http = reqwest::Client::new();
    let open = http.get(&url).send().await.unwrap().text().await.unwrap();
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    let own = format!("{url}&sid={}", open["sid"].as_str().unwrap());
    http.post(&own).body("40").send().await.unwrap();
    let poll = async || http.get(&own).send().await.unwrap().text().await.unwrap();
    while !soon("the CONNECT reply", poll()).await.contains("40{") {}
    let began = Instant::now();
    let ended = server.terminate();
    let refused = async {
        let stops = async {
            while http
                .get(format!("{origin}/readyz"))
                .send()
                .await
                .unwrap()
                .status()
                != 503
            {}
        };
        soon("the stop", stops).await;
        assert_eq!(http.get(&url).send().await.unwrap().status(), 503);
        // Who has a session may still speak, and get what is for it.
        let posted = http
            .post(&own)
            .body("421[\"no:such\"]")
            .send()
            .await
            .unwrap();
        assert_eq!(posted.status(), 200);
    };
    let (status, ()) = tokio::join!(ended, refused);
    assert!(status.success());
    assert!(began.elapsed() < STOP, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_message_after_the_restart_finds_everybody() {
    let mut server = Server::with(&["--no-host-metrics", "--come-back-within", "200ms"]).await;
    let origin = server.origin();
    let connection = Connection::connect_with(&origin, alone(Transport::WebSocket)).unwrap();
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    assert!(server.terminate().await.success());
    let _server = server.restart().await;
    until_linked(&mut statuses).await;
    emit(&connection, &send(LOBBY, "back", "1")).await.unwrap();
    say(&connection, LOBBY, "again", "2").await;
}

/// Breaks when: a stop ends the namespace and not the transport, after which an official client stays away.
#[tokio::test]
async fn the_official_client_comes_back_by_itself_and_misses_nothing() {
    for transport in ["polling", "websocket"] {
        let data = tempfile::tempdir().unwrap();
        let directory = data.path().to_str().unwrap();
        let mut server = Server::with(&["--no-host-metrics", "--data-dir", directory]).await;
        let origin = server.origin();
        let mut official = Peer::start("back.mjs", &[&origin, transport]);
        let mut says = async |step: &str, value: Value| {
            let said = official.says().await;
            assert_eq!(said, json!({"step": step, "value": value}), "{transport}");
        };
        says("joined", json!(true)).await;
        let sender = connected(&origin).await;
        say(&sender, LOBBY, "before", "1").await;
        says("heard", json!(1)).await;
        assert!(server.terminate().await.success());
        says("closing", json!(true)).await;
        says("lost", json!(true)).await;
        let _server = server.restart().await;
        say(&connected(&origin).await, LOBBY, "meanwhile or after", "2").await;
        // Which of the two comes first is a matter of when it is back.
        let both = [official.says().await, official.says().await];
        for expected in [
            json!({"step": "joined", "value": true}),
            json!({"step": "heard", "value": 2}),
        ] {
            assert!(both.contains(&expected), "{transport}: {both:?}");
        }
    }
}
