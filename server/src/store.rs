//! What must outlive the process: the chat's messages, where their rooms are, and who may be there, in one SQLite file.
//!
//! A message is numbered, written and synced before anybody hears of it. One thread writes; what waits for it goes into
//! one transaction, so that many senders share one sync of the disk.
//!
//! Not here: what a message means (`app::chat`) and who hears it (`hub`).

mod accounts;
mod age;
mod archive;
mod directory;
mod error;
mod lived;
mod marks;
mod migrations;
mod notes;
mod open;
mod place;
mod retention;
mod save;
#[cfg(test)]
mod tests;
mod writer;

pub use accounts::{Account, Accounts, Everybody, GuestName};
pub use age::{Age, TRUST, Times};
pub use archive::Archive;
pub use directory::DataDir;
pub(crate) use directory::{private_file, sync};
pub use error::StoreError;
pub use marks::Marks;
pub use notes::{Member, Note};
pub use retention::Limits;
pub use writer::{Settle, State, Store, Told};

use std::time::Duration;
use tertulia_shared::{
    Reject, Topic,
    chat::{Author, Receipt},
};

/// How long an id is remembered: sending it again within this time says nothing twice.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// The most rooms that are kept; the first message of a further one is refused. One of which nothing is kept any more is
/// forgotten.
pub const MAX_ROOMS: usize = 50_000;
/// The most of them that were begun by who has no account.
const MAX_ROOMS_OF_GUESTS: usize = MAX_ROOMS / 2;

/// Tells the time in milliseconds since 1970-01-01 UTC.
pub type Clock = fn() -> u64;

/// Through which kind of door a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A client's: it waits for an answer, and an id that was used for another text is refused.
    Client,
    /// A broker's: nobody waits, and such an id is replaced.
    Broker,
}

/// A checked message without its number.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The room.
    pub room: Topic,
    /// The id that its sender made, where it made one.
    pub id: Option<String>,
    /// Who may send the id again and get the same receipt; `None` for all whom the server cannot tell apart. A short id
    /// counts for its sender only.
    pub sender: Option<String>,
    /// Who is shown as its author.
    pub from: Author,
    /// The text.
    pub text: String,
    /// Where it came from.
    pub source: Source,
    /// Whether who said it has an account: others begin fewer rooms.
    pub is_registered: bool,
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The room.
    pub room: Topic,
    /// The place in its room, one more each message, over all restarts; from 1, or behind a room that was forgotten.
    pub seq: u64,
    /// When it was numbered, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// From when on it ages ([`Times::born`]).
    pub born: u64,
    /// The id that its sender made, where it made one, or the one that replaced it.
    pub id: Option<String>,
    /// Who is shown as its author.
    pub from: Author,
    /// The text.
    pub text: String,
    /// Where it came from.
    pub source: Source,
}

/// Where a room's stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The first message that is kept; one more than `last` where none is.
    pub first: u64,
    /// The last message that was numbered.
    pub last: u64,
}

/// What becomes of a draft.
pub type Outcome = Result<Receipt, Reject>;
