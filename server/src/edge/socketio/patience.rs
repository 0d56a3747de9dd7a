//! How long a client may take nothing of an answer that is being written to it.
//!
//! hyper waits for ever, and a connection has a place as long as it is open. Not here: WebSockets (`way_out`, `window`).

use super::window;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Sleep, sleep};

/// How long nothing of a write may be taken.
pub(super) const WRITE: Duration = window::PATIENCE;
/// How long all that was written may take to go out: TLS holds the last 64 KiB and tells of no progress.
pub(super) const FLUSH: Duration = Duration::from_secs(120);

/// The time of a write that waits: there is no timer while none does.
#[derive(Debug, Default)]
pub(super) struct Patience(Option<Pin<Box<Sleep>>>);

impl Patience {
    /// What became of a write, looked at each time that it was tried: whether it has waited for `most`. Wakes the task when it
    /// has.
    pub(super) fn is_over<T>(
        &mut self,
        context: &mut Context<'_>,
        written: &Poll<T>,
        most: Duration,
    ) -> bool {
        if written.is_ready() {
            self.0 = None;
            return false;
        }
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep(most)));
        timer.as_mut().poll(context).is_ready()
    }
}

#[cfg(test)]
mod tests {
    use super::{Patience, WRITE};
    use std::{
        task::{Context, Poll, Waker},
        time::Duration,
    };
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn only_a_write_that_waits_all_the_time_is_over() {
        let (mut patience, context) =
            (Patience::default(), &mut Context::from_waker(Waker::noop()));
        let (waits, takes) = (Poll::<()>::Pending, Poll::Ready(()));
        for _ in 0..3 {
            assert!(!patience.is_over(context, &waits, WRITE));
            advance(WRITE - Duration::from_secs(1)).await;
            assert!(!patience.is_over(context, &waits, WRITE));
            assert!(!patience.is_over(context, &takes, WRITE));
            assert!(patience.0.is_none());
            advance(WRITE).await;
        }
        assert!(!patience.is_over(context, &waits, WRITE));
        advance(WRITE + Duration::from_secs(1)).await;
        assert!(patience.is_over(context, &waits, WRITE));
    }
}
