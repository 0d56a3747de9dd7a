//! What a client sends over a WebSocket, with malformed packets replaced: a pure machine over bytes.
//!
//! Source: RFC 6455, section 5.2. Only whole text messages are looked at; everything else passes unread, for the
//! WebSocket code behind to accept or refuse.

use super::{MAX_PAYLOAD_BYTES, malformed};

/// The first byte of a text message in one frame: FIN, no extension, opcode 1.
const WHOLE_TEXT: u8 = 0b1000_0001;
const MASKED: u8 = 0b1000_0000;
/// In a frame that is made here the mask changes nothing.
const NO_MASK: [u8; 4] = [0; 4];

/// Takes the bytes as they come and gives those to be read instead.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// A head, or a text message, that is not whole yet.
    partial: Vec<u8>,
    /// How much of a frame is still to pass unread, in bytes.
    passing: u64,
    /// A message came that is too long to be taken.
    too_long: bool,
}

/// The head of a frame.
struct Head {
    first: u8,
    mask: Option<[u8; 4]>,
    /// The length of the head, in bytes.
    length: usize,
    /// The length of what follows, in bytes.
    payload: u64,
}

impl Frames {
    /// Takes bytes; appends to `out` what may be read by now.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        if self.partial.is_empty() {
            bytes = self.pass(bytes, out);
        }
        self.partial.extend_from_slice(bytes);
        while let Some(head) = Head::parse(&self.partial) {
            let whole = head.payload.saturating_add(head.length as u64);
            self.too_long |= head.payload > u64::from(MAX_PAYLOAD_BYTES);
            if !head.is_text() {
                self.passing = whole;
                let waiting = std::mem::take(&mut self.partial);
                self.partial = self.pass(&waiting, out).to_vec();
                continue;
            }
            let Some(frame) = usize::try_from(whole)
                .ok()
                .and_then(|whole| self.partial.get(..whole))
            else {
                return;
            };
            match replaced(&head, frame) {
                Some(other) => out.extend(other),
                None => out.extend_from_slice(frame),
            }
            let length = frame.len();
            self.partial.drain(..length);
        }
    }

    /// Whether a message came that is too long to be taken, since this was asked last.
    pub(super) fn took_too_long(&mut self) -> bool {
        std::mem::take(&mut self.too_long)
    }

    /// What is left where the connection ends amid a frame.
    pub(super) fn rest(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.partial);
    }

    /// Passes what belongs to a frame that is not looked at; gives what follows it.
    fn pass<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let length =
            usize::try_from(self.passing).map_or(bytes.len(), |passing| passing.min(bytes.len()));
        let (passed, rest) = bytes.split_at(length);
        self.passing -= length as u64;
        out.extend_from_slice(passed);
        rest
    }
}

impl Head {
    /// `None` where it is not whole.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (payload, extended) = match second & !MASKED {
            126 => (
                u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
                2,
            ),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 8),
            short => (u64::from(short), 0),
        };
        let key = 2 + extended;
        let mask = match second & MASKED {
            0 => None,
            _ => Some(*bytes.get(key..)?.first_chunk()?),
        };
        Some(Self {
            first,
            mask,
            length: key + mask.map_or(0, |mask| mask.len()),
            payload,
        })
    }

    /// Whether it is a text message that is looked at: whole, masked as a client must, and not too long to be taken.
    fn is_text(&self) -> bool {
        self.first == WHOLE_TEXT
            && self.mask.is_some()
            && self.payload <= u64::from(MAX_PAYLOAD_BYTES)
    }
}

/// The frame to be read instead of this one; `None` where it may be read as it is.
fn replaced(head: &Head, frame: &[u8]) -> Option<Vec<u8>> {
    let mask = head.mask?;
    let payload = frame.get(head.length..)?.iter().zip(mask.iter().cycle());
    let text = String::from_utf8(payload.map(|(byte, mask)| byte ^ mask).collect()).ok()?;
    let other = malformed::replacement(&text)?;
    let length = u16::try_from(other.len()).ok()?;
    let mut frame = vec![WHOLE_TEXT, MASKED | 126];
    frame.extend(length.to_be_bytes());
    frame.extend(NO_MASK);
    frame.extend(other.into_bytes());
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::Frames;

    const KEY: [u8; 4] = [7, 1, 200, 33];

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..126 => bytes.push(0x80 | short as u8),
            medium @ 126..65_536 => {
                bytes.push(0x80 | 126);
                bytes.extend((medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(0x80 | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(KEY);
        bytes.extend(
            payload
                .iter()
                .zip(KEY.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        bytes
    }

    fn text(text: &str) -> Vec<u8> {
        frame(0x81, text.as_bytes())
    }

    /// What comes out where the bytes come in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> Vec<u8> {
        let (mut frames, mut out) = (Frames::default(), Vec::new());
        for piece in bytes.chunks(size) {
            frames.push(piece, &mut out);
        }
        frames.rest(&mut out);
        out
    }

    #[test]
    fn good_frames_come_out_as_they_came_in_whatever_the_pieces() {
        let long = format!("42[\"chat:send\",\"{}\"]", "x".repeat(70_000));
        let bytes = [
            text("2probe"),
            text("40"),
            frame(0x89, b"ping"),
            text(&long),
            frame(0x82, &[1, 2, 3]),
            frame(0x01, b"42[\"a"),
            frame(0x80, b"\"]"),
            frame(0x88, &[]),
        ]
        .concat();
        for size in [1, 2, 3, 7, 4_096, bytes.len()] {
            assert_eq!(read(&bytes, size), bytes, "{size}");
        }
    }

    #[test]
    fn a_malformed_packet_is_replaced_and_the_next_one_is_not() {
        let good = text("42[\"a\"]");
        let bytes = [text("425oops"), good.clone()].concat();
        for size in [1, 5, bytes.len()] {
            let out = read(&bytes, size);
            let shown = String::from_utf8_lossy(&out[8..]);
            assert!(shown.starts_with("425[\"!malformed\",\""), "{shown}");
            assert!(out.ends_with(&good));
        }
    }

    #[test]
    fn too_long_a_message_passes_unread_and_takes_no_memory() {
        let mut head = vec![0x81, 0x80 | 127];
        head.extend(u64::MAX.to_be_bytes());
        head.extend(KEY);
        let (mut frames, mut out) = (Frames::default(), Vec::new());
        frames.push(&head, &mut out);
        frames.push(b"anything", &mut out);
        assert_eq!(out.len(), head.len() + 8);
        assert!(frames.partial.is_empty());
    }

    #[test]
    fn what_is_left_at_the_end_is_not_kept_back() {
        let half = &text("42[\"a\"]")[..5];
        assert_eq!(read(half, 2), half);
    }
}
