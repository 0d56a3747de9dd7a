//! The one who writes down what the server learns of people: a thread, so that nobody who serves waits for the disk.
//!
//! What waits for it goes into one transaction, and is bounded: of a guest only the newest name waits, and where there is
//! no room for a name it is not kept over a restart; what somebody must be able to rely on is refused instead. A look at
//! what other processes changed goes ahead of all that.

use crate::store::{Accounts, Everybody, GuestName, Note, StoreError};
use std::{
    collections::{HashMap, VecDeque},
    fmt::{self, Debug},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};
use tertulia_shared::{Code, Reject};
use tokio::sync::oneshot;

/// The most notes that wait beside names; one more is refused.
const MAX_NOTES: usize = 10_000;
/// The most names that wait; one more is dropped and counted.
const MAX_NAMES: usize = 10_000;
/// The most notes of one transaction, beside names.
const MAX_BATCH: usize = 1_000;

/// Writes down what it is given, in order. Dropping it writes what waits.
pub(super) struct Ledger {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
    /// The names that were not kept.
    unkept: AtomicU64,
    /// Whether the last write failed.
    failing: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    looks: VecDeque<Look>,
    notes: VecDeque<(Note, Option<Done>)>,
    /// The newest of each guest.
    names: HashMap<String, GuestName>,
    ended: bool,
}

/// A question after what changed since a version.
struct Look {
    version: u64,
    now: u64,
    found: oneshot::Sender<Result<Option<Everybody>, StoreError>>,
}

/// Is called with whether something is on disk. It must not block.
type Done = Box<dyn FnOnce(Result<(), Reject>) + Send>;

enum Task {
    Look(Look),
    Write {
        notes: Vec<(Note, Option<Done>)>,
        names: HashMap<String, GuestName>,
    },
}

impl Ledger {
    /// Starts on these accounts.
    ///
    /// # Errors
    /// When the thread does not start.
    pub(super) fn start(mut accounts: Accounts) -> Result<Self, StoreError> {
        let shared = Arc::<Shared>::default();
        let work = Arc::clone(&shared);
        let thread = thread::Builder::new().name("accounts".to_owned());
        let thread = thread.spawn(move || {
            while let Some(task) = work.next() {
                work.perform(task, &mut accounts);
            }
        });
        Ok(Self {
            shared,
            thread: Some(thread.map_err(StoreError::Thread)?),
        })
    }

    /// Has a guest's name written down where there is room for it.
    pub(super) fn keep_name(&self, guest: GuestName) {
        if !self.shared.waiting().name(guest) {
            self.shared.unkept.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.more.notify_one();
    }

    /// Has something written down; what fails is logged.
    ///
    /// # Errors
    /// When too much waits: it will not be written.
    pub(super) fn keep(&self, note: Note) -> Result<(), Reject> {
        self.give(note, None)
    }

    /// Has something written down; what comes back says later whether it is.
    ///
    /// # Errors
    /// When too much waits: it will not be written.
    pub(super) fn keeping(
        &self,
        note: Note,
    ) -> Result<impl Future<Output = Result<(), Reject>> + Send + use<>, Reject> {
        let (done, kept) = oneshot::channel();
        // Whoever asked may have gone.
        self.note(note, |written| drop(done.send(written)))?;
        Ok(async { kept.await.unwrap_or_else(|_| Err(failed())) })
    }

    /// Writes something to disk, and calls `done` with the result, in the order of calls.
    ///
    /// # Errors
    /// When too much waits: it will not be written, and `done` is not told.
    pub(super) fn note(
        &self,
        note: Note,
        done: impl FnOnce(Result<(), Reject>) + Send + 'static,
    ) -> Result<(), Reject> {
        self.give(note, Some(Box::new(done)))
    }

    /// What is to be known anew where another process changed it since `version`; what is expired by `now` is forgotten
    /// then.
    ///
    /// # Errors
    /// When it cannot be read; why is logged.
    pub(super) async fn look(&self, version: u64, now: u64) -> Result<Option<Everybody>, Reject> {
        let (found, answer) = oneshot::channel();
        let look = Look {
            version,
            now,
            found,
        };
        self.shared.waiting().looks.push_back(look);
        self.shared.more.notify_one();
        match answer.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                tracing::error!(%error, "the accounts cannot be used");
                Err(failed())
            }
            Err(_) => Err(failed()),
        }
    }

    /// How many notes and names wait for the disk.
    pub(super) fn waiting(&self) -> usize {
        let waiting = self.shared.waiting();
        waiting.notes.len() + waiting.names.len()
    }

    /// How many names were not kept since the start.
    pub(super) fn unkept(&self) -> u64 {
        self.shared.unkept.load(Ordering::Relaxed)
    }

    fn give(&self, note: Note, done: Option<Done>) -> Result<(), Reject> {
        self.shared.waiting().note(note, done)?;
        self.shared.more.notify_one();
        Ok(())
    }
}

impl Waiting {
    fn note(&mut self, note: Note, done: Option<Done>) -> Result<(), Reject> {
        if self.notes.len() >= MAX_NOTES {
            let problem = "too much waits for the disk; nothing was changed";
            return Err(Reject::new(Code::ServerBusy, problem));
        }
        self.notes.push_back((note, done));
        Ok(())
    }

    /// False where there is no room.
    fn name(&mut self, guest: GuestName) -> bool {
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(&guest.id) {
            return false;
        }
        self.names.insert(guest.id.clone(), guest);
        true
    }

