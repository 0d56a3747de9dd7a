//! The one writer: drafts in, in order; messages out once they are on disk, in the same order; then the answers.

use super::{
    Archive, Draft, Outcome, Position, Saved, StoreError,
    error::{SaveError, failed},
    place::Place,
    save::Verdict,
};
use std::{
    collections::HashSet,
    fmt::{self, Debug},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tertulia_shared::{Code, Reject, Topic, chat::Receipt};
use tokio::sync::oneshot;

/// The most messages of one transaction.
const MAX_BATCH: usize = 1_000;
/// How much may wait for the disk, in bytes; what comes beyond is refused.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Between two looks whether the database is still there, while nothing is written.
const LOOK: Duration = Duration::from_secs(3);
/// What a waiting draft counts besides its text, in bytes.
const DRAFT_BYTES: usize = 512;

/// Takes what became of a draft. It must not wait.
pub type Settle = Box<dyn FnOnce(Outcome) + Send>;

/// What the store tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A message is on disk.
    Saved(Saved),
    /// Nothing is kept of a room any more: nobody ever said anything there, but for its numbers, which go on.
    Forgotten(Topic),
}

/// Hears what happens, in order. It must not wait, nor call the store.
type Tell = Box<dyn Fn(Told) + Send + Sync>;

/// The store of a running server. Dropping it writes what waits.
pub struct Store {
    pub(super) shared: Arc<Shared>,
    writer: Option<Writer>,
}

struct Writer {
    queue: Sender<Job>,
    thread: JoinHandle<()>,
}

pub(super) struct Shared {
    archive: Mutex<Archive>,
    tell: Tell,
    /// The rooms, to be asked without waiting for the disk.
    known: RwLock<HashSet<Topic>>,
    waiting_bytes: AtomicUsize,
    waiting: AtomicUsize,
    failing: Mutex<bool>,
    place: Arc<Place>,
}

/// Whether messages can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The last write succeeded.
    Good,
    /// The last write failed for a reason that may pass, such as a full disk.
    Failing,
    /// The database was removed or replaced under the server: nothing is stored until the server is restarted.
    Gone,
}

enum Job {
    Save(Draft, Settle),
    /// Answered when all before it is settled.
    Flush(oneshot::Sender<()>),
}

impl Store {
    /// Starts to write; `tell` hears each message when it is on disk, and which rooms are forgotten.
    ///
    /// Where nothing is on disk there is nothing to wait for: then there is no thread either.
    ///
    /// # Errors
    /// When the thread does not start.
    pub fn start(
        archive: Archive,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let known = archive.rooms().map(|(room, _)| room.clone()).collect();
        let in_memory = archive.is_in_memory();
        let shared = Arc::new(Shared {
            place: archive.place(),
            archive: Mutex::new(archive),
            tell: Box::new(tell),
            known: RwLock::new(known),
            waiting_bytes: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            failing: Mutex::new(false),
        });
        let writer = if in_memory {
            None
        } else {
            Some(Writer::start(Arc::clone(&shared))?)
        };
        Ok(Self { shared, writer })
    }

    /// Takes a draft, in the order of calls; `settle` is called once, after the message is on disk and published.
    pub fn save(&self, draft: Draft, settle: Settle) {
        let bytes = weight(&draft);
        let waiting = self
            .shared
            .waiting_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting + bytes > MAX_WAITING_BYTES {
            self.shared.no_longer_waits(bytes);
            settle(Err(busy()));
            return;
        }
        let Some(writer) = &self.writer else {
            self.shared.save_all(vec![(draft, settle)]);
            self.shared.sweep_all();
            return;
        };
        if let Err(mpsc::SendError(Job::Save(_, settle))) =
            writer.queue.send(Job::Save(draft, settle))
        {
            self.shared.no_longer_waits(bytes);
            settle(Err(failed()));
        }
    }

    /// Waits until all that was given before is on disk or refused.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if let Some(writer) = &self.writer
            && writer.queue.send(Job::Flush(done)).is_ok()
        {
            // A writer that ended has nothing left to write.
            let _ = flushed.await;
        }
    }

    /// Whether something was ever said in a room.
    pub fn knows(&self, room: &Topic) -> bool {
        self.shared.knows(room)
    }

    /// Whether messages can be stored, as far as it is known.
    pub fn state(&self) -> State {
        match self.shared.place.was_gone() {
            true => State::Gone,
            false if *self.shared.failing() => State::Failing,
            false => State::Good,
        }
    }

    /// How many messages wait for the disk.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// The rooms in which something was said, and where their streams are. Waits for the disk.
    pub fn rooms(&self) -> Vec<(Topic, Position)> {
        let archive = self.shared.archive();
        archive
            .rooms()
            .map(|(room, at)| (room.clone(), at))
            .collect()
    }

    /// The newest messages of a room, at most `limit`, the oldest first. Waits for the disk.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn history(&self, room: &Topic, limit: u64) -> Result<Vec<Saved>, StoreError> {
        self.shared.archive().history(room, limit)
    }
}

