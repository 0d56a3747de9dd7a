//! The whole client: a session, a namespace over it, and reconnection.

use super::{
    backoff::Backoff,
    endpoint::Endpoint,
    io::{Action, Frame, Input},
    namespace::{EmitId, Namespace, NamespaceOutput, Settled},
    options::Options,
    session::{Session, SessionEvent, SessionOutput},
    status::{Link, Reason, Status},
    timers::Timers,
};
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{
    args::Args,
    socket::{AckId, Decoder},
};

/// What the application wants.
#[derive(Debug)]
pub enum Command {
    /// Connect, or while waiting try again at once.
    Connect,
    /// Disconnect; nothing comes by itself after that.
    Disconnect,
    /// Emit an event, now or once connected. Ends in [`Event::Settled`].
    Emit {
        /// Names the emit in [`Event::Settled`].
        id: EmitId,
        /// The event's name and payload.
        args: Args,
        /// How long to wait for an acknowledgement; `None` where none is expected.
        ack_within: Option<Duration>,
    },
    /// Acknowledge an event of the server.
    Reply(AckId, Args),
}

/// What the client tells the application.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// How the connection is doing now.
    Status(Status),
    /// The server emitted an event; with an id where it expects an acknowledgement.
    Received(Args, Option<AckId>),
    /// An emit is settled; each is settled exactly once.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The next attempt is due.
    Reconnect,
    /// The CONNECT reply is overdue.
    Connect,
}

/// A Socket.IO client of one namespace.
///
/// `handle_*` feeds it, `poll_output` drains it and is called until it gives `None` after each `handle_*`;
/// `poll_timeout` says when `handle_timeout` is to be called next. Calling `handle_timeout` early is harmless: after a
/// sleep it finds out whether the heartbeat has expired.
#[derive(Debug)]
pub struct Client {
    session: Session,
    namespace: Namespace,
    decoder: Decoder,
    backoff: Backoff,
    timers: Timers<Timer>,
    options: Options,
    link: Link,
    outputs: VecDeque<Output>,
}

impl Client {
    /// A client that does nothing before [`Command::Connect`].
    pub fn new(endpoint: Endpoint, options: Options) -> Self {
        let (min, max) = options.reconnection_delay;
        Self {
            session: Session::new(endpoint, &options),
            namespace: Namespace::new(
                options.namespace.clone(),
                options.auth.clone(),
                options.buffer,
            ),
            decoder: Decoder::default(),
            backoff: Backoff::new(min, max, options.randomization, options.seed.unwrap_or(0)),
            timers: Timers::new(),
            link: Link::Disconnected(Reason::ClientDisconnect),
            outputs: VecDeque::new(),
            options,
        }
    }

    /// How the connection is doing.
    pub fn status(&self) -> Status {
        let is_live = matches!(self.link, Link::Connecting { .. } | Link::Connected);
        Status {
            link: self.link.clone(),
            transport: self.session.transport().filter(|_| is_live),
        }
    }

