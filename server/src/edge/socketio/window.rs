//! How much may be given to socketioxide now: it drops what does not fit its buffer, pings too, and tells no fill level.
//!
//! `emit` takes a place of the buffer before it serializes its payload, and gives it back when that fails. So a payload
//! that emits another one of its kind while it is serialized, and then fails, counts free places (socketioxide 0.18).
//! It holds them for that instant, and a ping that finds no place closes the connection: so it counts no further than
//! [`PROBED_PACKETS`]. Only a client that leaves more than the rest lying is without a place for an instant, by turns.

use serde::{Serialize, Serializer, ser::Error};
use socketioxide::socket::Socket;
use std::{cell::Cell, time::Duration};
use tokio::time::Instant;

/// The places of socketioxide's buffer of one connection, in packets.
pub(super) const BUFFER_PACKETS: usize = 128;
/// The most places that are counted: the others stay free for a ping meanwhile.
const PROBED_PACKETS: usize = BUFFER_PACKETS / 2;
/// The places that are left for what socketioxide sends by itself: pings, and the end of an upgrade.
const RESERVED_PACKETS: usize = 16;
/// The first and the longest pause while the client takes nothing.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

/// How long a client may take nothing while something waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// The connection is closed.
    Closed,
    /// The client took nothing for [`PATIENCE`].
    Stalled,
}

/// The places that were free and are not used since: only this connection's one sender uses them.
#[derive(Debug, Default)]
pub(super) struct Window {
    credit: usize,
}

impl Window {
    /// Waits until one more packet fits.
    ///
    /// # Errors
    /// When the connection is closed, or the client takes nothing for too long.
    pub(super) async fn place(&mut self, socket: &Socket) -> Result<(), NoPlace> {
        let began = Instant::now();
        let mut pause = PAUSES[0];
        while self.credit == 0 {
            if !socket.connected() {
                return Err(NoPlace::Closed);
            }
            if began.elapsed() > PATIENCE {
                return Err(NoPlace::Stalled);
            }
            self.credit = free(socket).saturating_sub(RESERVED_PACKETS);
            if self.credit == 0 {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES[1]);
            }
        }
        self.credit -= 1;
        Ok(())
    }

    /// The buffer was full nevertheless: nothing is known.
    pub(super) fn reset(&mut self) {
        self.credit = 0;
    }
}

/// Whether the client has taken all that it was given. It holds every place for an instant: for a connection that is
/// about to be closed only.
pub(super) fn is_empty(socket: &Socket) -> bool {
    !socket.connected() || count_free(socket, BUFFER_PACKETS) == BUFFER_PACKETS
}

/// Counts the free places, up to [`PROBED_PACKETS`].
fn free(socket: &Socket) -> usize {
    count_free(socket, PROBED_PACKETS)
}

fn count_free(socket: &Socket, most: usize) -> usize {
    let emit = |probe: &Probe<'_>| {
        // It fails by design: with the probe's own error where a place was free.
        let _ = socket.emit("", probe);
    };
    count(&emit, most)
}

/// Counts how often `emit`, which holds a place while it serializes, can be nested, up to `most`.
fn count(emit: &dyn Fn(&Probe<'_>), most: usize) -> usize {
    let found = Cell::new(0);
    emit(&Probe {
        emit,
        most,
        found: &found,
        asked: Cell::new(false),
    });
    found.get()
}

struct Probe<'a> {
    emit: &'a dyn Fn(&Probe<'_>),
    most: usize,
    found: &'a Cell<usize>,
    asked: Cell<bool>,
}

impl Serialize for Probe<'_> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        if !self.asked.replace(true) {
            self.found.set(self.found.get() + 1);
            if self.found.get() < self.most {
                (self.emit)(&Probe {
                    asked: Cell::new(false),
                    ..*self
                });
            }
        }
        Err(S::Error::custom("a probe is never sent"))
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_PACKETS, PROBED_PACKETS, Probe, RESERVED_PACKETS, count};
    use std::cell::Cell;

    /// What is counted in a buffer, and the fewest places that were free meanwhile.
    fn counted(places: usize) -> (usize, usize) {
        let (left, fewest) = (Cell::new(places), Cell::new(places));
        let emit = |probe: &Probe<'_>| {
            if left.get() == 0 {
                return;
            }
            left.set(left.get() - 1);
            fewest.set(fewest.get().min(left.get()));
            serde_json::to_string(probe).unwrap_err();
            left.set(left.get() + 1);
        };
        (count(&emit, PROBED_PACKETS), fewest.get())
    }

    #[test]
    fn a_ping_has_a_place_while_the_buffer_is_probed() {
        let rest = BUFFER_PACKETS - PROBED_PACKETS;
        assert_eq!(counted(BUFFER_PACKETS), (PROBED_PACKETS, rest));
        assert!(rest > RESERVED_PACKETS && PROBED_PACKETS > RESERVED_PACKETS);
    }

    #[test]
    fn few_places_are_counted() {
        assert_eq!(counted(20), (20, 0));
        assert_eq!(counted(0), (0, 0));
    }
}
