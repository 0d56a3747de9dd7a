//! What carries the packets of a session.

use super::polling::Polling;
use crate::socketio::{io::IoId, status::Transport};

/// What carries the packets.
#[derive(Debug)]
pub(super) enum Carrier {
    Polling(Polling),
    WebSocket(IoId),
}

impl Carrier {
    pub(super) fn transport(&self) -> Transport {
        match self {
            Self::Polling(_) => Transport::Polling,
            Self::WebSocket(_) => Transport::WebSocket,
        }
    }

    /// Whether it is that request or WebSocket.
    pub(super) fn owns(&self, id: IoId) -> bool {
        match self {
            Self::Polling(polling) => polling.owns(id),
            Self::WebSocket(socket) => *socket == id,
        }
    }
}
