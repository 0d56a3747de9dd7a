//! What the log of a room promises.

use super::{ChatLog, MAX_ENTRIES, MAX_HELD};
use crate::app::model::{
    failure::Failure,
    message::{Content, Delivery},
    outbox::Waiting,
};
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

/// Writes a message at that time.
fn write(log: &mut ChatLog, id: &str, text: &str, at: u64) {
    let mut waiting = Waiting::example(id, text);
    waiting.at = at;
    log.write(&waiting);
}

/// The ids of what goes out, each answered by a receipt before the next one goes.
fn sent(log: &mut ChatLog) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some((id, _)) = log.take_next() {
        let seq = ids.len() as u64 + 1;
        log.accepted(&id, &Receipt { seq, at: 1_000 });
        ids.push(id.to_string());
    }
    ids
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
        write(&mut log, "a", "hi", 1);
        assert_eq!(delivery(&log, "a"), Delivery::Queued);
        assert!(log.take_next().is_some());
        assert_eq!(delivery(&log, "a"), Delivery::Sending);
        assert!(log.take_next().is_none());
        let receipt = Receipt { seq: 1, at: 1_001 };
        if broadcast_first {
            log.receive(message(1, "a", "hi"), false);
            log.accepted("a", &receipt);
        } else {
            log.accepted("a", &receipt);
            log.receive(message(1, "a", "hi"), false);
        }
        assert_eq!(shown(&log), ["hi"]);
        assert_eq!(delivery(&log, "a"), Delivery::Sent);
        assert_eq!(log.received(), 0);
        assert!(log.take_ended().iter().any(|id| &**id == "a"));
    }
}

#[test]
fn the_room_orders_what_it_accepted() {
    let mut log = ChatLog::default();
    write(&mut log, "a", "mine", 1);
    assert!(log.take_next().is_some());
    log.accepted("a", &Receipt { seq: 2, at: 2 });
    log.receive(message(1, "z", "theirs"), false);
    assert_eq!(shown(&log), ["theirs", "mine"]);
    log.receive(message(2, "a", "mine"), false);
    log.receive(message(3, "y", "later"), false);
    assert_eq!(shown(&log), ["theirs", "mine", "later"]);
    assert_eq!(log.received(), 2);
}

#[test]
fn a_refused_message_can_be_sent_again_or_discarded() {
    let mut log = ChatLog::default();
    write(&mut log, "a", "hi", 1);
    assert!(log.take_next().is_some());
    let failure = Failure::Refused(Reject::new(Code::BadText, "no"));
    log.failed("a", failure.clone());
    assert_eq!(delivery(&log, "a"), Delivery::Failed(failure));
    log.retry("a", "b");
    assert_eq!(&*log.take_next().unwrap().0, "a", "the same message");
    log.discard("a");
    assert!(shown(&log).is_empty());
}

/// Breaks when: a message that nobody refused is given up.
#[test]
fn only_a_refusal_fails_a_message() {
    let mut log = ChatLog::default();
    write(&mut log, "a", "hi", 1);
    for unanswered in [Failure::LinkLost, Failure::NoAnswer, Failure::NoAnswer] {
        assert_eq!(&*log.take_next().unwrap().0, "a", "the same message");
        log.failed("a", unanswered);
        assert_eq!(delivery(&log, "a"), Delivery::Queued);
    }
    assert!(log.take_next().is_some());
    log.receive(message(1, "a", "hi"), true);
    log.failed("a", Failure::NoAnswer);
    assert_eq!(delivery(&log, "a"), Delivery::Sent);
}

/// Breaks when: two messages are under way at once, and a refusal that passes lets the later one overtake.
#[test]
fn messages_go_out_one_after_the_other_in_the_order_of_writing() {
    let mut log = ChatLog::default();
    for (id, at) in [("b", 2), ("c", 3), ("a", 1)] {
        write(&mut log, id, id, at);
    }
    assert_eq!(&*log.take_next().unwrap().0, "a");
    assert!(log.take_next().is_none(), "while another one is under way");
    let busy = Failure::Refused(Reject::new(Code::RateLimited, "later"));
    log.failed("a", busy);
    assert_eq!(sent(&mut log), ["a", "b", "c"]);
}

