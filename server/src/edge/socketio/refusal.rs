//! A refused connection is told why in full: socketioxide's CONNECT_ERROR carries a text, ours the refusal beside it, as
//! `{"message":…,"data":{"code":…,"message":…}}` (Socket.IO protocol v5, "CONNECT_ERROR").
//!
//! The guard puts the one in the place of the other, in the connection that is refused and nowhere else.

use super::packet::frame;
use serde::Serialize;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tertulia_shared::Reject;

/// The Engine.IO message and the Socket.IO packet type of a CONNECT_ERROR.
const CONNECT_ERROR: &str = "44";

/// Why a connection is refused, until it was told.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// Asked without a lock by everything that goes out.
    waits: AtomicBool,
    packets: Mutex<Option<Packets>>,
}

/// What socketioxide writes, and what is to be written instead.
#[derive(Debug)]
struct Packets {
    plain: String,
    full: String,
}

#[derive(Serialize)]
struct Told<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Reject>,
}

impl Refusal {
    /// A connection is about to be refused.
    pub(super) fn set(&self, reject: &Reject) {
        let packet = |data| {
            let message = &reject.message;
            let told = serde_json::to_string(&Told { message, data });
            told.map(|told| format!("{CONNECT_ERROR}{told}"))
        };
        let (Ok(plain), Ok(full)) = (packet(None), packet(Some(reject))) else {
            return;
        };
        *self.packets.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Packets { plain, full });
        self.waits.store(true, Ordering::Release);
    }

    /// Whether there is one that was not told.
    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    /// A polling answer with the refusal in full; `None` where it is not in there.
    pub(super) fn in_payload(&self, payload: &[u8]) -> Option<Vec<u8>> {
        self.told(payload, |packet| packet.as_bytes().to_vec())
    }

    /// WebSocket frames of a server with the refusal in full; `None` where it is not in there.
    pub(super) fn in_frames(&self, frames: &[u8]) -> Option<Vec<u8>> {
        self.told(frames, |packet| frame(&[packet]))
    }

    fn told(&self, bytes: &[u8], wrap: fn(&str) -> Vec<u8>) -> Option<Vec<u8>> {
        let mut packets = self.packets.lock().unwrap_or_else(PoisonError::into_inner);
        let Packets { plain, full } = packets.as_ref()?;
        let (plain, full) = (wrap(plain), wrap(full));
        let at = bytes.windows(plain.len()).position(|part| part == plain)?;
        let told = [&bytes[..at], &full, &bytes[at + plain.len()..]].concat();
        *packets = None;
        self.waits.store(false, Ordering::Release);
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::edge::socketio::packet;
    use tertulia_shared::{Code, Reject};

    fn frame(text: &str) -> Vec<u8> {
        packet::frame(&[text])
    }

    fn refusal(message: &str) -> (Refusal, String, String) {
        let reject = Reject::new(Code::BadToken, message);
        let refusal = Refusal::default();
        assert!(!refusal.waits());
        refusal.set(&reject);
        assert!(refusal.waits());
        let quoted = serde_json::to_string(message).unwrap();
        let plain = format!("44{{\"message\":{quoted}}}");
        let full = format!(
            "44{{\"message\":{quoted},\"data\":{{\"code\":\"bad-token\",\"message\":{quoted}}}}}"
        );
        (refusal, plain, full)
    }

    #[test]
    fn in_a_payload_the_one_packet_is_replaced_once() {
        let (refusal, plain, full) = refusal("a \"quoted\" reason");
        assert_eq!(refusal.in_payload(b"2"), None);
        let payload = format!("2\u{1e}{plain}\u{1e}6");
        let told = refusal.in_payload(payload.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(told).unwrap(),
            format!("2\u{1e}{full}\u{1e}6")
        );
        assert!(!refusal.waits());
        assert_eq!(refusal.in_payload(payload.as_bytes()), None);
    }

    #[test]
    fn among_frames_the_one_is_replaced_with_its_length() {
        for message in ["short", &"long ".repeat(40)] {
            let (refusal, plain, full) = refusal(message);
            let frames = [frame("2"), frame(&plain), frame("3")].concat();
            let told = refusal.in_frames(&frames).unwrap();
            assert_eq!(told, [frame("2"), frame(&full), frame("3")].concat());
        }
    }
}
