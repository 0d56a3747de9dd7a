//! Readers who come back: every number once, in order, as a message or as missed.

use super::{CLOCK, TEST, Warned, filter, publish, topic, waiting};
use crate::{
    hub::{Clock, Delivery, Durable, History, Hub, Keep, MAX_HISTORY_BYTES, Reader, Start},
    store::Age,
};
use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::Arc,
    thread::{self, yield_now},
};

const FOREVER: u64 = u64::MAX;

fn hub(clock: Clock, count: usize, age: u64) -> Arc<Hub> {
    let hub = Hub::new(clock);
    hub.keep(History(vec![(filter("#"), Keep { count, age })]));
    hub
}

fn after(epoch: u64, seen: &[(&str, u64)]) -> Start {
    let seen = seen.iter().map(|(name, seq)| (topic(name), *seq)).collect();
    Start::After { epoch, seen }
}

fn back(hub: &Arc<Hub>, room: &str, start: &Start) -> (Reader, u64) {
    let reader = hub.reader(100);
    let after = reader.subscribe_from(&filter(room), start);
    (reader, after)
}

#[test]
fn the_last_rule_that_matches_counts() {
    let keep = |count| Keep { count, age: 1 };
    let rules = [("chat/#", 5), ("chat/lobby", 2)];
    let history = History(
        rules
            .map(|(room, count)| (filter(room), keep(count)))
            .into(),
    );
    assert_eq!(history.of(&topic("chat/lobby")), keep(2));
    assert_eq!(history.of(&topic("chat/other")), keep(5));
    assert_eq!(history.of(&topic("sensors/x")), Keep::default());
}

#[tokio::test]
async fn what_came_after_is_repeated_then_live() {
    let hub = hub(CLOCK, 10, FOREVER);
    for _ in 0..5 {
        publish(&hub, "a", false);
    }
    let (reader, base) = back(&hub, "a", &after(1_000, &[("a", 3)]));
    publish(&hub, "a", false);
    assert_eq!(base, 3);
    assert_eq!(waiting(&reader).await, ["a 4", "a 5", "a 6"]);
    let (all_seen, base) = back(&hub, "a", &after(1_000, &[("a", 6)]));
    assert_eq!((base, waiting(&all_seen).await.len()), (6, 0));
    let (from_a_future, base) = back(&hub, "a", &after(1_000, &[("a", 60)]));
    assert_eq!((base, waiting(&from_a_future).await.len()), (6, 0));
    assert_eq!(hub.missed(), 0);
}

#[tokio::test]
async fn what_is_kept_no_more_is_one_exact_missed() {
    let hub = hub(CLOCK, 3, FOREVER);
    for _ in 0..9 {
        publish(&hub, "a", false);
    }
    let (reader, _) = back(&hub, "a", &after(1_000, &[("a", 2)]));
    let expected = ["a 3-6 missed", "a 7", "a 8", "a 9"];
    assert_eq!(waiting(&reader).await, expected);
    assert_eq!(hub.missed(), 4);
    let (reader, _) = back(&hub, "a", &after(1_000, &[("a", 6)]));
    assert_eq!(waiting(&reader).await, ["a 7", "a 8", "a 9"]);
}

#[tokio::test]
async fn where_nothing_is_kept_all_but_the_latest_value_is_missed() {
    let hub = Hub::new(CLOCK);
    for retain in [true, false, true, false] {
        publish(&hub, "a", retain);
    }
    let (reader, _) = back(&hub, "a", &after(1_000, &[]));
    let expected = ["a 1-2 missed", "a 3", "a 4-4 missed"];
    assert_eq!(waiting(&reader).await, expected);
}

#[tokio::test]
async fn a_position_of_another_epoch_is_always_answered_with_missed() {
    let hub = hub(CLOCK, 2, FOREVER);
    publish(&hub, "a/x", false);
    for _ in 0..4 {
        publish(&hub, "a/y", false);
    }
    publish(&hub, "a/new", false);
    let seen = [("a/gone", 7), ("a/x", 700), ("a/y", 1), ("elsewhere", 1)];
    let (reader, _) = back(&hub, "a/+", &after(999, &seen));
    let expected = [
        "a/gone 0-0 missed",
        "a/new 0-0 missed",
        "a/new 1",
        "a/x 0-0 missed",
        "a/x 1",
        "a/y 1-2 missed",
        "a/y 3",
        "a/y 4",
    ];
    assert_eq!(waiting(&reader).await, expected);
    for seen in [&[("a/x", 700)][..], &[]] {
        let (reader, base) = back(&hub, "a/x", &after(999, seen));
        let expected = ["a/x 0-0 missed", "a/x 1"];
        assert_eq!(
            (base, &waiting(&reader).await[..]),
            (0, &expected.map(String::from)[..])
        );
    }
}