/// Breaks when: what an earlier visit left is shown twice, or goes out again though the room has it.
#[test]
fn what_an_earlier_visit_left_is_not_doubled_by_what_the_room_brings() {
    for history_first in [true, false] {
        let mut log = ChatLog::default();
        if history_first {
            log.receive(message(1, "a", "hi"), true);
            write(&mut log, "a", "hi", 1);
        } else {
            write(&mut log, "a", "hi", 1);
            log.receive(message(1, "a", "hi"), true);
        }
        assert_eq!(shown(&log), ["hi"]);
        assert!(log.take_next().is_none());
        assert_eq!(log.take_ended().len(), 1);
    }
}

/// Breaks when: a message sent to a room that is not joined stays below all that the room brings later.
#[test]
fn an_accepted_message_has_its_place_before_the_room_shows_it() {
    let mut log = ChatLog::default();
    write(&mut log, "a", "mine", 1);
    assert_eq!(sent(&mut log), ["a"]);
    log.receive(message(40, "x", "later"), false);
    assert_eq!(shown(&log), ["mine", "later"]);
}

#[test]
fn what_was_missed_stands_where_it_is_missing() {
    let mut log = ChatLog::default();
    log.receive(message(1, "a", "one"), false);
    write(&mut log, "m", "mine", 1);
    log.missed(&missed(2, 3));
    log.receive(message(4, "b", "four"), false);
    assert_eq!(shown(&log), ["one", "missed 2", "four", "mine"]);
}

#[test]
fn old_messages_are_dropped_and_counted() {
    let mut log = ChatLog::default();
    for seq in 1..=MAX_ENTRIES as u64 + 3 {
        log.receive(message(seq, &seq.to_string(), "x"), false);
    }
    assert_eq!(log.entries().count(), MAX_ENTRIES);
    assert_eq!(log.dropped(), 3);
}

/// Breaks when: the cap drops the line that tells a gap, or counts what was missed as shown before.
#[test]
fn the_cap_keeps_gaps_and_counts_messages_only() {
    let mut log = ChatLog::default();
    log.receive(message(1, "1", "one"), false);
    log.missed(&missed(2, 2_001));
    for seq in 2_002..=3_001 {
        log.receive(message(seq, &seq.to_string(), "x"), false);
    }
    assert_eq!(log.entries().count(), MAX_ENTRIES);
    assert_eq!(shown(&log)[0], "missed 2000");
    assert_eq!(log.dropped(), 1 + 1_000 - (MAX_ENTRIES as u64 - 1));
    // Gaps between which nothing is left are one, but what nobody can count stays apart.
    for seq in [4_000, 5_000] {
        log.missed(&missed(seq, seq + 9));
        log.receive(message(seq + 10, &seq.to_string(), "y"), false);
    }
    log.missed(&missed(0, 0));
    for seq in 6_000..=7_000 {
        log.receive(message(seq, &seq.to_string(), "z"), false);
    }
    assert_eq!(shown(&log)[..3], ["missed 2020", "missed 0", "z"]);
    assert_eq!(log.entries().count(), MAX_ENTRIES);
}

/// Breaks when: lines go from under a reader who looks at older ones, or the log grows without end meanwhile.
#[test]
fn nothing_is_removed_under_a_reader_who_scrolled_up() {
    let mut log = ChatLog::default();
    for seq in 1..=400 {
        log.receive(message(seq, &seq.to_string(), &seq.to_string()), false);
    }
    log.hold(true);
    for seq in 401..=5_000 {
        log.receive(message(seq, &seq.to_string(), &seq.to_string()), false);
    }
    let all = shown(&log);
    let seen: Vec<String> = (1..=400).map(|seq: u32| seq.to_string()).collect();
    assert_eq!(all[..400], seen);
    assert_eq!(all.len(), MAX_HELD);
    let newest = MAX_HELD as u64 - 401;
    assert_eq!(all[400], format!("missed {}", 4_600 - newest));
    assert_eq!(all.last().unwrap(), "5000");
    assert_eq!(log.dropped(), 0);
    log.hold(false);
    assert_eq!(log.entries().count(), MAX_ENTRIES);
    assert!(shown(&log)[0].starts_with("missed"));
}

