//! HTTP long polling: one GET that waits for packets, one POST at a time that brings ours.

use super::{Carrier, Session, State};
use crate::socketio::{
    io::{self, Action, Input, IoId},
    status::{Reason, Transport},
};
use std::time::Duration;
use tertulia_shared::wire::engine::{Packet, decode_payload, encode_payload};

/// The requests that are under way.
#[derive(Debug)]
pub(super) struct Polling {
    get: Option<IoId>,
    post: Option<IoId>,
    /// No new request is sent: the session is about to go on over WebSocket.
    paused: bool,
}

impl Polling {
    /// The GET of the handshake is under way.
    pub(super) fn opening(get: IoId) -> Self {
        Self {
            get: Some(get),
            ..Self::idle()
        }
    }

    pub(super) fn idle() -> Self {
        Self {
            get: None,
            post: None,
            paused: false,
        }
    }

    pub(super) fn owns(&self, id: IoId) -> bool {
        self.get == Some(id) || self.post == Some(id)
    }

    pub(super) fn under_way(&self) -> impl Iterator<Item = IoId> {
        self.get.into_iter().chain(self.post)
    }

    /// A packet would go out at once.
    pub(super) fn is_free(&self) -> bool {
        self.post.is_none() && !self.paused
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Paused, and no request is under way: the other transport can take over.
    pub(super) fn is_quiet(&self) -> bool {
        self.paused && self.get.is_none() && self.post.is_none()
    }
}

impl Session {
    /// Keeps one GET waiting, where the session is carried by polling and not paused.
    pub(super) fn poll(&mut self) {
        let Some((polling, url)) = self.polling_and_url() else {
            return;
        };
        if polling.get.is_none() && !polling.paused {
            let id = self.fresh_id();
            if let Some((polling, _)) = self.polling_and_url() {
                polling.get = Some(id);
            }
            self.act(Action::Get(id, url));
        }
    }

    /// Sends one POST with as many buffered packets as the server takes, where none is under way.
    pub(super) fn flush_polling(&mut self) {
        let Some((polling, url)) = self.polling_and_url() else {
            return;
        };
        if polling.post.is_some() || polling.paused || self.buffer.is_empty() {
            return;
        }
        let id = self.fresh_id();
        if let Some((polling, _)) = self.polling_and_url() {
            polling.post = Some(id);
        }
        let packets = self.take_payload();
        self.act(Action::Post(id, url, encode_payload(&packets)));
    }

    /// Takes the buffered packets that fit into one payload, at least one.
    ///
    /// The last one, which closes, goes by itself: the official server would close before it has handled the others.
    fn take_payload(&mut self) -> Vec<Packet> {
        let limit = match &self.state {
            State::Open(open) => open.handshake.max_payload,
            _ => 0,
        };
        let mut length = 0;
        let mut count = 0;
        for packet in &self.buffer {
            let separator = u64::from(count > 0);
            length += separator + packet.text_len() as u64;
            if count > 0 && (length > limit || *packet == Packet::Close) {
                break;
            }
            count += 1;
        }
        self.buffer.drain(..count).collect()
    }

    pub(super) fn polling_input(&mut self, now: Duration, input: Input) {
        let Some((polling, _)) = self.polling_and_url() else {
            return;
        };
        match input {
            Input::Response(id, 200, body) if polling.get == Some(id) => {
                polling.get = None;
                self.polled(now, &body);
            }
            Input::Response(_, 200, _) => {
                polling.post = None;
                self.posted();
            }
            Input::Response(_, status, body) => {
                self.finish(Reason::TransportError(io::told(
                    "HTTP status",
                    status,
                    &body,
                )));
            }
            Input::Failed(_, reason) => self.finish(Reason::TransportError(reason)),
            Input::Opened(_) | Input::Received(..) | Input::Closed(..) => {}
        }
    }

    fn polled(&mut self, now: Duration, body: &str) {
        match decode_payload(body, usize::MAX) {
            Ok(packets) => {
                self.handle_packets(now, packets);
                self.poll();
                self.upgrade_when_quiet();
            }
            Err(error) => self.finish(Reason::TransportError(error.to_string())),
        }
    }

    fn posted(&mut self) {
        let done = self.buffer.is_empty();
        if done && matches!(&self.state, State::Open(open) if open.closing) {
            self.finish(Reason::ClientDisconnect);
            return;
        }
        self.flush_polling();
        self.upgrade_when_quiet();
    }

    /// The requests and their URL, where the session is open and carried by polling.
    fn polling_and_url(&mut self) -> Option<(&mut Polling, String)> {
        let State::Open(open) = &mut self.state else {
            return None;
        };
        let url = self
            .endpoint
            .url(Transport::Polling, Some(&open.handshake.sid));
        match &mut open.carrier {
            Carrier::Polling(polling) => Some((polling, url)),
            Carrier::WebSocket(_) => None,
        }
    }
}
