//! How far rooms were numbered that are forgotten: whoever begins one of them anew goes on from there, so that no number of
//! a room is ever given twice and who comes back to it is told what it missed.
//!
//! A mark is a room's by a hash of its topic. There are [`MAX_MARKS`] at most; all rooms that are forgotten beyond them share
//! one, behind which every room begins that has none of its own: it may then tell that numbers are missing which never were.

use super::save::hash;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};
use tertulia_shared::Topic;

/// The most marks: as many as guests can have forgotten in more than a month.
const MAX_MARKS: usize = 1_000_000;
/// The mark that all rooms share which have none of their own.
const SHARED: u32 = 0;

/// The marks of a database.
#[derive(Debug, Default)]
pub struct Marks(RwLock<HashMap<u32, u64>>);

impl Marks {
    /// Those that were written down.
    pub(super) fn new(marks: HashMap<u32, u64>) -> Self {
        Self(RwLock::new(marks))
    }

    /// The number after which a room begins: 0 where nothing was forgotten.
    pub fn of(&self, room: &Topic) -> u64 {
        let marks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let own = marks.get(&own(room)).or_else(|| marks.get(&SHARED));
        own.copied().unwrap_or_default()
    }

    /// The mark under which a room is to be forgotten.
    pub(super) fn place(&self, room: &Topic) -> u32 {
        let marks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let own = own(room);
        match marks.len() < MAX_MARKS || marks.contains_key(&own) {
            true => own,
            false => SHARED,
        }
    }

    /// A room was forgotten under a mark that was numbered so far.
    pub(crate) fn raise(&self, mark: u32, last: u64) {
        let mut marks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = marks.entry(mark).or_default();
        *known = last.max(*known);
    }
}

/// The mark that is a room's own: always the same.
fn own(room: &Topic) -> u32 {
    let [.., a, b, c, d] = hash(&[room.as_str()]).to_be_bytes();
    u32::from_be_bytes([a, b, c, d]).max(SHARED + 1)
}

#[cfg(test)]
mod tests {
    use super::{MAX_MARKS, Marks, SHARED, own};
    use tertulia_shared::Topic;

    fn room(number: usize) -> Topic {
        Topic::new(format!("chat/{number}")).unwrap()
    }

    fn forget(marks: &Marks, number: usize, last: u64) {
        let room = room(number);
        marks.raise(marks.place(&room), last);
    }

    #[test]
    fn a_room_goes_on_and_no_other() {
        let marks = Marks::default();
        forget(&marks, 0, 7);
        forget(&marks, 0, 3);
        assert_eq!(marks.of(&room(0)), 7);
        let shared = (1..50_000).filter(|number| marks.of(&room(*number)) != 0);
        assert_eq!(shared.count(), 0);
        // What is on disk says so for ever.
        assert_eq!(own(&room(0)), 603_331_665);
    }

    /// Breaks when: marks are kept without end, or a number is given twice for want of one.
    #[test]
    fn beyond_so_many_rooms_share_one() {
        let all = (1..=MAX_MARKS as u32).map(|mark| (mark, 1));
        let marks = Marks::new(all.collect());
        let two = (0..).filter(|number| own(&room(*number)) as usize > MAX_MARKS);
        for (last, number) in (10..).zip(two.take(2)) {
            forget(&marks, number, last);
            assert_eq!(marks.of(&room(number)), last);
        }
        assert_eq!(marks.place(&room(0)), SHARED);
        assert_eq!(marks.of(&Topic::new("chat/never").unwrap()), 11);
    }
}