    /// Takes what the application wants.
    pub fn handle_command(&mut self, now: Duration, command: Command) {
        self.expire_heartbeat(now);
        match command {
            Command::Connect => self.connect_by_hand(now),
            Command::Disconnect => self.disconnect(now),
            Command::Emit {
                id,
                args,
                ack_within,
            } => self.namespace.emit(now, id, args, ack_within),
            Command::Reply(ack, args) => self.namespace.reply(ack, args),
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
        self.namespace.handle_timeout(now);
        self.settle_all(now);
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Reconnect => self.attempt(now),
                Timer::Connect => {
                    let late = Reason::TransportError("no CONNECT reply came".to_owned());
                    self.fail(now, late);
                }
            }
            self.settle_all(now);
        }
    }

    /// When [`Client::handle_timeout`] is to be called next; `None` where nothing is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        [
            self.session.poll_timeout(),
            self.namespace.poll_timeout(),
            self.timers.next(),
        ]
        .into_iter()
        .flatten()
        .min()
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

    fn connect_by_hand(&mut self, now: Duration) {
        match self.link {
            Link::Disconnected(_) => {
                self.backoff.reset();
                self.attempt(now);
            }
            Link::Waiting { .. } => self.attempt(now),
            Link::Connecting { .. } | Link::Connected => {}
        }
    }

    fn attempt(&mut self, now: Duration) {
        self.timers.clear_all();
        self.decoder = Decoder::default();
        self.set_link(Link::Connecting {
            attempt: self.backoff.attempt(),
        });
        self.timers.set(Timer::Connect, now + self.options.timeout);
        self.session.open(now);
    }

    fn disconnect(&mut self, now: Duration) {
        self.timers.clear_all();
        self.namespace.disconnect();
        self.drain_namespace(now);
        self.set_link(Link::Disconnected(Reason::ClientDisconnect));
        self.session.close();
    }

    /// Gives up the session and goes on as after a loss.
    fn fail(&mut self, now: Duration, reason: Reason) {
        self.session.abort();
        self.ended(now, reason);
    }

    /// There is no connection any more: waits for the next attempt, or stays away.
    fn ended(&mut self, now: Duration, reason: Reason) {
        if matches!(self.link, Link::Disconnected(_) | Link::Waiting { .. }) {
            return;
        }
        self.timers.clear_all();
        self.namespace.lost();
        let given_up = self
            .options
            .reconnection_attempts
            .is_some_and(|most| self.backoff.attempt() >= most);
        if !reason.is_retried() || !self.options.reconnection || given_up {
            self.set_link(Link::Disconnected(reason));
            return;
        }
        let retry_in = self.backoff.next_delay();
        self.timers.set(Timer::Reconnect, now + retry_in);
        self.set_link(Link::Waiting {
            attempt: self.backoff.attempt(),
            retry_in,
            reason,
        });
    }

    fn set_link(&mut self, link: Link) {
        self.link = link;
        self.tell(Event::Status(self.status()));
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Carries outputs between the parts until none is left.
    fn settle_all(&mut self, now: Duration) {
        loop {
            self.drain_namespace(now);
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
                self.tell(Event::Status(self.status()));
                self.namespace.connect();
            }
            SessionEvent::Upgraded => self.tell(Event::Status(self.status())),
            SessionEvent::Received(frame) => self.handle_frame(now, frame),
            SessionEvent::Closed(reason) => self.ended(now, reason),
        }
    }

    fn handle_frame(&mut self, now: Duration, frame: Frame) {
        let decoded = match frame {
            Frame::Text(text) => self.decoder.text(&text),
            Frame::Binary(bytes) => self.decoder.binary(bytes),
        };
        match decoded {
            Ok(Some(packet)) => self.namespace.handle_packet(packet),
            Ok(None) => {}
            Err(error) => self.fail(now, Reason::ParseError(error.to_string())),
        }
    }

    /// Carries what the namespace gives out until nothing is left.
    fn drain_namespace(&mut self, now: Duration) {
        while let Some(output) = self.namespace.poll_output() {
            match output {
                NamespaceOutput::Send(frame) => self.session.send(frame),
                NamespaceOutput::Received(args, ack) => self.tell(Event::Received(args, ack)),
                NamespaceOutput::Settled(id, settled) => self.tell(Event::Settled(id, settled)),
                NamespaceOutput::Connected => self.connected(),
                NamespaceOutput::Ended(reason) => {
                    self.ended(now, reason);
                    self.session.close();
                }
            }
        }
    }

    /// Only a CONNECT reply proves that the server is there: only here the delays start small again.
    fn connected(&mut self) {
        self.timers.clear(Timer::Connect);
        self.backoff.reset();
        self.set_link(Link::Connected);
    }
}

#[cfg(test)]
mod tests;
