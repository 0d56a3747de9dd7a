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
    /// Drop the event where there is no connection now, instead of letting it wait.
    pub volatile: bool,
    /// How often it is sent again when no acknowledgement came within `ack_within`. With more than 0 the events of a
    /// namespace are sent one after the other, each after the one before is settled: at least once, in strict order.
    pub retries: u32,
}

/// An event that is to be sent.
#[derive(Clone, Debug)]
struct Queued {
    emit: EmitId,
    args: Args,
    delivery: Delivery,
}

/// Who waits for an acknowledgement.
#[derive(Debug)]
struct Pending {
    emit: EmitId,
    deadline: Duration,
    /// It is the head of the strict queue.
    retried: bool,
}

#[derive(Debug)]
pub(super) struct Outbox {
    connected: bool,
    next_ack: AckId,
    pending: Ordered<AckId, Pending>,
    deadlines: Ordered<(Duration, AckId), ()>,
    /// Events that wait for the connection, with their acknowledgement id.
    buffer: VecDeque<(Option<AckId>, Queued)>,
    /// Events with retries; only the head is ever under way.
    strict: VecDeque<Queued>,
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
    pub(super) fn emit(
        &mut self,
        now: Duration,
        emit: EmitId,
        args: Args,
        delivery: Delivery,
    ) -> Option<Post> {
        let event = Queued {
            emit,
            args,
            delivery,
        };
        if delivery.volatile && !self.connected {
            return Some(Post::Settled(emit, Err(Unsettled::NotConnected)));
        }
        let waiting = self.buffer.len() + self.strict.len();
        if !self.connected && waiting >= self.limit {
            return Some(Post::Settled(emit, Err(Unsettled::BufferFull(waiting))));
        }
        if delivery.retries > 0 && delivery.ack_within.is_some() {
            self.strict.push_back(event);
            return self.send_head(now);
        }
        let ack = delivery
            .ack_within
            .map(|patience| self.expect(emit, now.saturating_add(patience), false));
        if self.connected {
            return Some(Post::Event(emit, ack, event.args));
        }
        self.buffer.push_back((ack, event));
        None
    }

    /// Connected: gives what waited, in order.
    pub(super) fn connected(&mut self, now: Duration) -> Vec<Post> {
        self.connected = true;
        let mut posts: Vec<_> = std::mem::take(&mut self.buffer)
            .into_iter()
            .map(|(ack, event)| Post::Event(event.emit, ack, event.args))
            .collect();
        posts.extend(self.send_head(now));
        posts
    }

    /// Not connected any more: what was sent and not acknowledged is settled; what waits and what is retried stays.
    pub(super) fn lost(&mut self) -> Vec<Post> {
        self.connected = false;
        if std::mem::take(&mut self.head_sent) {
            // The loss of the connection is no try that failed.
            self.head_tries -= 1;
        }
        // Acknowledgement ids grow, and what is buffered is newer than all that was sent.
        let first_waiting = self.buffer.iter().find_map(|(ack, _)| *ack);
        let first_waiting = first_waiting.unwrap_or(AckId::MAX);
        let sent: Vec<_> = self
            .pending
            .keys()
            .filter(|ack| *ack < first_waiting)
            .collect();
        let forget = |ack| self.forget(ack);
        sent.into_iter()
            .filter_map(forget)
            .filter(|pending| !pending.retried)
            .map(|pending| Post::Settled(pending.emit, Err(Unsettled::Disconnected)))
            .collect()
    }

    /// An acknowledgement came; an unknown one is ignored.
    pub(super) fn acknowledged(&mut self, now: Duration, ack: AckId, args: Args) -> Vec<Post> {
        let Some(pending) = self.forget(ack) else {
            return Vec::new();
        };
        let settled = Post::Settled(pending.emit, Ok(Some(args)));
        if !pending.retried {
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
            if pending.retried {
                posts.extend(self.retry_head(now));
            } else {
                self.buffer.retain(|(waiting, _)| *waiting != Some(ack));
                posts.push(Post::Settled(pending.emit, Err(Unsettled::Timeout)));
            }
        }
        posts
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
            .is_some_and(|pending| pending.retried);
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
        let head = self.strict.front()?.clone();
        let patience = head.delivery.ack_within?;
        self.head_sent = true;
        self.head_tries += 1;
        let ack = self.expect(head.emit, now.saturating_add(patience), true);
        Some(Post::Event(head.emit, Some(ack), head.args))
    }

    /// The head was not acknowledged in time: sends it again, or gives it up and goes on with the next one.
    fn retry_head(&mut self, now: Duration) -> Vec<Post> {
        self.head_sent = false;
        let Some(head) = self.strict.front() else {
            return Vec::new();
        };
        if self.head_tries <= head.delivery.retries {
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

    fn expect(&mut self, emit: EmitId, deadline: Duration, retried: bool) -> AckId {
        let ack = self.next_ack;
        self.next_ack += 1;
        let pending = Pending {
            emit,
            deadline,
            retried,
        };
        self.pending.insert(ack, pending);
        self.deadlines.insert((deadline, ack), ());
        ack
    }

    fn forget(&mut self, ack: AckId) -> Option<Pending> {
        let pending = self.pending.remove(ack)?;
        self.deadlines.remove((pending.deadline, ack));
        Some(pending)
    }
}
