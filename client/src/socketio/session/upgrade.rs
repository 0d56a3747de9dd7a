//! Going on over WebSocket: probe it, let polling run dry, switch. A failed probe leaves polling as it was.

use super::{Carrier, Session, SessionEvent, State, Timer};
use crate::socketio::{
    io::{Action, Frame, Input, IoId},
    status::Transport,
};
use std::time::Duration;
use tertulia_shared::wire::engine::{Packet, Ping};

/// A WebSocket that is tried beside polling.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) id: IoId,
    /// The server answered on it; polling is paused.
    answered: bool,
}

impl Session {
    pub(super) fn start_probe(&mut self, now: Duration) {
        let id = self.fresh_id();
        let State::Open(open) = &mut self.state else {
            return;
        };
        open.probe = Some(Probe {
            id,
            answered: false,
        });
        let sid = Some(open.handshake.sid.as_str());
        let url = self.endpoint.url(Transport::WebSocket, sid);
        self.act(Action::Open(id, url));
        self.timers
            .set(Timer::Probe, now.saturating_add(self.timeout));
    }

    pub(super) fn probe_input(&mut self, input: Input) {
        match input {
            Input::Opened(id) => {
                let probe = Packet::Ping(Ping::Probe).to_text();
                self.act(Action::Send(id, Frame::Text(probe)));
            }
            Input::Received(_, Frame::Text(text)) => match Packet::from_text(&text) {
                Ok(Packet::Pong(Ping::Probe)) => self.probe_answered(),
                _ => self.abandon_probe(),
            },
            Input::Received(_, Frame::Binary(_)) | Input::Closed(..) => self.abandon_probe(),
            Input::Response(..) | Input::Failed(..) => {}
        }
    }

    /// Polling takes no new request; what is under way is waited for, so that nothing is lost or overtaken.
    fn probe_answered(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if let (Carrier::Polling(polling), Some(probe)) = (&mut open.carrier, &mut open.probe) {
            probe.answered = true;
            polling.set_paused(true);
            self.timers.clear(Timer::Probe);
            self.upgrade_when_quiet();
        }
    }

    /// Switches once no polling request is under way.
    pub(super) fn upgrade_when_quiet(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let quiet = matches!(&open.carrier, Carrier::Polling(polling) if polling.is_quiet());
        let Some(probe) = open.probe.take_if(|probe| quiet && probe.answered) else {
            return;
        };
        open.carrier = Carrier::WebSocket(probe.id);
        self.upgraded = true;
        self.act(Action::Send(
            probe.id,
            Frame::Text(Packet::Upgrade.to_text()),
        ));
        self.tell(SessionEvent::Upgraded);
        self.flush();
    }

    /// Gives the probe up; polling goes on.
    pub(super) fn abandon_probe(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        let Some(probe) = open.probe.take() else {
            return;
        };
        if let Carrier::Polling(polling) = &mut open.carrier {
            polling.set_paused(false);
        }
        self.timers.clear(Timer::Probe);
        self.act(Action::Close(probe.id));
        self.poll();
        self.flush();
    }
}
