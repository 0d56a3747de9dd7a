//! Clients that come back and clients that are slow: everything once and in order, or told exactly.

mod cable;

use crate::world::{
    client::{connected_with, emit, join, next, say, send},
    mosquitto,
    official::only,
    peer::Peer,
    server::Server,
    soon,
};
use cable::Cable;
use futures_util::{SinkExt, StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tertulia_client::{
    connection::{Connection, Listener, Options, Transport},
    rooms::Rooms,
};
use tertulia_shared::{
    chat::ChatMessage,
    room::{Joined, Last, RoomJoin},
    sensor::SensorReading,
    stream::StreamMissed,
};
use tokio_tungstenite::tungstenite::Message;

const LOBBY: &str = "chat/lobby";
const TEMPERATURE: &str = "sensors/lab/temperature";
/// How long a burst may take until the last acknowledgement.
const PATIENCE: Duration = Duration::from_secs(240);
/// What a busy machine may add. Who was waited for would have been waited for much longer: for 30 s until somebody who
/// takes nothing is cut.
const SLOWER: Duration = Duration::from_secs(5);
const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

fn alone(transport: Transport) -> Options {
    Options {
        force_new: true,
        reconnection_delay: (Duration::from_millis(20), Duration::from_millis(100)),
        ..only(transport)
    }
}

/// Somebody whose rooms outlive the connection.
struct Resident {
    connection: Connection,
    rooms: Rooms,
    messages: Listener<ChatMessage>,
    missed: Listener<StreamMissed>,
}

impl Resident {
    async fn at(origin: &str, transport: Transport) -> Self {
        let connection = connected_with(origin, alone(transport)).await;
        let rooms = Rooms::new(&connection);
        Self {
            rooms,
            messages: connection.listen(),
            missed: connection.listen(),
            connection,
        }
    }

    async fn join(&self, room: &str) -> Joined {
        soon(room, self.rooms.join(room, 0)).await.unwrap()
    }
}

/// Breaks when: a rejoin forgets its position, or the hub lets something pass between replay and live.
#[tokio::test]
async fn through_many_cuts_everything_arrives_once_and_in_order() {
    for transport in BOTH {
        let server = Server::start().await;
        let cable = Cable::to(&server.address).await;
        let mut ada = Resident::at(&cable.origin, transport).await;
        ada.join(LOBBY).await;
        let mut resumes = ada.rooms.resumes();
        let bob = connected_with(&server.origin(), alone(Transport::WebSocket)).await;
        let talk = async {
            for n in 1..=400 {
                say(&bob, LOBBY, "text", &n.to_string()).await;
                if n % 80 == 0 {
                    cable.cut();
                    let back = async { while resumes.next().await.unwrap().joined.is_err() {} };
                    soon("a rejoin", back).await;
                } else if n % 40 == 0 {
                    // What is said from now on is said while nobody is there.
                    cable.cut();
                }
            }
        };
        let hear = async {
            for seq in 1..=400 {
                assert_eq!(next(&mut ada.messages).await.seq, seq, "{transport}");
            }
        };
        tokio::join!(talk, hear);
        assert_eq!(ada.rooms.duplicates(), 0, "{transport}");
        let missed = tokio::time::timeout(Duration::ZERO, ada.missed.next()).await;
        assert!(missed.is_err(), "{transport}: {missed:?}");
    }
}

#[tokio::test]
async fn through_a_restart_chat_goes_on_and_sensors_tell_that_something_is_missing() {
    for transport in BOTH {
        let directory = TempDir::new().unwrap();
        let options = [
            "--no-host-metrics",
            "--data-dir",
            directory.path().to_str().unwrap(),
        ];
        let mut server = Server::with(&options).await;
        let mut ada = Resident::at(&server.origin(), transport).await;
        let mut readings = ada.connection.listen::<SensorReading>();
        let epochs = [
            ada.join(LOBBY).await.epoch,
            ada.join("sensors/#").await.epoch,
        ];
        let mut resumes = ada.rooms.resumes();
        let bob = connected_with(&server.origin(), alone(transport)).await;
        for n in 1..=3 {
            say(&bob, LOBBY, "before", &n.to_string()).await;
            assert_eq!(next(&mut ada.messages).await.seq, n);
        }
        mosquitto::publish(server.mqtt_port(), TEMPERATURE, "20.5", &[]).await;
        assert_eq!(next(&mut readings).await.seq, 1);
        server.kill().await;
        let server = server.restart().await;
        for n in 4..=9 {
            say(&bob, LOBBY, "after", &n.to_string()).await;
        }
        for n in 4..=9 {
            assert_eq!(next(&mut ada.messages).await.seq, n, "{transport}");
        }
        let missed = next(&mut ada.missed).await;
        assert_eq!(missed.topic.as_str(), TEMPERATURE, "{transport}");
        assert_eq!((missed.from, missed.to), (0, 0));
        for (room, epoch) in [LOBBY, "sensors/#"].into_iter().zip(epochs) {
            let joined = loop {
                let resumed = soon("a rejoin", resumes.next()).await.unwrap();
                if let (true, Ok(joined)) = (resumed.room == room, resumed.joined) {
                    break joined;
                }
            };
            assert_eq!(joined.epoch == epoch, room == LOBBY, "{transport}");
        }
        mosquitto::publish(server.mqtt_port(), TEMPERATURE, "21.5", &[]).await;
        assert_eq!(next(&mut readings).await.seq, 1);
        assert_eq!(ada.rooms.duplicates(), 0);
    }
}

#[tokio::test]
async fn what_is_kept_no_more_is_one_exact_missed_for_ours_and_for_the_official_client() {
    let server = Server::with(&["--no-host-metrics", "--history", "chat/#=5,1d"]).await;
    let bob = connected_with(&server.origin(), alone(Transport::WebSocket)).await;
    let Joined { epoch, .. } = join(&bob, LOBBY).await;
    for n in 1..=10 {
        say(&bob, LOBBY, "text", &n.to_string()).await;
    }
    for transport in BOTH {
        let ada = connected_with(&server.origin(), alone(transport)).await;
        let (mut messages, mut missed) = (ada.listen::<ChatMessage>(), ada.listen());
        let mut request = RoomJoin::new(LOBBY);
        let seq = Some(2);
        request.last = Some(Last {
            epoch,
            seq,
            ..Last::default()
        });
        assert_eq!(emit(&ada, &request).await.unwrap(), Joined { epoch, seq });
        let told: StreamMissed = next(&mut missed).await;
        assert_eq!((told.topic.as_str(), told.from, told.to), (LOBBY, 3, 5));
        for seq in 6..=10 {
            assert_eq!(next(&mut messages).await.seq, seq, "{transport}");
        }
        let name = transport.to_string();
        let mut peer = Peer::start("resume.mjs", &[&server.origin(), &name, &epoch.to_string()]);
        let after = |seq: u64| json!({"joined": {"ok": {"epoch": epoch, "seq": seq}}});
        for expected in [
            json!([after(2), [3, 5], 6, 7, 8, 9, 10]),
            json!([after(8), 9, 10]),
            json!([after(7), 8, 9, 10]),
            json!([after(0), [1, 5], 6, 7, 8, 9, 10]),
        ] {
            let said = peer.says().await;
            assert_eq!(said["value"], expected, "{transport}: {}", said["step"]);
        }
        peer.ended_well().await;
    }
}

/// Counts messages and what was missed until all numbers up to `last` are there, each once and in order.
async fn account(events: &mut EventsOf, last: u64) -> (u64, u64) {
    let (mut heard, mut gaps, mut seen) = (0, 0, 0);
    while seen < last {
        let (from, to) = soon("an event", events.next()).await.unwrap();
        assert_eq!(from, seen + 1);
        assert!(from <= to);
        match from == to {
            true => heard += 1,
            false => gaps += 1,
        }
        seen = to;
    }
    (heard, gaps)
}

/// First and last number of each message and each gap of the lobby, in order.
type EventsOf = std::pin::Pin<Box<dyn futures_util::Stream<Item = (u64, u64)> + Send>>;

fn events_of(connection: &Connection) -> EventsOf {
    use tertulia_client::connection::Tapped;
    Box::pin(connection.tap().filter_map(async |tapped| {
        let Tapped::In(args, _) = tapped else {
            return None;
        };
        let payload: Value = args.at(1).ok()?;
        let number = |name: &str| payload[name].as_u64();
        match args.name().ok()?.as_str() {
            "chat:message" => Some((number("seq")?, number("seq")?)),
            "stream:missed" => Some((number("from")?, number("to")?)),
            _ => None,
        }
    }))
}

/// A pong waits behind what was emitted before it, which a busy machine reads for longer than a heartbeat.
const UNHURRIED: [&str; 3] = ["--no-host-metrics", "--ping-timeout", "5m"];

#[tokio::test]
async fn a_burst_of_10_000_is_delivered_whole_or_ends_in_one_missed() {
    for transport in BOTH {
        let server = Server::with(&UNHURRIED).await;
        let ada = connected_with(&server.origin(), alone(transport)).await;
        let mut events = events_of(&ada);
        join(&ada, LOBBY).await;
        let bob = connected_with(&server.origin(), alone(Transport::WebSocket)).await;
        let patient = bob.timeout(PATIENCE);
        let receipts: FuturesUnordered<_> = (0..10_000)
            .map(|n| patient.emit(&send(LOBBY, "text", &n.to_string())))
            .collect();
        let sent = receipts.for_each(async |receipt| assert!(receipt.is_ok()));
        let (_, (heard, gaps)) = tokio::join!(sent, account(&mut events, 10_000));
        println!("{transport}: {heard} heard, {gaps} gaps");
        assert!(gaps <= 1, "{transport}: {gaps} gaps");
    }
}

/// Breaks when: acknowledgements share the bound of messages, or wait behind them.
#[tokio::test]
async fn acknowledgements_come_in_order_while_a_burst_flows() {
    for transport in BOTH {
        let server = Server::with(&UNHURRIED).await;
        let ada = connected_with(&server.origin(), alone(transport)).await;
        let mut events = events_of(&ada);
        join(&ada, LOBBY).await;
        let patient = ada.timeout(PATIENCE);
        let receipts: Vec<_> = (0..12_000)
            .map(|n| patient.emit(&send(LOBBY, "text", &n.to_string())))
            .collect();
        let acknowledged = async {
            for (seq, receipt) in (1..).zip(receipts) {
                assert_eq!(soon("a receipt", receipt).await.unwrap().seq, seq);
            }
        };
        let (_, (heard, gaps)) = tokio::join!(acknowledged, account(&mut events, 12_000));
        println!("{transport}: {heard} heard, {gaps} gaps");
    }
}

#[tokio::test]
async fn who_stops_reading_does_not_slow_the_others() {
    let server = Server::with(&["--no-host-metrics", "--rate-limit", "off"]).await;
    let ada = connected_with(&server.origin(), alone(Transport::WebSocket)).await;
    let mut messages = ada.listen::<ChatMessage>();
    join(&ada, LOBBY).await;
    let alone = slowest_ten(&ada, &mut messages, "alone").await;
    let url = format!(
        "ws://{}/socket.io/?EIO=4&transport=websocket",
        server.address
    );
    let (mut deaf, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let joins = r#"420["room:join",{"room":"chat/lobby"}]"#;
    for (says, then) in [("0{", "40"), ("40", joins), ("430", "3")] {
        let mut said = String::new();
        while !said.starts_with(says) {
            let message = soon(says, deaf.next()).await.unwrap().unwrap();
            said = message.into_text().unwrap().as_str().to_owned();
        }
        deaf.send(Message::text(then)).await.unwrap();
    }
    let slowest = slowest_ten(&ada, &mut messages, "beside it").await;
    println!("the slowest ten of 3,000 took {slowest:?}, {alone:?} before");
    assert!(slowest < alone + SLOWER, "{slowest:?}, {alone:?} before");
}

/// How long the slowest ten of 3,000 texts take until they are heard.
async fn slowest_ten(
    ada: &Connection,
    messages: &mut Listener<ChatMessage>,
    ids: &str,
) -> Duration {
    let text = "x".repeat(4_000);
    let mut slowest = Duration::ZERO;
    for tens in 0..300 {
        let said = Instant::now();
        for n in 0..10 {
            drop(ada.emit(&send(LOBBY, &text, &format!("{ids} {tens} {n}"))));
        }
        for _ in 0..10 {
            next(messages).await;
        }
        slowest = slowest.max(said.elapsed());
    }
    slowest
}
