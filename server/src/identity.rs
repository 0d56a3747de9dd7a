//! Who is who: tokens, accounts, and what becomes of connections whose token is no longer good.
//!
//! Not here: who may do what (`app::policy`), and the doors (`edge`, `broker`).

mod begun;
mod here;
pub mod key;
mod known;
mod ledger;
mod look;
pub mod name;
mod namesakes;
pub mod password;
mod private;
mod rooms;
mod sessions;
mod tag;
#[cfg(test)]
mod tests;
mod token;
mod user;
pub mod visible;

pub use here::{Person, Shown, Stay};
pub use sessions::{Issued, nameless};
pub use token::is_like as looks_like_token;
pub use user::{Pass, Standing, User};

use crate::store::{Account, Accounts, Age, Everybody, Note, StoreError};
use begun::Begun;
use here::Here;
use key::{Key, KeyError};
use known::Known;
use ledger::Ledger;
use password::Checks;
use private::Rooms;
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};
use tertulia_shared::Reject;

/// How long a token is good where nothing else is said.
pub const SESSION_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Between two looks at what another process changed and which tokens expired.
const LOOK: Duration = Duration::from_secs(1);

/// Why nobody can be told from anybody.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The accounts cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account that nobody has yet, with a password's hash, made at this time in milliseconds since 1970-01-01 UTC.
pub fn new_account(name: &str, password: String, made: u64) -> Account {
    Account {
        id: user::account_id(),
        name: name.to_owned(),
        folded: name::folded(name),
        password,
        generation: 1,
        made,
    }
}

/// Adds an account. Returns false if its name is taken, or looks like one that is.
///
/// # Errors
/// When the database cannot be read or written.
pub fn register(accounts: &mut Accounts, account: &Account) -> Result<bool, StoreError> {
    let looks = look::looks(&account.name);
    accounts.add(account, |other| {
        !look::looks(&other.name).is_disjoint(&looks)
    })
}

/// Everybody whom the server knows.
#[derive(Debug)]
pub struct Identity {
    age: Arc<Age>,
    key: Key,
    session_for: Duration,
    known: RwLock<Known>,
    rooms: Arc<Mutex<Rooms>>,
    begun: Arc<Begun>,
    /// Whether everything is kept in memory only: then nothing waits for a disk.
    in_memory: bool,
    here: Arc<Here>,
    ledger: Ledger,
    checks: Checks,
}

impl Identity {
    /// Whom a data directory knows that this process uses already, and its key; nobody and a new key without one.
    ///
    /// # Errors
    /// When the key or the accounts cannot be used.
    pub fn open(
        directory: Option<&Path>,
        age: Arc<Age>,
        session_for: Duration,
    ) -> Result<Self, IdentityError> {
        let (key, mut accounts) = match directory {
            Some(directory) => (Key::open(directory)?, Accounts::beside(directory)?),
            None => (Key::random(), Accounts::in_memory()?),
        };
        let mut everybody = accounts.everybody(surely(&age))?;
        let rooms = Rooms::new(std::mem::take(&mut everybody.members));
        Ok(Self {
            here: Arc::new(Here::new(Arc::clone(&age))),
            age,
            key,
            session_for,
            known: RwLock::new(Known::new(everybody)),
            rooms: Arc::new(Mutex::new(rooms)),
            begun: Arc::default(),
            in_memory: directory.is_none(),
            ledger: Ledger::start(accounts)?,
            checks: Checks::default(),
        })
    }

    /// Whether anybody is registered.
    pub fn has_accounts(&self) -> bool {
        self.known().has_accounts()
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// When the token is forged, expired or revoked: the refusal says which.
    pub fn admit(&self, token: &str) -> Result<User, Reject> {
        let now = self.now();
        let claims = token::read(&self.key, token, now)?;
        let (standing, pass) = (claims.standing(), claims.pass());
        let known = self.known();
        if let Some(why) = known.problem(&claims.sub, standing, &pass, now) {
            return Err(token::refused(why));
        }
        let name = match known.account(&claims.sub) {
            Some(account) => Some(account.name.clone()),
            None => {
                let name = known.guest_name(&claims.sub).map(str::to_owned);
                let name = name.or(claims.name);
                name.filter(|name| !known.is_kept(name))
            }
        };
        Ok(User {
            id: claims.sub,
            name,
            standing,
            pass: Some(pass),
        })
    }

    /// Somebody connects; the connection is watched until what this gives is dropped, and over at once where its token went
    /// bad since it was looked at.
    pub fn enter(&self, user: &User) -> Stay {
        // Held meanwhile: what becomes bad later finds the connection.
        let known = self.known();
        self.here.enter(user, &known, self.now())
    }

    /// Whether what let somebody in still would.
    pub fn is_good(&self, id: &str, standing: Standing, pass: &Pass) -> bool {
        let now = self.now();
        self.known().problem(id, standing, pass, now).is_none()
    }

    /// The name of a registered user as rules compare it: folded.
    pub fn account_key(&self, id: &str) -> Option<String> {
        self.known()
            .account(id)
            .map(|account| account.folded.clone())
    }

    /// The name of a registered user, as it is shown.
    pub fn registered_name(&self, id: &str) -> Option<String> {
        self.known().account(id).map(|account| account.name.clone())
    }

    /// Whether a name is a registered user's.
    pub fn is_registered(&self, name: &str) -> bool {
        self.known().named(&name::folded(name)).is_some()
    }

    /// Whether a name is a registered user's or reserved, or looks like one that is.
    pub fn is_kept(&self, name: &str) -> bool {
        self.known().is_kept(name)
    }

    /// Follows what other processes change, and ends the connections whose token is no longer good.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look().await;
        }
    }

    /// One look.
    pub(crate) async fn look(&self) {
        let (now, surely) = (self.now(), surely(&self.age));
        let (version, forgets) = {
            let known = self.known();
            (known.version, known.is_due(surely))
        };
        // What fails is logged there, and tried again at the next look.
        let changed = self.ledger.look(version, surely).await.ok().flatten();
        if changed.is_some() || forgets || self.here.is_due(now) {
            self.learn(changed, (now, surely));
        }
        if forgets {
            self.free_rooms();
        }
    }

    fn learn(&self, changed: Option<Everybody>, (now, surely): (u64, u64)) {
        let other_accounts = changed.is_some();
        let mut known = self.known_mut();
        if let Some(everybody) = changed {
            tracing::info!("the accounts were changed");
            known.learn(everybody);
        }
        if known.forget(surely) {
            // Where that does not fit it is done the next time.
            let _ = self.ledger.keep(Note::Expired(surely));
        }
        self.here.check(&known, now, other_accounts);
    }

    /// How much of what was learnt of people waits for the disk.
    pub fn waiting(&self) -> usize {
        self.ledger.waiting()
    }

    /// How many names of guests could not be kept since the start.
    pub fn unkept(&self) -> u64 {
        self.ledger.unkept()
    }

    /// The wall clock's time, by which tokens expire.
    fn now(&self) -> u64 {
        self.age.now().wall
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        lock(&self.rooms)
    }
}

/// The time by which expired tokens may be forgotten. A clock that is ahead for a while must not make a revoked token valid
/// again.
fn surely(age: &Age) -> u64 {
    let times = age.now();
    times.wall.min(times.aged)
}

fn lock(rooms: &Mutex<Rooms>) -> MutexGuard<'_, Rooms> {
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}
