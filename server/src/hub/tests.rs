//! The hub's promises: order, no gap, no double, and nothing lost without a word.

mod cleared;
mod resume;

use super::{
    Clock, Delivery, Durable, Hub, MAX_TOPICS, Message, Origin, PublishError, Reader, Stamp, Start,
    queue::{MAX_GAPS, MAX_MISSED_TOPICS},
};
use crate::store::Age;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tertulia_shared::{Filter, Topic, events};

const TEST: Origin = Origin("test");
const CLOCK: Clock = || 1_000;

/// Something was counted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Counted {
    seq: u64,
}

/// Something was warned of.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Warned {}

/// Something long was said.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Text {
    text: String,
}

events! {
    /// Test events.
    TABLE;
    client emits {}
    server emits {
        "test:counted": Counted;
        "test:warned": Warned;
        "test:text": Text;
    }
}

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

fn filter(text: &str) -> Filter {
    Filter::new(text).unwrap()
}

fn publish(hub: &Hub, name: &str, retain: bool) -> u64 {
    let counted = |stamp: super::Stamp| Counted { seq: stamp.seq };
    hub.publish(&topic(name), TEST, retain, counted)
        .unwrap()
        .seq
}

/// What waits, as `topic seq` and `topic from-to missed`.
async fn waiting(reader: &Reader) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(Some(delivery)) = tokio::time::timeout(Duration::ZERO, reader.next()).await {
        all.push(match delivery {
            Delivery::Message(message) => format!("{} {}", message.topic, message.stamp.seq),
            Delivery::Missed { topic, from, to } => format!("{topic} {from}-{to} missed"),
        });
    }
    all
}

fn reader(hub: &Arc<Hub>, capacity: usize, filters: &[&str]) -> Reader {
    let reader = hub.reader(capacity);
    for text in filters {
        reader.subscribe(&filter(text));
    }
    reader
}

#[tokio::test]
async fn every_topic_counts_from_one_and_the_hub_stamps() {
    assert_eq!(TABLE.len(), 3);
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 9, &["a"]);
    assert_eq!(
        [
            publish(&hub, "a", false),
            publish(&hub, "b", false),
            publish(&hub, "a", false)
        ],
        [1, 1, 2]
    );
    let Some(Delivery::Message(first)) = reader.next().await else {
        panic!("a message");
    };
    assert_eq!(
        (first.event, first.body.get(), first.origin),
        ("test:counted", r#"{"seq":1}"#, TEST)
    );
    assert_eq!((hub.epoch(), first.stamp.at), (1_000, 1_000));
    assert_eq!(
        first.decode::<Counted>().map(|counted| counted.seq),
        Some(1)
    );
    assert!(first.decode::<Warned>().is_none());
}

#[tokio::test]
async fn a_message_that_matches_several_filters_comes_once() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 9, &["a/b", "a/+", "#", "c"]);
    publish(&hub, "a/b", false);
    publish(&hub, "c", false);
    publish(&hub, "d/e/f", false);
    assert_eq!(waiting(&reader).await, ["a/b 1", "c 1", "d/e/f 1"]);
}

#[tokio::test]
async fn what_is_retained_comes_first_and_only_once() {
    let hub = Hub::new(CLOCK);
    for name in ["a/x", "a/x", "a/y", "b/x"] {
        publish(&hub, name, true);
    }
    publish(&hub, "a/z", false);
    let reader = reader(&hub, 9, &["a/+"]);
    publish(&hub, "a/x", true);
    reader.subscribe(&filter("a/+"));
    reader.subscribe(&filter("+/x"));
    assert_eq!(waiting(&reader).await, ["a/x 2", "a/y 1", "a/x 3", "b/x 1"]);
}

#[tokio::test]
async fn each_event_of_a_topic_is_retained_by_itself() {
    let hub = Hub::new(CLOCK);
    publish(&hub, "a", true);
    hub.publish(&topic("a"), TEST, true, |_| Warned {}).unwrap();
    publish(&hub, "a", true);
    assert_eq!(waiting(&reader(&hub, 9, &["a"])).await, ["a 2", "a 3"]);
}

#[tokio::test]
async fn retained_values_take_no_room() {
    let hub = Hub::new(CLOCK);
    for name in ["a/1", "a/2", "a/3"] {
        publish(&hub, name, true);
    }
    let reader = reader(&hub, 1, &["a/#"]);
    publish(&hub, "a/1", true);
    assert_eq!(waiting(&reader).await, ["a/1 1", "a/2 1", "a/3 1", "a/1 2"]);
}

