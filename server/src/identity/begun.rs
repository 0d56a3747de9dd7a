//! New private rooms whose owner is being written to disk. Whatever happens in such a room waits until that is done.
//!
//! Not here: whose the rooms are (`private`), and the writing (`ledger`).

use std::{
    collections::HashMap,
    fmt::{self, Debug},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::{Code, Reject};

/// The most actions that wait for one room. Further ones are refused.
const MAX_WAITING: usize = 1_000;

/// An action to run once a room is on disk, or could not be written.
pub(super) type Wait = Box<dyn FnOnce(Result<(), Reject>) + Send>;

/// The waiting actions, by room.
#[derive(Default)]
pub(super) struct Begun(Mutex<HashMap<String, Vec<Wait>>>);

impl Begun {
    /// Marks a room as being written, until [`Begun::next`] finds nothing that waits.
    pub(super) fn begin(&self, room: &str) {
        self.all().insert(room.to_owned(), Vec::new());
    }

    /// Whether a room is being written.
    pub(super) fn has(&self, room: &str) -> bool {
        self.all().contains_key(room)
    }

    /// Queues an action for a room. Returns it if the room is not being written; refuses it if too many wait.
    pub(super) fn wait(&self, room: &str, wait: Wait) -> Option<Wait> {
        let mut all = self.all();
        let Some(waiting) = all.get_mut(room) else {
            return Some(wait);
        };
        if waiting.len() < MAX_WAITING {
            waiting.push(wait);
            return None;
        }
        drop(all);
        wait(Err(busy()));
        None
    }

    /// Takes the actions that wait for a room whose writing has ended. `None` means that nothing waits any more.
    pub(super) fn next(&self, room: &str) -> Option<Vec<Wait>> {
        let mut all = self.all();
        let waiting = std::mem::take(all.get_mut(room)?);
        if waiting.is_empty() {
            all.remove(room);
            return None;
        }
        Some(waiting)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Vec<Wait>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Begun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.all().keys()).finish()
    }
}

/// The refusal of an action while a room is being written.
pub(super) fn busy() -> Reject {
    let problem = "this private room is still being created; try again";
    Reject::new(Code::ServerBusy, problem)
}

#[cfg(test)]
mod tests {
    use super::{Begun, MAX_WAITING};
    use std::sync::{Arc, Mutex};
    use tertulia_shared::{Code, Reject};

    /// Breaks when: what came later overtakes what waited, or what waits is not bounded.
    #[test]
    fn what_waits_is_done_in_order_and_bounded() {
        let begun = Begun::default();
        let done = Arc::<Mutex<Vec<_>>>::default();
        let wait = |number: usize| {
            let done = Arc::clone(&done);
            let wait = move |kept: Result<(), Reject>| {
                let kept = kept.map_err(|reject| reject.code);
                done.lock().unwrap().push((number, kept));
            };
            begun.wait("a", Box::new(wait)).is_none()
        };
        assert!(!wait(0), "nothing is waited for");
        begun.begin("a");
        assert!((0..=MAX_WAITING).all(wait));
        assert_eq!(
            done.lock().unwrap()[..],
            [(MAX_WAITING, Err(Code::ServerBusy))]
        );
        for (number, waits) in begun.next("a").unwrap().into_iter().enumerate() {
            waits(Ok(()));
            // It waits still: those before it are being done.
            assert!(number > 0 || wait(MAX_WAITING + 1));
        }
        let last = begun.next("a").unwrap();
        last.into_iter().for_each(|waits| waits(Ok(())));
        assert!(begun.next("a").is_none() && !begun.has("a") && !wait(0));
        let done = done.lock().unwrap();
        let in_order = (0..MAX_WAITING).chain([MAX_WAITING + 1]);
        assert!(done[1..].iter().map(|(number, _)| *number).eq(in_order));
    }
}
