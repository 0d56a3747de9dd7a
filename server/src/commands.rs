//! `tertulia emit` and `tertulia listen`, for any Socket.IO server, on top of our own client; and `tertulia user`, for the
//! accounts of a data directory.
//!
//! Not here: the server, of which only what knows accounts is used. They are library code only so that `main` and the tests
//! share them.

mod emit;
mod lines;
mod listen;
mod printer;
mod target;
mod text;
mod user;
mod value;

pub use emit::Emit;
pub use listen::Listen;
pub use user::User;

/// The exit code for what failed.
const FAILED: u8 = 1;
/// The exit code for what the user has to write in another way.
const USAGE: u8 = 2;

/// Why a command did not do what it was to do: one line, and the exit code that tells it to a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    text: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: text::shown(text.as_ref()),
            code: FAILED,
        }
    }

    fn usage(text: impl AsRef<str>) -> Self {
        Self {
            code: USAGE,
            ..Self::new(text)
        }
    }
}
