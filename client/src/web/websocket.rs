//! One browser WebSocket.

use super::{
    fetch::describe,
    wakes::{Wake, wake},
};
use crate::socketio::{Frame, Input, IoId};
use futures_channel::mpsc;
use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

/// A WebSocket; dropping it closes it after what was sent, and it says nothing any more.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Socket {
    /// Opens a WebSocket; what happens to it comes as inputs.
    pub(super) fn open(
        id: IoId,
        url: &str,
        wakes: &mpsc::UnboundedSender<Wake>,
    ) -> Result<Self, String> {
        let socket = WebSocket::new(url).map_err(|error| describe(&error))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on = |name: &'static str, input: fn(IoId, &Event) -> Option<Input>| {
            let wakes = wakes.clone();
            EventListener::new(&socket, name, move |event| {
                if let Some(input) = input(id, event) {
                    wake(&wakes, input);
                }
            })
        };
        let listeners = [
            on("open", |id, _| Some(Input::Opened(id))),
            on("message", received),
            on("close", closed),
        ];
        Ok(Self {
            socket,
            _listeners: listeners,
        })
    }

    /// Sends a message. The browser refuses only before `open`, when the machine sends nothing; a socket that is
    /// closing drops it and says so by `close`.
    pub(crate) fn send(&self, frame: Frame) {
        let _ = match frame {
            Frame::Text(text) => self.socket.send_with_str(&text),
            Frame::Binary(bytes) => self.socket.send_with_u8_array(&bytes),
        };
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It fails only for a code or a reason that is not allowed, and there is none.
        let _ = self.socket.close();
    }
}

fn received(id: IoId, event: &Event) -> Option<Input> {
    let payload = event.dyn_ref::<MessageEvent>()?.data();
    let frame = match payload.as_string() {
        Some(text) => Frame::Text(text),
        None => {
            let buffer = payload.dyn_ref::<ArrayBuffer>()?;
            Frame::Binary(Uint8Array::new(buffer).to_vec().into())
        }
    };
    Some(Input::Received(id, frame))
}

fn closed(id: IoId, event: &Event) -> Option<Input> {
    let event = event.dyn_ref::<CloseEvent>()?;
    Some(Input::closed_with(id, event.code(), &event.reason()))
}
