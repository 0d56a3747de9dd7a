//! Guests whose names look the same, and the tags by which they are told apart.
//!
//! A guest gets a tag when another guest has a name that looks the same, and keeps it as long as it keeps the name. A guest who
//! left counts for a day. Not here: what looks the same (`look`), and what a tag is made of (`tag`).

use super::{here::Person, look::looks, tag};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Weak},
};

/// How long a guest counts after it left, in milliseconds.
const LATELY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The most guests remembered after they left. Beyond that, the guest who left first is forgotten.
const MAX_LEFT: usize = 10_000;

/// The guests who have a name: those who are connected, and those who were lately. Times are in milliseconds, as [`Age`] counts
/// them.
///
/// [`Age`]: crate::store::Age
#[derive(Debug, Default)]
pub(super) struct Namesakes {
    guests: HashMap<String, Guest>,
    groups: HashMap<String, Group>,
    /// When each guest left, oldest first. An entry is stale if the guest has come back since.
    left: VecDeque<(u64, String)>,
}

#[derive(Debug)]
struct Guest {
    looks: BTreeSet<String>,
    tag: Option<String>,
    /// Dangling while the guest is away.
    person: Weak<Person>,
    left: Option<u64>,
}

/// The guests whose names have a look in common.
#[derive(Debug, Default)]
struct Group {
    ids: HashSet<String>,
    tags: HashSet<String>,
}

impl Namesakes {
    /// Records the name that a guest has now. Returns the people whose name or tag changed, the guest among them.
    pub(super) fn named(&mut self, person: &Arc<Person>, now: u64) -> Vec<Arc<Person>> {
        self.forget_old(now);
        let Some(name) = person.name() else {
            self.forget(&person.id);
            return Vec::new();
        };
        let looks = looks(&name);
        if self
            .guests
            .get(&person.id)
            .is_none_or(|guest| guest.looks != looks)
        {
            self.forget(&person.id);
        }
        let guest = self.guests.entry(person.id.clone()).or_insert(Guest {
            looks: looks.clone(),
            tag: None,
            person: Weak::new(),
            left: None,
        });
        guest.person = Arc::downgrade(person);
        guest.left = None;
        for look in &looks {
            let group = self.groups.entry(look.clone()).or_default();
            group.ids.insert(person.id.clone());
        }
        self.tell_apart(person, &looks)
    }

    /// Tags a guest whose name looks like another one's, and the other one if it was alone until now.
    fn tell_apart(&mut self, person: &Arc<Person>, looks: &BTreeSet<String>) -> Vec<Arc<Person>> {
        let groups = looks.iter().filter_map(|look| self.groups.get(look));
        // In larger groups everybody has a tag already.
        let small = groups.filter(|group| group.ids.len() == 2);
        let mut others: BTreeSet<String> =
            small.flat_map(|group| group.ids.iter().cloned()).collect();
        others.remove(&person.id);
        let groups = looks.iter().filter_map(|look| self.groups.get(look));
        let is_alone = groups.map(|group| group.ids.len()).max() <= Some(1);
        let mut changed: Vec<_> = others.iter().filter_map(|id| self.tag(id)).collect();
        if !is_alone {
            self.tag(&person.id);
        }
        let guest = self.guests.get(&person.id);
        person.set_tag(guest.and_then(|guest| guest.tag.clone()));
        changed.push(Arc::clone(person));
        changed
    }

    /// Gives a tag to a guest who has none. Returns the guest if it is connected and was tagged.
    fn tag(&mut self, id: &str) -> Option<Arc<Person>> {
        let guest = self
            .guests
            .get_mut(id)
            .filter(|guest| guest.tag.is_none())?;
        let groups = &self.groups;
        let is_taken = |tag: &str| {
            let mut groups = guest.looks.iter().filter_map(|look| groups.get(look));
            groups.any(|group| group.tags.contains(tag))
        };
        let tag = tag::of(id, is_taken);
        guest.tag = Some(tag.clone());
        for look in &guest.looks {
            if let Some(group) = self.groups.get_mut(look) {
                group.tags.insert(tag.clone());
            }
        }
        let person = guest.person.upgrade()?;
        person.set_tag(Some(tag));
        Some(person)
    }

    /// The last connection of a guest is closed.
    pub(super) fn leaves(&mut self, id: &str, now: u64) {
        if let Some(guest) = self.guests.get_mut(id) {
            guest.left = Some(now);
            self.left.push_back((now, id.to_owned()));
        }
        self.forget_old(now);
    }

    /// A guest has no name any more.
    pub(super) fn forget(&mut self, id: &str) {
        let Some(guest) = self.guests.remove(id) else {
            return;
        };
        for look in guest.looks {
            let Some(group) = self.groups.get_mut(&look) else {
                continue;
            };
            group.ids.remove(id);
            if let Some(tag) = &guest.tag {
                group.tags.remove(tag);
            }
            if group.ids.is_empty() {
                self.groups.remove(&look);
            }
        }
    }

