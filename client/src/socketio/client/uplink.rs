//! Inside the client: the one session that all namespaces share, its loss, and what travels between the parts.

use super::{Client, Event, NamespaceId, Output, silence::Verdict};
use crate::socketio::{
    io::Frame,
    namespace::{Limit, Namespace, NamespaceOutput, Stage},
    session::{SessionEvent, SessionOutput},
    status::{Reason, Transport},
};
use std::time::Duration;
use tertulia_shared::wire::socket::{Decoder, Packet};

/// How long an attempt may take before a change of the network ends it.
const HANGS: Duration = Duration::from_secs(2);

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
            // Who asks for it although there is one does not believe in it.
            Uplink::Open if self.silence.is_doubtful() && was_wanted => {
                self.fail(now, Reason::PingTimeout);
                self.attempt(now);
            }
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
        self.attempted = now;
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
    pub(super) fn fail(&mut self, now: Duration, reason: Reason) {
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
                self.silence.opened(now);
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
            NamespaceOutput::Settled(emit, settled) => {
                let calms = matches!(settled, Ok(Some(_))) && self.silence.hear_ack(now);
                self.tell(Event::Settled(emit, settled));
                self.calmed(now, calms);
            }
            NamespaceOutput::Answered => {
                let calms = self.silence.hear_probe(now);
                self.calmed(now, calms);
            }
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

    fn calmed(&mut self, now: Duration, calms: bool) {
        if calms {
            self.tell_all(now);
        }
    }

    /// Tells what watches over the silence how the namespaces are doing.
    pub(super) fn observe(&mut self, now: Duration) {
        let is_connected = |namespace: &Namespace| *namespace.stage() == Stage::Connected;
        let connected = self.namespaces.iter().any(is_connected);
        let waits = self.namespaces.iter().any(Namespace::waits);
        let verdict = self.silence.observe(now, connected, waits);
        self.follow(now, verdict);
    }

    /// Does what follows from silence.
    pub(super) fn follow(&mut self, now: Duration, verdict: Option<Verdict>) {
        match verdict {
            Some(Verdict::Ask) => self.ask(now),
            Some(Verdict::Doubt) => self.tell_all(now),
            Some(Verdict::Dead) => {
                self.fail(now, Reason::PingTimeout);
                self.settle_all(now);
                self.observe(now);
            }
            None => {}
        }
    }

    /// Asks the server whether it is there, unless that is under way.
    fn ask(&mut self, now: Duration) {
        let Some(args) = self.silence.probe().cloned() else {
            return;
        };
        let is_connected = |namespace: &&mut Namespace| *namespace.stage() == Stage::Connected;
        if let Some(namespace) = self.namespaces.iter_mut().find(is_connected) {
            let sent = namespace.probe(args);
            self.silence.asked(now, sent);
            self.settle_all(now);
        }
    }

    /// Whether an attempt has been under way for so long that the network that it began on may be gone.
    pub(super) fn is_hanging(&self, now: Duration) -> bool {
        let connected = |namespace: &Namespace| *namespace.stage() == Stage::Connected;
        let is_attempt = matches!(self.uplink, Uplink::Opening | Uplink::Open)
            && !self.namespaces.iter().any(connected);
        is_attempt && !self.reopens && now.saturating_sub(self.attempted) >= HANGS
    }

    fn wanted(&self) -> Vec<NamespaceId> {
        let ids = (0..self.namespaces.len()).map(NamespaceId);
        ids.filter(|id| self.namespace(*id).is_some_and(Namespace::is_wanted))
            .collect()
    }

    pub(super) fn tell_all(&mut self, now: Duration) {
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