#[tokio::test]
async fn who_has_seen_more_than_is_stored_is_told_that_something_is_missed() {
    let hub = Hub::with_durable(
        Age::new(CLOCK),
        Durable {
            level: "a",
            epoch: 7,
        },
    );
    hub.keep(History(vec![(
        filter("#"),
        Keep {
            count: 10,
            age: FOREVER,
        },
    )]));
    for _ in 0..2 {
        publish(&hub, "a/x", false);
    }
    let (reader, base) = back(&hub, "a/x", &after(7, &[("a/x", 5)]));
    assert_eq!(
        (base, waiting(&reader).await),
        (
            0,
            vec!["a/x 0-0 missed".into(), "a/x 1".into(), "a/x 2".to_owned()]
        )
    );
    let (reader, base) = back(&hub, "a/x", &after(7, &[("a/x", 2)]));
    assert_eq!((base, waiting(&reader).await.len()), (2, 0));
}

#[tokio::test]
async fn of_a_topic_that_is_read_already_only_what_still_waits_comes() {
    let hub = hub(CLOCK, 10, FOREVER);
    for _ in 0..3 {
        publish(&hub, "a/x", false);
    }
    let reader = hub.reader(2);
    reader.subscribe(&filter("a/+"));
    let join = || {
        reader.unsubscribe(&filter("a/x"));
        reader.subscribe_from(&filter("a/x"), &after(1_000, &[]))
    };
    assert_eq!(join(), 3);
    publish(&hub, "a/y", false);
    publish(&hub, "a/x", false);
    publish(&hub, "a/x", false);
    assert_eq!(join(), 3);
    for next in [4, 5] {
        reader.next().await;
        assert_eq!(join(), next - 1);
    }
    assert_eq!(waiting(&reader).await, ["a/x 5-5 missed"]);
    assert_eq!(join(), 5);
}

#[tokio::test]
async fn a_newcomer_gets_the_newest_and_the_latest_values_once() {
    let hub = hub(CLOCK, 10, FOREVER);
    hub.publish(&topic("a"), TEST, true, |_| Warned {}).unwrap();
    for _ in 0..5 {
        publish(&hub, "a", true);
    }
    for (count, base, expected) in [
        (0, 0, &["a 1", "a 6"][..]),
        (2, 0, &["a 1", "a 5", "a 6"]),
        (99, 0, &["a 1", "a 2", "a 3", "a 4", "a 5", "a 6"]),
    ] {
        let (reader, after) = back(&hub, "a", &Start::Newest(count));
        assert_eq!(waiting(&reader).await, expected);
        assert_eq!(after, base);
    }
    publish(&hub, "chat", false);
    publish(&hub, "chat", false);
    for (count, base) in [(0, 2), (1, 1), (5, 0)] {
        assert_eq!(back(&hub, "chat", &Start::Newest(count)).1, base);
    }
    assert_eq!(back(&hub, "nobody", &Start::Newest(5)).1, 0);
}

/// Breaks when: the first of many topics fill the queue, and the last bring nothing.
#[tokio::test]
async fn the_newest_of_many_topics_share_the_queue() {
    let hub = hub(CLOCK, 600, FOREVER);
    for name in ["s/a", "s/b", "s/c"] {
        for _ in 0..60 {
            publish(&hub, name, false);
        }
    }
    let (reader, _) = back(&hub, "s/#", &Start::Newest(600));
    publish(&hub, "s/a", false);
    let came = waiting(&reader).await;
    let of = |name: &str| came.iter().filter(|it| it.starts_with(name)).count();
    assert_eq!(
        [of("s/a "), of("s/b "), of("s/c ")],
        [26, 25, 25],
        "{came:?}"
    );
    assert_eq!((came[0].as_str(), came.len()), ("s/a 36", 76));
}

#[tokio::test]
async fn what_does_not_fit_the_queue_is_missed() {
    let hub = hub(CLOCK, 10, FOREVER);
    for name in ["a/x", "a/y"] {
        for _ in 0..5 {
            publish(&hub, name, false);
        }
    }
    let reader = hub.reader(6);
    reader.subscribe_from(&filter("a/+"), &after(1_000, &[]));
    publish(&hub, "a/y", false);
    assert_eq!(hub.missed(), 5);
    let waiting = waiting(&reader).await;
    assert_eq!(
        waiting[4..],
        ["a/x 5", "a/y 1-4 missed", "a/y 5", "a/y 6-6 missed"]
    );
}