/// Breaks when: what one person wrote goes out in the name of the next, or under an id that is the other's.
#[test]
fn what_waits_when_the_reader_signs_out_is_told_as_failed() {
    let mut log = ChatLog::default();
    for (id, text) in [("a", "under way"), ("b", "accepted"), ("c", "refused")] {
        write(&mut log, id, text, 1);
    }
    assert_eq!(&*log.take_next().unwrap().0, "a");
    write(&mut log, "d", "waiting", 1);
    log.disown(false);
    assert!(log.take_next().is_none());
    // Answers that come late, and the link that goes.
    log.failed("a", Failure::LinkLost);
    log.receive(message(1, "b", "accepted"), false);
    let bad_id = Failure::Refused(Reject::new(Code::BadId, "used"));
    log.failed("c", bad_id);
    assert!(log.take_next().is_none());
    for id in ["a", "c", "d"] {
        let failed = Delivery::Failed(Failure::SignedOut);
        assert_eq!(delivery(&log, id), failed, "{id}");
    }
    assert_eq!(delivery(&log, "b"), Delivery::Sent);
    log.retry("d", "e");
    let (id, text) = log.take_next().unwrap();
    assert_eq!((&*id, &*text), ("e", "waiting"));
    log.receive(message(2, "e", "waiting"), false);
    let expected = ["under way", "accepted", "refused", "waiting"];
    let mut shown = shown(&log);
    shown.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(shown, expected);
    // Its writer signs in again.
    write(&mut log, "a", "under way", 1);
    assert_eq!(delivery(&log, "a"), Delivery::Queued);
}

#[test]
fn of_a_private_room_stays_what_was_not_said() {
    let mut log = ChatLog::default();
    write(&mut log, "a", "said", 1);
    assert!(log.take_next().is_some());
    log.receive(message(1, "a", "said"), false);
    log.receive(message(2, "x", "answer"), false);
    log.missed(&missed(3, 4));
    write(&mut log, "b", "not said", 1);
    log.disown(true);
    assert_eq!(shown(&log), ["not said"]);
}

/// Breaks when: who writes much while the link is gone loses the first of it.
#[test]
fn what_is_not_sent_is_not_dropped() {
    let mut log = ChatLog::default();
    log.receive(message(1, "old", "old"), false);
    for number in 0..MAX_ENTRIES + 2 {
        write(&mut log, &number.to_string(), "not said", number as u64);
    }
    assert_eq!(log.dropped(), 1);
    let expected: Vec<String> = (0..MAX_ENTRIES + 2).map(|id| id.to_string()).collect();
    assert_eq!(sent(&mut log), expected);
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
        write(&mut log, "a", "hi", 1);
        for _ in 0..3 {
            assert_eq!(&*log.take_next().unwrap().0, "a");
            let refused = Failure::Refused(Reject::new(code, "later"));
            log.failed("a", refused);
            assert_eq!(delivery(&log, "a"), Delivery::Queued, "{code:?}");
        }
        assert!(log.take_next().is_some());
        log.accepted("a", &Receipt { seq: 1, at: 1_001 });
        log.receive(message(1, "a", "hi"), false);
        assert_eq!(shown(&log), ["hi"]);
        assert!(log.take_next().is_none());
    }
}

#[test]
fn of_another_epoch_everything_is_told_whatever_was_read_before() {
    let mut log = ChatLog::default();
    log.receive(message(7, "g", "old"), false);
    log.missed(&missed(0, 0));
    log.receive(message(1, "a", "new"), false);
    log.missed(&missed(1, 5));
    log.receive(message(6, "f", "newer"), false);
    let expected = ["old", "missed 0", "new", "missed 5", "newer"];
    assert_eq!(shown(&log), expected);
}
