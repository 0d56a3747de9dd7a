//! Where frames end in what a server writes: a pure machine over bytes. A response comes first, that switches.
//!
//! Source: RFC 6455, section 5.2; a server's frames have no mask.

/// The end of the head of a response.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Knows whether a frame has been begun.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    /// How much of the end of the response's head has come; all of it once frames come.
    response: usize,
    /// The head of a frame that is not whole yet.
    head: Vec<u8>,
    /// How much of a frame is still to come, in bytes.
    left: u64,
}

impl Boundary {
    /// Whether the next byte begins a frame.
    pub(super) fn is_between(&self) -> bool {
        self.response == END_OF_HEAD.len() && self.head.is_empty() && self.left == 0
    }

    /// The bytes to the end of the frame that is under way or begins here; before the frames, those of the response.
    pub(super) fn first<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.response < END_OF_HEAD.len() {
            return bytes;
        }
        let whole = match self.left {
            0 if self.is_between() => length(bytes).map(|(head, payload)| payload + head as u64),
            0 => Some(1),
            left => Some(left),
        };
        let whole = whole.and_then(|whole| usize::try_from(whole).ok());
        &bytes[..whole.unwrap_or(bytes.len()).min(bytes.len())]
    }

    /// Takes what was written.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            if self.response < END_OF_HEAD.len() {
                self.response = match *byte == END_OF_HEAD[self.response] {
                    true => self.response + 1,
                    false => usize::from(*byte == END_OF_HEAD[0]),
                };
                bytes = rest;
            } else if self.left > 0 {
                let skipped =
                    usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.left -= skipped as u64;
                bytes = &bytes[skipped..];
            } else {
                self.head.push(*byte);
                bytes = rest;
                if let Some((_, payload)) = length(&self.head) {
                    self.left = payload;
                    self.head = Vec::new();
                }
            }
        }
    }
}

/// The lengths of a frame's head and of its payload; `None` where the head is not whole.
fn length(bytes: &[u8]) -> Option<(usize, u64)> {
    match *bytes.get(1)? {
        126 => Some((
            4,
            u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(),
        )),
        127 => Some((10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        short => Some((2, short.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::Boundary;

    fn frame(length: usize) -> Vec<u8> {
        let mut bytes = vec![0x81];
        match length {
            0..126 => bytes.push(length as u8),
            126..65_536 => {
                bytes.push(126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(vec![b'\r'; length]);
        bytes
    }

    #[test]
    fn only_between_frames_is_between_whatever_the_pieces() {
        let response = b"HTTP/1.1 101 X\r\nupgrade: websocket\r\r\n\r\n".to_vec();
        let frames = [1, 0, 125, 126, 65_535, 65_536, 3].map(frame);
        let mut ends = vec![response.len()];
        for frame in &frames {
            ends.push(ends[ends.len() - 1] + frame.len());
        }
        let bytes = [response, frames.concat()].concat();
        for size in [1, 2, 3, 11, 4_096, bytes.len()] {
            let (mut boundary, mut written) = (Boundary::default(), 0);
            for piece in bytes.chunks(size) {
                boundary.pass(piece);
                written += piece.len();
                assert_eq!(boundary.is_between(), ends.contains(&written), "{written}");
            }
        }
    }

    #[test]
    fn one_frame_at_a_time() {
        let mut boundary = Boundary::default();
        let response = b"HTTP/1.1 101 X\r\n\r\n";
        assert_eq!(boundary.first(response), response, "in one piece");
        boundary.pass(response);
        let bytes = [frame(5), frame(200), frame(1)].concat();
        assert_eq!(boundary.first(&bytes).len(), 7);
        boundary.pass(&bytes[..3]);
        assert_eq!(boundary.first(&bytes[3..]).len(), 4);
        boundary.pass(&bytes[3..7]);
        assert_eq!(boundary.first(&bytes[7..]).len(), 204);
        boundary.pass(&bytes[7..9]);
        assert!(!boundary.is_between());
        assert_eq!(boundary.first(&bytes[9..]).len(), 1);
    }
}
