//! The requests and WebSockets of a driver that are under way.
//!
//! Not here: how they are begun, which each driver does in its own way.

#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
use crate::native::{Request, Socket};
#[cfg(target_arch = "wasm32")]
use crate::web::{Request, Socket};
use crate::{
    ordered::Ordered,
    socketio::{Action, Input, IoId},
};

/// What is under way; a WebSocket that is dropped closes.
pub(crate) struct UnderWay {
    pub(crate) requests: Ordered<IoId, Request>,
    pub(crate) sockets: Ordered<IoId, Socket>,
}

impl UnderWay {
    pub(crate) fn new() -> Self {
        Self {
            requests: Ordered::new(),
            sockets: Ordered::new(),
        }
    }

    /// Does what is to be done to something that is under way; gives back an action that begins something.
    pub(crate) fn act(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Abort(id) => {
                if let Some(request) = self.requests.remove(id) {
                    request.abort();
                }
            }
            Action::Send(id, frame) => {
                if let Some(socket) = self.sockets.get(id) {
                    socket.send(frame);
                }
            }
            Action::Close(id) => {
                self.sockets.remove(id);
            }
            begins @ (Action::Get(..) | Action::Post(..) | Action::Open(..)) => {
                return Some(begins);
            }
        }
        None
    }

    /// Drops what has come to its end.
    pub(crate) fn forget(&mut self, input: &Input) {
        match input {
            Input::Response(id, ..) | Input::Failed(id, _) => {
                self.requests.remove(*id);
            }
            Input::Closed(id, _) => {
                self.sockets.remove(*id);
            }
            Input::Opened(_) | Input::Received(..) => {}
        }
    }
}
