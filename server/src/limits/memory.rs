//! What answers hold on their way out: a share of a bounded memory, until they are dropped.

use super::{Full, Permit};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A bounded memory, in bytes.
#[derive(Debug)]
pub(super) struct Memory {
    most: u64,
    taken: AtomicU64,
}

/// What one answer holds.
#[derive(Debug)]
pub struct Held {
    memory: Arc<Memory>,
    bytes: u64,
    _place: Permit,
}

impl Memory {
    pub(super) fn new(most: u64) -> Arc<Self> {
        let taken = AtomicU64::new(0);
        Arc::new(Self { most, taken })
    }

    /// Takes so many bytes for an answer that has a place.
    pub(super) fn take(memory: &Arc<Self>, place: Permit, bytes: u64) -> Result<Held, Full> {
        let before = memory.taken.fetch_add(bytes, Ordering::Relaxed);
        // Gives back by its end what it may not have.
        let held = Held {
            memory: Arc::clone(memory),
            bytes,
            _place: place,
        };
        match before.saturating_add(bytes) <= memory.most {
            true => Ok(held),
            false => Err(Full::All),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ANSWER_BYTES, ANSWERS_OF_ADDRESS, Allowed, Full, Limits};

    #[test]
    fn answers_are_limited_in_number_and_in_bytes() {
        let limits = Limits::new(Allowed::default());
        let of = |address, bytes| limits.answer(address, bytes);
        let large = of(None, ANSWER_BYTES).unwrap();
        assert_eq!(of(None, 1).unwrap_err(), Full::All);
        let small: Vec<_> = (0..ANSWERS_OF_ADDRESS)
            .map(|_| of(Some([192, 0, 2, 1].into()), 0).unwrap())
            .collect();
        assert_eq!(
            of(Some([192, 0, 2, 1].into()), 0).unwrap_err(),
            Full::Address
        );
        of(Some([192, 0, 2, 2].into()), 0).unwrap();
        drop((large, small));
        of(Some([192, 0, 2, 1].into()), ANSWER_BYTES).unwrap();
    }
}
