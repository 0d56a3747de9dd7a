//! The whole client: a session, the namespaces that share it, and reconnection.

use super::{
    auth::Auth,
    backoff::Backoff,
    endpoint::Endpoint,
    io::{Action, Frame, Input},
    namespace::{Delivery, EmitId, Limit, Namespace, NamespaceOutput, ReplyTo, Settled, Stage},
    options::Options,
    session::{Session, SessionEvent, SessionOutput},
    status::{Link, Reason, Status, Transport},
};
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{
    args::Args,
    json::Json,
    socket::{Decoder, Packet},
};

/// Names a namespace of a client, as [`Client::add`] gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamespaceId(usize);

/// What the application wants.
#[derive(Debug)]
pub enum Command {
    /// Connect, or while waiting try again at once.
    Connect(NamespaceId),
    /// Disconnect; nothing comes by itself after that. The last one closes the session.
    Disconnect(NamespaceId),
    /// What CONNECT carries; the answer to the [`Event::AuthNeeded`] of that number.
    Authorize(NamespaceId, u32, Option<Json>),
    /// Emit an event, now or once connected. Ends in [`Event::Settled`].
    Emit {
        /// Where.
        namespace: NamespaceId,
        /// Names the emit in [`Event::Settled`].
        id: EmitId,
        /// The event's name and payload.
        args: Args,
        /// How it is to be delivered.
        delivery: Delivery,
    },
    /// Acknowledge an event of the server. Ends in [`Event::Settled`].
    Reply {
        /// Where the event came from.
        namespace: NamespaceId,
        /// Names the reply in [`Event::Settled`].
        id: EmitId,
        /// Which event.
        to: ReplyTo,
        /// What it is acknowledged with.
        args: Args,
    },
}

/// What the client tells the application.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// How a namespace is doing now.
    Status(NamespaceId, Status),
    /// A namespace with [`Auth::Ask`] is about to connect: answer with [`Command::Authorize`] and this number.
    AuthNeeded(NamespaceId, u32),
    /// The server emitted an event; where it expects an acknowledgement, with what that is for.
    Received(NamespaceId, Args, Option<ReplyTo>),
    /// An event of this side was handed to the transport.
    Sent(NamespaceId, Args),
    /// An emit or a reply is settled; each is settled exactly once.
    Settled(EmitId, Settled),
}

/// What the client gives out, in order.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// For the driver.
    Action(Action),
    /// For the application.
    Event(Event),
}

/// The session as the namespaces see it.
#[derive(Debug, PartialEq)]
enum Uplink {
    Down,
    Opening,
    Open,
    /// The next attempt is due then.
    Waiting(Duration, Reason),
}

/// A Socket.IO client of one server.
///
/// `handle_*` feeds it, `poll_output` drains it and is called until it gives `None` after each `handle_*`;
/// `poll_timeout` says when `handle_timeout` is to be called next. Calling `handle_timeout` early is harmless: after a
/// sleep it finds out whether the heartbeat has expired.
#[derive(Debug)]
pub struct Client {
    session: Session,
    /// The session is closing, and a new one follows.
    reopens: bool,
    uplink: Uplink,
    namespaces: Vec<Namespace>,
    decoder: Decoder,
    backoff: Backoff,
    options: Options,
    outputs: VecDeque<Output>,
}

impl Client {
    /// A client that does nothing before [`Command::Connect`].
    pub fn new(endpoint: Endpoint, options: Options) -> Self {
        let (min, max) = options.reconnection_delay;
        Self {
            session: Session::new(endpoint, &options),
            reopens: false,
            uplink: Uplink::Down,
            namespaces: Vec::new(),
            decoder: Decoder::default(),
            backoff: Backoff::new(min, max, options.randomization, options.seed.unwrap_or(0)),
            outputs: VecDeque::new(),
            options,
        }
    }

    /// Adds a namespace, or gives the one that has that name already; it connects with `auth` the next time.
    pub fn add(&mut self, name: &str, auth: Auth) -> NamespaceId {
        let known = self
            .namespaces
            .iter()
            .position(|other| other.name() == name);
        let index = known.unwrap_or(self.namespaces.len());
        match self.namespaces.get_mut(index) {
            Some(namespace) => namespace.set_auth(auth),
            None => {
                let namespace = Namespace::new(name.to_owned(), auth, self.options.buffer);
                self.namespaces.push(namespace);
            }
        }
        NamespaceId(index)
    }

