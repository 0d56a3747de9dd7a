//! Who took how much, by user or by address, in bounded memory.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// The entries from which on those that say nothing are removed.
const FIRST_CLEANING: usize = 64;
/// The most entries of those who are not here now; about 10 MB.
const MAX_ENTRIES: usize = 65_536;

/// What is kept of somebody.
pub(super) type Shared<T> = Arc<Mutex<T>>;

/// What is kept by somebody's name or address.
///
/// Who is here holds what is kept. Of those who are gone it is forgotten once it says nothing any more, or once
/// [`MAX_ENTRIES`] are kept: then all of those who are gone begin anew.
#[derive(Debug)]
pub(super) struct Table<K, T>(Mutex<Entries<K, T>>);

#[derive(Debug)]
struct Entries<K, T> {
    of: HashMap<K, Shared<T>>,
    clean_at: usize,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        let entries = Entries {
            of: HashMap::new(),
            clean_at: FIRST_CLEANING,
        };
        Self(Mutex::new(entries))
    }
}

impl<K: Eq + Hash, T> Table<K, T> {
    /// What is kept of `key`; what is new begins as `new`, and what `says_nothing` may be forgotten.
    pub(super) fn of(
        &self,
        key: K,
        new: impl FnOnce() -> T,
        says_nothing: impl Fn(&mut T) -> bool,
    ) -> Shared<T> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = entries.of.get(&key) {
            return Arc::clone(known);
        }
        if entries.of.len() >= entries.clean_at {
            entries.clean(says_nothing);
        }
        let kept = Arc::new(Mutex::new(new()));
        entries.of.insert(key, Arc::clone(&kept));
        kept
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.of.len()
    }
}

impl<K: Eq + Hash, T> Entries<K, T> {
    fn clean(&mut self, says_nothing: impl Fn(&mut T) -> bool) {
        let is_here = |kept: &Shared<T>| Arc::strong_count(kept) > 1;
        self.of.retain(|_, kept| {
            is_here(kept) || !says_nothing(&mut kept.lock().unwrap_or_else(PoisonError::into_inner))
        });
        if self.of.len() >= MAX_ENTRIES {
            self.of.retain(|_, kept| is_here(kept));
        }
        let next = (self.of.len() * 2).min(MAX_ENTRIES);
        // Who is here may be more than that: then not each newcomer is a reason to look again.
        self.clean_at = next.max(self.of.len() + FIRST_CLEANING);
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_CLEANING, MAX_ENTRIES, Table};
    use std::sync::Arc;

    #[test]
    fn what_says_nothing_is_forgotten_and_who_is_here_is_kept() {
        let table = Table::<usize, bool>::default();
        let held = table.of(0, || true, |kept| *kept);
        let guilty = Arc::downgrade(&table.of(1, || false, |kept| *kept));
        for number in 2..100 * FIRST_CLEANING {
            table.of(number, || true, |kept| *kept);
        }
        assert!(table.len() <= 2 * FIRST_CLEANING, "{}", table.len());
        assert!(Arc::ptr_eq(&held, &table.of(0, || true, |kept| *kept)));
        assert!(guilty.upgrade().is_some());
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let table = Table::<usize, bool>::default();
        let held = table.of(0, || false, |kept| *kept);
        for number in 1..3 * MAX_ENTRIES {
            table.of(number, || false, |kept| *kept);
            assert!(table.len() <= MAX_ENTRIES + FIRST_CLEANING);
        }
        assert!(Arc::ptr_eq(&held, &table.of(0, || false, |kept| *kept)));
    }
}
