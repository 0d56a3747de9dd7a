//! What an emit ends in.

use crate::{
    fields::Fields,
    socketio::{Settled, Unsettled},
};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tertulia_shared::{Reject, wire::args::Args};

/// Why an emit was not accepted, or is not known to have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The server refused it.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// No acknowledgement came within this time, retries included.
    #[error("no acknowledgement came within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection was lost after it was sent: whether it arrived is not known.
    #[error("the connection was lost before the acknowledgement came")]
    Disconnected,
    /// A volatile event where there is no connection, or an answer to an event of a connection that is gone: it was dropped.
    #[error("there is no connection to send it on")]
    NotConnected,
    /// This many events wait already; it was not taken.
    #[error("{0} events wait already")]
    BufferFull(usize),
    /// It is longer than the server takes; it was not sent.
    #[error("event has {bytes} bytes, the server takes at most {limit}")]
    TooLarge {
        /// Its length as it would travel, in bytes.
        bytes: u64,
        /// The server's `maxPayload`, in bytes.
        limit: u64,
    },
    /// It is no event that a server takes, and why; it was not sent.
    #[error("no event: {0}")]
    Invalid(String),
    /// It has more attachments than a server takes; it was not sent.
    #[error("event has {count} attachments, the server takes at most {limit}")]
    TooManyAttachments {
        /// Its attachments.
        count: usize,
        /// [`Options::max_attachments`](crate::connection::Options::max_attachments).
        limit: usize,
    },
    /// The payload does not encode; it was not sent.
    #[error("payload does not encode: {0}")]
    Encode(String),
    /// It was acknowledged with something that is no reply of its event.
    #[error("acknowledgement does not decode: {0}")]
    Decode(String),
    /// The driver is gone.
    #[error("the connection's driver has stopped")]
    Stopped,
}

/// What an event is accepted with, as the arguments that travel.
type Accepted = Pin<Box<dyn Future<Output = Result<Args, EmitError>> + Send>>;

/// An event that was emitted: awaiting it gives what the server acknowledges it with. What waits is the same for every
/// event, so that it is compiled once.
#[must_use = "awaiting it tells what became of the event"]
pub struct Emitted<A> {
    accepted: Accepted,
    ack: PhantomData<fn() -> A>,
}

impl<A> Emitted<A> {
    pub(super) fn new(
        accepted: impl Future<Output = Result<Args, EmitError>> + Send + 'static,
    ) -> Self {
        Self {
            accepted: Box::pin(accepted),
            ack: PhantomData,
        }
    }
}

impl<A> fmt::Debug for Emitted<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Emitted")
    }
}

impl<A: DeserializeOwned> Future for Emitted<A> {
    type Output = Result<A, EmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let accepted = self.accepted.as_mut().poll(context);
        accepted.map(|accepted| decoded(&accepted?))
    }
}

/// The acknowledgement's arguments, or why there are none.
pub(super) fn unsettled(
    settled: Settled,
    ack_within: Option<Duration>,
) -> Result<Option<Args>, EmitError> {
    settled.map_err(|unsettled| match unsettled {
        Unsettled::Timeout => EmitError::Timeout(ack_within.unwrap_or_default()),
        Unsettled::Disconnected => EmitError::Disconnected,
        Unsettled::NotConnected => EmitError::NotConnected,
        Unsettled::BufferFull(waiting) => EmitError::BufferFull(waiting),
        Unsettled::TooLarge { bytes, limit } => EmitError::TooLarge { bytes, limit },
        Unsettled::Invalid(why) => EmitError::Invalid(why),
        Unsettled::TooManyAttachments { count, limit } => {
            EmitError::TooManyAttachments { count, limit }
        }
    })
}

/// What an event was accepted with, or why it was not; with `plain` any acknowledgement accepts it.
pub(super) fn accepted(
    settled: Settled,
    ack_within: Option<Duration>,
    plain: bool,
) -> Result<Args, EmitError> {
    let Some(args) = unsettled(settled, ack_within)? else {
        return Err(EmitError::Decode("there is none".to_owned()));
    };
    if plain {
        return Ok(args);
    }
    let mut reply: Fields = args.at(0).map_err(undecodable)?;
    if let Some(reject) = reply.get::<Reject>("error") {
        return Err(EmitError::Rejected(reject));
    }
    let Some(value) = reply.take("ok") else {
        return Err(EmitError::Decode("it is no reply".to_owned()));
    };
    let mut accepted = Args::ack(&value).map_err(undecodable)?;
    accepted.attachments = args.attachments;
    Ok(accepted)
}

/// What an acknowledgement carries, into the type that the event's table says.
pub(super) fn decoded<A: DeserializeOwned>(accepted: &Args) -> Result<A, EmitError> {
    accepted.at(0).map_err(undecodable)
}

fn undecodable(error: impl ToString) -> EmitError {
    EmitError::Decode(error.to_string())
}
