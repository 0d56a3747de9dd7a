//! How far rooms were numbered that are forgotten: whoever begins one of them anew goes on from there, so that no number of
//! a room is ever given twice and who comes back to it is told what it missed.
//!
//! Rooms share marks, by the hash of their topics: however many are forgotten, there are so many marks at most. A room that
//! shares one with a forgotten one begins behind that one's last number.

use super::save::hash;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};
use tertulia_shared::Topic;

/// The marks of a database.
#[derive(Debug, Default)]
pub struct Marks(RwLock<HashMap<u16, u64>>);

impl Marks {
    /// Those that were written down.
    pub(super) fn new(marks: HashMap<u16, u64>) -> Self {
        Self(RwLock::new(marks))
    }

    /// The number after which a room begins: 0 where nothing was forgotten.
    pub fn of(&self, room: &Topic) -> u64 {
        let marks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        marks.get(&mark(room)).copied().unwrap_or_default()
    }

    /// A room was forgotten that was numbered so far.
    pub(crate) fn raise(&self, room: &Topic, last: u64) {
        let mut marks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = marks.entry(mark(room)).or_default();
        *known = last.max(*known);
    }
}

/// Which mark is a room's: always the same.
pub(super) fn mark(room: &Topic) -> u16 {
    let [high, low, ..] = hash(&[room.as_str()]).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::{Marks, mark};
    use tertulia_shared::Topic;

    #[test]
    fn a_room_goes_on_and_those_of_few_others() {
        let marks = Marks::default();
        let room = |number: usize| Topic::new(format!("chat/{number}")).unwrap();
        marks.raise(&room(0), 7);
        marks.raise(&room(0), 3);
        assert_eq!(marks.of(&room(0)), 7);
        let shared = (1..10_000).filter(|number| marks.of(&room(*number)) != 0);
        assert!(shared.count() < 3);
        // What is on disk says so for ever.
        assert_eq!(mark(&room(0)), 3_613);
    }
}
