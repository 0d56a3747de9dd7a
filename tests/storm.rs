//! A reconnect storm: the server is killed, and everybody comes back at once and has missed nothing.

use crate::world::{
    PATIENCE,
    client::{connected_with, send},
    long_form,
    server::Server,
    soon,
};
use futures_channel::mpsc;
use futures_util::{StreamExt, future::join_all};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tertulia_client::{
    connection::{Connection, EmitError, Listener, Options, Transport},
    rooms::{Resumed, Rooms},
};
use tertulia_shared::{chat::ChatMessage, stream::StreamMissed};

/// In how many rooms the clients are.
const ROOMS: usize = 20;
/// What is said in each room: before the kill, while the server is away, and after all are back.
const TEXTS: u64 = 5;

/// A client and what it hears.
struct Client {
    room: usize,
    rooms: Rooms,
    messages: Listener<ChatMessage>,
    missed: Listener<StreamMissed>,
    resumes: mpsc::UnboundedReceiver<Resumed>,
}

fn room(number: usize) -> String {
    format!("chat/room-{number}")
}

fn hasty() -> Options {
    Options {
        transports: vec![Transport::WebSocket],
        force_new: true,
        reconnection_delay: (Duration::from_millis(50), Duration::from_millis(500)),
        ..Options::default()
    }
}

impl Client {
    async fn start(origin: &str, number: usize) -> Self {
        let connection = connected_with(origin, hasty()).await;
        let rooms = Rooms::new(&connection);
        let client = Self {
            room: number % ROOMS,
            messages: connection.listen(),
            missed: connection.listen(),
            resumes: rooms.resumes(),
            rooms,
        };
        let joined = client.rooms.join(&room(client.room), 0);
        soon("joined", joined).await.unwrap();
        client
    }

    /// Waits until it has joined again after a loss.
    async fn back(&mut self) {
        loop {
            let next = tokio::time::timeout(2 * PATIENCE, self.resumes.next()).await;
            let resumed = next.expect("it does not come back").unwrap();
            // A connection that was lost again before the answer came is followed by another.
            if resumed.joined.is_ok() {
                return;
            }
        }
    }

    /// Checks that it hears what was said from `from` to `to`, each once and in order.
    async fn hears(&mut self, from: u64, to: u64) {
        for seq in from..=to {
            let message = soon("a message", self.messages.next())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(
                (message.seq, message.room.as_str()),
                (seq, room(self.room).as_str())
            );
        }
        let gap = tokio::time::timeout(Duration::ZERO, self.missed.next()).await;
        assert!(gap.is_err(), "{gap:?}");
    }
}

/// Says so many texts in every room, each until it is acknowledged.
async fn talk(speaker: &Connection, part: String) {
    for n in 0..TEXTS {
        let says = (0..ROOMS).map(async |number| {
            let text = send(&room(number), &part, &format!("{part} {n}"));
            let began = Instant::now();
            loop {
                match speaker.emit(&text).await {
                    Ok(_) => return,
                    Err(EmitError::Rejected(reject)) => panic!("{reject:?}"),
                    Err(error) => assert!(began.elapsed() < 2 * PATIENCE, "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        join_all(says).await;
    }
}

/// What breaks it: a client that does not come back, a gap after the restart, or a server that all at once is too much for.
async fn all_come_back(count: usize, kills: usize) {
    let directory = TempDir::new().unwrap();
    let data = directory.path().to_str().unwrap();
    let mut server = Server::with(&["--no-host-metrics", "--data-dir", data]).await;
    let origin = server.origin();
    let speaker = connected_with(&origin, hasty()).await;
    let began = Instant::now();
    let mut clients = Vec::with_capacity(count);
    for first in (0..count).step_by(100) {
        let some = (first..count.min(first + 100)).map(|number| Client::start(&origin, number));
        clients.extend(join_all(some).await);
    }
    println!(
        "{count} clients in {ROOMS} rooms after {:?}: {}",
        began.elapsed(),
        server.usage()
    );
    let mut said = 0;
    for kill in 0..kills {
        talk(&speaker, format!("before {kill}")).await;
        server.kill().await;
        let killed = Instant::now();
        let during = talk(&speaker, format!("during {kill}"));
        let back = async {
            let server = server.restart().await;
            let ready = killed.elapsed();
            join_all(clients.iter_mut().map(Client::back)).await;
            let back = killed.elapsed();
            println!(
                "killed: ready after {ready:?}, all are back after {back:?}: {}",
                server.usage()
            );
            server
        };
        ((), server) = tokio::join!(during, back);
        talk(&speaker, format!("after {kill}")).await;
        let all = said + 3 * TEXTS;
        join_all(clients.iter_mut().map(|client| client.hears(said + 1, all))).await;
        said = all;
        println!(
            "all have heard all after {:?}: {}",
            killed.elapsed(),
            server.usage()
        );
    }
    drop(clients);
}

/// In the long form 2,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_come_back_and_have_missed_nothing() {
    let Some(long) = long_form() else {
        return all_come_back(200, 2).await;
    };
    let began = Instant::now();
    while began.elapsed() < long {
        all_come_back(2_000, 5).await;
    }
}
