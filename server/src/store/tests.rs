//! The store's promises, each on a file of its own.

mod file;
mod forgetting;
mod writing;

use super::{Archive, DataDir, Draft, Limits, Saved, Source, StoreError, save::Verdict};
use std::{cell::Cell, path::Path};
use tempfile::TempDir;
use tertulia_shared::{
    Code, Topic,
    chat::{Author, Receipt},
};

thread_local! {
    /// The time of this test, in milliseconds.
    static NOW: Cell<u64> = const { Cell::new(1_000) };
}

fn now() -> u64 {
    NOW.get()
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &Path) -> Archive {
    opened(directory).unwrap()
}

fn opened(directory: &Path) -> Result<Archive, StoreError> {
    Archive::open(DataDir::open(directory)?, now, Limits::default())
}

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

fn draft(room: &str, id: &str, text: &str) -> Draft {
    Draft {
        room: topic(room),
        id: Some(id.to_owned()),
        sender: None,
        from: Author::new("p", "Ada"),
        text: text.to_owned(),
        source: Source::Client,
        is_registered: false,
    }
}

fn from_broker(id: &str, text: &str) -> Draft {
    Draft {
        source: Source::Broker,
        ..draft("chat/a", id, text)
    }
}

fn save(archive: &mut Archive, draft: Draft) -> Verdict {
    archive.save(vec![draft]).unwrap().remove(0)
}

fn saved(archive: &mut Archive, draft: Draft) -> Saved {
    match save(archive, draft) {
        Verdict::New(saved) => saved,
        other => panic!("{other:?}"),
    }
}

fn refused(verdict: Verdict) -> Code {
    match verdict {
        Verdict::Refused(reject) => reject.code,
        other => panic!("{other:?}"),
    }
}

fn seqs(archive: &Archive, room: &str) -> Vec<u64> {
    let all = archive.history(&topic(room), u64::MAX).unwrap();
    all.iter().map(|saved| saved.seq).collect()
}

#[test]
fn what_was_stored_is_there_after_a_restart_and_numbers_go_on() {
    let directory = directory();
    let mut archive = open(directory.path());
    let epoch = archive.epoch();
    let first = saved(&mut archive, draft("chat/a", "1", "¡hola!"));
    let mut tagged = from_broker("2", "from a broker");
    tagged.from.tag = Some("3f2a".to_owned());
    let second = saved(&mut archive, tagged);
    saved(&mut archive, draft("chat/b", "1", "elsewhere"));
    drop(archive);
    NOW.set(2_000);
    let mut archive = open(directory.path());
    assert_eq!(archive.epoch(), epoch);
    let rooms: Vec<_> = archive
        .rooms()
        .map(|(room, at)| (room.to_string(), at.first, at.last))
        .collect();
    assert_eq!(
        rooms,
        [("chat/a".to_owned(), 1, 2), ("chat/b".to_owned(), 1, 1)]
    );
    let both = archive.history(&topic("chat/a"), 10).unwrap();
    assert_eq!(both, [first, second.clone()]);
    assert_eq!(archive.history(&topic("chat/a"), 1).unwrap(), [second]);
    assert_eq!(archive.history(&topic("chat/none"), 1).unwrap(), []);
    let third = saved(&mut archive, draft("chat/a", "3", "later"));
    assert_eq!((third.seq, third.at), (3, 2_000));
}

#[test]
fn a_retry_gets_its_receipt_within_a_day_and_after_a_restart() {
    let directory = directory();
    let mut archive = open(directory.path());
    saved(&mut archive, draft("chat/a", "1", "once"));
    let receipt = Receipt { seq: 1, at: 1_000 };
    NOW.set(1_000 + 24 * 60 * 60 * 1_000 - 1);
    for _ in 0..2 {
        let again = save(&mut archive, draft("chat/a", "1", "once"));
        assert_eq!(again, Verdict::Again(receipt.clone()));
        drop(archive);
        archive = open(directory.path());
    }
    assert_eq!(
        refused(save(&mut archive, draft("chat/a", "1", "other"))),
        Code::BadId
    );
    NOW.set(NOW.get() + 1);
    assert_eq!(
        saved(&mut archive, draft("chat/a", "1", "a day later")).seq,
        2
    );
}

#[test]
fn an_id_belongs_to_its_sender_and_its_room() {
    let mut archive = Archive::in_memory(now).unwrap();
    let of = |sender: &str, id: &str| Draft {
        sender: Some(sender.to_owned()),
        ..draft("chat/a", id, "hello")
    };
    let long = "sixteen-letters!";
    for id in ["1", long] {
        saved(&mut archive, of("ada", id));
        let again = save(&mut archive, of("ada", id));
        assert!(matches!(again, Verdict::Again(_)));
    }
    // A short one may be anybody's, a long one is the first sender's.
    assert_eq!(saved(&mut archive, of("bob", "1")).seq, 3);
    for another in [of("bob", long), draft("chat/a", long, "hello")] {
        assert_eq!(refused(save(&mut archive, another)), Code::BadId);
    }
    assert_eq!(saved(&mut archive, draft("chat/b", long, "hello")).seq, 1);
}

#[test]
fn a_message_without_an_id_is_always_new_and_leaves_no_receipt() {
    let directory = directory();
    let mut archive = open(directory.path());
    let no_id = Draft {
        id: None,
        ..draft("chat/a", "", "hello")
    };
    for seq in 1..=2 {
        assert_eq!(saved(&mut archive, no_id.clone()).seq, seq);
    }
    drop(archive);
    let archive = open(directory.path());
    let ids = archive.history(&topic("chat/a"), 2).unwrap();
    assert!(ids.len() == 2 && ids.iter().all(|saved| saved.id.is_none()));
    let receipts = "SELECT count(*) FROM receipt";
    let receipts: u64 = archive
        .db
        .query_row(receipts, [], |row| row.get(0))
        .unwrap();
    assert_eq!(receipts, 0);
}

#[test]
fn one_batch_knows_what_is_in_it() {
    let mut archive = Archive::in_memory(now).unwrap();
    let drafts = [("1", "x"), ("1", "x"), ("1", "y"), ("2", "x")];
    let drafts = drafts.map(|(id, text)| draft("chat/a", id, text));
    let verdicts = archive.save(drafts.into()).unwrap();
    let [
        Verdict::New(first),
        again,
        Verdict::Refused(_),
        Verdict::New(second),
    ] = &verdicts[..]
    else {
        panic!("{verdicts:?}");
    };
    assert_eq!(
        again,
        &Verdict::Again(Receipt {
            seq: 1,
            at: NOW.get()
        })
    );
    assert_eq!((first.seq, second.seq), (1, 2));
}

#[test]
fn what_a_broker_brings_again_is_known_and_a_used_id_is_replaced() {
    let directory = directory();
    let mut archive = open(directory.path());
    saved(&mut archive, draft("chat/a", "1", "hers"));
    let replaced = saved(&mut archive, from_broker("1", "from elsewhere"));
    let id = replaced.id.unwrap();
    assert!(id.starts_with("mqtt-"), "{id}");
    drop(archive);
    let mut archive = open(directory.path());
    for (id, text) in [("1", "from elsewhere"), ("1", "hers")] {
        let again = save(&mut archive, from_broker(id, text));
        assert!(matches!(again, Verdict::Again(_)), "{text}");
    }
    assert_eq!(seqs(&archive, "chat/a"), [1, 2]);
}
