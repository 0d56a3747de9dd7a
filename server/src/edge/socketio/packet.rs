//! What goes out beside socketioxide: Socket.IO packets in WebSocket frames, each message encoded once for all its readers.
//!
//! Source: Socket.IO protocol v5, RFC 6455 section 5.2.

use crate::hub::Message;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::{Arc, Mutex, PoisonError};

/// A whole text message that is not masked.
const WHOLE_TEXT: u8 = 0b1000_0001;
/// The end of a WebSocket.
const CLOSE: u8 = 0b1000_1000;
/// The longest reason of an end, in bytes: with its code it fits into a control frame.
const MAX_REASON_BYTES: usize = 123;
/// The messages whose frames are kept: those that are under way to many at once.
const KEPT: usize = 64;

/// A slot for one message and its frame.
type Slot = Mutex<Option<(Arc<Message>, Bytes)>>;

/// The frames of the last messages.
#[derive(Debug)]
pub(super) struct Encoded([Slot; KEPT]);

impl Default for Encoded {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Slot::default()))
    }
}

impl Encoded {
    /// The frame of a message.
    pub(super) fn frame(&self, message: &Arc<Message>) -> Bytes {
        let place = Arc::as_ptr(message).addr() / size_of::<Message>() % KEPT;
        let mut slot = self.0[place].lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some((kept, frame)) if Arc::ptr_eq(kept, message) => frame.clone(),
            _ => {
                let frame = Bytes::from(event(message.event, message.body.get()));
                *slot = Some((Arc::clone(message), frame.clone()));
                frame
            }
        }
    }
}

/// The frame of an event with one payload.
///
/// # Errors
/// When the payload does not encode.
pub(super) fn encode<T: Serialize>(name: &str, payload: &T) -> Result<Vec<u8>, serde_json::Error> {
    Ok(event(name, &serde_json::to_string(payload)?))
}

/// The frame of an acknowledgement.
pub(super) fn ack(id: i64, body: &RawValue) -> Vec<u8> {
    frame(&["43", &id.to_string(), "[", body.get(), "]"])
}

/// The frame that ends a WebSocket; a reason that is too long is left out.
pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    let reason = match reason.len() {
        0..=MAX_REASON_BYTES => reason.as_bytes(),
        _ => &[],
    };
    let payload = [&code.to_be_bytes()[..], reason].concat();
    let length = payload.len().to_be_bytes();
    [&[CLOSE, length[length.len() - 1]][..], &payload].concat()
}

/// Names of events stand in a table and are plain.
fn event(name: &str, payload: &str) -> Vec<u8> {
    frame(&["42[\"", name, "\",", payload, "]"])
}

/// A text in parts as one frame of a server.
pub(super) fn frame(parts: &[&str]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 10);
    bytes.push(WHOLE_TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => bytes.push(short),
        (_, Ok(medium)) => {
            bytes.push(126);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    for part in parts {
        bytes.extend(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Encoded, ack, close, encode, frame};
    use crate::hub::{Message, Origin, Stamp};
    use serde_json::{json, value::RawValue};
    use std::{sync::Arc, time::Instant};
    use tertulia_shared::Topic;

    fn message(seq: u64) -> Arc<Message> {
        Arc::new(Message {
            topic: Topic::new("a").unwrap(),
            stamp: Stamp { seq, at: 1 },
            origin: Origin("test"),
            event: "test:event",
            body: RawValue::from_string(seq.to_string()).unwrap(),
            since: Instant::now(),
        })
    }

    #[test]
    fn packets_as_they_stand_in_the_protocol() {
        assert_eq!(
            encode("a:b", &json!({"c": 1})).unwrap(),
            b"\x81\x1142[\"a:b\",{\"c\":1}]"
        );
        let body = RawValue::from_string("{}".to_owned()).unwrap();
        assert_eq!(
            ack(12, &body),
            b"\x81\x0843"
                .iter()
                .chain(b"12[{}]")
                .copied()
                .collect::<Vec<_>>()
        );
        for (length, head) in [
            (125, &[0x81, 125][..]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 255, 255]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let bytes = frame(&[&"x".repeat(length)]);
            assert_eq!(
                (&bytes[..head.len()], bytes.len()),
                (head, head.len() + length)
            );
        }
    }

    #[test]
    fn an_end_says_its_code_and_why_where_that_fits() {
        assert_eq!(close(1013, "slow"), b"\x88\x06\x03\xf5slow");
        assert_eq!(close(1008, &"x".repeat(123))[..4], [0x88, 125, 3, 0xf0]);
        assert_eq!(close(1008, &"x".repeat(124)), [0x88, 2, 3, 0xf0]);
    }

    #[test]
    fn a_message_is_encoded_once_and_never_taken_for_another() {
        let encoded = Encoded::default();
        let first = message(1);
        let frame = encoded.frame(&first);
        assert_eq!(encoded.frame(&first).as_ptr(), frame.as_ptr());
        let many: Vec<_> = (2..500).map(message).collect();
        for _ in 0..2 {
            for message in &many {
                let expected = format!("42[\"test:event\",{}]", message.stamp.seq);
                assert!(encoded.frame(message).ends_with(expected.as_bytes()));
            }
        }
    }
}
