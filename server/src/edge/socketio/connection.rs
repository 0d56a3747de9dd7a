//! One connection: what came in and is to be answered, and what is on its way out.
//!
//! Not here: the sending itself (`way_out`), and what an event means (`app`).

use super::{
    acks::{self, Ack, Acks, Capacity, Full, InOrder, Place},
    closing::Closing,
    counts::Counts,
    courier::Couriers,
    cut::{Cut, Why},
    item::Source,
    listen::AckId,
    outlet::Outlet,
    packet::Encoded,
    slow::Slow,
    way_out::WayOut,
};
use crate::{
    app::Session,
    edge::trace,
    hub::Hold,
    limits::{Allowance, Refused, Weight},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::to_raw_value;
use socketioxide::{
    adapter::LocalAdapter,
    handler::{FromConnectParts, Value},
    socket::Socket,
};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tertulia_shared::Reply;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::Span;

/// The acknowledgements that wait for the disk or for a client which takes none; one more closes the connection.
const MAX_ACKS_WAITING: Capacity = Capacity {
    count: 32_768,
    bytes: 16 * 1024 * 1024,
};

/// The weight of an event that every client emits now and then by itself.
const SMALL: f64 = 0.1;

/// What all connections have in common.
pub(super) struct Common {
    pub(super) counts: Arc<Counts>,
    pub(super) closing: Arc<Closing>,
    pub(super) encoded: Encoded,
    couriers: OnceLock<Couriers<Outlet>>,
}

impl Common {
    pub(super) fn new(counts: Arc<Counts>, closing: Arc<Closing>) -> Arc<Self> {
        Arc::new(Self {
            counts,
            closing,
            encoded: Encoded::default(),
            couriers: OnceLock::new(),
        })
    }

    /// Who writes, in the runtime in which this is asked first.
    pub(super) fn couriers(&self) -> &Couriers<Outlet> {
        self.couriers
            .get_or_init(|| Couriers::new(&Handle::current()))
    }
}

/// A connection and what is on its way out.
pub(super) struct Connection {
    pub(super) session: Arc<Session>,
    /// What the log says of each line of this connection.
    pub(super) span: Span,
    acks: Acks,
    /// Taken by the task that sends.
    waiting: Mutex<Option<InOrder>>,
    /// The events that were accepted and are not acknowledged yet.
    later: AtomicUsize,
    /// The step of the closing in which all had gone out; 0 where something has not.
    pub(super) drained: AtomicUsize,
    ended: CancellationToken,
    /// Whether more acknowledgements were to wait than may.
    full: AtomicBool,
    pub(super) common: Arc<Common>,
    pub(super) cut: Cut,
    /// What it may send; `None` where nothing is limited.
    allowance: Option<Allowance>,
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

impl Connection {
    pub(super) fn new(
        session: Arc<Session>,
        common: Arc<Common>,
        cut: Cut,
        allowance: Option<Allowance>,
    ) -> Arc<Self> {
        let (acks, waiting) = acks::queue(MAX_ACKS_WAITING);
        Arc::new(Self {
            // The level of a span says with which lines it is shown: all.
            span: tracing::error_span!(parent: None, "connection", id = trace::id()),
            session,
            acks,
            waiting: Mutex::new(Some(waiting)),
            later: AtomicUsize::new(0),
            drained: AtomicUsize::new(0),
            ended: CancellationToken::new(),
            full: AtomicBool::new(false),
            common,
            cut,
            allowance,
        })
    }

    /// Counts an event that came in, and owes its answer until the right to it is dropped. `None` where the server no
    /// longer accepts any, or this is one too many and is refused.
    pub(super) fn take(
        self: &Arc<Self>,
        event: &'static str,
        value_and_id: (&Value, Option<AckId>),
    ) -> Option<(Asked, Later)> {
        self.take_as(1.0, event, value_and_id)
    }

    /// As [`Self::take`], of an event that counts as a tenth of one.
    pub(super) fn take_small(
        self: &Arc<Self>,
        event: &'static str,
        value_and_id: (&Value, Option<AckId>),
    ) -> Option<(Asked, Later)> {
        self.take_as(SMALL, event, value_and_id)
    }

    fn take_as(
        self: &Arc<Self>,
        events: f64,
        event: &'static str,
        (value, id): (&Value, Option<AckId>),
    ) -> Option<(Asked, Later)> {
        // First owed, then asked whether it is too late: who makes it too late sees what is owed.
        let owed = self.later();
        if self.common.closing.is_deaf() {
            return None;
        }
        self.common.counts.events_in.add(event);
        let since = Instant::now();
        let asked = Asked { event, id, since };
        let allowance = self.allowance.as_ref();
        // Memory never holds more bytes than a float counts exactly.
        let bytes = size(value) as f64;
        let weight = Weight { events, bytes };
        match allowance.map_or(Ok(()), |allowance| allowance.take(weight, since)) {
            Ok(()) => Some((asked, owed)),
            Err(refused) => {
                self.refuse(asked, refused);
                None
            }
        }
    }

    /// Refuses an event that was too much, and closes a connection that goes on as if it had not been told.
    fn refuse(&self, asked: Asked, refused: Refused) {
        self.reply(asked, &Reply::<()>::Error(refused.reject));
        if refused.is_flood && !self.cut.is_cancelled() {
            let _inside = self.span.enter();
            tracing::warn!(
                peer = self.session.peer(),
                "closed: it sends on what is refused"
            );
            self.common.counts.floods.fetch_add(1, Ordering::Relaxed);
            self.cut.end(Why::Flood);
        }
    }

    /// Acknowledges an event, where its sender asked for it; every refusal is counted and logged.
    pub(super) fn reply<T: Serialize>(&self, asked: Asked, reply: &Reply<T>) {
        self.reply_before(asked, reply, None);
    }

    /// As [`Self::reply`]; what is held back comes once the acknowledgement is out.
    pub(super) fn reply_before<T: Serialize>(
        &self,
        asked: Asked,
        reply: &Reply<T>,
        held: Option<Hold>,
    ) {
        if let Some(mut ack) = self.answer(asked, reply) {
            ack.before = held;
            self.check(self.acks.push(ack));
        }
    }

    /// As [`Self::reply`], ahead of all acknowledgements that wait.
    pub(super) fn reply_ahead<T: Serialize>(&self, asked: Asked, reply: &Reply<T>) {
        if let Some(ack) = self.answer(asked, reply) {
            self.check(self.acks.push_ahead(ack));
        }
    }

    /// The acknowledgement of an event, where its sender asked for it.
    fn answer<T: Serialize>(&self, asked: Asked, reply: &Reply<T>) -> Option<Ack> {
        let (peer, event) = (self.session.peer(), asked.event);
        if let Reply::Error(reject) = reply {
            self.common.counts.reject(reject.code);
            let asked = asked.id.is_some();
            tracing::debug!(peer, event, code = ?reject.code, %reject, asked, "refused");
        }
        let id = asked.id?;
        let body = to_raw_value(reply)
            .inspect_err(|error| tracing::error!(event, %error, "acknowledgement does not encode"))
            .ok()?;
        let since = asked.since;
        Some(Ack {
            id,
            body,
            since,
            before: None,
        })
    }

    /// Closes a connection for which no more acknowledgements may wait.
    fn check<T>(&self, queued: Result<T, Full>) -> Option<T> {
        if queued.is_err() && !self.ended.is_cancelled() {
            let (peer, (acks, bytes)) = (self.session.peer(), self.acks.waiting());
            tracing::warn!(peer, acks, bytes, "acknowledgements wait and none is taken");
            self.full.store(true, Ordering::Relaxed);
            self.ended.cancel();
        }
        queued.ok()
    }

    /// The right to answer an event later, beside what follows: while somebody has it, not all has gone out.
    pub(super) fn later(self: &Arc<Self>) -> Later {
        self.later.fetch_add(1, Ordering::SeqCst);
        let connection = Arc::clone(self);
        let place = None;
        Later { connection, place }
    }

    /// As [`Self::later`], where the acknowledgements of what follows wait for this one.
    pub(super) fn later_in_order(self: &Arc<Self>, asked: Asked) -> Later {
        let mut later = self.later();
        later.place = asked.id.and_then(|_| self.check(self.acks.hold()));
        later
    }

    /// Whether an event that was accepted is still to be acknowledged.
    pub(super) fn owes(&self) -> bool {
        self.later.load(Ordering::SeqCst) > 0
    }

    /// How many acknowledgements wait, and the bytes of those that are answered.
    pub(super) fn acks_waiting(&self) -> (usize, usize) {
        self.acks.waiting()
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
        self.common.counts.begin();
        tokio::spawn(async move {
            let source = Source::new(Arc::clone(&self), waiting);
            let way_out = WayOut::new(Arc::clone(&socket), Arc::clone(&self));
            let over = self.session.over().clone();
            let slow = tokio::select! {
                biased;
                () = self.ended.cancelled() => None,
                () = over.cancelled() => None,
                slow = way_out.send_all(source) => slow,
            };
            let slow = slow.or(self.full.load(Ordering::Relaxed).then_some(Slow::Acks));
            self.session.end();
            self.common.counts.end();
            if over.is_cancelled() {
                let peer = self.session.peer();
                tracing::info!(parent: &self.span, peer, "closed: no longer let in");
                self.cut.end(Why::NotLetIn);
                return;
            }
            // Who ended it otherwise has said why.
            if !socket.connected() || self.cut.why().is_some() {
                return;
            }
            match slow {
                // It comes back by itself.
                Some(slow) => self.end_slow(slow),
                None => self.cut.cancel(),
            }
        });
    }

    /// Closes the connection of a client that takes too little.
    fn end_slow(&self, slow: Slow) {
        self.common.counts.too_slow.add(slow);
        tracing::warn!(
            parent: &self.span,
            peer = self.session.peer(),
            reason = ?slow,
            "closed: too slow for what it asked for, {slow}"
        );
        self.cut.end(Why::TooSlow(slow));
    }

    /// Stops sending and leaves all rooms.
    pub(super) fn end(&self) {
        self.ended.cancel();
        self.session.end();
    }
}

/// The bytes of an event with all that is attached.
fn size(value: &Value) -> usize {
    match value {
        Value::Str(text, attached) => {
            let attached = attached.iter().flatten().map(Bytes::len);
            text.len() + attached.sum::<usize>()
        }
        Value::Bytes(bytes) => bytes.len(),
    }
}

/// The right to answer one event later.
pub(super) struct Later {
    connection: Arc<Connection>,
    place: Option<Place>,
}

impl Later {
    pub(super) fn reply<T: Serialize>(self, asked: Asked, reply: &Reply<T>) {
        self.reply_before(asked, reply, None);
    }

    /// As [`Self::reply`]; what is held back comes once the acknowledgement is out.
    pub(super) fn reply_before<T: Serialize>(
        mut self,
        asked: Asked,
        reply: &Reply<T>,
        held: Option<Hold>,
    ) {
        match self.place.take() {
            Some(place) => {
                if let Some(mut ack) = self.connection.answer(asked, reply) {
                    ack.before = held;
                    self.connection.check(place.fill(ack));
                }
            }
            None => self.connection.reply_before(asked, reply, held),
        }
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        self.connection.later.fetch_sub(1, Ordering::SeqCst);
    }
}
