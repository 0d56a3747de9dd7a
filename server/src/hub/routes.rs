//! Which readers a topic goes to: an index of filters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use tertulia_shared::{Filter, Topic};

/// One reader of the hub.
pub(super) type ReaderId = u64;

/// Filters by reader, and readers by filter: filters without wildcard are found by hash, the others one by one.
#[derive(Debug, Default)]
pub(super) struct Routes {
    exact: HashMap<Topic, BTreeSet<ReaderId>>,
    wild: BTreeMap<Filter, BTreeSet<ReaderId>>,
    filters: HashMap<ReaderId, BTreeSet<Filter>>,
}

impl Routes {
    /// The readers with at least one filter that matches, each once.
    pub(super) fn readers_of(&self, topic: &Topic) -> BTreeSet<ReaderId> {
        let mut readers = self.exact.get(topic).cloned().unwrap_or_default();
        for (filter, ids) in &self.wild {
            if filter.matches(topic) {
                readers.extend(ids);
            }
        }
        readers
    }

    /// The filters of a reader.
    pub(super) fn filters_of(&self, id: ReaderId) -> BTreeSet<Filter> {
        self.filters.get(&id).cloned().unwrap_or_default()
    }

    /// Adds a filter; false where the reader has it already.
    pub(super) fn add(&mut self, id: ReaderId, filter: &Filter) -> bool {
        if !self.filters.entry(id).or_default().insert(filter.clone()) {
            return false;
        }
        match filter.as_topic() {
            Some(topic) => self.exact.entry(topic).or_default().insert(id),
            None => self.wild.entry(filter.clone()).or_default().insert(id),
        }
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