    /// What is to be done next.
    fn take(&mut self) -> Option<Task> {
        if let Some(look) = self.looks.pop_front() {
            return Some(Task::Look(look));
        }
        if self.notes.is_empty() && self.names.is_empty() {
            return None;
        }
        let batch = self.notes.len().min(MAX_BATCH);
        Some(Task::Write {
            notes: self.notes.drain(..batch).collect(),
            names: std::mem::take(&mut self.names),
        })
    }
}

impl Shared {
    /// Waits for something to do; `None` at the end.
    fn next(&self) -> Option<Task> {
        let mut waiting = self.waiting();
        loop {
            if let Some(task) = waiting.take() {
                return Some(task);
            }
            if waiting.ended {
                return None;
            }
            let woken = self.more.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn perform(&self, task: Task, accounts: &mut Accounts) {
        match task {
            // Whoever asked may have gone.
            Task::Look(look) => drop(look.found.send(changed(accounts, look.version, look.now))),
            Task::Write { notes, names } => self.write(accounts, notes, names),
        }
    }

    /// All in one transaction: it is written whole, or not at all.
    fn write(
        &self,
        accounts: &mut Accounts,
        notes: Vec<(Note, Option<Done>)>,
        names: HashMap<String, GuestName>,
    ) {
        let unkept = names.len() as u64;
        let (mut all, asked): (Vec<_>, Vec<_>) = notes.into_iter().unzip();
        all.extend(names.into_values().map(Note::Guest));
        let written = accounts.note(&all);
        if written.is_err() {
            self.unkept.fetch_add(unkept, Ordering::Relaxed);
        }
        self.log(written.as_ref().err());
        let written = written.map_err(|error| error.reject());
        for done in asked.into_iter().flatten() {
            done(written.clone());
        }
    }

    /// Logs the first of several failures in a row, and when they end.
    fn log(&self, error: Option<&StoreError>) {
        let was_failing = self.failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_failing => {
                tracing::error!(%error, "names, invitations and revoked tokens cannot be stored");
            }
            None if was_failing => {
                tracing::info!("names, invitations and revoked tokens are stored again")
            }
            _ => {}
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn changed(
    accounts: &mut Accounts,
    version: u64,
    now: u64,
) -> Result<Option<Everybody>, StoreError> {
    if accounts.version()? == version {
        return Ok(None);
    }
    accounts.everybody(now).map(Some)
}

impl Debug for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ledger")
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.shared.waiting().ended = true;
        self.shared.more.notify_one();
        if let Some(thread) = self.thread.take() {
            // What it panicked of was told.
            let _ = thread.join();
        }
    }
}

/// The refusal of what could not be kept or found.
pub(super) fn failed() -> Reject {
    let problem = "the server could not keep or find it; try again later";
    Reject::new(Code::StorageFailed, problem)
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Look, MAX_BATCH, MAX_NAMES, MAX_NOTES, Task, Waiting};
    use crate::store::{Accounts, GuestName, Note};
    use tertulia_shared::Code;
    use tokio::sync::oneshot;

    fn called(id: usize, name: &str) -> GuestName {
        GuestName {
            id: id.to_string(),
            name: name.to_owned(),
            until: u64::MAX >> 1,
        }
    }

    fn look() -> Look {
        Look {
            version: 0,
            now: 0,
            found: oneshot::channel().0,
        }
    }

    #[test]
    fn what_waits_is_bounded_and_a_guests_newest_name_is_what_is_written() {
        let mut waiting = Waiting::default();
        for number in 0..3 * MAX_NAMES {
            assert!(waiting.name(called(7, &number.to_string())));
        }
        assert!((0..MAX_NAMES).all(|id| id == 7 || waiting.name(called(id, "x"))));
        assert!(!waiting.name(called(MAX_NAMES, "one too many")));
        assert!(waiting.name(called(7, "newest")));
        for _ in 0..MAX_NOTES {
            waiting.note(Note::Expired(0), None).unwrap();
        }
        let refused = waiting.note(Note::Expired(0), None).unwrap_err();
        assert_eq!(refused.code, Code::ServerBusy);
        let Some(Task::Write { notes, names }) = waiting.take() else {
            panic!("nothing is written");
        };
        assert_eq!((notes.len(), names.len()), (MAX_BATCH, MAX_NAMES));
        assert_eq!(names["7"].name, "newest");
    }

    #[test]
    fn a_look_goes_ahead() {
        let mut waiting = Waiting::default();
        waiting.note(Note::Expired(0), None).unwrap();
        waiting.looks.push_back(look());
        assert!(matches!(waiting.take(), Some(Task::Look(_))));
        assert!(matches!(waiting.take(), Some(Task::Write { .. })));
        assert!(waiting.take().is_none());
    }

    #[tokio::test]
    async fn what_was_asked_for_is_written_when_it_says_so() {
        let folder = tempfile::TempDir::new().unwrap();
        let ledger = Ledger::start(Accounts::open(folder.path()).unwrap()).unwrap();
        for number in 0..2_000 {
            ledger.keep_name(called(1, &number.to_string()));
        }
        let until = u64::MAX >> 1;
        let token = "abc".to_owned();
        let kept = ledger.keeping(Note::Revoked { token, until }).unwrap();
        kept.await.unwrap();
        let found = ledger.look(u64::MAX, 0).await.unwrap().unwrap();
        assert_eq!(found.revoked, [("abc".to_owned(), until)]);
        ledger.keep(Note::Expired(u64::MAX >> 1)).unwrap();
        drop(ledger);
        let mut again = Accounts::open(folder.path()).unwrap();
        let everybody = again.everybody(0).unwrap();
        assert!(everybody.revoked.is_empty() && everybody.guests.is_empty());
    }
}
