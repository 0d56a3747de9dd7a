//! The end of the server as its connections see it: they are told when to come back, and get what was accepted.
//!
//! Not here: when the server ends (`server`).

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tertulia_shared::server::ServerClosing;
use tokio_util::sync::CancellationToken;

/// The steps of a closing, and how long each waits for clients that take slowly.
///
/// In the first, clients are told and events are still accepted; from the second on none is. What is accepted in one
/// connection goes out in others: so in the third each looks again.
pub(super) const STEPS: [Duration; 3] = [
    Duration::from_millis(2_000),
    Duration::from_millis(700),
    Duration::from_millis(300),
];
/// From this step on no event is accepted.
const DEAF: usize = 2;

/// Whether the server is closing, and when its clients are to come back.
#[derive(Debug)]
pub(super) struct Closing {
    began: CancellationToken,
    come_back_within: Duration,
    /// Which step it is at, from 1.
    step: AtomicUsize,
}

impl Closing {
    /// Begins with `began`; clients come back spread over `come_back_within`.
    pub(super) fn new(began: CancellationToken, come_back_within: Duration) -> Self {
        Self {
            began,
            come_back_within,
            step: AtomicUsize::new(1),
        }
    }

    /// The step at which the closing is.
    pub(super) fn step(&self) -> usize {
        self.step.load(Ordering::SeqCst)
    }

    /// Goes on to a step.
    pub(super) fn go_to(&self, step: usize) {
        self.step.store(step, Ordering::SeqCst);
    }

    /// Whether no event is accepted any more.
    pub(super) fn is_deaf(&self) -> bool {
        self.step() >= DEAF
    }

    /// Waits until the server is closing.
    pub(super) async fn began(&self) {
        self.began.cancelled().await;
    }

    /// What one client is told: another time at each call.
    pub(super) fn come_back(&self) -> ServerClosing {
        let wait = self.come_back_within.mul_f64(rand::random());
        ServerClosing {
            back_in: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Closing;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn clients_come_back_spread_over_the_whole_time() {
        let closing = Closing::new(CancellationToken::new(), Duration::from_secs(5));
        let mut by_second = [0; 5];
        for _ in 0..1_000 {
            let second = closing.come_back().back_in / 1_000;
            by_second[usize::try_from(second).unwrap()] += 1;
        }
        assert!(
            by_second.iter().all(|count| (120..280).contains(count)),
            "{by_second:?}"
        );
    }
}
