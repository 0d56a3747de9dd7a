//! The whole client: a session, the namespaces that share it, and reconnection.

mod silence;
mod uplink;

use super::{
    auth::{AskAuth, Auth},
    backoff::Backoff,
    endpoint::Endpoint,
    io::{Action, Input},
    namespace::{Delivery, Emission, EmitId, Namespace, ReplyTo, Settled, Stage},
    options::Options,
    session::Session,
    status::{Link, Reason, Status},
};
use silence::Silence;
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{args::Args, json::Json, socket::Decoder};
use uplink::Uplink;

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
    silence: Silence,
    /// When the attempt began that is under way, or that led to this session.
    attempted: Duration,
    /// How long the server asked to wait after the next loss.
    asked_to_wait: Option<Duration>,
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
            silence: Silence::new(options.probe.clone()),
            attempted: Duration::ZERO,
            asked_to_wait: None,
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

    /// Whom to ask for what CONNECT carries, where the namespace has [`Auth::Ask`].
    pub fn auth_source(&self, id: NamespaceId) -> Option<&AskAuth> {
        self.namespace(id).and_then(Namespace::auth_source)
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
            id: namespace.and_then(Namespace::id),
            is_silent: self.silence.is_doubtful() && link == Link::Connected,
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
            } => {
                let way = self.session.way();
                let emission = Emission { id, args, delivery };
                self.at(namespace, |namespace| namespace.emit(now, emission, way));
            }
            Command::Reply {
                namespace,
                id,
                to,
                args,
            } => self.at(namespace, |namespace| namespace.reply(id, to, args)),
        }
        self.settle_all(now);
        self.observe(now);
    }

    /// Takes what happened to an action.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        self.expire_heartbeat(now);
        if self.session.handle_input(now, input) && self.silence.hear(now) {
            self.tell_all(now);
        }
        self.settle_all(now);
        self.observe(now);
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.session.handle_timeout(now);
        self.settle_all(now);
        for namespace in &mut self.namespaces {
            namespace.handle_timeout(now);
        }
        self.fail_when_late(now);
        self.settle_all(now);
        if matches!(self.uplink, Uplink::Waiting(due, _) if due <= now) {
            self.attempt(now);
            self.settle_all(now);
        }
        self.observe(now);
        let verdict = self.silence.tick(now);
        self.follow(now, verdict);
    }

    /// Takes that somebody looks at the application from now on, or nobody: where [`Options::probe`] is given, silence is asked
    /// about while somebody does, and at once when somebody begins to.
    pub fn watch(&mut self, now: Duration, watched: bool) {
        let verdict = self.silence.watch(now, watched);
        self.follow(now, verdict);
    }

    /// Takes that the network is another one: an attempt that is waited for is made at once, one that hangs is made anew, and
    /// a session whose server does not answer soon is given up, where [`Options::probe`] is given.
    pub fn suspect(&mut self, now: Duration) {
        self.expire_heartbeat(now);
        if self.is_hanging(now) {
            self.fail(
                now,
                Reason::TransportError("the network changed".to_owned()),
            );
        }
        if matches!(self.uplink, Uplink::Waiting(..)) {
            self.attempt(now);
            self.settle_all(now);
        }
        self.observe(now);
        let verdict = self.silence.suspect(now);
        self.follow(now, verdict);
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
            .chain(self.silence.poll_timeout())
            .chain(attempt)
            .min()
    }

    /// Has the first attempt after the next loss wait that long instead of as the options say: the server asked for it.
    pub fn wait_after_loss(&mut self, wait: Duration) {
        self.asked_to_wait = Some(wait);
    }

    /// Whether there is nothing under way: no session is open, opening or closing. A driver that stops waits for that.
    pub fn is_closed(&self) -> bool {
        self.session.is_closed()
    }

    /// The next thing to do or to tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests;
