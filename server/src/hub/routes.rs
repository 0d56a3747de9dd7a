//! Which readers a topic goes to: an index of filters.

use super::queue::Queue;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use tertulia_shared::{Filter, Topic};

/// One reader of the hub.
pub(super) type ReaderId = u64;

/// Readers and their queues.
type Readers = BTreeMap<ReaderId, Arc<Queue>>;

/// Filters by reader, and readers by filter: filters without wildcard are found by hash, the others one by one.
#[derive(Debug, Default)]
pub(super) struct Routes {
    exact: HashMap<Topic, Readers>,
    wild: BTreeMap<Filter, Readers>,
    filters: HashMap<ReaderId, BTreeSet<Filter>>,
}

impl Routes {
    /// Hands over the queues of the readers with at least one filter that matches, each once.
    pub(super) fn each(&self, topic: &Topic, hand_over: impl FnMut(&Arc<Queue>)) {
        let exact = self.exact.get(topic);
        let wild = self.wild.iter().filter(|(filter, _)| filter.matches(topic));
        // There are few of them.
        let mut others = BTreeMap::new();
        for (id, queue) in wild.flat_map(|(_, readers)| readers) {
            if !exact.is_some_and(|exact| exact.contains_key(id)) {
                others.insert(*id, queue);
            }
        }
        let exact = exact.into_iter().flat_map(Readers::values);
        exact.chain(others.into_values()).for_each(hand_over);
    }

    /// The filters of a reader.
    pub(super) fn filters_of(&self, id: ReaderId) -> BTreeSet<Filter> {
        self.filters.get(&id).cloned().unwrap_or_default()
    }

    /// Adds a filter; false where the reader has it already.
    pub(super) fn add(&mut self, id: ReaderId, queue: &Arc<Queue>, filter: &Filter) -> bool {
        if !self.filters.entry(id).or_default().insert(filter.clone()) {
            return false;
        }
        let readers = match filter.as_topic() {
            Some(topic) => self.exact.entry(topic).or_default(),
            None => self.wild.entry(filter.clone()).or_default(),
        };
        readers.insert(id, Arc::clone(queue));
        true
    }

    /// Removes a filter; false where the reader has it not.
    pub(super) fn remove(&mut self, id: ReaderId, filter: &Filter) -> bool {
        let Some(filters) = self.filters.get_mut(&id) else {
            return false;
        };
        if !filters.remove(filter) {
            return false;
        }
        if filters.is_empty() {
            self.filters.remove(&id);
        }
        self.unroute(id, filter);
        true
    }

    /// Removes a reader.
    pub(super) fn remove_all(&mut self, id: ReaderId) {
        for filter in self.filters.remove(&id).unwrap_or_default() {
            self.unroute(id, &filter);
        }
    }

    fn unroute(&mut self, id: ReaderId, filter: &Filter) {
        match filter.as_topic() {
            Some(topic) => {
                if let Some(ids) = self.exact.get_mut(&topic) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.exact.remove(&topic);
                    }
                }
            }
            None => {
                if let Some(ids) = self.wild.get_mut(filter) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.wild.remove(filter);
                    }
                }
            }
        }
    }
}
