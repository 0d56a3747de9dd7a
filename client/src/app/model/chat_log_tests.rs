//! What the log of a room promises.

use super::{ChatLog, Content, Delivery, MAX_ENTRIES, is_own};
use crate::app::model::failure::Failure;
use tertulia_shared::{
    Code, Reject, Topic,
    chat::{Author, ChatMessage, Receipt},
    stream::StreamMissed,
};

fn message(seq: u64, id: &str, text: &str) -> ChatMessage {
    ChatMessage {
        room: Topic::new("chat/lobby").unwrap(),
        seq,
        id: Some(id.to_owned()),
        from: Author::new("p1", "Ana"),
        text: text.to_owned(),
        at: 1_000 + seq,
        via: None,
    }
}

fn shown(log: &ChatLog) -> Vec<String> {
    log.entries()
        .map(|entry| match &entry.content {
            Content::Message(message) => message.text.to_string(),
            Content::Missed(count) => format!("missed {count}"),
        })
        .collect()
}

fn delivery(log: &ChatLog, id: &str) -> Delivery {
    log.entries()
        .find_map(|entry| match &entry.content {
            Content::Message(message) if *message.id == *id => Some(message.delivery.clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn an_own_message_is_one_entry_whichever_answer_comes_first() {
    for broadcast_first in [true, false] {
        let mut log = ChatLog::default();
        log.write("a", "Ana", "hi", 1);
        assert_eq!(delivery(&log, "a"), Delivery::Queued);
        assert_eq!(log.take_queued().len(), 1);
        assert_eq!(delivery(&log, "a"), Delivery::Sending);
        assert!(log.take_queued().is_empty());
        let receipt = Receipt { seq: 1, at: 1_001 };
        if broadcast_first {
            log.receive(message(1, "a", "hi"));
            log.accepted("a", &receipt);
        } else {
            log.accepted("a", &receipt);
            log.receive(message(1, "a", "hi"));
        }
        assert_eq!(shown(&log), ["hi"]);
        assert_eq!(delivery(&log, "a"), Delivery::Sent);
        assert_eq!(log.received(), 0);
    }
}

#[test]
fn the_room_orders_what_it_accepted() {
    let mut log = ChatLog::default();
    log.write("a", "Ana", "mine", 1);
    log.take_queued();
    log.accepted("a", &Receipt { seq: 2, at: 2 });
    log.receive(message(1, "z", "theirs"));
    assert_eq!(shown(&log), ["theirs", "mine"]);
    log.receive(message(2, "a", "mine"));
    log.receive(message(3, "y", "later"));
    assert_eq!(shown(&log), ["theirs", "mine", "later"]);
    assert_eq!(log.received(), 2);
}

#[test]
fn a_refused_message_can_be_sent_again_or_discarded() {
    let mut log = ChatLog::default();
    log.write("a", "Ana", "hi", 1);
    log.take_queued();
    let failure = Failure::Refused(Reject::new(Code::BadText, "no"));
    log.failed("a", failure.clone(), true);
    assert_eq!(delivery(&log, "a"), Delivery::Failed(failure));
    log.retry("a", "b");
    assert_eq!(&*log.take_queued()[0].0, "a", "the same message");
    log.discard("a");
    assert!(shown(&log).is_empty());
}

#[test]
fn what_was_under_way_when_the_link_went_waits_for_it() {
    let mut log = ChatLog::default();
    log.write("a", "Ana", "hi", 1);
    log.take_queued();
    log.failed("a", Failure::LinkLost, false);
    assert_eq!(delivery(&log, "a"), Delivery::Queued);
    log.take_queued();
    log.failed("a", Failure::NoAnswer, true);
    assert_eq!(delivery(&log, "a"), Delivery::Failed(Failure::NoAnswer));
    log.receive(message(1, "a", "hi"));
    log.failed("a", Failure::NoAnswer, true);
    assert_eq!(delivery(&log, "a"), Delivery::Sent);
}

#[test]
fn what_was_missed_stands_where_it_is_missing() {
    let mut log = ChatLog::default();
    log.receive(message(1, "a", "one"));
    log.write("m", "Ana", "mine", 1);
    log.missed(&missed(2, 3));
    log.receive(message(4, "b", "four"));
    assert_eq!(shown(&log), ["one", "missed 2", "four", "mine"]);
}

#[test]
fn old_entries_are_dropped_and_counted() {
    let mut log = ChatLog::default();
    for seq in 1..=MAX_ENTRIES as u64 + 3 {
        log.receive(message(seq, &seq.to_string(), "x"));
    }
    assert_eq!(log.entries().count(), MAX_ENTRIES);
    assert_eq!(log.dropped(), 3);
}

/// Breaks when: what one person wrote goes out in the name of the next, or under an id that is the other's.
#[test]
fn what_waits_when_the_reader_signs_out_is_told_as_failed() {
    let mut log = ChatLog::default();
    for (id, text) in [("a", "under way"), ("b", "accepted"), ("c", "refused")] {
        log.write(id, "Ana", text, 1);
    }
    assert_eq!(log.take_queued().len(), 3);
    log.write("d", "Ana", "waiting", 1);
    log.disown(false);
    assert!(log.take_queued().is_empty());
    // Answers that come late, and the link that goes.
    log.failed("a", Failure::LinkLost, false);
    log.receive(message(1, "b", "accepted"));
    let bad_id = Failure::Refused(Reject::new(Code::BadId, "used"));
    log.failed("c", bad_id, true);
    assert!(log.take_queued().is_empty());
    for id in ["a", "c", "d"] {
        let failed = Delivery::Failed(Failure::LinkLost);
        assert_eq!(delivery(&log, id), failed, "{id}");
    }
    assert_eq!(delivery(&log, "b"), Delivery::Sent);
    log.retry("d", "e");
    let queued = log.take_queued();
    assert_eq!((&*queued[0].0, &*queued[0].1), ("e", "waiting"));
    log.receive(message(2, "e", "waiting"));
    let expected = ["under way", "accepted", "refused", "waiting"];
    let mut shown = shown(&log);
    shown.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(shown, expected);
}

#[test]
fn of_a_private_room_stays_what_was_not_said() {
    let mut log = ChatLog::default();
    log.write("a", "Ana", "said", 1);
    log.take_queued();
    log.receive(message(1, "a", "said"));
    log.receive(message(2, "x", "answer"));
    log.missed(&missed(3, 4));
    log.write("b", "Ana", "not said", 1);
    log.disown(true);
    assert_eq!(shown(&log), ["not said"]);
}

/// Breaks when: who writes much while the link is gone loses the first of it.
#[test]
fn what_is_not_sent_is_not_dropped() {
    let mut log = ChatLog::default();
    log.receive(message(1, "old", "old"));
    for number in 0..MAX_ENTRIES + 2 {
        log.write(&number.to_string(), "Ana", "not said", 1);
    }
    assert_eq!(log.dropped(), 1);
    assert_eq!(log.take_queued().len(), MAX_ENTRIES + 2);
    log.accepted("1", &Receipt { seq: 2, at: 1_001 });
    log.receive(message(2, "1", "not said"));
    log.receive(message(3, "new", "new"));
    let ids = |id: &str| log.entries().any(|entry| is_own(entry, id));
    assert!(ids("0") && !ids("1") && ids("2"));
}

fn missed(from: u64, to: u64) -> StreamMissed {
    StreamMissed {
        topic: Topic::new("chat/lobby").unwrap(),
        from,
        to,
    }
}

#[test]
fn what_a_busy_server_refused_waits_and_goes_out_again_as_the_same_message() {
    for code in [Code::StorageFull, Code::ServerBusy, Code::RateLimited] {
        let mut log = ChatLog::default();
        log.write("a", "Ana", "hi", 1);
        for _ in 0..3 {
            let queued = log.take_queued();
            assert_eq!(queued.len(), 1);
            assert_eq!(&*queued[0].0, "a");
            let refused = Failure::Refused(Reject::new(code, "later"));
            log.failed("a", refused, true);
            assert_eq!(delivery(&log, "a"), Delivery::Queued, "{code:?}");
        }
        assert_eq!(log.take_queued().len(), 1);
        log.accepted("a", &Receipt { seq: 1, at: 1_001 });
        log.receive(message(1, "a", "hi"));
        assert_eq!(shown(&log), ["hi"]);
        assert!(log.take_queued().is_empty());
    }
}

#[test]
fn of_another_epoch_everything_is_told_whatever_was_read_before() {
    let mut log = ChatLog::default();
    log.receive(message(7, "g", "old"));
    log.missed(&missed(0, 0));
    log.receive(message(1, "a", "new"));
    log.missed(&missed(1, 5));
    log.receive(message(6, "f", "newer"));
    let expected = ["old", "missed 0", "new", "missed 5", "newer"];
    assert_eq!(shown(&log), expected);
}
