//! What an event is acknowledged with, where it may be that something must be on disk first.

use std::pin::Pin;
use tertulia_shared::Reject;

/// What becomes of an event.
pub type Answered<A> = Result<Answer<A>, Reject>;

/// The acknowledgement of an event that was accepted.
pub enum Answer<A> {
    /// It is known.
    Now(A),
    /// It comes once something is on disk or could not be written.
    Later(Pin<Box<dyn Future<Output = Result<A, Reject>> + Send>>),
}