    /// How a namespace is doing at `now`.
    pub fn status(&self, now: Duration, id: NamespaceId) -> Status {
        let namespace = self.namespace(id);
        let attempt = self.backoff.attempt();
        let link = match (namespace.map(Namespace::stage), &self.uplink) {
            (None, _) => Link::Disconnected(Reason::ClientDisconnect),
            (Some(Stage::Idle(reason)), _) => Link::Disconnected(reason.clone()),
            (Some(Stage::Connected), _) => Link::Connected,
            (_, Uplink::Waiting(due, reason)) => Link::Waiting {
                attempt,
                retry_in: due.saturating_sub(now),
                reason: reason.clone(),
            },
            _ => Link::Connecting { attempt },
        };
        let is_live = matches!(link, Link::Connecting { .. } | Link::Connected);
        Status {
            transport: self.session.transport().filter(|_| is_live),
            recovered: namespace.is_some_and(Namespace::recovered) && link == Link::Connected,
            link,
        }
    }

    /// Takes what the application wants.
    pub fn handle_command(&mut self, now: Duration, command: Command) {
        self.expire_heartbeat(now);
        match command {
            Command::Connect(id) => self.connect(now, id),
            Command::Disconnect(id) => self.disconnect(now, id),
            Command::Authorize(id, asked, auth) => {
                self.at(id, |namespace| namespace.authorize(asked, auth));
            }
            Command::Emit {
                namespace,
                id,
                args,
                delivery,
            } => self.at(namespace, |namespace| {
                namespace.emit(now, id, args, delivery);
            }),
            Command::Reply {
                namespace,
                id,
                to,
                args,
            } => self.at(namespace, |namespace| namespace.reply(id, to, args)),
        }
        self.settle_all(now);
    }

