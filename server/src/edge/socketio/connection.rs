//! One connection: what came in and is to be answered, and what is on its way out.
//!
//! Not here: the sending itself (`way_out`), and what an event means (`app`).

use super::{closing::Closing, counts::Counts, cut::Cut, listen::AckId, way_out::WayOut};
use crate::{app::Session, edge::trace};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{
    adapter::LocalAdapter,
    handler::{FromConnectParts, Value},
    socket::Socket,
};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tertulia_shared::Reply;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// The acknowledgements that wait for a client which takes none; one more closes the connection.
const MAX_ACKS_WAITING: usize = 10_000;

/// A connection and what is on its way out.
pub(super) struct Connection {
    pub(super) session: Arc<Session>,
    /// What the log says of each line of this connection.
    pub(super) span: Span,
    acks: mpsc::Sender<Ack>,
    /// Taken by the task that sends.
    waiting: Mutex<Option<mpsc::Receiver<Ack>>>,
    /// The events that were accepted and are not acknowledged yet.
    later: AtomicUsize,
    /// While the server is closing: whether all has gone out.
    pub(super) drained: AtomicBool,
    ended: CancellationToken,
    pub(super) counts: Arc<Counts>,
    pub(super) closing: Arc<Closing>,
    cut: Cut,
}

/// A socket as the sending task holds it.
pub(super) struct Wire(Arc<Socket>);

impl FromConnectParts<LocalAdapter> for Wire {
    type Error = Infallible;

    fn from_connect_parts(socket: &Arc<Socket>, _: &Option<Value>) -> Result<Self, Infallible> {
        Ok(Self(Arc::clone(socket)))
    }
}

/// An event that came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    event: &'static str,
    /// Where its sender wants an acknowledgement.
    id: Option<AckId>,
    since: Instant,
}

/// An acknowledgement on its way out.
pub(super) struct Ack {
    pub(super) id: AckId,
    pub(super) body: Box<RawValue>,
    /// When its event came.
    pub(super) since: Instant,
}

impl Connection {
    pub(super) fn new(
        session: Arc<Session>,
        counts: Arc<Counts>,
        closing: Arc<Closing>,
        cut: Cut,
    ) -> Arc<Self> {
        let (acks, waiting) = mpsc::channel(MAX_ACKS_WAITING);
        Arc::new(Self {
            // The level of a span says with which lines it is shown: all.
            span: tracing::error_span!(parent: None, "connection", id = trace::id()),
            session,
            acks,
            waiting: Mutex::new(Some(waiting)),
            later: AtomicUsize::new(0),
            drained: AtomicBool::new(false),
            ended: CancellationToken::new(),
            counts,
            closing,
            cut,
        })
    }

    /// Counts an event that came in.
    pub(super) fn take(&self, event: &'static str, id: Option<AckId>) -> Asked {
        self.counts.events_in.add(event);
        let since = Instant::now();
        Asked { event, id, since }
    }

    /// Acknowledges an event, where its sender asked for it; every refusal is counted and logged.
    pub(super) fn reply<T: Serialize>(&self, asked: Asked, reply: &Reply<T>) {
        let (peer, event) = (self.session.peer(), asked.event);
        if let Reply::Error(reject) = reply {
            self.counts.reject(reject.code);
            let asked = asked.id.is_some();
            tracing::debug!(peer, event, code = ?reject.code, %reject, asked, "refused");
        }
        let Some(id) = asked.id else {
            return;
        };
        let body = match to_raw_value(reply) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(event, %error, "acknowledgement does not encode");
                return;
            }
        };
        let since = asked.since;
        if self.acks.try_send(Ack { id, body, since }).is_err() && !self.ended.is_cancelled() {
            tracing::warn!(
                peer,
                "{MAX_ACKS_WAITING} acknowledgements wait and none is taken"
            );
            self.ended.cancel();
        }
    }

    /// The right to answer an event later: while somebody has it, not all has gone out.
    pub(super) fn later(self: &Arc<Self>) -> Later {
        self.later.fetch_add(1, Ordering::Relaxed);
        Later(Arc::clone(self))
    }

    /// Whether an event that was accepted is still to be acknowledged.
    pub(super) fn owes(&self) -> bool {
        self.later.load(Ordering::Relaxed) > 0
    }

    /// How many acknowledgements wait.
    pub(super) fn acks_waiting(&self) -> usize {
        self.acks.max_capacity() - self.acks.capacity()
    }

    /// Starts to send; a second time does nothing.
    pub(super) fn start(self: Arc<Self>, Wire(socket): Wire) {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(waiting) = waiting else {
            return;
        };
        self.counts.begin();
        tokio::spawn(async move {
            let mut way_out = WayOut::new(Arc::clone(&self), waiting);
            self.ended
                .run_until_cancelled(way_out.send_all(&socket))
                .await;
            self.session.end();
            self.counts.end();
            // Still connected means that the client takes too little. It comes back by itself.
            if socket.connected() {
                self.counts.too_slow.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    parent: &self.span,
                    peer = self.session.peer(),
                    "closed: too slow for what it asked for"
                );
                self.cut.cancel();
            }
        });
    }

    /// Stops sending and leaves all rooms.
    pub(super) fn end(&self) {
        self.ended.cancel();
        self.session.end();
    }
}

/// The right to answer one event later.
pub(super) struct Later(Arc<Connection>);

impl Later {
    pub(super) fn reply<T: Serialize>(&self, asked: Asked, reply: &Reply<T>) {
        self.0.reply(asked, reply);
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        self.0.later.fetch_sub(1, Ordering::Relaxed);
    }
}
