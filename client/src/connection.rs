//! The typed handle of a connection: emit, listen, watch. It is the same for the browser and for tokio.
//!
//! Not here: what drives the connection (`web`, `native`). A handle sends requests to its driver over a channel; the
//! driver stops when the last handle is dropped.

mod dispatch;
mod listener;

pub use crate::socketio::{Link, Options, Reason, Status, Transport};
use crate::socketio::{Settled, Unsettled};
pub use dispatch::Dispatcher;
use futures_channel::{mpsc, oneshot};
pub use listener::{Listener, Watcher};
use serde_json::value::RawValue;
use std::time::Duration;
use tertulia_shared::{
    ClientToServer, Reject, Reply, ServerToClient,
    wire::args::{Args, ArgsError},
};

/// What a handle asks of its driver, which hands it to its [`Dispatcher`].
#[derive(Debug)]
pub enum Request {
    /// Connect, or while the next attempt is waited for make it at once.
    Connect,
    /// Disconnect.
    Disconnect,
    /// As [`Request::Connect`], but only where the next attempt is waited for.
    Retry,
    /// Emit an event and tell what became of it.
    Emit {
        /// The event's name and payload.
        args: Args,
        /// How long to wait for the acknowledgement.
        ack_within: Duration,
        /// Where to tell it.
        settled: oneshot::Sender<Settled>,
    },
    /// Hand over the events of that name.
    Listen(&'static str, mpsc::UnboundedSender<Args>),
    /// Tell the status, now and at each change.
    Watch(mpsc::UnboundedSender<Status>),
}

/// Why an emit was not accepted, or is not known to have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The server refused it.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// No acknowledgement came within this time.
    #[error("no acknowledgement came within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection was lost after it was sent: whether it arrived is not known.
    #[error("the connection was lost before the acknowledgement came")]
    Disconnected,
    /// This many events wait for a connection already; it was not taken.
    #[error("{0} events wait for a connection already")]
    BufferFull(usize),
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

/// A connection to a namespace; clones are the same connection.
#[derive(Clone, Debug)]
pub struct Connection {
    requests: mpsc::UnboundedSender<Request>,
    ack_timeout: Duration,
}

impl Connection {
    /// The handle, and where its driver gets the requests: for a driver on a runtime of your own.
    pub fn new(ack_timeout: Duration) -> (Self, mpsc::UnboundedReceiver<Request>) {
        let (requests, receiver) = mpsc::unbounded();
        let connection = Self {
            requests,
            ack_timeout,
        };
        (connection, receiver)
    }

    /// Emits an event and gives what the server acknowledges it with.
    ///
    /// It is emitted by the call, not by the first `await`, so that calls go out in their order. While there is no
    /// connection it waits in the buffer, the waiting counted in the time for the acknowledgement.
    ///
    /// # Errors
    /// When the server refuses it, no acknowledgement comes in time, the connection is lost meanwhile, or the buffer
    /// is full.
    pub fn emit<E: ClientToServer>(
        &self,
        event: &E,
    ) -> impl Future<Output = Result<E::Ack, EmitError>> + use<E> {
        let accepted = self.accepted(Args::event(E::NAME, event));
        async move {
            let accepted = accepted.await?;
            serde_json::from_str(accepted.get()).map_err(undecodable)
        }
    }

    /// The part of [`Connection::emit`] that is the same for every event: compiled once.
    fn accepted(
        &self,
        args: Result<Args, serde_json::Error>,
    ) -> impl Future<Output = Result<Box<RawValue>, EmitError>> + use<> {
        let (settled, settles) = oneshot::channel();
        let ack_within = self.ack_timeout;
        let sent = args.map(|args| {
            self.request(Request::Emit {
                args,
                ack_within,
                settled,
            });
        });
        async move {
            sent.map_err(|error| EmitError::Encode(error.to_string()))?;
            let settled = settles.await.map_err(|_| EmitError::Stopped)?;
            accepted(settled, ack_within)
        }
    }

    /// The events of a kind, from now on, until the listener is dropped.
    pub fn listen<E: ServerToClient>(&self) -> Listener<E> {
        let (sender, receiver) = mpsc::unbounded();
        self.request(Request::Listen(E::NAME, sender));
        Listener::new(receiver)
    }

    /// How the connection is doing: now, and at each change.
    pub fn watch(&self) -> Watcher {
        let (sender, receiver) = mpsc::unbounded();
        self.request(Request::Watch(sender));
        Watcher::new(receiver)
    }

    /// Connects again after a disconnect; while the next attempt is waited for, makes it at once.
    pub fn connect(&self) {
        self.request(Request::Connect);
    }

    /// Disconnects; nothing is tried by itself after that.
    pub fn disconnect(&self) {
        self.request(Request::Disconnect);
    }

    /// A driver that has stopped drops the request, and with it the channel on which the answer is awaited.
    fn request(&self, request: Request) {
        let _ = self.requests.unbounded_send(request);
    }
}

/// What an event was accepted with, or why it was not.
fn accepted(settled: Settled, ack_within: Duration) -> Result<Box<RawValue>, EmitError> {
    let args = settled.map_err(|unsettled| match unsettled {
        Unsettled::Timeout => EmitError::Timeout(ack_within),
        Unsettled::Disconnected => EmitError::Disconnected,
        Unsettled::BufferFull(waiting) => EmitError::BufferFull(waiting),
    })?;
    let reply: Result<Reply<Box<RawValue>>, ArgsError> =
        args.ok_or(ArgsError::Absent(0)).and_then(|args| args.at(0));
    Ok(Result::from(reply.map_err(undecodable)?)?)
}

fn undecodable(error: impl ToString) -> EmitError {
    EmitError::Decode(error.to_string())
}
