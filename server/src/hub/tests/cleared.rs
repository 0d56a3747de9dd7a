//! A topic whose latest values are forgotten: who comes later gets nothing of them, who goes on learns of it.

use super::{CLOCK, Counted, TEST, Warned, filter, publish, topic, waiting};
use crate::hub::{History, Hub, Keep, Reader, Stamp, Start};
use std::{collections::BTreeMap, sync::Arc};

fn clear(hub: &Hub, name: &str) -> Option<u64> {
    let cleared = |_: Stamp| Warned {};
    let stamp = hub.clear(&topic(name), TEST, cleared).unwrap();
    stamp.map(|stamp| stamp.seq)
}

async fn read(hub: &Arc<Hub>, start: &Start) -> (u64, Vec<String>) {
    let reader: Reader = hub.reader(100);
    let after = reader.subscribe_from(&filter("a"), start);
    (after, waiting(&reader).await)
}

fn after(seq: u64) -> Start {
    let seen = BTreeMap::from([(topic("a"), seq)]);
    Start::After { epoch: 1_000, seen }
}

#[tokio::test]
async fn a_newcomer_gets_nothing_from_before_a_clear() {
    for count in [0, 10] {
        let hub = Hub::new(CLOCK);
        let age = u64::MAX;
        hub.keep(History(vec![(filter("#"), Keep { count, age })]));
        let open = hub.reader(100);
        open.subscribe(&filter("a"));
        publish(&hub, "a", true);
        publish(&hub, "a", true);
        assert!(hub.latest::<Counted>(&topic("a")).is_some());
        assert_eq!(clear(&hub, "a"), Some(3));
        assert!(hub.latest::<Counted>(&topic("a")).is_none());
        assert_eq!(waiting(&open).await, ["a 1", "a 2", "a 3"]);
        assert_eq!(read(&hub, &Start::Newest(9)).await, (3, Vec::new()));
        publish(&hub, "a", true);
        let newest = read(&hub, &Start::Newest(9)).await;
        assert_eq!(newest, (3, vec!["a 4".to_owned()]));
    }
}

#[tokio::test]
async fn a_reader_that_resumes_learns_of_a_clear() {
    let hub = Hub::new(CLOCK);
    for _ in 0..3 {
        publish(&hub, "a", true);
    }
    clear(&hub, "a");
    let (_, told) = read(&hub, &after(3)).await;
    assert_eq!(told, ["a 4"]);
    publish(&hub, "a", true);
    let (_, told) = read(&hub, &after(1)).await;
    assert_eq!(told, ["a 2-3 missed", "a 4", "a 5"]);
}

#[test]
fn a_clear_that_clears_nothing_is_no_event() {
    let hub = Hub::new(CLOCK);
    assert_eq!(clear(&hub, "a"), None);
    publish(&hub, "a", false);
    assert_eq!(clear(&hub, "a"), None);
    publish(&hub, "a", true);
    assert_eq!(clear(&hub, "a"), Some(3));
    assert_eq!(clear(&hub, "a"), None);
}