#[tokio::test]
async fn what_does_not_fit_is_told_where_it_is_missing() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 2, &["a", "b"]);
    for name in ["a", "b", "a", "a", "b"] {
        publish(&hub, name, false);
    }
    assert!(matches!(reader.next().await, Some(Delivery::Message(_))));
    publish(&hub, "a", false);
    publish(&hub, "a", false);
    let expected = ["b 1", "a 2-3 missed", "b 2-2 missed", "a 4", "a 5-5 missed"];
    assert_eq!(waiting(&reader).await, expected);
    assert_eq!(hub.missed(), 4);
    publish(&hub, "a", false);
    assert_eq!(waiting(&reader).await, ["a 6"]);
}

#[tokio::test]
async fn after_a_gap_half_must_be_read_before_more_fits() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 4, &["a"]);
    for _ in 0..5 {
        publish(&hub, "a", false);
    }
    for _ in 0..3 {
        reader.next().await;
        publish(&hub, "a", false);
    }
    let expected = ["a 4", "a 5-6 missed", "a 7", "a 8"];
    assert_eq!(waiting(&reader).await, expected);
}

#[tokio::test]
async fn a_slow_reader_does_not_hold_up_another() {
    let hub = Hub::new(CLOCK);
    let (slow, quick) = (reader(&hub, 1, &["a"]), reader(&hub, 9, &["a"]));
    for _ in 0..3 {
        publish(&hub, "a", false);
    }
    assert_eq!(waiting(&quick).await, ["a 1", "a 2", "a 3"]);
    assert_eq!(waiting(&slow).await, ["a 1", "a 2-3 missed"]);
}

#[tokio::test]
async fn who_leaves_gets_nothing_more_not_even_what_waits() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 3, &["a", "b", "+"]);
    publish(&hub, "a", false);
    reader.unsubscribe(&filter("a"));
    publish(&hub, "b", false);
    reader.unsubscribe(&filter("+"));
    publish(&hub, "a", false);
    publish(&hub, "b", false);
    assert_eq!(waiting(&reader).await, ["b 1", "b 2"]);
    reader.unsubscribe(&filter("never joined"));
}

#[tokio::test]
async fn leaving_makes_room_again() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 1, &["a", "b"]);
    publish(&hub, "a", false);
    publish(&hub, "a", false);
    reader.unsubscribe(&filter("a"));
    publish(&hub, "b", false);
    assert_eq!(waiting(&reader).await, ["b 1"]);
}

#[tokio::test]
async fn a_reader_that_is_gone_is_forgotten() {
    let hub = Hub::new(CLOCK);
    drop(reader(&hub, 1, &["a", "#"]));
    publish(&hub, "a", false);
    publish(&hub, "a", false);
    assert_eq!(hub.missed(), 0);
}

#[tokio::test]
async fn a_reader_is_woken_from_another_task() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 1, &["a"]);
    let waits =
        tokio::spawn(async move { matches!(reader.next().await, Some(Delivery::Message(_))) });
    tokio::task::yield_now().await;
    publish(&hub, "a", false);
    assert!(waits.await.unwrap());
}

#[tokio::test]
async fn who_misses_more_topics_than_can_be_told_is_cut_off() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 1, &["#"]);
    for number in 0..MAX_MISSED_TOPICS + 2 {
        publish(&hub, &number.to_string(), false);
    }
    assert_eq!(waiting(&reader).await.len(), MAX_MISSED_TOPICS + 1);
    assert!(reader.next().await.is_none());
}

/// Breaks when: what comes behind a gap that cannot be told is delivered; the reader would never ask for what is missing.
#[tokio::test]
async fn behind_a_gap_that_cannot_be_told_nothing_comes() {
    let hub = Hub::new(CLOCK);
    let reader = reader(&hub, 2, &["#"]);
    for number in 0..=MAX_MISSED_TOPICS + 2 {
        publish(&hub, &number.to_string(), false);
    }
    let untold = (MAX_MISSED_TOPICS + 2).to_string();
    let mut came = Vec::new();
    // It reads on: there is room again before it has read all.
    while let Some(delivery) = reader.next().await {
        let topic = match &delivery {
            Delivery::Message(message) => &message.topic,
            Delivery::Missed { topic, .. } => topic,
        };
        assert_ne!(topic.as_str(), untold);
        came.push(topic.to_string());
        publish(&hub, &untold, false);
        let after = reader.subscribe_from(&filter(&untold), &Start::Newest(5));
        assert_eq!(after, 0, "where it is asked for again");
        publish(&hub, "one more", false);
    }
    assert_eq!(came.len(), MAX_MISSED_TOPICS + 2);
}

