//! The writer: what is told is on disk, in order, each outcome once; what fails leaves no hole.

use super::{directory, draft, open, seqs, topic};
use crate::store::{Archive, Outcome, Saved, Store, Told};
use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tertulia_shared::Code;

type Heard = Arc<Mutex<Vec<Saved>>>;

fn start(archive: Archive) -> (Store, Heard) {
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let tell = move |told| match told {
        Told::Saved(saved) => hears.lock().unwrap().push(saved),
        Told::Forgotten(room) => panic!("{room} is forgotten"),
    };
    (Store::start(archive, tell).unwrap(), heard)
}

/// Saves, and waits for what becomes of it.
fn outcome(store: &Store, id: &str) -> Outcome {
    let (settle, settled) = mpsc::channel();
    let settle = move |outcome| settle.send(outcome).unwrap();
    store.save(draft("chat/a", id, "x"), Box::new(settle));
    settled.recv_timeout(Duration::from_secs(10)).unwrap()
}

/// As a disk that takes nothing more, and one that does again.
fn pages(archive: &Archive, most: u32) {
    let set = format!("PRAGMA max_page_count = {most}");
    archive.db.query_row(&set, [], |_| Ok(())).unwrap();
}

#[test]
fn what_many_say_at_once_is_heard_once_and_in_order() {
    let directory = directory();
    let (store, heard) = start(open(directory.path()));
    std::thread::scope(|scope| {
        for sender in 0..20 {
            let store = &store;
            scope.spawn(move || {
                let seqs = (0..50).map(|n| outcome(store, &format!("{sender}-{n}")).unwrap().seq);
                assert!(seqs.is_sorted());
            });
        }
    });
    let heard = heard.lock().unwrap();
    let numbers: Vec<_> = heard.iter().map(|saved| saved.seq).collect();
    assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
    assert_eq!(store.history(&topic("chat/a"), 2_000).unwrap(), *heard);
    assert_eq!(store.waiting(), 0);
}

#[test]
fn a_message_is_heard_before_its_sender_is_answered() {
    let directory = directory();
    let (store, heard) = start(open(directory.path()));
    assert!(!store.knows(&topic("chat/a")));
    outcome(&store, "1").unwrap();
    assert_eq!(heard.lock().unwrap().len(), 1);
    assert!(store.knows(&topic("chat/a")));
    outcome(&store, "1").unwrap();
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn a_full_disk_is_told_and_when_there_is_room_again_no_number_is_missing() {
    let directory = directory();
    let archive = open(directory.path());
    pages(&archive, 12);
    let (store, heard) = start(archive);
    let mut taken = 0;
    let reject = loop {
        match outcome(&store, &format!("{taken}")) {
            Ok(receipt) => taken = receipt.seq,
            Err(reject) => break reject,
        }
        assert!(taken < 10_000, "the disk is never full");
    };
    assert_eq!(reject.code, Code::StorageFull);
    assert!(taken > 0);
    assert_eq!(
        outcome(&store, "again").map_err(|reject| reject.code),
        Err(Code::StorageFull)
    );
    pages(&store.shared.archive(), u32::MAX - 1);
    assert_eq!(outcome(&store, "again").unwrap().seq, taken + 1);
    assert_eq!(heard.lock().unwrap().len() as u64, taken + 1);
    drop(store);
    let kept = seqs(&open(directory.path()), "chat/a");
    assert_eq!(kept, (1..=taken + 1).collect::<Vec<_>>());
}

/// Breaks when: who asks again for what is stored is told that it is not, and says it anew.
#[test]
fn who_asks_again_while_the_disk_is_full_is_not_told_that_nothing_is_stored() {
    let directory = directory();
    let archive = open(directory.path());
    pages(&archive, 12);
    let (store, _) = start(archive);
    let taken = (0..).map_while(|id| outcome(&store, &format!("{id}")).ok());
    assert!(taken.count() > 0);
    // What is given while the archive is held goes into one transaction, and the new one has no room.
    let held = store.shared.archive();
    let (settle, settled) = mpsc::channel();
    for id in ["first", "0", "new"] {
        let settle = settle.clone();
        let settle = move |outcome: Outcome| settle.send(outcome).unwrap();
        store.save(draft("chat/a", id, "x"), Box::new(settle));
    }
    drop(held);
    for _ in 0..3 {
        let outcome = settled.recv_timeout(Duration::from_secs(30)).unwrap();
        let reject = outcome.unwrap_err();
        assert_eq!(reject.code, Code::StorageFull);
        assert!(reject.message.contains("with the same id"), "{reject}");
        assert!(!reject.message.contains("nothing"), "{reject}");
    }
    pages(&store.shared.archive(), u32::MAX - 1);
    assert_eq!(outcome(&store, "0").unwrap().seq, 1);
}

#[test]
fn what_waits_when_the_store_ends_is_written() {
    let directory = directory();
    let (store, _) = start(open(directory.path()));
    for id in 0..500 {
        store.save(draft("chat/a", &id.to_string(), "x"), Box::new(|_| {}));
    }
    drop(store);
    assert_eq!(seqs(&open(directory.path()), "chat/a").len(), 500);
}

#[tokio::test]
async fn a_flush_waits_for_what_was_given_before() {
    let directory = directory();
    let (store, heard) = start(open(directory.path()));
    for id in 0..500 {
        store.save(draft("chat/a", &id.to_string(), "x"), Box::new(|_| {}));
    }
    store.flush().await;
    assert_eq!(heard.lock().unwrap().len(), 500);
}

#[test]
fn too_much_that_waits_is_refused() {
    let directory = directory();
    let (store, _) = start(open(directory.path()));
    // Nothing is written while the archive is held.
    let held = store.shared.archive();
    let text = "x".repeat(1_000_000);
    let (settle, settled) = mpsc::channel();
    for id in 0..70 {
        let settle = settle.clone();
        let settle = move |outcome: Outcome| settle.send(outcome).unwrap();
        store.save(draft("chat/a", &id.to_string(), &text), Box::new(settle));
    }
    let refused = settled.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(refused.map_err(|reject| reject.code), Err(Code::ServerBusy));
    drop(held);
    drop((store, settle));
    let taken = settled.iter().filter(Result::is_ok).count();
    assert_eq!(taken, 67, "64 MiB of 1 MB each");
}
