//! The acknowledgement of an event, which may have to wait until something is on disk.

use std::pin::Pin;
use tertulia_shared::Reject;

/// The result of an event.
pub type Answered<A> = Result<Answer<A>, Reject>;

/// The acknowledgement of an event that was accepted.
pub enum Answer<A> {
    /// Known at once.
    Now(A),
    /// Known once something is on disk, or could not be written.
    Later(Pin<Box<dyn Future<Output = Result<A, Reject>> + Send>>),
}
