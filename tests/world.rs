//! What tests are made of: programs that are started on free ports and ended when they go out of scope.

pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod memory;
pub(crate) mod mosquitto;
pub(crate) mod official;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod rubbish;
pub(crate) mod server;
pub(crate) mod wall;
pub(crate) mod watch;

use std::{future::Future, time::Duration};

/// How long anything that is waited for may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that is to happen.
///
/// # Panics
/// When it does not happen within [`PATIENCE`].
#[track_caller]
pub(crate) fn soon<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let what = what.to_owned();
    async move {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{what}: not within {PATIENCE:?}"),
        }
    }
}

/// How long the long form of a test is to go on: the minutes of `TERTULIA_TEST_MINUTES`, which `cargo xtask soak` sets.
pub(crate) fn long_form() -> Option<Duration> {
    let minutes: f64 = std::env::var("TERTULIA_TEST_MINUTES")
        .ok()?
        .parse()
        .unwrap();
    Some(Duration::from_secs_f64(60.0 * minutes))
}

/// A failure's seed is run again: one input, whose shares say nothing.
pub(crate) fn is_one_seed() -> bool {
    std::env::var_os("ARBTEST_SEED").is_some()
}
