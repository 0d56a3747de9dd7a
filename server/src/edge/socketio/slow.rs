//! Why a connection is closed whose client takes too little of what it asked for.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Why a client is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slow {
    /// It took nothing for [`super::window::PATIENCE`] while something waited.
    Stalled,
    /// It let more acknowledgements wait than are held for it.
    Acks,
    /// It missed messages of more topics than it can be told.
    Missed,
}

impl Slow {
    const ALL: [Self; 3] = [Self::Stalled, Self::Acks, Self::Missed];

    fn name(self) -> &'static str {
        match self {
            Self::Stalled => "stalled",
            Self::Acks => "acks",
            Self::Missed => "missed",
        }
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stalled => "it took nothing for too long",
            Self::Acks => "too many acknowledgements wait for it",
            Self::Missed => "it missed more topics than can be told",
        })
    }
}

/// The connections that were closed, by why.
#[derive(Debug, Default)]
pub struct TooSlow([AtomicU64; 3]);

impl TooSlow {
    pub(super) fn add(&self, slow: Slow) {
        self.0[slow as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The reasons and how often each was met.
    pub fn read(&self) -> [(&'static str, u64); 3] {
        Slow::ALL.map(|slow| {
            let count = self.0[slow as usize].load(Ordering::Relaxed);
            (slow.name(), count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Slow, TooSlow};

    #[test]
    fn each_reason_is_counted_under_its_name() {
        let counts = TooSlow::default();
        for (slow, times) in [(Slow::Stalled, 1), (Slow::Acks, 2), (Slow::Missed, 3)] {
            (0..times).for_each(|_| counts.add(slow));
        }
        assert_eq!(counts.read(), [("stalled", 1), ("acks", 2), ("missed", 3)]);
    }
}
