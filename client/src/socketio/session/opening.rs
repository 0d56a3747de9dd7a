//! Opening a session: the transports are tried in order until one brings the handshake.

use super::{Carrier, Open, Polling, Session, SessionEvent, State, Timer};
use crate::socketio::{
    io::{self, Action, Frame, Input},
    status::{Reason, Transport},
};
use std::time::Duration;
use tertulia_shared::wire::engine::{Handshake, Packet, decode_payload};

impl Session {
    /// Tries the transport of that index; after the last one the session is closed with `reason`.
    pub(super) fn try_transport(&mut self, now: Duration, index: usize, reason: &str) {
        let Some(transport) = self.order.get(index).copied() else {
            self.finish(Reason::TransportError(reason.to_owned()));
            return;
        };
        let url = self.endpoint.url(transport, None);
        let id = self.fresh_id();
        let carrier = match transport {
            Transport::Polling => {
                self.act(Action::Get(id, url));
                Carrier::Polling(Polling::opening(id))
            }
            Transport::WebSocket => {
                self.act(Action::Open(id, url));
                Carrier::WebSocket(id)
            }
        };
        self.state = State::Opening(index, carrier);
        self.timers
            .set(Timer::Opening, now.saturating_add(self.timeout));
    }

    /// The transport that is tried does not work: goes on with the next one.
    pub(super) fn transport_failed(&mut self, now: Duration, reason: &str) {
        if let State::Opening(index, carrier) = &self.state {
            let index = *index;
            if matches!(carrier, Carrier::WebSocket(_)) {
                self.upgraded = false;
            }
            self.drop_all();
            self.try_transport(now, index + 1, reason);
        }
    }

    pub(super) fn opening_input(&mut self, now: Duration, input: Input) {
        let State::Opening(_, carrier) = &self.state else {
            return;
        };
        if !carrier.owns(input.id()) {
            return;
        }
        match input {
            Input::Opened(_) => {}
            Input::Response(_, 200, body) => match decode_payload(&body, usize::MAX) {
                Ok(packets) => self.handle_first(now, packets),
                Err(error) => self.transport_failed(now, &error.to_string()),
            },
            Input::Received(_, Frame::Text(text)) => match Packet::from_text(&text) {
                Ok(packet) => self.handle_first(now, vec![packet]),
                Err(error) => self.transport_failed(now, &error.to_string()),
            },
            Input::Response(_, status, body) => {
                self.transport_failed(now, &io::told("HTTP status", status, &body));
            }
            Input::Failed(_, reason) | Input::Closed(_, reason) => {
                self.transport_failed(now, &reason);
            }
            Input::Received(_, Frame::Binary(_)) => {
                self.transport_failed(now, "a binary before the handshake");
            }
        }
    }

    /// The first packet has to be the handshake; what the same payload brings after it is handled too.
    fn handle_first(&mut self, now: Duration, packets: Vec<Packet>) {
        let mut packets = packets.into_iter();
        let Some(Packet::Open(handshake)) = packets.next() else {
            self.transport_failed(now, "no handshake came");
            return;
        };
        self.opened(now, handshake);
        self.handle_packets(now, packets);
        self.poll();
    }

    fn opened(&mut self, now: Duration, handshake: Handshake) {
        let State::Opening(_, carrier) = std::mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        let carrier = match carrier {
            Carrier::Polling(_) => Carrier::Polling(Polling::idle()),
            socket @ Carrier::WebSocket(_) => socket,
        };
        let offered = handshake.upgrades.iter().any(|name| name == "websocket");
        let probe = offered && self.upgrade && self.transports.contains(&Transport::WebSocket);
        let is_polling = matches!(carrier, Carrier::Polling(_));
        self.upgraded = !is_polling;
        self.state = State::Open(Open {
            handshake,
            carrier,
            probe: None,
            closing: false,
        });
        self.timers.clear(Timer::Opening);
        self.arm_heartbeat(now);
        self.tell(SessionEvent::Opened);
        if probe && is_polling {
            self.start_probe(now);
        }
    }
}
