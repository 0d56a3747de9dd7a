//! How long a packet may be.

use crate::socketio::io::Frame;

/// The longest packet that the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::socketio) struct Limit {
    /// Its `maxPayload`, in bytes.
    pub(in crate::socketio) bytes: u64,
    /// The most attachments of a packet.
    pub(in crate::socketio) attachments: usize,
    /// Binaries travel as base64: polling.
    pub(in crate::socketio) base64: bool,
}

impl Limit {
    pub(super) const NONE: Self = Self {
        bytes: u64::MAX,
        attachments: usize::MAX,
        base64: false,
    };

    /// How long a text or a binary is on its way, in bytes, the type before it included.
    pub(super) fn length(self, frame: &Frame) -> u64 {
        let bytes = match frame {
            Frame::Text(text) => text.len() + 1,
            Frame::Binary(bytes) if self.base64 => bytes.len().div_ceil(3) * 4 + 1,
            Frame::Binary(bytes) => bytes.len(),
        };
        bytes as u64
    }
}