    fn forget_old(&mut self, now: u64) {
        let is_old = |(left, _): &(u64, String)| left.saturating_add(LATELY_MS) <= now;
        while self.left.len() > MAX_LEFT || self.left.front().is_some_and(is_old) {
            let Some((left, id)) = self.left.pop_front() else {
                return;
            };
            // It may have come back since.
            if self
                .guests
                .get(&id)
                .is_some_and(|guest| guest.left == Some(left))
            {
                self.forget(&id);
            }
        }
    }

    /// The guests who are here and whose names look like this one.
    pub(super) fn here(&self, name: &str) -> Vec<Arc<Person>> {
        let looks = looks(name);
        let groups = looks.iter().filter_map(|look| self.groups.get(look));
        let ids: BTreeSet<&String> = groups.flat_map(|group| &group.ids).collect();
        let guests = ids.into_iter().filter_map(|id| self.guests.get(id));
        let here = guests.filter(|guest| guest.left.is_none());
        here.filter_map(|guest| guest.person.upgrade()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{LATELY_MS, MAX_LEFT, Namesakes, Person};
    use std::sync::Arc;

    fn guest(id: &str, name: &str) -> Arc<Person> {
        Arc::new(Person::new(id.to_owned(), Some(name.to_owned())))
    }

    fn ids(people: &[Arc<Person>]) -> Vec<&str> {
        people.iter().map(|person| &*person.id).collect()
    }

    fn tags<const N: usize>(people: [&Arc<Person>; N]) -> [Option<String>; N] {
        people.map(|person| person.shown().tag)
    }

    const FIRST: &str = "PyqcAAAAAAAAAAAAAAAAAA";
    const SECOND: &str = "nBsBAAAAAAAAAAAAAAAAAA";
    const LIKE_FIRST: &str = "PyqdAAAAAAAAAAAAAAAAAA";

    fn some<const N: usize>(tags: [&str; N]) -> [Option<String>; N] {
        tags.map(|tag| Some(tag.to_owned()))
    }

    #[test]
    fn a_guest_is_tagged_once_there_is_a_namesake_and_stays_so() {
        let mut all = Namesakes::default();
        let (ana, other) = (guest(FIRST, "Ana"), guest(SECOND, "Аnа"));
        assert_eq!(ids(&all.named(&ana, 0)), [FIRST]);
        assert_eq!(tags([&ana]), [None]);
        assert_eq!(ids(&all.named(&other, 0)), [FIRST, SECOND]);
        assert_eq!(tags([&ana, &other]), some(["3f2a", "9c1b"]));
        let third = guest(LIKE_FIRST, "ANA");
        assert_eq!(
            ids(&all.named(&third, 0)),
            [LIKE_FIRST],
            "the others have tags"
        );
        assert_eq!(tags([&ana, &third]), some(["3f2a", "3f2a9d"]));
        assert_eq!(ids(&all.here("ana")).len(), 3);
        all.leaves(SECOND, 1);
        assert_eq!(all.here("ana").len(), 2);
        all.named(&ana, 2);
        assert_eq!(tags([&ana]), some(["3f2a"]));
    }

    #[test]
    fn another_name_takes_the_tag_away() {
        let mut all = Namesakes::default();
        let (ana, other) = (guest(FIRST, "Ana"), guest(SECOND, "Ana"));
        all.named(&ana, 0);
        all.named(&other, 0);
        other.rename("Eva".to_owned());
        assert_eq!(ids(&all.named(&other, 0)), [SECOND]);
        assert_eq!(tags([&other]), [None]);
        other.rename("ana".to_owned());
        all.named(&other, 0);
        assert_eq!(tags([&ana, &other]), some(["3f2a", "9c1b"]));
    }

    #[test]
    fn guests_who_left_count_for_a_day() {
        let mut all = Namesakes::default();
        let ana = guest(FIRST, "Ana");
        all.named(&ana, 0);
        all.leaves(FIRST, 0);
        drop(ana);
        let other = guest(SECOND, "Ana");
        all.named(&other, LATELY_MS - 1);
        assert_eq!(tags([&other]), some(["9c1b"]));
        let ana = guest(FIRST, "Ana");
        all.named(&ana, LATELY_MS - 1);
        assert_eq!(tags([&ana]), some(["3f2a"]), "it is back with its tag");
        all.leaves(FIRST, LATELY_MS);
        all.leaves(SECOND, LATELY_MS);
        all.named(&ana, 2 * LATELY_MS);
        assert_eq!(tags([&ana]), [None]);
    }

    #[test]
    fn few_who_left_are_remembered() {
        let mut all = Namesakes::default();
        for number in 0..=MAX_LEFT {
            let id = format!("id {number}");
            all.named(&guest(&id, &id), 0);
            all.leaves(&id, 0);
        }
        assert_eq!((all.guests.len(), all.left.len()), (MAX_LEFT, MAX_LEFT));
        let everybody: Vec<String> = all.guests.keys().cloned().collect();
        everybody.iter().for_each(|id| all.forget(id));
        assert!(all.groups.is_empty());
    }
}