#[tokio::test]
async fn leaving_takes_the_replay_along() {
    let hub = hub(CLOCK, 10, FOREVER);
    publish(&hub, "a", false);
    let (reader, _) = back(&hub, "a", &after(1_000, &[]));
    reader.unsubscribe(&filter("a"));
    reader.subscribe_from(&filter("+"), &after(1_000, &[("a", 1)]));
    publish(&hub, "a", false);
    assert_eq!(waiting(&reader).await, ["a 2"]);
}

#[tokio::test]
async fn what_is_on_its_way_is_not_repeated() {
    let hub = hub(CLOCK, 10, FOREVER);
    let (reader, _) = back(&hub, "a/x", &Start::Newest(0));
    publish(&hub, "a/x", false);
    publish(&hub, "a/y", false);
    assert_eq!(reader.subscribe_from(&filter("a/x"), &after(1_000, &[])), 0);
    reader.subscribe_from(&filter("a/+"), &after(1_000, &[]));
    assert_eq!(waiting(&reader).await, ["a/x 1", "a/y 1"]);
}

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

#[tokio::test]
async fn what_is_too_old_is_given_up() {
    let hub = hub(|| NOW.get(), 10, 100);
    for now in [50, 120, 160] {
        NOW.set(now);
        publish(&hub, "a", false);
    }
    let start = after(0, &[("a", 1)]);
    assert_eq!(waiting(&back(&hub, "a", &start).0).await, ["a 2", "a 3"]);
    NOW.set(221);
    let late = waiting(&back(&hub, "a", &start).0).await;
    assert_eq!(late, ["a 2-2 missed", "a 3"]);
}

#[tokio::test]
async fn what_is_kept_of_all_topics_is_bounded() {
    let hub = hub(CLOCK, usize::MAX, FOREVER);
    let room = topic("a");
    let piece = MAX_HISTORY_BYTES / 8;
    for _ in 0..9 {
        let text = super::Text {
            text: "x".repeat(piece),
        };
        hub.publish(&room, TEST, false, |_| text).unwrap();
    }
    let (reader, _) = back(&hub, "a", &after(1_000, &[]));
    let waiting = waiting(&reader).await;
    assert_eq!(waiting[0], "a 1-4 missed");
    assert_eq!(waiting.len(), 6);
}

/// A number that looks random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What a reader has seen, checked: every number once and in order.
#[derive(Default)]
struct Seen(BTreeMap<String, u64>);

impl Seen {
    fn take(&mut self, delivery: &Delivery) {
        let (topic, from, to) = match delivery {
            Delivery::Message(it) => (&it.topic, it.stamp.seq, it.stamp.seq),
            Delivery::Missed { topic, from, to } => (topic, *from, *to),
        };
        let last = self.0.entry(topic.as_str().to_owned()).or_default();
        assert_eq!(*last + 1, from, "{topic}");
        assert!(from <= to, "{topic}");
        *last = to;
    }

    fn start(&self) -> Start {
        let seen: Vec<_> = self.0.iter().map(|(name, seq)| (&**name, *seq)).collect();
        after(1_000, &seen)
    }
}

/// Two publishers and a reader that comes and goes, all at once.
#[test]
fn readers_who_come_and_go_beside_publishers_see_every_number_once() {
    let seed: u64 = rand::random::<u64>() | 1;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for round in 0..40 {
        let hub = hub(CLOCK, 1 + dice.roll(60) as usize, FOREVER);
        let publishers = ["a/x", "a/y"].map(|name| {
            let (hub, mut dice) = (Arc::clone(&hub), Dice(seed.wrapping_mul(round + 2) | 1));
            thread::spawn(move || {
                for _ in 0..2_000 {
                    publish(&hub, name, dice.roll(2) == 0);
                    if dice.roll(40) == 0 {
                        yield_now();
                    }
                }
            })
        });
        let mut seen = Seen::default();
        let capacity = 1 + dice.roll(50) as usize;
        let done = |seen: &Seen| seen.0.len() == 2 && seen.0.values().all(|seq| *seq == 2_000);
        while !done(&seen) {
            let reader = hub.reader(capacity);
            reader.subscribe_from(&filter("a/+"), &seen.start());
            for _ in 0..dice.roll(100) {
                match next(&runtime, &reader) {
                    Some(delivery) => seen.take(&delivery),
                    None => yield_now(),
                }
            }
        }
        publishers
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    }
}

fn next(runtime: &tokio::runtime::Runtime, reader: &Reader) -> Option<Delivery> {
    use futures_util::FutureExt;
    runtime.block_on(async { reader.next().now_or_never().flatten() })
}
