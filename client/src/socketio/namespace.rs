//! One Socket.IO namespace over an open session: CONNECT, events, acknowledgements with their deadlines, send buffer.
//!
//! Not here: what carries the packets (`session`), and reconnection (`client`).
//!
//! Source: the Socket.IO protocol document, revision 5.

use super::{io::Frame, status::Reason};
use crate::ordered::Ordered;
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{
    args::Args,
    json::Json,
    socket::{AckId, Kind, Packet},
};

/// Names one emit; chosen by the caller, never used twice.
pub type EmitId = u64;

/// What became of an emit: the acknowledgement's arguments, or `None` where no acknowledgement was asked for and the
/// event was handed to the transport.
pub type Settled = Result<Option<Args>, Unsettled>;

/// Why an emit got no acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// None came in time; an event that was still buffered is not sent any more.
    #[error("no acknowledgement came in time")]
    Timeout,
    /// The connection was lost after the event was sent: whether it arrived is not known.
    #[error("the connection was lost before the acknowledgement came")]
    Disconnected,
    /// As many events as are allowed wait for a connection; this one was not taken.
    #[error("{0} events wait for a connection already")]
    BufferFull(usize),
}

/// What a namespace gives out, in order.
#[derive(Debug, PartialEq)]
pub(super) enum NamespaceOutput {
    Send(Frame),
    Connected,
    Received(Args, Option<AckId>),
    Settled(EmitId, Settled),
    Ended(Reason),
}

/// An event that expects an acknowledgement.
#[derive(Debug)]
struct Pending {
    emit: EmitId,
    deadline: Duration,
}

/// An event that waits for the connection.
#[derive(Debug)]
struct Buffered {
    emit: EmitId,
    ack: Option<AckId>,
    args: Args,
}

#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    auth: Option<Json>,
    connected: bool,
    next_ack: AckId,
    pending: Ordered<AckId, Pending>,
    deadlines: Ordered<(Duration, AckId), ()>,
    buffer: VecDeque<Buffered>,
    buffer_limit: usize,
    outputs: VecDeque<NamespaceOutput>,
}

impl Namespace {
    pub(super) fn new(name: String, auth: Option<Json>, buffer_limit: usize) -> Self {
        Self {
            name,
            auth,
            connected: false,
            next_ack: 0,
            pending: Ordered::new(),
            deadlines: Ordered::new(),
            buffer: VecDeque::new(),
            buffer_limit,
            outputs: VecDeque::new(),
        }
    }

    /// Asks the server to connect; the session is open.
    pub(super) fn connect(&mut self) {
        self.send(Kind::Connect(self.auth.clone()));
    }

    /// Leaves the namespace.
    pub(super) fn disconnect(&mut self) {
        if self.connected {
            self.send(Kind::Disconnect);
        }
        self.lost();
    }

    /// The connection is gone: what was sent and not acknowledged is settled, what was not sent stays.
    pub(super) fn lost(&mut self) {
        self.connected = false;
        // Acknowledgement ids grow, and what is buffered is newer than all that was sent.
        let first_waiting = self.buffer.iter().find_map(|event| event.ack);
        let first_waiting = first_waiting.unwrap_or(AckId::MAX);
        let sent: Vec<_> = self.pending.keys().collect();
        for ack in sent.into_iter().filter(|ack| *ack < first_waiting) {
            self.settle(ack, Err(Unsettled::Disconnected));
        }
    }

    /// Emits now, or once connected. With `patience` an acknowledgement is expected within that time.
    pub(super) fn emit(
        &mut self,
        now: Duration,
        emit: EmitId,
        args: Args,
        patience: Option<Duration>,
    ) {
        if !self.connected && self.buffer.len() >= self.buffer_limit {
            let full = Err(Unsettled::BufferFull(self.buffer.len()));
            self.outputs.push_back(NamespaceOutput::Settled(emit, full));
            return;
        }
        let ack = patience.map(|patience| self.expect_ack(emit, now.saturating_add(patience)));
        let event = Buffered { emit, ack, args };
        if self.connected {
            self.send_event(event);
        } else {
            self.buffer.push_back(event);
        }
    }

    /// Acknowledges an event of the server; nothing happens when the connection is gone.
    pub(super) fn reply(&mut self, ack: AckId, args: Args) {
        if self.connected {
            self.send(Kind::Ack(ack, args));
        }
    }

    pub(super) fn handle_packet(&mut self, packet: Packet) {
        if packet.namespace != self.name {
            return;
        }
        match packet.kind {
            Kind::Connect(_) => self.confirmed(),
            Kind::Disconnect => self.ended(Reason::ServerDisconnect),
            Kind::ConnectError(body) => self.ended(Reason::Refused(body)),
            Kind::Event(ack, args) => self.outputs.push_back(NamespaceOutput::Received(args, ack)),
            Kind::Ack(ack, args) => self.settle(ack, Ok(Some(args))),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        while let Some((deadline, ack)) = self.deadlines.first_key() {
            if deadline > now {
                break;
            }
            self.buffer.retain(|event| event.ack != Some(ack));
            self.settle(ack, Err(Unsettled::Timeout));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.deadlines.first_key().map(|(deadline, _)| deadline)
    }

    pub(super) fn poll_output(&mut self) -> Option<NamespaceOutput> {
        self.outputs.pop_front()
    }

    /// The server confirmed: what waited goes first, in order.
    fn confirmed(&mut self) {
        self.connected = true;
        self.outputs.push_back(NamespaceOutput::Connected);
        for event in std::mem::take(&mut self.buffer) {
            self.send_event(event);
        }
    }

    fn ended(&mut self, reason: Reason) {
        self.lost();
        self.outputs.push_back(NamespaceOutput::Ended(reason));
    }

    fn send_event(&mut self, event: Buffered) {
        let unacknowledged = event.ack.is_none();
        self.send(Kind::Event(event.ack, event.args));
        if unacknowledged {
            self.outputs
                .push_back(NamespaceOutput::Settled(event.emit, Ok(None)));
        }
    }

    /// A head goes before its attachments.
    fn send(&mut self, kind: Kind) {
        let (text, attachments) = Packet::new(self.name.as_str(), kind).encode();
        self.outputs
            .push_back(NamespaceOutput::Send(Frame::Text(text)));
        for attachment in attachments {
            self.outputs
                .push_back(NamespaceOutput::Send(Frame::Binary(attachment)));
        }
    }

    fn expect_ack(&mut self, emit: EmitId, deadline: Duration) -> AckId {
        let ack = self.next_ack;
        self.next_ack += 1;
        self.pending.insert(ack, Pending { emit, deadline });
        self.deadlines.insert((deadline, ack), ());
        ack
    }

    /// Settles an expected acknowledgement once; an unknown one is ignored.
    fn settle(&mut self, ack: AckId, settled: Settled) {
        if let Some(Pending { emit, deadline }) = self.pending.remove(ack) {
            self.deadlines.remove((deadline, ack));
            self.outputs
                .push_back(NamespaceOutput::Settled(emit, settled));
        }
    }
}
