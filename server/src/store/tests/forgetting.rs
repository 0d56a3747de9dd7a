//! What is too much or too old goes, from the oldest on, and rooms of which nothing is left; numbers stay.

use super::{NOW, directory, draft, now, open, refused, save, saved, seqs, topic};
use crate::store::{
    Archive, DataDir, Draft, Limits, MAX_ROOMS, MAX_ROOMS_OF_GUESTS, Store, Told, save::Verdict,
};
use std::{
    cell::Cell,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tertulia_shared::Code;

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

const AN_HOUR: Limits = Limits {
    messages: 100,
    age: Duration::from_secs(3_600),
    receipts: u64::MAX,
};

fn rooms(archive: &Archive) -> Vec<String> {
    archive.rooms().map(|(room, _)| room.to_string()).collect()
}

/// Breaks when: a room of which nothing is left takes a place for ever, one of which something is left is forgotten, or a
/// number is given twice.
#[test]
fn a_room_of_which_nothing_is_left_is_forgotten_and_its_numbers_go_on() {
    let directory = directory();
    let mut archive = limited(directory.path(), AN_HOUR);
    say(&mut archive, "chat/a", 0..3);
    say(&mut archive, "chat/b", 0..1);
    assert_eq!(archive.of_guests, 2);
    NOW.set(NOW.get() + 23 * HOUR);
    say(&mut archive, "chat/b", 1..2);
    // For a day somebody may ask for a receipt.
    sweep(&mut archive);
    assert_eq!(rooms(&archive), ["chat/a", "chat/b"]);
    assert_eq!(seqs(&archive, "chat/a"), [0; 0]);
    NOW.set(NOW.get() + HOUR);
    sweep(&mut archive);
    for _ in 0..2 {
        assert_eq!(
            (rooms(&archive), archive.of_guests),
            (vec!["chat/b".to_owned()], 1)
        );
        assert_eq!(archive.marks().of(&topic("chat/a")), 3);
        drop(archive);
        archive = limited(directory.path(), AN_HOUR);
    }
    assert_eq!(saved(&mut archive, draft("chat/a", "0", "x")).seq, 4);
    assert_eq!(saved(&mut archive, draft("chat/a", "1", "x")).seq, 5);
    assert_eq!(saved(&mut archive, draft("chat/b", "2", "x")).seq, 3);
    drop(archive);
    let archive = limited(directory.path(), AN_HOUR);
    let at = archive.rooms().map(|(_, at)| (at.first, at.last));
    assert_eq!(at.collect::<Vec<_>>(), [(4, 5), (3, 3)]);
}

/// Breaks when: a clock that is wrong for a moment deletes what was said, or has a retry say it twice.
#[test]
fn a_jump_of_the_clock_forgets_nothing() {
    thread_local! {
        static STEADY: Cell<u64> = const { Cell::new(7) };
    }
    let pass = |time| STEADY.set(STEADY.get() + time);
    let directory = directory();
    let start = || limited(directory.path(), AN_HOUR).measured_by(|| STEADY.get());
    NOW.set(1_000 * 24 * HOUR);
    let mut archive = start();
    say(&mut archive, "chat/a", 0..3);
    for days in [1_370, 1_002, 630, 1_000] {
        NOW.set(days * 24 * HOUR);
        for _ in 0..2 {
            pass(60_000);
            while archive.sweep().unwrap() {}
            assert_eq!(seqs(&archive, "chat/a"), [1, 2, 3], "day {days}");
            let again = save(&mut archive, draft("chat/a", "1", "x"));
            assert!(matches!(again, Verdict::Again(_)), "day {days}");
            drop(archive);
            archive = start();
        }
    }
    // Time that passes counts, whatever the clock says.
    pass(2 * HOUR);
    while archive.sweep().unwrap() {}
    assert_eq!(seqs(&archive, "chat/a"), [0; 0]);
    assert_eq!(archive.rooms().count(), 1, "its receipts are there");
    pass(24 * HOUR);
    while archive.sweep().unwrap() {}
    assert_eq!(archive.rooms().count(), 0);
}

/// Breaks when: a machine that was off keeps for ever what was said before.
#[test]
fn time_in_which_the_machine_was_off_counts_after_a_day() {
    thread_local! {
        static STEADY: Cell<u64> = const { Cell::new(7) };
    }
    let pass = |time| {
        STEADY.set(STEADY.get() + time);
        NOW.set(NOW.get() + time);
    };
    let directory = directory();
    let start = || limited(directory.path(), AN_HOUR).measured_by(|| STEADY.get());
    let mut archive = start();
    say(&mut archive, "chat/a", 0..3);
    drop(archive);
    NOW.set(NOW.get() + 30 * 24 * HOUR);
    let mut archive = start();
    // What is said meanwhile is as old as it is, also once the month counts.
    for half_hours in 0..49 {
        say(&mut archive, "chat/b", half_hours..half_hours + 1);
        pass(HOUR / 2);
        while archive.sweep().unwrap() {}
    }
    assert_eq!(seqs(&archive, "chat/b"), [48, 49]);
    assert_eq!(rooms(&archive), ["chat/b"]);
}

#[test]
fn who_listens_is_told_which_rooms_are_forgotten() {
    let mut archive = Archive::in_memory(now).unwrap();
    archive.limits = AN_HOUR;
    let told = Arc::<Mutex<Vec<Told>>>::default();
    let tells = Arc::clone(&told);
    let store = Store::start(archive, move |it| tells.lock().unwrap().push(it)).unwrap();
    let say = |room: &str| {
        store.save(
            draft(room, "1", "x"),
            Box::new(|outcome| assert!(outcome.is_ok())),
        )
    };
    let room = topic("chat/a");
    say("chat/a");
    assert!(store.knows(&room));
    NOW.set(NOW.get() + 25 * HOUR);
    // Where nothing is on disk, who says something sweeps.
    say("chat/b");
    assert!(!store.knows(&room));
    say("chat/a");
    assert!(store.knows(&room));
    let told = told.lock().unwrap();
    let [
        Told::Saved(_),
        Told::Saved(_),
        Told::Forgotten(forgotten),
        Told::Saved(again),
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!((forgotten, again.seq), (&room, 2));
}

/// Breaks when: guests begin rooms until nobody else can, at once or over a restart.
#[test]
fn guests_leave_half_of_the_rooms_to_others() {
    let directory = directory();
    let mut archive = open(directory.path());
    let mut number = 0;
    let mut begin = |archive: &mut Archive, rooms: usize, is_registered| {
        let drafts = (0..rooms).map(|_| {
            number += 1;
            let draft = draft(&format!("chat/{number}"), "1", "x");
            Draft {
                is_registered,
                ..draft
            }
        });
        archive.save(drafts.collect()).unwrap().pop().unwrap()
    };
    begin(&mut archive, 2, true);
    begin(&mut archive, MAX_ROOMS_OF_GUESTS - 1, false);
    // The last of them is one too many.
    assert_eq!(refused(begin(&mut archive, 2, false)), Code::ServerFull);
    drop(archive);
    let mut archive = open(directory.path());
    assert_eq!(refused(begin(&mut archive, 1, false)), Code::ServerFull);
    assert_eq!(saved(&mut archive, draft("chat/3", "2", "x")).seq, 2);
    let rest = MAX_ROOMS - MAX_ROOMS_OF_GUESTS - 2;
    assert!(matches!(begin(&mut archive, rest, true), Verdict::New(_)));
    assert_eq!(refused(begin(&mut archive, 1, true)), Code::ServerFull);
}
