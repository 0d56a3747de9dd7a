//! The pure machine on random commands, inputs and times, for a bounded time: it never panics and never stalls.
//!
//! A failure prints a seed: `ARBTEST_SEED=0x… cargo test -p tertulia-client --test machine` runs that input again.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod life;

use arbtest::arbtest;
use life::Life;

/// How long it looks for an input that fails, in milliseconds.
const BUDGET_MS: u64 = 3_000;

#[test]
fn never_panics_and_never_stalls() {
    let (mut lives, mut connected) = (0_u64, 0_u64);
    arbtest(|random| {
        lives += 1;
        connected += u64::from(Life::new(random)?.live()?);
        Ok(())
    })
    .size_max(2_048)
    .budget_ms(BUDGET_MS)
    .run();
    println!("{lives} lives, {connected} of them connected");
    if std::env::var_os("ARBTEST_SEED").is_none() {
        assert!(lives > 300, "{lives} lives are too few");
        assert!(connected * 5 >= lives, "{connected} of {lives} connected");
    }
}