    /// Takes what happened to an action.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        self.expire_heartbeat(now);
        self.session.handle_input(now, input);
        self.settle_all(now);
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.session.handle_timeout(now);
        self.settle_all(now);
        for namespace in &mut self.namespaces {
            namespace.handle_timeout(now);
        }
        if self
            .namespaces
            .iter()
            .any(|namespace| is_late(namespace, now))
        {
            let late = Reason::TransportError("no CONNECT reply came".to_owned());
            self.fail(now, late);
        }
        self.settle_all(now);
        if matches!(self.uplink, Uplink::Waiting(due, _) if due <= now) {
            self.attempt(now);
            self.settle_all(now);
        }
    }

    /// When [`Client::handle_timeout`] is to be called next; `None` where nothing is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let attempt = match self.uplink {
            Uplink::Waiting(due, _) => Some(due),
            _ => None,
        };
        self.namespaces
            .iter()
            .filter_map(Namespace::poll_timeout)
            .chain(self.session.poll_timeout())
            .chain(attempt)
            .min()
    }

    /// Whether there is nothing under way: no session is open, opening or closing. A driver that stops waits for that.
    pub fn is_closed(&self) -> bool {
        self.session.is_closed()
    }

    /// The next thing to do or to tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// After a sleep nothing revives a session whose heartbeat has expired: neither what waited in the network, nor an
    /// emit, which would go out in vain.
    fn expire_heartbeat(&mut self, now: Duration) {
        self.session.handle_timeout(now);
        self.settle_all(now);
    }

    fn connect(&mut self, now: Duration, id: NamespaceId) {
        self.at(id, Namespace::want);
        match self.uplink {
            Uplink::Down => {
                self.backoff.reset();
                self.attempt(now);
            }
            Uplink::Waiting(..) => self.attempt(now),
            Uplink::Opening => self.tell_status(now, id),
            Uplink::Open => {
                self.start(now, id);
                self.tell_status(now, id);
            }
        }
    }

    fn disconnect(&mut self, now: Duration, id: NamespaceId) {
        self.at(id, |namespace| {
            namespace.disconnect(Reason::ClientDisconnect)
        });
        self.drain_namespaces(now);
        self.tell_status(now, id);
        self.close_when_unwanted();
    }

    /// Opens a session for all namespaces that are wanted.
    fn attempt(&mut self, now: Duration) {
        self.decoder = Decoder::default();
        self.uplink = Uplink::Opening;
        self.tell_all(now);
        self.reopens = self.session.is_closing();
        if !self.reopens {
            self.session.open(now);
        }
    }

    fn start(&mut self, now: Duration, id: NamespaceId) {
        let deadline = now.saturating_add(self.options.timeout);
        let limit = self.limit();
        self.at(id, |namespace| namespace.start(deadline, limit));
    }

    fn limit(&self) -> Limit {
        Limit {
            bytes: self.session.max_payload(),
            base64: self.session.transport() == Some(Transport::Polling),
        }
    }

    /// Nobody needs the session any more.
    fn close_when_unwanted(&mut self) {
        if !self.namespaces.iter().any(Namespace::is_wanted) && self.uplink != Uplink::Down {
            self.uplink = Uplink::Down;
            self.reopens = false;
            self.session.close();
        }
    }

    /// Gives up the session and goes on as after a loss.
    fn fail(&mut self, now: Duration, reason: Reason) {
        self.session.abort();
        self.lost(now, reason);
    }

    /// There is no session any more: waits for the next attempt, or gives up.
    fn lost(&mut self, now: Duration, reason: Reason) {
        if matches!(self.uplink, Uplink::Down | Uplink::Waiting(..)) {
            return;
        }
        let wanted = self.wanted();
        let given_up = self
            .options
            .reconnection_attempts
            .is_some_and(|most| self.backoff.attempt() >= most);
        for namespace in &mut self.namespaces {
            namespace.lost();
        }
        if self.options.reconnection && !given_up {
            let due = now.saturating_add(self.backoff.next_delay());
            self.uplink = Uplink::Waiting(due, reason);
        } else {
            self.uplink = Uplink::Down;
            for id in &wanted {
                let reason = reason.clone();
                self.at(*id, |namespace| namespace.disconnect(reason));
            }
        }
        for id in wanted {
            self.tell_status(now, id);
        }
    }

    /// Carries outputs between the parts until none is left.
    fn settle_all(&mut self, now: Duration) {
        loop {
            self.drain_namespaces(now);
            let Some(output) = self.session.poll_output() else {
                return;
            };
            match output {
                SessionOutput::Action(action) => self.outputs.push_back(Output::Action(action)),
                SessionOutput::Event(event) => self.handle_session(now, event),
            }
        }
    }

    fn handle_session(&mut self, now: Duration, event: SessionEvent) {
        match event {
            SessionEvent::Opened => {
                self.uplink = Uplink::Open;
                for id in self.wanted() {
                    self.start(now, id);
                }
                self.tell_all(now);
            }
            SessionEvent::Upgraded => {
                let limit = self.limit();
                for namespace in &mut self.namespaces {
                    namespace.set_limit(limit);
                }
                self.tell_all(now);
            }
            SessionEvent::Received(frame) => self.handle_frame(now, frame),
            SessionEvent::Closed(_) if std::mem::take(&mut self.reopens) => self.session.open(now),
            SessionEvent::Closed(reason) => self.lost(now, reason),
        }
    }

    fn handle_frame(&mut self, now: Duration, frame: Frame) {
        let decoded = match frame {
            Frame::Text(text) => self.decoder.text(&text),
            Frame::Binary(bytes) => self.decoder.binary(bytes),
        };
        match decoded {
            Ok(Some(Packet { namespace, kind })) => {
                let known = |other: &&mut Namespace| other.name() == namespace;
                if let Some(namespace) = self.namespaces.iter_mut().find(known) {
                    namespace.handle_packet(now, kind);
                }
            }
            Ok(None) => {}
            Err(error) => self.fail(now, Reason::ParseError(error.to_string())),
        }
    }

    /// Carries what the namespaces give out until nothing is left.
    fn drain_namespaces(&mut self, now: Duration) {
        for index in 0..self.namespaces.len() {
            let id = NamespaceId(index);
            while let Some(output) = self.namespaces[index].poll_output() {
                self.handle_namespace(now, id, output);
            }
        }
    }

    fn handle_namespace(&mut self, now: Duration, id: NamespaceId, output: NamespaceOutput) {
        match output {
            NamespaceOutput::Send(frame) => self.session.send(frame),
            NamespaceOutput::AuthNeeded(asked) => self.tell(Event::AuthNeeded(id, asked)),
            NamespaceOutput::Received(args, reply_to) => {
                self.tell(Event::Received(id, args, reply_to));
            }
            NamespaceOutput::Sent(args) => self.tell(Event::Sent(id, args)),
            NamespaceOutput::Settled(emit, settled) => self.tell(Event::Settled(emit, settled)),
            NamespaceOutput::Connected => {
                // Only a CONNECT reply proves that the server is there: only here the delays start small again.
                self.backoff.reset();
                self.tell_status(now, id);
            }
            NamespaceOutput::Ended(_) => {
                self.tell_status(now, id);
                self.close_when_unwanted();
            }
        }
    }

    fn wanted(&self) -> Vec<NamespaceId> {
        let ids = (0..self.namespaces.len()).map(NamespaceId);
        ids.filter(|id| self.namespace(*id).is_some_and(Namespace::is_wanted))
            .collect()
    }

    fn tell_all(&mut self, now: Duration) {
        for id in self.wanted() {
            self.tell_status(now, id);
        }
    }

    fn tell_status(&mut self, now: Duration, id: NamespaceId) {
        self.tell(Event::Status(id, self.status(now, id)));
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn namespace(&self, id: NamespaceId) -> Option<&Namespace> {
        self.namespaces.get(id.0)
    }

    /// An id of another client names nothing here.
    fn at(&mut self, id: NamespaceId, act: impl FnOnce(&mut Namespace)) {
        if let Some(namespace) = self.namespaces.get_mut(id.0) {
            act(namespace);
        }
    }
}

fn is_late(namespace: &Namespace, now: Duration) -> bool {
    matches!(namespace.stage(), Stage::Connecting(deadline) if *deadline <= now)
}

#[cfg(test)]
mod tests;
