//! Who is in the room.
//!
//! Not here: asking for the list.

use super::table::Table;
use tertulia_shared::{
    chat::Author,
    presence::{self, Change, LISTED, PresenceChange, PresenceChanges},
};

/// A name as it is shown: with the tag, where there is one.
pub fn label(name: &str, tag: Option<&str>) -> String {
    match tag {
        Some(tag) => [name, "·", tag].concat(),
        None => name.to_owned(),
    }
}

/// The peers of one room by their public id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Names and tags.
    names: Table<(String, Option<String>)>,
    /// What happened since the list was asked for, while it is not there.
    since: Option<Vec<PresenceChange>>,
    /// How many people are in a room that is too large for a list.
    crowd: Option<usize>,
}

impl People {
    /// How many people are in the room.
    pub fn count(&self) -> usize {
        self.crowd.unwrap_or(self.names.len())
    }

    /// The server's list is asked for. It may be taken in before or after what happens from now on.
    pub fn ask(&mut self) {
        self.since = Some(Vec::new());
    }

    /// Takes the server's list, where it gave one, in place of what was known, but for what happened since it was asked for.
    pub fn listed(&mut self, list: Option<presence::People>) {
        let since = self.since.take();
        let Some(presence::People { people, count }) = list else {
            return;
        };
        let count = count as usize;
        if count > people.len() {
            return self.crowd(count);
        }
        self.crowd = None;
        self.names = Table::default();
        for author in people {
            self.names.insert(author.peer, (author.name, author.tag));
        }
        since
            .into_iter()
            .flatten()
            .for_each(|change| self.put(change));
    }

    /// Takes in what happened in a large room. It is shown as a crowd where its names are not known.
    pub fn apply_batch(&mut self, batch: PresenceChanges) {
        let count = batch.count as usize;
        if self.crowd.is_some() || count > LISTED || batch.left_out > 0 {
            return self.crowd(count);
        }
        for change in batch.changes {
            let _ = self.apply(change);
        }
    }

    fn crowd(&mut self, count: usize) {
        self.crowd = Some(count);
        self.names = Table::default();
    }

    /// Takes in what happened to one peer; true where the list is to be asked for, because the room was too large for it before.
    #[must_use]
    pub fn apply(&mut self, change: PresenceChange) -> bool {
        if let Some(since) = &mut self.since {
            since.push(change.clone());
        }
        if self.crowd.is_some() {
            return self.since.is_none();
        }
        self.put(change);
        false
    }

    fn put(&mut self, change: PresenceChange) {
        match change.change {
            Change::Entered | Change::Renamed => {
                self.names.insert(change.peer, (change.name, change.tag));
            }
            Change::Left => self.names.retain(|peer, _| peer != change.peer),
        }
    }

    /// The tag of a peer that has this name.
    pub fn tag_of(&self, peer: &str, name: &str) -> Option<&str> {
        let (now, tag) = self.names.get(peer)?;
        tag.as_deref().filter(|_| now == name)
    }

    /// Peers with their names and tags, ordered by name.
    pub fn by_name(&self) -> Vec<Author> {
        let mut people: Vec<Author> = Vec::new();
        for (peer, (name, tag)) in self.names.iter() {
            let at = people.partition_point(|other| other.name <= *name);
            let tag = tag.clone();
            people.insert(
                at,
                Author {
                    tag,
                    ..Author::new(peer, &**name)
                },
            );
        }
        people
    }
}

#[cfg(test)]
mod tests {
    use super::People;
    use tertulia_shared::{
        Topic,
        chat::Author,
        presence::{self, Change, LISTED, PresenceChange, PresenceChanges},
    };

    fn change(peer: &str, name: &str, change: Change) -> PresenceChange {
        PresenceChange {
            room: Topic::new("chat/lobby").unwrap(),
            peer: peer.to_owned(),
            name: name.to_owned(),
            tag: None,
            change,
        }
    }

    fn list(people: Vec<Author>) -> Option<presence::People> {
        let count = people.len().try_into().unwrap();
        Some(presence::People { people, count })
    }

    fn batch(count: u32, changes: Vec<PresenceChange>) -> PresenceChanges {
        PresenceChanges {
            room: Topic::new("chat/lobby").unwrap(),
            count,
            changes,
            left_out: 0,
        }
    }

    fn apply(people: &mut People, change: PresenceChange) {
        assert!(!people.apply(change), "the list is there");
    }

    fn names(people: &People) -> Vec<String> {
        people.by_name().into_iter().map(|who| who.name).collect()
    }

    #[test]
    fn follows_who_comes_and_goes() {
        let mut people = People::default();
        people.listed(list(vec![Author::new("2", "Zoe")]));
        apply(&mut people, change("1", "guest-1", Change::Entered));
        apply(&mut people, change("1", "Ana", Change::Renamed));
        assert_eq!(names(&people), ["Ana", "Zoe"]);
        let tag = Some("3f2a".to_owned());
        let tagged = PresenceChange {
            tag: tag.clone(),
            ..change("1", "Ana", Change::Renamed)
        };
        apply(&mut people, tagged);
        assert_eq!(people.by_name()[0].tag, tag);
        assert_eq!(people.tag_of("1", "Ana"), Some("3f2a"));
        assert_eq!(people.tag_of("1", "guest-1"), None, "it had another name");
        apply(&mut people, change("2", "Zoe", Change::Left));
        apply(&mut people, change("9", "nobody", Change::Left));
        assert_eq!(names(&people), ["Ana"]);
    }

    /// Breaks when: a list that is older than what was heard brings back who has left.
    #[test]
    fn what_happened_since_the_list_was_asked_for_holds() {
        let author = |peer: &str, name: &str| Author::new(peer, name);
        let mut people = People::default();
        people.ask();
        apply(&mut people, change("1", "Ana", Change::Left));
        apply(&mut people, change("2", "Zoe", Change::Entered));
        people.listed(list(vec![author("1", "Ana"), author("3", "Eva")]));
        assert_eq!(names(&people), ["Eva", "Zoe"]);
        apply(&mut people, change("3", "Eva", Change::Left));
        people.listed(None);
        people.listed(list(vec![author("3", "Eva")]));
        assert_eq!(names(&people), ["Eva"]);
    }

    /// Breaks when: a large room shows people who may have left, or a room that is small again shows none.
    #[test]
    fn a_large_room_is_a_number_until_it_is_small_again() {
        let author = |peer: &str, name: &str| Author::new(peer, name);
        let large = u32::try_from(LISTED + 1).unwrap();
        let mut people = People::default();
        people.listed(list(vec![author("1", "Ana")]));
        people.apply_batch(batch(2, vec![change("2", "Zoe", Change::Entered)]));
        assert_eq!(names(&people), ["Ana", "Zoe"], "nothing is left out");
        people.apply_batch(batch(large, vec![]));
        assert_eq!((names(&people).len(), people.count()), (0, LISTED + 1));
        people.apply_batch(batch(2, vec![change("2", "Zoe", Change::Left)]));
        assert_eq!((names(&people).len(), people.count()), (0, 2));
        assert!(people.apply(change("3", "Eva", Change::Entered)));
        people.ask();
        apply(&mut people, change("4", "Kim", Change::Entered));
        people.listed(list(vec![author("1", "Ana"), author("3", "Eva")]));
        assert_eq!(names(&people), ["Ana", "Eva", "Kim"]);
        people.listed(Some(presence::People {
            people: vec![author("1", "Ana")],
            count: large,
        }));
        assert_eq!((names(&people).len(), people.count()), (0, LISTED + 1));
    }
}
