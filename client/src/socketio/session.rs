//! One Engine.IO session: handshake, heartbeat, polling, upgrade with probe, fallback.
//!
//! It carries texts and binaries in order and says when it opened and why it closed. It can be opened again. Not here:
//! Socket.IO packets (`namespace`), reconnection (`client`).
//!
//! Source: the Engine.IO protocol document, revision 4.

mod carrier;
mod opening;
mod polling;
mod upgrade;

use super::{
    endpoint::Endpoint,
    io::{Action, Frame, Input, IoId},
    namespace::Way,
    options::Options,
    status::{Reason, Transport},
    timers::Timers,
};
use carrier::Carrier;
use polling::Polling;
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::engine::{Handshake, Packet, Ping};
use upgrade::Probe;

/// What a session tells the layer above, in order.
#[derive(Debug, PartialEq)]
pub(super) enum SessionEvent {
    /// The server answered; packets can travel.
    Opened,
    /// The session goes on over WebSocket.
    Upgraded,
    /// A text or a binary came.
    Received(Frame),
    /// The session is over.
    Closed(Reason),
}

/// What a session gives out, in order.
#[derive(Debug, PartialEq)]
pub(super) enum SessionOutput {
    Action(Action),
    Event(SessionEvent),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// A transport has been tried for too long.
    Opening,
    /// The server's ping is overdue.
    Heartbeat,
    /// The probe of the new transport has no answer.
    Probe,
}

#[derive(Debug)]
enum State {
    Closed,
    /// The transport of that index in the options is tried.
    Opening(usize, Carrier),
    Open(Open),
}

/// A session that the server has opened.
#[derive(Debug)]
struct Open {
    handshake: Handshake,
    carrier: Carrier,
    probe: Option<Probe>,
    /// The layer above has closed: what is buffered goes out first.
    closing: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    endpoint: Endpoint,
    transports: Vec<Transport>,
    /// The order in which this session tries them.
    order: Vec<Transport>,
    upgrade: bool,
    remember_upgrade: bool,
    /// The session went over WebSocket, or the one before it did.
    upgraded: bool,
    timeout: Duration,
    state: State,
    timers: Timers<Timer>,
    /// What waits to be sent, in order.
    buffer: VecDeque<Packet>,
    outputs: VecDeque<SessionOutput>,
    next_id: u64,
}

impl Session {
    pub(super) fn new(endpoint: Endpoint, options: &Options) -> Self {
        Self {
            endpoint,
            transports: options.transports.clone(),
            order: Vec::new(),
            upgrade: options.upgrade,
            remember_upgrade: options.remember_upgrade,
            upgraded: false,
            timeout: options.timeout,
            state: State::Closed,
            timers: Timers::new(),
            buffer: VecDeque::new(),
            outputs: VecDeque::new(),
            next_id: 0,
        }
    }

    /// What carries the packets, once the server has answered.
    pub(super) fn transport(&self) -> Option<Transport> {
        match &self.state {
            State::Open(open) => Some(open.carrier.transport()),
            _ => None,
        }
    }