/// Breaks when: a reader that reads nothing makes the server hold as many gaps as it can name.
#[tokio::test]
async fn the_gaps_of_who_comes_back_are_bounded() {
    let hub = Hub::new(CLOCK);
    let reader = hub.reader(2);
    for room in 0..101 {
        let seen = (0..2_000).map(|number| (topic(&format!("{room}/{number}")), 1));
        let (epoch, seen) = (1, seen.collect());
        reader.subscribe_from(&filter(&format!("{room}/#")), &Start::After { epoch, seen });
    }
    assert_eq!(hub.depths().deepest, MAX_GAPS);
    let mut gaps = 0;
    while let Some(delivery) = reader.next().await {
        assert!(matches!(delivery, Delivery::Missed { from: 0, to: 0, .. }));
        gaps += 1;
    }
    assert_eq!(gaps, MAX_GAPS);
}

/// Breaks when: what a join brings comes before its answer, or is not told once that is out.
#[tokio::test]
async fn what_is_held_back_comes_when_nobody_holds_it_any_more() {
    let hub = Hub::new(CLOCK);
    let reader = Arc::new(reader(&hub, 2, &["a"]));
    let (first, second) = (reader.hold(), reader.hold());
    publish(&hub, "a", false);
    assert!(waiting(&reader).await.is_empty() && !reader.is_empty());
    let waits = tokio::spawn({
        let reader = Arc::clone(&reader);
        async move { reader.next().await.is_some() }
    });
    drop(first);
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    drop(second);
    assert!(waits.await.unwrap());
}

#[test]
fn a_topic_too_many_is_refused_and_the_known_and_the_others_go_on() {
    let hub = Hub::new(CLOCK);
    for number in 0..MAX_TOPICS {
        publish(&hub, &format!("chat/{number}"), false);
    }
    let one_more = || hub.publish(&topic("chat/x"), TEST, false, |_| Warned {});
    assert!(matches!(one_more(), Err(PublishError::TooManyTopics(_))));
    assert_eq!(publish(&hub, "chat/7", false), 2);
    assert_eq!(publish(&hub, "sensors/x", false), 1);
    hub.remove(&topic("chat/7"));
    assert!(one_more().is_ok());
}

#[tokio::test]
async fn the_depths_of_queues_are_told_and_only_live_messages_are_measured() {
    let hub = Hub::new(CLOCK);
    publish(&hub, "a/b", true);
    let (slow, other) = (hub.reader(10), hub.reader(10));
    slow.subscribe(&filter("a/b"));
    publish(&hub, "a/b", true);
    let depths = hub.depths();
    assert_eq!((depths.readers, depths.waiting, depths.deepest), (2, 2, 2));
    let (_, retained) = slow.next_measured().await.unwrap();
    let (_, live) = slow.next_measured().await.unwrap();
    assert!(retained.is_none() && live.is_some());
    drop(other);
    assert_eq!(hub.depths().readers, 1);
}

#[tokio::test]
async fn a_durable_topic_has_its_own_epoch_and_numbers() {
    let durable = Durable {
        level: "chat",
        epoch: 7,
    };
    let hub = Hub::with_durable(Age::new(CLOCK), durable);
    let filter = |text: &str| Filter::new(text).unwrap();
    assert_eq!(hub.epoch_of(&filter("chat/lobby")), 7);
    assert_eq!(hub.epoch_of(&filter("chats/lobby")), hub.epoch());
    let reader = hub.reader(1);
    reader.subscribe(&filter("chat/lobby"));
    let stamp = Stamp { seq: 41, at: 3 };
    let message = Message {
        topic: Topic::new("chat/lobby").unwrap(),
        stamp,
        origin: Origin("test"),
        event: "test:stored",
        body: RawValue::from_string("{}".to_owned()).unwrap(),
        since: std::time::Instant::now(),
    };
    hub.deliver_stored(message, stamp.at);
    let Some(Delivery::Message(message)) = reader.next().await else {
        panic!("the message");
    };
    assert_eq!(message.stamp, stamp);
}

/// Breaks when: each topic that waits already is looked for among all that wait, while nobody else can publish.
#[test]
fn filters_that_overlap_cost_no_more_than_the_first() {
    let hub = Hub::new(CLOCK);
    for number in 0..20_000 {
        publish(&hub, &format!("a/{number}"), true);
    }
    let reader = hub.reader(9);
    let join = |text| {
        let began = Instant::now();
        reader.subscribe(&filter(text));
        began.elapsed()
    };
    let first = join("a/#");
    for overlapping in ["a/+", "+/#", "#"] {
        let took = join(overlapping);
        assert!(
            took < first * 50,
            "{overlapping}: {took:?}, first {first:?}"
        );
    }
}
