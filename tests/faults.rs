//! The promise through a bad network: what was acknowledged is heard once and in order, by a reader whose network is bad
//! too.

use crate::world::{
    PATIENCE,
    client::{connected_with, send, until_connected},
    long_form,
    proxy::Proxy,
    random::Random,
    server::Server,
    soon,
};
use futures_util::StreamExt;
use std::time::{Duration, Instant};
use tertulia_client::{
    connection::{Connection, EmitError, Options, Transport},
    rooms::Rooms,
};
use tertulia_shared::{
    chat::{ChatMessage, Receipt},
    stream::StreamMissed,
};

const LOBBY: &str = "chat/lobby";
/// How long the network is bad in each of these tests.
const SHORT: Duration = Duration::from_secs(6);
/// How often it fails each side at least: as long as it does not, the test goes on.
const FEWEST: u32 = 4;

fn hasty(transports: &[Transport]) -> Options {
    Options {
        transports: transports.to_vec(),
        force_new: true,
        reconnection_delay: (Duration::from_millis(10), Duration::from_millis(100)),
        timeout: Duration::from_secs(1),
        ack_timeout: Duration::from_secs(1),
        ..Options::default()
    }
}

/// Sends a text until it is acknowledged.
async fn insist(connection: &Connection, n: usize) -> Receipt {
    let text = send(LOBBY, &n.to_string(), &format!("id {n}"));
    let began = Instant::now();
    loop {
        match connection.emit(&text).await {
            Ok(receipt) => return receipt,
            Err(EmitError::Rejected(reject)) => panic!("{reject:?}"),
            Err(error) => assert!(began.elapsed() < PATIENCE, "{n}: {error}"),
        }
    }
}

/// What breaks it: a receipt for what is not published, a retry that is published twice, or a gap after a reconnect.
async fn keeps_its_promise(transports: &[Transport], lasts: Duration, mut random: Random) {
    let server = Server::with(&[
        "--no-host-metrics",
        "--ping-interval",
        "300ms",
        "--ping-timeout",
        "300ms",
        "--history",
        "chat/#=100000,1d",
    ])
    .await;
    let to_sender = Proxy::start(&server.address, random.fork()).await;
    let to_reader = Proxy::start(&server.address, random.fork()).await;
    let sender = connected_with(&to_sender.origin(), hasty(transports)).await;
    let reader = connected_with(&to_reader.origin(), hasty(transports)).await;
    let rooms = Rooms::new(&reader);
    let mut messages = reader.listen::<ChatMessage>();
    let mut missed = reader.listen::<StreamMissed>();
    soon("joined", rooms.join(LOBBY, 0)).await.unwrap();
    to_sender.storm();
    to_reader.storm();
    let (began, mut said) = (Instant::now(), 0);
    let faults = |proxy: &Proxy| proxy.counts().values().sum::<u32>();
    let is_bad = || faults(&to_sender).min(faults(&to_reader)) >= FEWEST;
    while began.elapsed() < lasts || (!is_bad() && began.elapsed() < lasts + PATIENCE) {
        let receipt = insist(&sender, said).await;
        said += 1;
        assert_eq!(
            receipt.seq, said as u64,
            "a text was published twice or never"
        );
    }
    to_sender.calm();
    to_reader.calm();
    until_connected(&reader).await;
    for n in 0..said {
        let message = soon("a message", messages.next()).await.unwrap().unwrap();
        assert_eq!((message.seq, message.text), (n as u64 + 1, n.to_string()));
    }
    let more = tokio::time::timeout(Duration::from_millis(300), messages.next()).await;
    assert!(more.is_err(), "heard twice: {more:?}");
    let gap = tokio::time::timeout(Duration::ZERO, missed.next()).await;
    assert!(gap.is_err(), "the server keeps more than that: {gap:?}");
    let (sender_had, reader_had) = (to_sender.counts(), to_reader.counts());
    println!("{said} texts; faults of the sender {sender_had:?}, of the reader {reader_had:?}");
    println!("{} came again and were not told", rooms.duplicates());
    assert!(is_bad(), "the network was not bad");
}

/// One round, or in the long form many.
async fn rounds(what: &str, transports: &[Transport]) {
    let (began, mut random) = (Instant::now(), Random::seeded(what));
    let Some(long) = long_form() else {
        return keeps_its_promise(transports, SHORT, random).await;
    };
    while began.elapsed() < long {
        let round = random.fork();
        println!("{what}: {} after {:?}", round.seed, began.elapsed());
        keeps_its_promise(transports, 5 * SHORT, round).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_polling() {
    rounds("polling", &[Transport::Polling]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_websocket() {
    rounds("websocket", &[Transport::WebSocket]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_upgrades() {
    rounds("upgrades", &[Transport::Polling, Transport::WebSocket]).await;
}