    /// The longest packet that the server takes, in bytes; without limit while no session is open.
    pub(super) fn max_payload(&self) -> u64 {
        match &self.state {
            State::Open(open) => open.handshake.max_payload,
            _ => u64::MAX,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether what was sent before the end is still on its way.
    pub(super) fn is_closing(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.closing)
    }

    /// How its transport is doing.
    pub(super) fn way(&self) -> Way {
        let is_free = match &self.state {
            State::Open(open) => match &open.carrier {
                Carrier::Polling(polling) => polling.is_free(),
                Carrier::WebSocket(_) => true,
            },
            _ => false,
        };
        Way {
            is_free,
            waiting: self.buffer.len(),
        }
    }

    /// Begins a new session; one that is still there is dropped without a word.
    pub(super) fn open(&mut self, now: Duration) {
        self.drop_all();
        self.order.clone_from(&self.transports);
        if self.remember_upgrade && self.upgraded {
            let socket = Transport::WebSocket;
            if let Some(at) = self.order.iter().position(|other| *other == socket) {
                self.order[..=at].rotate_right(1);
            }
        }
        self.try_transport(now, 0, "no transport is allowed");
    }

    /// Sends a text or a binary; nothing happens when the session is not open.
    pub(super) fn send(&mut self, frame: Frame) {
        if !matches!(&self.state, State::Open(open) if !open.closing) {
            return;
        }
        self.buffer.push_back(match frame {
            Frame::Text(text) => Packet::Message(text),
            Frame::Binary(bytes) => Packet::Binary(bytes),
        });
        self.flush();
    }

    /// Closes after what was sent; `Closed` follows when that is done. An upgrade that the server has agreed to is finished
    /// before, and no probe is given up: servers on socketioxide would end the session over it.
    pub(super) fn close(&mut self) {
        let State::Open(open) = &mut self.state else {
            self.finish(Reason::ClientDisconnect);
            return;
        };
        if !open.closing {
            open.closing = true;
            self.buffer.push_back(Packet::Close);
            self.flush();
        }
    }

    /// Drops the session at once and says nothing.
    pub(super) fn abort(&mut self) {
        self.drop_all();
        self.outputs
            .retain(|output| matches!(output, SessionOutput::Action(_)));
    }

    /// Takes what happened to an action; gives whether the server of an open session was heard by it.
    pub(super) fn handle_input(&mut self, now: Duration, input: Input) -> bool {
        match &self.state {
            State::Closed => false,
            State::Opening(..) => {
                self.opening_input(now, input);
                false
            }
            State::Open(open) => {
                let probes = open.probe.as_ref().is_some_and(|p| p.id == input.id());
                let is_ours = probes || open.carrier.owns(input.id());
                let heard = is_ours && input.is_of_server();
                if probes {
                    self.probe_input(input);
                } else {
                    self.carrier_input(now, input);
                }
                heard
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Opening => self.transport_failed(now, "timeout"),
                Timer::Heartbeat => self.finish(Reason::PingTimeout),
                Timer::Probe => self.abandon_probe(),
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    pub(super) fn poll_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// What comes on the transport that carries the session.
    fn carrier_input(&mut self, now: Duration, input: Input) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        match &mut open.carrier {
            Carrier::Polling(polling) => {
                if polling.owns(input.id()) {
                    self.polling_input(now, input);
                }
            }
            Carrier::WebSocket(id) if *id == input.id() => self.socket_input(now, input),
            Carrier::WebSocket(_) => {}
        }
    }

    fn socket_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Received(_, Frame::Text(text)) => match Packet::from_text(&text) {
                Ok(packet) => self.handle_packet(now, packet),
                Err(error) => self.finish(Reason::TransportError(error.to_string())),
            },
            Input::Received(_, Frame::Binary(bytes)) => {
                self.handle_packet(now, Packet::Binary(bytes));
            }
            Input::Closed(_, words) => self.finish(Reason::TransportClose(words)),
            Input::Opened(_) | Input::Response(..) | Input::Failed(..) => {}
        }
    }

    /// Handles packets, up to the one that ends the session.
    fn handle_packets(&mut self, now: Duration, packets: impl IntoIterator<Item = Packet>) {
        for packet in packets {
            if matches!(self.state, State::Open(_)) {
                self.handle_packet(now, packet);
            }
        }
    }

    /// Handles one packet of an open session.
    fn handle_packet(&mut self, now: Duration, packet: Packet) {
        match packet {
            Packet::Message(text) => self.tell(SessionEvent::Received(Frame::Text(text))),
            Packet::Binary(bytes) => self.tell(SessionEvent::Received(Frame::Binary(bytes))),
            Packet::Ping(Ping::Heartbeat) => {
                self.buffer.push_back(Packet::Pong(Ping::Heartbeat));
                self.arm_heartbeat(now);
                self.flush();
            }
            Packet::Close => self.finish(Reason::TransportClose(String::new())),
            Packet::Noop => {}
            Packet::Open(_) | Packet::Ping(_) | Packet::Pong(_) | Packet::Upgrade => {
                self.finish(Reason::TransportError("packet out of place".to_owned()));
            }
        }
    }

    fn arm_heartbeat(&mut self, now: Duration) {
        if let State::Open(open) = &self.state {
            let Handshake {
                ping_interval,
                ping_timeout,
                ..
            } = open.handshake;
            let patience = Duration::from_millis(ping_interval.saturating_add(ping_timeout));
            self.timers
                .set(Timer::Heartbeat, now.saturating_add(patience));
        }
    }

    /// Sends what is buffered, as far as the transport takes it now.
    fn flush(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        match &mut open.carrier {
            Carrier::WebSocket(id) => {
                let id = *id;
                let closing = open.closing;
                while let Some(packet) = self.buffer.pop_front() {
                    // Here closing the WebSocket is the goodbye. The packet would come with the last events, and the
                    // official server drops what it has not handled when it reads it.
                    if packet != Packet::Close {
                        self.act(Action::Send(id, frame(packet)));
                    }
                }
                if closing {
                    self.finish(Reason::ClientDisconnect);
                }
            }
            Carrier::Polling(_) => self.flush_polling(),
        }
    }

    /// Ends the session: aborts what is under way and says why.
    fn finish(&mut self, reason: Reason) {
        self.drop_all();
        self.tell(SessionEvent::Closed(reason));
    }

    /// Aborts what is under way.
    fn drop_all(&mut self) {
        self.timers.clear_all();
        self.buffer.clear();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => {}
            State::Opening(_, carrier) => self.drop_carrier(carrier),
            State::Open(open) => {
                if let Some(probe) = open.probe {
                    self.act(Action::Close(probe.id));
                }
                self.drop_carrier(open.carrier);
            }
        }
    }

    fn drop_carrier(&mut self, carrier: Carrier) {
        match carrier {
            Carrier::Polling(polling) => {
                for id in polling.under_way() {
                    self.act(Action::Abort(id));
                }
            }
            Carrier::WebSocket(id) => self.act(Action::Close(id)),
        }
    }

    fn act(&mut self, action: Action) {
        self.outputs.push_back(SessionOutput::Action(action));
    }

    fn tell(&mut self, event: SessionEvent) {
        self.outputs.push_back(SessionOutput::Event(event));
    }

    fn fresh_id(&mut self) -> IoId {
        self.next_id += 1;
        IoId(self.next_id)
    }
}

/// What WebSocket carries for a packet.
fn frame(packet: Packet) -> Frame {
    match packet {
        Packet::Binary(bytes) => Frame::Binary(bytes),
        other => Frame::Text(other.to_text()),
    }
}
