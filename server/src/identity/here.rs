//! Who is connected now: one name for all connections of a user, and the connections whose token may go bad.

use super::{
    known::Known,
    namesakes::Namesakes,
    tag,
    user::{Pass, Standing, User, is_account},
};
use crate::store::Age;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// A user who is connected: its name is the same in all its connections.
#[derive(Debug)]
pub struct Person {
    /// The public id.
    pub id: String,
    shown: Mutex<Shown>,
}

/// How a user is shown to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The name, where it has one.
    pub name: Option<String>,
    /// The tag, for a guest whose name looks like another guest's.
    pub tag: Option<String>,
}

impl Person {
    pub(super) fn new(id: String, name: Option<String>) -> Self {
        let shown = Mutex::new(Shown { name, tag: None });
        Self { id, shown }
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<String> {
        self.lock().name.clone()
    }

    /// Name and tag, read together.
    pub fn shown(&self) -> Shown {
        self.lock().clone()
    }

    /// Whether this is its tag; case does not matter.
    pub(super) fn has_tag(&self, tag: &str) -> bool {
        let own = self.lock().tag.clone();
        own.is_some_and(|own| own.eq_ignore_ascii_case(tag))
    }

    /// The name, with the tag where it has one.
    pub(super) fn tagged(&self) -> String {
        let Shown { name, tag } = self.shown();
        let name = name.unwrap_or_default();
        tag.map_or_else(|| name.clone(), |tag| tag::tagged(&name, &tag))
    }

    pub(super) fn rename(&self, name: String) {
        self.lock().name = Some(name);
    }

    pub(super) fn set_tag(&self, tag: Option<String>) {
        self.lock().tag = tag;
    }

    /// Removes the name if only a registered user may have it now.
    fn give_back(&self, known: &Known) {
        let mut shown = self.lock();
        if shown
            .name
            .as_deref()
            .is_some_and(|name| known.is_kept(name))
        {
            *shown = Shown::default();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everybody who is connected.
#[derive(Debug)]
pub(super) struct Here {
    age: Arc<Age>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    stays: HashMap<u64, Entry>,
    /// Those with a token, and how many connections they have.
    people: HashMap<String, (Arc<Person>, usize)>,
    namesakes: Namesakes,
    /// No token goes bad by itself before this.
    earliest: u64,
}

#[derive(Debug)]
struct Entry {
    person: Arc<Person>,
    standing: Standing,
    pass: Option<Pass>,
    over: CancellationToken,
}

/// One connection of a user, until it is dropped.
#[derive(Debug)]
pub struct Stay {
    here: Arc<Here>,
    number: u64,
    person: Arc<Person>,
    is_guest: bool,
    renamed: Vec<Arc<Person>>,
    over: CancellationToken,
}

impl Stay {
    /// Who it is.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The people whose name or tag changed when this connection began.
    pub fn renamed(&self) -> &[Arc<Person>] {
        &self.renamed
    }

    /// Gives the user another name, in all its connections. Returns the people who are shown differently now: the user, and
    /// those who got a tag because of it.
    pub fn rename(&self, name: String) -> Vec<Arc<Person>> {
        let mut state = self.here.state();
        self.person.rename(name);
        match self.is_guest {
            true => state
                .namesakes
                .named(&self.person, self.here.age.now().aged),
            false => vec![Arc::clone(&self.person)],
        }
    }

    /// Cancelled when the connection is to be closed: its token is expired or revoked, or its name is another's now.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut state = self.here.state();
        let Some(entry) = state.stays.remove(&self.number) else {
            return;
        };
        let id = &entry.person.id;
        if let Some((_, connections)) = state.people.get_mut(id) {
            *connections -= 1;
            if *connections > 0 {
                return;
            }
            state.people.remove(id);
        }
        state.namesakes.leaves(id, self.here.age.now().aged);
    }
}

impl Here {
    pub(super) fn new(age: Arc<Age>) -> Self {
        let state = Mutex::default();
        Self { age, state }
    }

    /// Somebody connects; where its token is not good `now` that is over at once. A guest whose name was registered comes
    /// in without it.
    pub(super) fn enter(self: &Arc<Self>, user: &User, known: &Known, now: u64) -> Stay {
        let mut state = self.state();
        let fresh = || Arc::new(Person::new(user.id.clone(), user.name.clone()));
        let person = if user.is_known() {
            let people = state.people.entry(user.id.clone());
            let (person, connections) = people.or_insert_with(|| (fresh(), 0));
            *connections += 1;
            Arc::clone(person)
        } else {
            fresh()
        };
        let is_guest = user.standing != Standing::Registered;
        let mut renamed = Vec::new();
        if is_guest {
            person.give_back(known);
            renamed = state.namesakes.named(&person, self.age.now().aged);
        }
        let number = state.next;
        state.next += 1;
        let over = CancellationToken::new();
        if let Some(pass) = &user.pass {
            state.earliest = state.earliest.min(pass.expires);
        }
        let entry = Entry {
            person: Arc::clone(&person),
            standing: user.standing,
            pass: user.pass.clone(),
            over: over.clone(),
        };
        if entry.token_problem(known, now).is_some() {
            over.cancel();
        }
        state.stays.insert(number, entry);
        Stay {
            here: Arc::clone(self),
            number,
            person,
            is_guest,
            renamed,
            over,
        }
    }

    /// Whether a token may have expired by `now`.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.state().earliest <= now
    }

    /// Ends the connections whose token is not good any more; where there are other accounts, those of guests too whose name
    /// was registered.
    pub(super) fn check(&self, known: &Known, now: u64, other_accounts: bool) {
        let mut state = self.state();
        let (mut earliest, mut ended) = (u64::MAX, Vec::new());
        for entry in state.stays.values() {
            if let Some(why) = entry.problem(known, now, other_accounts) {
                tracing::debug!(
                    peer = entry.person.id,
                    why,
                    "a connection is no longer let in"
                );
                entry.over.cancel();
                ended.push(Arc::clone(&entry.person));
            } else if let Some(pass) = &entry.pass {
                earliest = earliest.min(pass.expires);
            }
        }
        state.earliest = earliest;
        // Who comes back does not wait until the last of these connections is closed.
        let guests = ended.iter().filter(|person| !is_account(&person.id));
        let state = &mut *state;
        for person in guests {
            person.give_back(known);
            if person.name().is_none() {
                state.namesakes.forget(&person.id);
            }
        }
    }

    /// The guests who are connected and whose names look like this one, and whether each has a token.
    pub(super) fn guests_like(&self, name: &str) -> Vec<(Arc<Person>, bool)> {
        let state = self.state();
        let has_token = |person: &Person| state.people.contains_key(&person.id);
        let here = state.namesakes.here(name).into_iter();
        here.map(|person| (Arc::clone(&person), has_token(&person)))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn problem(&self, known: &Known, now: u64, other_accounts: bool) -> Option<&'static str> {
        let name_taken = || other_accounts.then(|| self.name_taken(known)).flatten();
        self.token_problem(known, now).or_else(name_taken)
    }

    fn token_problem(&self, known: &Known, now: u64) -> Option<&'static str> {
        let pass = self.pass.as_ref()?;
        known.problem(&self.person.id, self.standing, pass, now)
    }

    fn name_taken(&self, known: &Known) -> Option<&'static str> {
        let name = self.person.name();
        let name = name.filter(|_| self.standing != Standing::Registered)?;
        known.is_kept(&name).then_some("its name is registered now")
    }
}
