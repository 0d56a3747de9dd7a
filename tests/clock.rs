//! A wall clock that is wrong deletes nothing and doubles nothing, while the server runs and over restarts.

use crate::world::{
    client::{connected, emit, join, next, say},
    server::Server,
    wall::Wall,
};
use tempfile::TempDir;
use tertulia_client::connection::Connection;
use tertulia_shared::{chat::ChatMessage, room::RoomJoin};

const LOBBY: &str = "chat/lobby";
const DAY: i64 = 24 * 60 * 60 * 1_000;
const MESSAGES: u64 = 20;

/// The epoch of a room, and the numbers that its history has for who comes now, up to `last`.
async fn history(connection: &Connection, last: u64) -> (u64, Vec<u64>) {
    let mut heard = connection.listen::<ChatMessage>();
    let history = RoomJoin {
        history: 100,
        ..RoomJoin::new(LOBBY)
    };
    let joined = emit(connection, &history).await.unwrap();
    let mut seqs = Vec::new();
    while seqs.last() != Some(&last) {
        seqs.push(next(&mut heard).await.seq);
    }
    (joined.epoch, seqs)
}

/// Breaks when: chat is forgotten, or a retry is said twice, because the clock was wrong for a moment.
#[tokio::test]
async fn a_clock_that_jumps_deletes_nothing_and_doubles_nothing() {
    let (data, wall) = (TempDir::new().unwrap(), Wall::new());
    let at = data.path().to_str().unwrap();
    let options = ["--no-host-metrics", "--keep-for", "30d", "--data-dir", at];
    let mut server = Server::in_environment(&options, wall.environment()).await;
    let sender = connected(&server.origin()).await;
    for number in 1..=MESSAGES {
        say(&sender, LOBBY, "before", &number.to_string()).await;
    }
    let epoch = join(&sender, LOBBY).await.epoch;
    let mut last = MESSAGES;
    for days in [370, 2, -370, 0] {
        wall.set(days * DAY);
        // While it runs, and after a restart.
        for _ in 0..2 {
            let connection = connected(&server.origin()).await;
            // It is the same message for a day, whatever the clock says.
            let again = say(&connection, LOBBY, "before", "7").await;
            assert_eq!(again.seq, 7, "{days} days");
            let expected = (1..=last).collect();
            assert_eq!(
                history(&connection, last).await,
                (epoch, expected),
                "{days} days"
            );
            last += 1;
            let new = say(&connection, LOBBY, "after", &last.to_string()).await;
            assert_eq!(new.seq, last, "{days} days");
            server.kill().await;
            server = server.restart().await;
        }
    }
}
