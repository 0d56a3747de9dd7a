//! Who is in the room.
//!
//! Not here: asking for the list.

use super::table::Table;
use tertulia_shared::{
    chat::Author,
    presence::{Change, PresenceChange},
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
}

impl People {
    /// The server's list is asked for. It may be taken in before or after what happens from now on.
    pub fn ask(&mut self) {
        self.since = Some(Vec::new());
    }

    /// Takes the server's list, where it gave one, in place of what was known, but for what happened since it was asked for.
    pub fn listed(&mut self, people: Option<Vec<Author>>) {
        let since = self.since.take();
        let Some(people) = people else {
            return;
        };
        self.names = Table::default();
        for author in people {
            self.names.insert(author.peer, (author.name, author.tag));
        }
        since
            .into_iter()
            .flatten()
            .for_each(|change| self.apply(change));
    }

    /// Takes in what happened to one peer.
    pub fn apply(&mut self, change: PresenceChange) {
        if let Some(since) = &mut self.since {
            since.push(change.clone());
        }
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
        presence::{Change, PresenceChange},
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

    fn names(people: &People) -> Vec<String> {
        people.by_name().into_iter().map(|who| who.name).collect()
    }

    #[test]
    fn follows_who_comes_and_goes() {
        let mut people = People::default();
        people.listed(Some(vec![Author::new("2", "Zoe")]));
        people.apply(change("1", "guest-1", Change::Entered));
        people.apply(change("1", "Ana", Change::Renamed));
        assert_eq!(names(&people), ["Ana", "Zoe"]);
        let tag = Some("3f2a".to_owned());
        people.apply(PresenceChange {
            tag: tag.clone(),
            ..change("1", "Ana", Change::Renamed)
        });
        assert_eq!(people.by_name()[0].tag, tag);
        assert_eq!(people.tag_of("1", "Ana"), Some("3f2a"));
        assert_eq!(people.tag_of("1", "guest-1"), None, "it had another name");
        people.apply(change("2", "Zoe", Change::Left));
        people.apply(change("9", "nobody", Change::Left));
        assert_eq!(names(&people), ["Ana"]);
    }

    /// Breaks when: a list that is older than what was heard brings back who has left.
    #[test]
    fn what_happened_since_the_list_was_asked_for_holds() {
        let author = |peer: &str, name: &str| Author::new(peer, name);
        let mut people = People::default();
        people.ask();
        people.apply(change("1", "Ana", Change::Left));
        people.apply(change("2", "Zoe", Change::Entered));
        people.listed(Some(vec![author("1", "Ana"), author("3", "Eva")]));
        assert_eq!(names(&people), ["Eva", "Zoe"]);
        people.apply(change("3", "Eva", Change::Left));
        people.listed(None);
        people.listed(Some(vec![author("3", "Eva")]));
        assert_eq!(names(&people), ["Eva"]);
    }
}
