//! What a namespace has to send: the buffer while offline, the strict queue of retried events, and who waits for which
//! acknowledgement until when.

use super::{EmitId, Settled, Unsettled};
use crate::ordered::Ordered;
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{args::Args, socket::AckId};

/// How an event is to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How long to wait for an acknowledgement; `None` where none is expected.
    pub ack_within: Option<Duration>,
    /// Drop the event where there is no connection now, or the transport is busy, instead of letting it wait; it is then
    /// not sent again either.
    pub volatile: bool,
    /// How often it is sent again, with the same acknowledgement id, when no acknowledgement came within `ack_within`.
    /// With more than 0 the events of a namespace are sent one after the other, each after the one before is settled: at
    /// least once, in strict order. It means nothing where no acknowledgement is expected.
    pub retries: u32,
}

/// An event to emit.
#[derive(Debug)]
pub(in crate::socketio) struct Emission {
    pub(in crate::socketio) id: EmitId,
    pub(in crate::socketio) args: Args,
    pub(in crate::socketio) delivery: Delivery,
}

/// The most packets that wait for polling's request that is under way: what came beyond would only cost memory.
pub(in crate::socketio) const MAX_UNSENT: usize = 100_000;

/// How the transport is doing.
#[derive(Clone, Copy, Debug)]
pub(in crate::socketio) struct Way {
    /// It takes an event now.
    pub(in crate::socketio) is_free: bool,
    /// The packets that wait for it.
    pub(in crate::socketio) waiting: usize,
}

/// An event that waits for the connection.
#[derive(Debug)]
struct Buffered {
    emit: EmitId,
    ack: Option<AckId>,
    args: Args,
}

/// An event that is sent until it is acknowledged.
#[derive(Debug)]
struct Retried {
    emit: EmitId,
    /// The same each time it is sent.
    ack: AckId,
    args: Args,
    ack_within: Duration,
    retries: u32,
}

/// Who waits for an acknowledgement.
#[derive(Debug)]
struct Pending {
    emit: EmitId,
    deadline: Duration,
    state: State,
}

/// What an event does while its acknowledgement is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Buffered,
    Sent,
    /// It is the head of the strict queue, and under way.
    Retried,
}

#[derive(Debug)]
pub(super) struct Outbox {
    connected: bool,
    next_ack: AckId,
    pending: Ordered<AckId, Pending>,
    deadlines: Ordered<(Duration, AckId), ()>,
    buffer: VecDeque<Buffered>,
    /// Events with retries; only the head is ever under way.
    strict: VecDeque<Retried>,
    /// How often the head of `strict` was sent, and whether it is under way now.
    head_tries: u32,
    head_sent: bool,
    limit: usize,
}

