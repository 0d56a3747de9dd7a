//! How much may be given to socketioxide now: it drops what does not fit its buffer, pings too, and tells no fill level.
//!
//! `emit` takes a place of the buffer before it serializes its payload, and gives it back when that fails. So a payload
//! that emits another one of its kind while it is serialized, and then fails, counts the free places (socketioxide 0.18).

use serde::{Serialize, Serializer, ser::Error};
use socketioxide::socket::Socket;
use std::{cell::Cell, time::Duration};

/// The places of socketioxide's buffer of one connection, in packets.
pub(super) const BUFFER_PACKETS: usize = 128;
/// The places that are left for what socketioxide sends by itself: pings, and the end of an upgrade.
const RESERVED_PACKETS: usize = 16;
/// The first and the longest pause while the client takes nothing.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

/// The places that were free and are not used since: only this connection's one sender uses them.
#[derive(Debug, Default)]
pub(super) struct Window {
    credit: usize,
}

impl Window {
    /// Waits until one more packet fits; false once the connection is closed.
    pub(super) async fn place(&mut self, socket: &Socket) -> bool {
        let mut pause = PAUSES[0];
        while self.credit == 0 {
            if !socket.connected() {
                return false;
            }
            self.credit = free(socket).saturating_sub(RESERVED_PACKETS);
            if self.credit == 0 {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES[1]);
            }
        }
        self.credit -= 1;
        true
    }

    /// The buffer was full nevertheless: nothing is known.
    pub(super) fn reset(&mut self) {
        self.credit = 0;
    }
}

/// Counts the free places.
fn free(socket: &Socket) -> usize {
    let found = Cell::new(0);
    let probe = Probe {
        socket,
        found: &found,
        asked: Cell::new(false),
    };
    // It fails by design: with the probe's own error where a place was free.
    let _ = socket.emit("", &probe);
    found.get()
}

struct Probe<'a> {
    socket: &'a Socket,
    found: &'a Cell<usize>,
    asked: Cell<bool>,
}

impl Serialize for Probe<'_> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        if !self.asked.replace(true) {
            self.found.set(self.found.get() + 1);
            let next = Probe {
                asked: Cell::new(false),
                ..*self
            };
            let _ = self.socket.emit("", &next);
        }
        Err(S::Error::custom("a probe is never sent"))
    }
}
