//! What becomes of an emit or a reply, and which emits cannot be.

use tertulia_shared::{
    event,
    wire::{args::Args, socket::AckId},
};

/// Names one emit; chosen by the caller, never used twice.
pub type EmitId = u64;

/// Which event of the server an acknowledgement is for: it is sent on the connection that brought the event, or not at
/// all, as another connection counts its events anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub(super) ack: AckId,
    pub(super) connection: u32,
}

/// What became of an emit or a reply: the acknowledgement's arguments, or `None` where no acknowledgement was asked for and it
/// was handed to the transport.
pub type Settled = Result<Option<Args>, Unsettled>;

/// Why an emit got no acknowledgement, or a reply was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// None came in time, retries included; an event that was still buffered is not sent any more.
    #[error("no acknowledgement came in time")]
    Timeout,
    /// The connection was lost after the event was sent: whether it arrived is not known.
    #[error("the connection was lost before the acknowledgement came")]
    Disconnected,
    /// A volatile event where there is no connection, or a reply to an event of a connection that is gone: it was dropped.
    #[error("there is no connection to send it on")]
    NotConnected,
    /// It is no event that a server takes, and why; it was not sent.
    #[error("no event: {0}")]
    Invalid(String),
    /// It has more attachments than a server takes; it was not sent.
    #[error("event has {count} attachments, the server takes at most {limit}")]
    TooManyAttachments {
        /// Its attachments.
        count: usize,
        /// [`Options::max_attachments`](super::Options::max_attachments).
        limit: usize,
    },
    /// As many events as are allowed wait already; this one was not taken.
    #[error("{0} events wait already")]
    BufferFull(usize),
    /// The event or one of its attachments is longer than the server takes; it was not sent.
    #[error("event has {bytes} bytes, the server takes at most {limit}")]
    TooLarge {
        /// Its length as it would travel, in bytes.
        bytes: u64,
        /// The server's `maxPayload`, in bytes.
        limit: u64,
    },
}

/// Why no server takes this as an event.
pub(super) fn invalid(args: &Args) -> Option<String> {
    match args.name() {
        Ok(name) if event::is_reserved(&name) => {
            Some(format!("the name `{name}` is reserved by Socket.IO"))
        }
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}