/// What goes out, or what became of it.
#[derive(Debug)]
pub(super) enum Post {
    Event(EmitId, Option<AckId>, Args),
    Settled(EmitId, Settled),
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            connected: false,
            next_ack: 0,
            pending: Ordered::new(),
            deadlines: Ordered::new(),
            buffer: VecDeque::new(),
            strict: VecDeque::new(),
            head_tries: 0,
            head_sent: false,
            limit,
        }
    }

    /// Takes an event; gives what is to be done now.
    pub(super) fn emit(&mut self, now: Duration, emission: Emission, way: Way) -> Option<Post> {
        let Emission {
            id: emit,
            args,
            delivery,
        } = emission;
        let Delivery {
            ack_within,
            volatile,
            retries,
        } = delivery;
        if volatile && !(self.connected && way.is_free) {
            return Some(Post::Settled(emit, Err(Unsettled::NotConnected)));
        }
        let strictly = ack_within.filter(|_| retries > 0 && !volatile);
        let waiting = self.buffer.len() + self.strict.len();
        let is_full = waiting >= self.limit && (strictly.is_some() || !self.connected);
        if is_full || way.waiting >= MAX_UNSENT {
            let waiting = waiting.max(way.waiting);
            return Some(Post::Settled(emit, Err(Unsettled::BufferFull(waiting))));
        }
        if let Some(ack_within) = strictly {
            let ack = self.fresh_ack();
            self.strict.push_back(Retried {
                emit,
                ack,
                args,
                ack_within,
                retries,
            });
            return self.send_head(now);
        }
        let state = match self.connected {
            true => State::Sent,
            false => State::Buffered,
        };
        let ack = ack_within.map(|ack_within| {
            let ack = self.fresh_ack();
            self.expect(ack, emit, now.saturating_add(ack_within), state);
            ack
        });
        if self.connected {
            return Some(Post::Event(emit, ack, args));
        }
        self.buffer.push_back(Buffered { emit, ack, args });
        None
    }

    /// Connected: gives what waited, in order.
    pub(super) fn connected(&mut self, now: Duration) -> Vec<Post> {
        self.connected = true;
        for pending in self.pending.values_mut() {
            pending.state = State::Sent;
        }
        let mut posts: Vec<_> = std::mem::take(&mut self.buffer)
            .into_iter()
            .map(|event| Post::Event(event.emit, event.ack, event.args))
            .collect();
        posts.extend(self.send_head(now));
        posts
    }

    /// Not connected any more: what was sent and not acknowledged is settled; what waits and what is retried stays.
    pub(super) fn lost(&mut self) -> Vec<Post> {
        self.connected = false;
        self.head_sent = false;
        let sent: Vec<_> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.state != State::Buffered)
            .map(|(ack, _)| ack)
            .collect();
        let mut lost: Vec<_> = sent
            .into_iter()
            .filter_map(|ack| self.forget(ack))
            .collect();
        // An event over which the server ends the connection would otherwise be sent without end.
        let is_spent = |head: &Retried| self.head_tries > head.retries;
        if self.strict.front().is_some_and(is_spent) {
            self.drop_head();
        } else {
            lost.retain(|pending| pending.state == State::Sent);
        }
        let settled = |pending: Pending| Post::Settled(pending.emit, Err(Unsettled::Disconnected));
        lost.into_iter().map(settled).collect()
    }

    /// An acknowledgement came; an unknown one is ignored, and one of an event that was not sent yet.
    pub(super) fn acknowledged(&mut self, now: Duration, ack: AckId, args: Args) -> Vec<Post> {
        // Until it is connected, all that waits is still to be sent.
        let pending = self.connected.then(|| self.forget(ack)).flatten();
        let Some(pending) = pending else {
            return Vec::new();
        };
        let settled = Post::Settled(pending.emit, Ok(Some(args)));
        if pending.state != State::Retried {
            return vec![settled];
        }
        self.drop_head();
        [Some(settled), self.send_head(now)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Settles or sends again what has waited for too long.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> Vec<Post> {
        let mut posts = Vec::new();
        while let Some((_, ack)) = self.deadlines.first_key().filter(|(due, _)| *due <= now) {
            let Some(pending) = self.forget(ack) else {
                break;
            };
            if pending.state == State::Retried {
                posts.extend(self.retry_head(now));
            } else {
                self.buffer.retain(|event| event.ack != Some(ack));
                posts.push(Post::Settled(pending.emit, Err(Unsettled::Timeout)));
            }
        }
        posts
    }

    /// Whether an acknowledgement is waited for.
    pub(super) fn waits(&self) -> bool {
        self.connected && self.pending.first_key().is_some()
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.deadlines.first_key().map(|(deadline, _)| deadline)
    }

    /// An event that cannot be sent will not be acknowledged: settles it.
    pub(super) fn refused(
        &mut self,
        now: Duration,
        emit: EmitId,
        ack: Option<AckId>,
        why: Unsettled,
    ) -> Vec<Post> {
        let retried = ack
            .and_then(|ack| self.forget(ack))
            .is_some_and(|pending| pending.state == State::Retried);
        let mut posts = vec![Post::Settled(emit, Err(why))];
        if retried {
            self.drop_head();
            posts.extend(self.send_head(now));
        }
        posts
    }

    /// Sends the head of the strict queue, where it is not under way.
    fn send_head(&mut self, now: Duration) -> Option<Post> {
        if !self.connected || self.head_sent {
            return None;
        }
        let head = self.strict.front()?;
        let (emit, ack, args) = (head.emit, head.ack, head.args.clone());
        let deadline = now.saturating_add(head.ack_within);
        self.head_sent = true;
        self.head_tries += 1;
        self.expect(ack, emit, deadline, State::Retried);
        Some(Post::Event(emit, Some(ack), args))
    }

    /// The head was not acknowledged in time: sends it again, or gives it up and goes on with the next one.
    fn retry_head(&mut self, now: Duration) -> Vec<Post> {
        self.head_sent = false;
        let Some(head) = self.strict.front() else {
            return Vec::new();
        };
        if self.head_tries <= head.retries {
            return self.send_head(now).into_iter().collect();
        }
        let given_up = Post::Settled(head.emit, Err(Unsettled::Timeout));
        self.drop_head();
        [Some(given_up), self.send_head(now)]
            .into_iter()
            .flatten()
            .collect()
    }

    fn drop_head(&mut self) {
        self.strict.pop_front();
        self.head_tries = 0;
        self.head_sent = false;
    }

    /// An acknowledgement id that was not used yet.
    pub(super) fn fresh_ack(&mut self) -> AckId {
        self.next_ack += 1;
        self.next_ack - 1
    }

    fn expect(&mut self, ack: AckId, emit: EmitId, deadline: Duration, state: State) {
        let pending = Pending {
            emit,
            deadline,
            state,
        };
        self.pending.insert(ack, pending);
        self.deadlines.insert((deadline, ack), ());
    }

    fn forget(&mut self, ack: AckId) -> Option<Pending> {
        let pending = self.pending.remove(ack)?;
        self.deadlines.remove((pending.deadline, ack));
        Some(pending)
    }
}
