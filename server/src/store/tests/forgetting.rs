//! What is too much or too old goes, from the oldest on; numbers stay.

use super::{NOW, directory, draft, now, open, save, saved, seqs};
use crate::store::{Archive, DataDir, Limits, save::Verdict};
use std::{path::Path, time::Duration};

const HOUR: u64 = 60 * 60 * 1_000;

fn limited(directory: &Path, limits: Limits) -> Archive {
    Archive::open(DataDir::open(directory).unwrap(), now, limits).unwrap()
}

fn say(archive: &mut Archive, room: &str, ids: std::ops::Range<u64>) {
    let drafts = ids.map(|id| draft(room, &id.to_string(), "x"));
    archive.save(drafts.collect()).unwrap();
}

/// Sweeps as the writer does, a while later; gives the steps.
fn sweep(archive: &mut Archive) -> usize {
    NOW.set(NOW.get() + 60_000);
    let mut steps = 1;
    while archive.sweep().unwrap() {
        steps += 1;
    }
    steps
}

#[test]
fn too_many_messages_go_in_small_steps() {
    let directory = directory();
    let messages = 10;
    let mut archive = limited(
        directory.path(),
        Limits {
            messages,
            ..Limits::default()
        },
    );
    say(&mut archive, "chat/a", 0..2_500);
    say(&mut archive, "chat/b", 0..10);
    let steps = sweep(&mut archive);
    assert!(steps > 3, "{steps}");
    for _ in 0..2 {
        assert_eq!(
            seqs(&archive, "chat/a"),
            (2_491..=2_500).collect::<Vec<_>>()
        );
        assert_eq!(seqs(&archive, "chat/b").len(), 10);
        drop(archive);
        archive = open(directory.path());
    }
    // Its message is gone, its receipt is not.
    assert!(matches!(
        save(&mut archive, draft("chat/a", "7", "x")),
        Verdict::Again(_)
    ));
}

#[test]
fn old_messages_go_and_numbers_go_on() {
    let directory = directory();
    let age = Duration::from_secs(3_600);
    let limits = Limits {
        age,
        ..Limits::default()
    };
    let mut archive = limited(directory.path(), limits);
    say(&mut archive, "chat/a", 0..1_500);
    NOW.set(NOW.get() + HOUR / 2);
    say(&mut archive, "chat/a", 1_500..1_503);
    sweep(&mut archive);
    assert_eq!(seqs(&archive, "chat/a").len(), 1_503);
    NOW.set(NOW.get() + HOUR / 2);
    sweep(&mut archive);
    assert_eq!(seqs(&archive, "chat/a"), [1_501, 1_502, 1_503]);
    NOW.set(NOW.get() + HOUR);
    sweep(&mut archive);
    assert_eq!(seqs(&archive, "chat/a"), [0; 0]);
    drop(archive);
    let mut archive = limited(directory.path(), limits);
    assert_eq!(saved(&mut archive, draft("chat/a", "new", "x")).seq, 1_504);
}

#[test]
fn receipts_go_after_a_day_or_when_they_are_too_many() {
    let mut archive = Archive::in_memory(now).unwrap();
    let receipts = 100;
    archive.limits = Limits {
        receipts,
        ..Limits::default()
    };
    let count = |archive: &Archive| {
        let count = "SELECT count(*) FROM receipt";
        archive
            .db
            .query_row(count, [], |row| row.get::<_, u64>(0))
            .unwrap()
    };
    say(&mut archive, "chat/a", 0..1_250);
    sweep(&mut archive);
    assert_eq!(count(&archive), 100);
    NOW.set(NOW.get() + 23 * HOUR);
    say(&mut archive, "chat/a", 2_000..2_010);
    NOW.set(NOW.get() + HOUR);
    sweep(&mut archive);
    assert_eq!(count(&archive), 10);
}

#[test]
fn little_to_do_is_not_looked_for_all_the_time() {
    let mut archive = Archive::in_memory(now).unwrap();
    sweep(&mut archive);
    say(&mut archive, "chat/a", 0..9_999);
    assert!(!archive.sweep().unwrap());
    say(&mut archive, "chat/a", 9_999..10_000);
    assert!(archive.sweep().unwrap());
}