impl Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Store")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(Writer { queue, thread }) = self.writer.take() {
            drop(queue);
            // What it panicked of was told.
            let _ = thread.join();
        }
    }
}

impl Writer {
    fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || shared.write(&jobs))
            .map_err(StoreError::Thread)?;
        Ok(Self { queue, thread })
    }
}

impl Shared {
    /// Writes until nobody can give anything more.
    fn write(&self, jobs: &Receiver<Job>) {
        let mut sweeping = true;
        loop {
            let pause = if sweeping { Duration::ZERO } else { LOOK };
            match jobs.recv_timeout(pause) {
                Ok(first) => self.take(first, jobs),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => {
                    // Where this fails, time goes on from before at the next start.
                    let _ = self.archive().keep_age(Duration::ZERO);
                    return;
                }
            }
            sweeping = self.sweep();
        }
    }

    /// One transaction with what waits by now.
    fn take(&self, first: Job, jobs: &Receiver<Job>) {
        let mut batch = Vec::new();
        let mut flushed = Vec::new();
        for job in std::iter::once(first).chain(jobs.try_iter()) {
            match job {
                Job::Save(draft, settle) => batch.push((draft, settle)),
                Job::Flush(done) => flushed.push(done),
            }
            if batch.len() >= MAX_BATCH {
                break;
            }
        }
        self.save_all(batch);
        for done in flushed {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }

    fn save_all(&self, batch: Vec<(Draft, Settle)>) {
        if batch.is_empty() {
            return;
        }
        let (drafts, settles): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let weights: Vec<_> = drafts.iter().map(weight).collect();
        let outcomes = self.save(drafts, settles.len());
        for ((settle, outcome), bytes) in settles.into_iter().zip(outcomes).zip(weights) {
            self.no_longer_waits(bytes);
            settle(outcome);
        }
    }

    /// Saves and publishes; the archive is held meanwhile, so that what is published is in order.
    fn save(&self, drafts: Vec<Draft>, count: usize) -> Vec<Outcome> {
        let mut archive = self.archive();
        let saved = archive.save(drafts);
        self.log(&archive, saved.as_ref().err());
        match saved {
            Ok(verdicts) => verdicts
                .into_iter()
                .map(|verdict| self.outcome(verdict))
                .collect(),
            Err(error) => vec![Err(error.reject()); count],
        }
    }

    fn outcome(&self, verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::New(saved) => {
                let (seq, at) = (saved.seq, saved.at);
                if !self.knows(&saved.room) {
                    self.known_mut().insert(saved.room.clone());
                }
                (self.tell)(Told::Saved(saved));
                Ok(Receipt { seq, at })
            }
            Verdict::Again(receipt) => Ok(receipt),
            Verdict::Refused(reject) => Err(reject),
        }
    }

    /// Looks whether the database is still there, while nothing is written.
    fn look(&self) {
        let archive = self.archive();
        if let Err(error) = archive.check_place() {
            self.log(&archive, Some(&error));
        }
    }

    /// A little at a time; false when there is nothing more to do for now.
    fn sweep(&self) -> bool {
        let mut archive = self.archive();
        let swept = archive.sweep();
        if let Err(error) = &swept {
            let file = archive.file().display();
            tracing::warn!(%file, %error, "what is too old cannot be removed now");
        }
        for room in std::mem::take(&mut archive.forgotten) {
            self.known_mut().remove(&room);
            (self.tell)(Told::Forgotten(room));
        }
        swept.unwrap_or(false)
    }

    fn sweep_all(&self) {
        while self.sweep() {}
    }

    /// Logs the first failure of a row, and its end.
    fn log(&self, archive: &Archive, error: Option<&SaveError>) {
        let mut failing = self.failing();
        let file = archive.file().display();
        match error {
            Some(error) if !*failing => {
                tracing::error!(%file, %error, "messages cannot be stored; they are refused");
            }
            None if *failing => tracing::info!(%file, "messages are stored again"),
            _ => {}
        }
        *failing = error.is_some();
    }

    fn failing(&self) -> MutexGuard<'_, bool> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn knows(&self, room: &Topic) -> bool {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).contains(room)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, HashSet<Topic>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn no_longer_waits(&self, bytes: usize) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A panic while the lock was held leaves whole values behind: a transaction is undone, its numbers too.
    pub(super) fn archive(&self) -> MutexGuard<'_, Archive> {
        self.archive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(draft: &Draft) -> usize {
    DRAFT_BYTES + draft.text.len()
}

fn busy() -> Reject {
    Reject::new(
        Code::ServerBusy,
        "too many messages wait for the disk now; send it again with the same id",
    )
}
