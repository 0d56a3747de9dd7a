//! What was acknowledged is on disk: through kills, a full disk, damage, and two servers on one directory.

use crate::world::{
    client::{connected, connected_with, say, send},
    random::Random,
    server::{Server, program},
    soon,
};
use std::{
    collections::BTreeMap,
    path::Path,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tertulia_client::connection::{Connection, EmitError, Options};
use tertulia_server::store::{Archive, DataDir, Limits, Saved};
use tertulia_shared::{
    Code, Topic,
    chat::{ChatSend, Receipt},
};

const LOBBY: &str = "chat/lobby";
/// Those who send while the server is killed.
const SENDERS: usize = 50;
/// The rooms that they send to.
const ROOMS: usize = 3;
/// How often it is killed, where `TERTULIA_TEST_KILLS` says nothing.
const KILLS: usize = 3;
/// The longest time that it lives, in milliseconds.
const MAX_LIFE: u64 = 600;

async fn serve(directory: &Path) -> Server {
    let directory = directory.to_str().unwrap();
    Server::with(&["--no-host-metrics", "--data-dir", directory]).await
}

fn archive(directory: &Path) -> Archive {
    let directory = DataDir::open(directory).unwrap();
    Archive::open(directory, || 0, Limits::default()).unwrap()
}

fn stored(archive: &Archive, room: &str) -> Vec<Saved> {
    let room = Topic::new(room).unwrap();
    archive.history(&room, u64::MAX).unwrap()
}

/// What one sender has an acknowledgement for, in the order of sending.
type Acknowledged = Vec<(ChatSend, Receipt)>;

/// One who sends the next text when the last one is acknowledged, and the same again when it is not.
async fn sender(
    origin: String,
    number: usize,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Acknowledged {
    let options = Options {
        force_new: true,
        reconnection_delay: (Duration::from_millis(20), Duration::from_millis(100)),
        ..Options::default()
    };
    let connection = connected_with(&origin, options).await;
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let n = acknowledged.len();
        let room = format!("chat/{}", (number + n) % ROOMS);
        let text = format!("text {n} of {number}");
        let text = send(&room, &text, &format!("{number}-{n}"));
        let receipt = insist(&connection, &text).await;
        acknowledged.push((text, receipt));
        count.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

async fn insist(connection: &Connection, text: &ChatSend) -> Receipt {
    loop {
        match soon("an answer", connection.emit(text)).await {
            Ok(receipt) => return receipt,
            Err(EmitError::Rejected(reject)) => panic!("{text:?}: {reject:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills_once_and_in_order() {
    let kills = std::env::var("TERTULIA_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let directory = TempDir::new().unwrap();
    let mut random = Random::seeded("kills");
    let mut server = serve(directory.path()).await;
    let (stop, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::<AtomicUsize>::default(),
    );
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| {
            sender(
                server.origin(),
                number,
                Arc::clone(&stop),
                Arc::clone(&count),
            )
        })
        .map(tokio::spawn)
        .collect();
    for _ in 0..kills {
        let before = count.load(Ordering::Relaxed);
        let some = async {
            while count.load(Ordering::Relaxed) < before + SENDERS {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon("acknowledgements", some).await;
        tokio::time::sleep(random.millis(MAX_LIFE)).await;
        server.kill().await;
        server = server.restart().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for sender in senders {
        acknowledged.push(soon("the last answer", sender).await.unwrap());
    }
    server.kill().await;
    check(&archive(directory.path()), &acknowledged);
    println!("{kills} kills, {} messages", count.load(Ordering::Relaxed));
}

/// Each acknowledged text is there once, where its receipt says; nothing else is; no number is missing.
fn check(archive: &Archive, acknowledged: &[Acknowledged]) {
    let mut expected = BTreeMap::new();
    for sender in acknowledged {
        let mut last = BTreeMap::new();
        for (text, receipt) in sender {
            let before = last.insert(&text.room, receipt.seq);
            assert!(before < Some(receipt.seq), "{text:?} overtook another one");
            let twice = expected.insert((&text.room, receipt.seq), (text, receipt.at));
            assert!(twice.is_none(), "two have the receipt of {text:?}");
        }
    }
    let mut found = 0;
    for room in (0..ROOMS).map(|number| format!("chat/{number}")) {
        for (index, saved) in stored(archive, &room).iter().enumerate() {
            assert_eq!(saved.seq, index as u64 + 1, "a hole in {room}");
            let (text, at) = expected[&(&room, saved.seq)];
            assert_eq!(
                (&saved.id, &saved.text, saved.at),
                (&text.id, &text.text, at)
            );
            found += 1;
        }
    }
    assert_eq!(found, expected.len());
}

#[tokio::test]
async fn a_retry_after_a_restart_gets_the_same_receipt_and_epoch() {
    let directory = TempDir::new().unwrap();
    let mut server = serve(directory.path()).await;
    let ada = connected(&server.origin()).await;
    let receipt = say(&ada, LOBBY, "once", "1").await;
    let epoch = crate::world::client::join(&ada, LOBBY).await.epoch;
    server.kill().await;
    let server = server.restart().await;
    let ada = connected(&server.origin()).await;
    assert_eq!(say(&ada, LOBBY, "once", "1").await, receipt);
    assert_eq!(say(&ada, LOBBY, "twice", "2").await.seq, receipt.seq + 1);
    assert_eq!(crate::world::client::join(&ada, LOBBY).await.epoch, epoch);
}

async fn refusal(directory: &Path) -> String {
    let ended = program()
        .args(["serve", "--no-host-metrics", "--listen", "127.0.0.1:0"])
        .args(["--mqtt-listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory)
        .kill_on_drop(true)
        .output();
    let Output { status, stderr, .. } = soon("a refusal", ended).await.unwrap();
    assert_eq!(status.code(), Some(2));
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn a_second_server_on_the_directory_is_refused() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("data");
    let _first = serve(&directory).await;
    let error = refusal(&directory).await;
    assert!(
        error.contains("in use by another server (process "),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    serve(directory.path()).await.kill().await;
    let file = directory.path().join("tertulia.db");
    let rubbish = "no database ".repeat(1_000);
    std::fs::write(&file, &rubbish).unwrap();
    let error = refusal(directory.path()).await;
    assert!(
        error.contains(&format!("database {} is damaged", file.display())),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), rubbish);
}

/// A disk of its own, which goes with the test.
pub(crate) struct Disk(pub(crate) TempDir);

impl Disk {
    /// `None` where this user may mount nothing.
    pub(crate) fn mounted(size: &str) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(directory.path())
            .output();
        let mounted = mounted.is_ok_and(|mounted| mounted.status.success());
        mounted.then(|| Self(directory))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount")
            .args(["--lazy"])
            .arg(self.0.path())
            .status();
        println!("unmounted: {unmounted:?}");
    }
}

#[tokio::test]
async fn a_full_disk_is_a_typed_reject_and_the_server_goes_on_when_there_is_room() {
    let Some(disk) = Disk::mounted("1m") else {
        println!(
            "not tested: this user may not mount a small disk; the store's own tests limit the file instead"
        );
        return;
    };
    let directory = disk.0.path().join("data");
    let mut server = serve(&directory).await;
    let ada = connected(&server.origin()).await;
    let text = "x".repeat(2_000);
    let mut sent = 0;
    let reject = loop {
        let next = send(LOBBY, &text, &sent.to_string());
        match soon("an answer", ada.emit(&next)).await {
            Ok(receipt) => assert_eq!(receipt.seq, sent + 1),
            Err(EmitError::Rejected(reject)) => break reject,
            Err(error) => panic!("{error}"),
        }
        sent += 1;
        assert!(sent < 1_000, "{sent} of 2 kB fit in 1 MiB");
    };
    assert_eq!(reject.code, Code::StorageFull, "{reject}");
    assert!(sent > 10, "{sent}");
    let larger = std::process::Command::new("mount")
        .args(["-o", "remount,size=4m"])
        .arg(disk.0.path())
        .status();
    assert!(larger.unwrap().success());
    let again = say(&ada, LOBBY, &text, &sent.to_string()).await;
    assert_eq!(again.seq, sent + 1);
    server.kill().await;
    let seqs: Vec<_> = stored(&archive(&directory), LOBBY)
        .iter()
        .map(|saved| saved.seq)
        .collect();
    assert_eq!(seqs, (1..=sent + 1).collect::<Vec<_>>());
}

/// Breaks when: what was asked for about how much is kept, and for how long, does not reach the store.
#[tokio::test]
async fn no_more_is_kept_than_was_asked_for() {
    for option in [["--keep-messages", "2"], ["--keep-for", "1ms"]] {
        let directory = TempDir::new().unwrap();
        let at = directory.path().to_str().unwrap();
        let options = [&["--no-host-metrics", "--data-dir", at][..], &option].concat();
        let mut server = serve(directory.path()).await;
        let connection = connected(&server.origin()).await;
        for id in 0..5 {
            say(&connection, LOBBY, "before", &id.to_string()).await;
        }
        server.kill().await;
        // It forgets a little between any two messages that it writes, and at the start all that is too much.
        let mut server = Server::with(&options).await;
        let connection = connected(&server.origin()).await;
        for id in 5..10 {
            say(&connection, LOBBY, "after", &id.to_string()).await;
        }
        server.kill().await;
        let stored = stored(&archive(directory.path()), LOBBY);
        // By count the last two of before were left, and by age none.
        assert!(stored.iter().all(|it| it.seq > 3), "{option:?}: {stored:?}");
    }
}
