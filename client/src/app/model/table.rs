//! Values by name, in the order of the names.
//!
//! A sorted vector instead of a `BTreeMap`: the page has at most some dozens of names a table, and each `BTreeMap` of
//! another value adds several kB to what every visitor downloads.

/// Values by name, in the order of the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<V> {
    rows: Vec<(String, V)>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<V> Table<V> {
    /// How many names there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The place of `name` in the order.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.search(name).ok()
    }

    /// Whether there is a value of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.search(name).is_ok()
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&V> {
        let at = self.search(name).ok()?;
        self.rows.get(at).map(|(_, value)| value)
    }

    /// The value of that name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let at = self.search(name).ok()?;
        self.rows.get_mut(at).map(|(_, value)| value)
    }

    /// The value of that name, made by `make` when there is none.
    pub fn get_or_insert(&mut self, name: &str, make: impl FnOnce() -> V) -> &mut V {
        let at = self.search(name).unwrap_or_else(|at| {
            self.rows.insert(at, (name.to_owned(), make()));
            at
        });
        &mut self.rows[at].1
    }

    /// Sets the value of that name.
    pub fn insert(&mut self, name: String, value: V) {
        match self.search(&name) {
            Ok(at) => self.rows[at].1 = value,
            Err(at) => self.rows.insert(at, (name, value)),
        }
    }

    /// Keeps the values that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut V) -> bool) {
        self.rows.retain_mut(|(name, value)| keep(name, value));
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.rows.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Names and values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut V)> {
        self.rows
            .iter_mut()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The names.
    pub fn names(&self) -> Vec<String> {
        self.rows.iter().map(|(name, _)| name.clone()).collect()
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        self.rows
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn keeps_names_in_order_and_once() {
        let mut table = Table::default();
        for (name, value) in [("b", 1), ("a", 2), ("c", 3), ("b", 4)] {
            table.insert(name.to_owned(), value);
        }
        assert_eq!(table.names(), ["a", "b", "c"]);
        assert_eq!(table.get("b"), Some(&4));
        assert_eq!(table.position("c"), Some(2));
        assert!(!table.contains("d"));
    }

    #[test]
    fn makes_what_is_missing_and_drops_what_is_unwanted() {
        let mut table = Table::default();
        *table.get_or_insert("x", || 1) += 1;
        *table.get_or_insert("x", || 9) += 1;
        assert_eq!(table.get_mut("x"), Some(&mut 3));
        table.retain(|name, value| name == "x" && *value > 3);
        assert!(table.is_empty());
    }
}
