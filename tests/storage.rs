//! A database that disappears under a server: nothing is acknowledged any more that nobody would find.

use crate::world::{
    client::{code, connected, emit, say, send},
    http,
    server::Server,
    soon,
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const LOBBY: &str = "chat/lobby";
/// Within that it is noticed while nobody says anything.
const NOTICED: Duration = Duration::from_secs(10);

fn remove(directory: &Path) {
    fs::remove_dir_all(directory).unwrap();
}

/// Puts the same database in its own place, as whoever brings back a backup does.
fn replace(directory: &Path) {
    let (file, copy) = (directory.join("tertulia.db"), directory.join("backup"));
    fs::copy(&file, &copy).unwrap();
    fs::rename(copy, file).unwrap();
}

async fn storage(origin: &str) -> (u16, Value) {
    let ready = http::get(format!("{origin}/readyz")).await.unwrap();
    let health = http::get(format!("{origin}/healthz")).await.unwrap();
    let health: Value = serde_json::from_str(&health.text().await.unwrap()).unwrap();
    (ready.status().as_u16(), health["storage"].clone())
}

/// Breaks when: messages are acknowledged that are on no disk, or nobody is told of it.
#[tokio::test]
async fn a_database_that_disappears_is_noticed_and_told() {
    for (damage, at_once) in [
        (remove as fn(&Path), true),
        (remove, false),
        (replace, true),
        (replace, false),
    ] {
        let parent = TempDir::new().unwrap();
        let directory = parent.path().join("data");
        let options = [
            "--no-host-metrics",
            "--data-dir",
            directory.to_str().unwrap(),
        ];
        let mut server = Server::with(&options).await;
        let origin = server.origin();
        let ada = connected(&origin).await;
        say(&ada, LOBBY, "before", "1").await;
        let ready = async { while storage(&origin).await != (200, "ok".into()) {} };
        soon("a ready server", ready).await;
        damage(&directory);
        let began = Instant::now();
        if at_once {
            let refused = emit(&ada, &send(LOBBY, "nowhere", "2")).await;
            assert_eq!(code(refused), "storage-failed");
        }
        let noticed = async { while storage(&origin).await != (503, "gone".into()) {} };
        soon("that it is noticed", noticed).await;
        assert!(began.elapsed() < NOTICED, "{:?}", began.elapsed());
        for id in ["3", "4"] {
            let refused = emit(&ada, &send(LOBBY, "nowhere", id)).await;
            assert_eq!(code(refused), "storage-failed");
        }
        server.terminate().await;
        let log = server.log().await;
        assert_eq!(log.matches("messages cannot be stored").count(), 1, "{log}");
        assert!(
            log.contains("is gone, or another one is in its place"),
            "{log}"
        );
        let server = server.restart().await;
        let ada = connected(&server.origin()).await;
        say(&ada, LOBBY, "again", "5").await;
    }
}
