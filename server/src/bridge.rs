//! What dials a broker: the [`Bridge`] trait and [`supervise`], the only code that tries again.
//!
//! Not here: what accepts clients (`edge`), and the broker inside this process (`broker`).

mod faults;
mod inward;
pub mod link;
pub mod local;
pub mod mapping;
pub mod mqtt;
mod overflow;
mod sources;

use std::{future::Future, time::Duration};
use tertulia_shared::bridge::BridgeState;
use tokio_util::sync::CancellationToken;

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Something that dials out and carries messages for as long as its link holds.
pub trait Bridge: Send {
    /// Why a link broke or did not come up.
    type Error: std::error::Error + Send;

    /// The other side as it is shown to people: without user and password.
    fn peer(&self) -> String;

    /// Dials once and carries until `stop`, and what waits then, for a bounded time. Calls `up` when messages flow.
    ///
    /// # Errors
    /// When the link does not come up or breaks.
    fn carry(
        &mut self,
        stop: &CancellationToken,
        up: impl FnMut() + Send,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Says what it did not get rid of: nothing is carried any more.
    fn give_up(&mut self) {}
}

/// How a link is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it is up.
    pub state: BridgeState,
    /// The attempt under way since it went down, from 1; 0 while it is up.
    pub attempt: u32,
}

/// Keeps a bridge up until `stop`; tells each change.
pub async fn supervise<B: Bridge>(
    mut bridge: B,
    stop: CancellationToken,
    tell: impl Fn(Status) + Send + Sync,
) {
    let peer = bridge.peer();
    let mut failures = Failures::default();
    tell(failures.status());
    loop {
        let mut was_up = false;
        let up = || {
            was_up = true;
            tracing::info!(peer, "link is up");
            tell(Status {
                state: BridgeState::Up,
                attempt: 0,
            });
        };
        let Err(error) = bridge.carry(&stop, up).await else {
            break;
        };
        failures.add(was_up);
        let pause = failures.pause(rand::random());
        tracing::warn!(peer, %error, ?pause, "link is down, trying again");
        tell(failures.status());
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            break;
        }
    }
    bridge.give_up();
}

/// The failures since the link was last up.
#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    ever_up: bool,
}

impl Failures {
    fn add(&mut self, was_up: bool) {
        if was_up {
            *self = Self {
                in_a_row: 0,
                ever_up: true,
            };
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
    }

    /// After the first failure of a link that was up comes attempt 1; where it never was, that was attempt 1 itself.
    fn status(&self) -> Status {
        Status {
            state: BridgeState::Down,
            attempt: self.in_a_row + u32::from(!self.ever_up),
        }
    }

    /// The pause before the next attempt: doubling, and shortened by up to a half by `luck` in 0..1.
    fn pause(&self, luck: f64) -> Duration {
        let doublings = self
            .in_a_row
            .saturating_sub(1)
            .min(LONGEST_PAUSE.as_secs().ilog2() + 1);
        let pause = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
        pause.mul_f64(1.0 - luck / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bridge, Failures, Status, supervise};
    use std::{
        io,
        sync::{Arc, Mutex},
        time::Duration,
    };
    use tertulia_shared::bridge::BridgeState::{Down, Up};
    use tokio_util::sync::CancellationToken;

    /// Fails as often as it is told, then is up until it is told to fail again.
    struct Fickle(Vec<bool>);

    impl Bridge for Fickle {
        type Error = io::Error;

        fn peer(&self) -> String {
            "fickle".to_owned()
        }

        async fn carry(
            &mut self,
            stop: &CancellationToken,
            mut up: impl FnMut() + Send,
        ) -> io::Result<()> {
            let Some(comes_up) = self.0.pop() else {
                stop.cancel();
                return Ok(());
            };
            if comes_up {
                up();
            }
            Err(io::Error::other("gone"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tells_every_attempt_and_starts_again_after_a_link_that_was_up() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let bridge = Fickle(vec![false, true, false, false]);
        supervise(
            bridge,
            CancellationToken::new(),
            move |Status { state, attempt }| {
                listener.lock().unwrap().push((state, attempt));
            },
        )
        .await;
        let expected = [
            (Down, 1),
            (Down, 2),
            (Down, 3),
            (Up, 0),
            (Down, 1),
            (Down, 2),
        ];
        assert_eq!(*told.lock().unwrap(), expected);
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut failures = Failures::default();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            failures.add(false);
            pauses.push(failures.pause(0.0).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(failures.pause(1.0), Duration::from_secs(15));
        failures.add(true);
        assert_eq!(failures.pause(0.0), Duration::from_secs(1));
    }
}
