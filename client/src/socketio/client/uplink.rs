//! Inside the client: the one session that all namespaces share, its loss, and what travels between the parts.

use super::{Client, Event, NamespaceId, Output};
use crate::socketio::{
    io::Frame,
    namespace::{Limit, Namespace, NamespaceOutput, Stage},
    session::{SessionEvent, SessionOutput},
    status::{Reason, Transport},
};
use std::time::Duration;
use tertulia_shared::wire::socket::{Decoder, Packet};

/// The session as the namespaces see it.
#[derive(Debug, PartialEq)]
pub(super) enum Uplink {
    Down,
    Opening,
    Open,
    /// The next attempt is due then.
    Waiting(Duration, Reason),
}

impl Client {
    /// After a sleep nothing revives a session whose heartbeat has expired: neither what waited in the network, nor an
    /// emit, which would go out in vain.
    pub(super) fn expire_heartbeat(&mut self, now: Duration) {
        self.session.handle_timeout(now);
        self.settle_all(now);
    }

    pub(super) fn connect(&mut self, now: Duration, id: NamespaceId) {
        let was_wanted = self.namespace(id).is_some_and(Namespace::is_wanted);
        self.at(id, Namespace::want);
        match self.uplink {
            Uplink::Down => {
                self.backoff.reset();
                self.attempt(now);
            }
            Uplink::Waiting(..) if was_wanted => self.attempt(now),
            // A further namespace does not shorten the delay of the others.
            Uplink::Waiting(..) | Uplink::Opening => self.tell_status(now, id),
            Uplink::Open => {
                self.start(now, id);
                self.tell_status(now, id);
            }
        }
    }

    pub(super) fn disconnect(&mut self, now: Duration, id: NamespaceId) {
        self.at(id, |namespace| {
            namespace.disconnect(Reason::ClientDisconnect)
        });
        self.drain_namespaces(now);
        self.tell_status(now, id);
        self.close_when_unwanted();
    }

    /// Opens a session for all namespaces that are wanted.
    pub(super) fn attempt(&mut self, now: Duration) {
        self.decoder = Decoder::default();
        self.asked_to_wait = None;
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
            attachments: self.options.max_attachments,
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
            // Counted as an attempt in any case.
            let delay = self.backoff.next_delay();
            let due = now.saturating_add(self.asked_to_wait.unwrap_or(delay));
            self.uplink = Uplink::Waiting(due, reason);
        } else {
            self.uplink = Uplink::Down;
            for id in &wanted {
                let reason = reason.clone();
                self.at(*id, |namespace| namespace.give_up(reason));
            }
        }
        for id in wanted {
            self.tell_status(now, id);
        }
    }

    /// Carries outputs between the parts until none is left.
    pub(super) fn settle_all(&mut self, now: Duration) {
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
            NamespaceOutput::Ended => {
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

    pub(super) fn namespace(&self, id: NamespaceId) -> Option<&Namespace> {
        self.namespaces.get(id.0)
    }

    /// An id of another client names nothing here.
    pub(super) fn at(&mut self, id: NamespaceId, act: impl FnOnce(&mut Namespace)) {
        if let Some(namespace) = self.namespaces.get_mut(id.0) {
            act(namespace);
        }
    }

    /// A server that opens a session and does not answer CONNECT is none; but one that is slow with one namespace does
    /// not end the others.
    pub(super) fn fail_when_late(&mut self, now: Duration) {
        let late: Vec<_> = (0..self.namespaces.len())
            .filter(|index| self.namespaces[*index].is_late(now))
            .collect();
        let Some(first) = late.first() else {
            return;
        };
        let connected = |namespace: &Namespace| *namespace.stage() == Stage::Connected;
        if self.namespaces.iter().any(connected) {
            for index in late {
                self.namespaces[index].wait_on();
            }
            return;
        }
        let reason = match self.namespaces[*first].is_asking() {
            true => "the application gave no auth in time",
            false => "no CONNECT reply came",
        };
        self.fail(now, Reason::TransportError(reason.to_owned()));
    }
}
