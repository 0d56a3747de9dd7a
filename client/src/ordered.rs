//! Values by ordered keys, for keys that mostly grow: what is under way, oldest first.
//!
//! A sorted deque instead of a `BTreeMap`: new keys come at the end and old ones leave near the front, so that both are
//! cheap, and each `BTreeMap` of another value would add several kB to what every visitor of a page downloads.

use std::collections::VecDeque;

/// Values by key, in the order of the keys.
#[derive(Debug)]
pub(crate) struct Ordered<K, V> {
    rows: VecDeque<(K, V)>,
}

impl<K: Ord + Copy, V> Ordered<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            rows: VecDeque::new(),
        }
    }

    /// Sets the value of a key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.search(key) {
            Ok(at) => self.rows[at].1 = value,
            Err(at) => self.rows.insert(at, (key, value)),
        }
    }

    /// Takes the value of a key.
    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let at = self.search(key).ok()?;
        self.rows.remove(at).map(|(_, value)| value)
    }

    /// The value of a key.
    #[cfg(any(target_arch = "wasm32", feature = "native"))]
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let at = self.search(key).ok()?;
        self.rows.get(at).map(|(_, value)| value)
    }

    /// The least key.
    pub(crate) fn first_key(&self) -> Option<K> {
        self.rows.front().map(|(key, _)| *key)
    }

    /// The keys with their values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.rows.iter().map(|(key, value)| (*key, value))
    }

    /// The values, in the order of their keys.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.iter_mut().map(|(_, value)| value)
    }

    fn search(&self, key: K) -> Result<usize, usize> {
        self.rows.binary_search_by(|(other, _)| other.cmp(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::Ordered;

    fn keys(ordered: &Ordered<i32, i32>) -> Vec<i32> {
        ordered.iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn keeps_the_order_of_the_keys_however_they_come() {
        let mut ordered = Ordered::new();
        for key in [3, 1, 4, 1, 5] {
            ordered.insert(key, key * 10);
        }
        assert_eq!(keys(&ordered), [1, 3, 4, 5]);
        assert_eq!(ordered.first_key(), Some(1));
        assert_eq!(ordered.remove(4), Some(40));
        assert_eq!(ordered.remove(4), None);
        assert_eq!(keys(&ordered), [1, 3, 5]);
    }
}
