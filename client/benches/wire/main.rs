//! How fast the codecs and the machine are, beside the official JavaScript parsers on the same packets in the same run.
//!
//! `cargo bench -p tertulia-client`; `cargo xtask test` installs Node and the official packages once. Both sides take
//! turns, and of the rounds the median counts, so that noise meets both. Not here: sockets, TLS, the event loops.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench fails by panicking"
)]

mod codec;
mod machine;
mod node;
mod packets;

use node::Node;
use serde_json::Value;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// How often both sides take their turn.
const ROUNDS: usize = 9;
/// How long one turn lasts, about.
const TURN: Duration = Duration::from_millis(20);
/// How long each side runs before it counts: V8 compiles what it sees often.
const WARM_UP: Duration = Duration::from_millis(150);

/// One line of the table.
struct Case {
    name: &'static str,
    /// What Node is told to do.
    node: Value,
    /// One operation of ours.
    ours: Box<dyn FnMut()>,
}

fn main() -> ExitCode {
    let mut cases = codec::cases();
    cases.extend(machine::cases());
    let told: Vec<_> = cases.iter().map(|case| case.node.clone()).collect();
    let mut node = match Node::start(&told) {
        Ok(node) => node,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{:<36}{:>12}{:>12}{:>8}{:>14}",
        "", "ours ns", "Node ns", "ratio", "ours in 1 s"
    );
    for (index, case) in cases.iter_mut().enumerate() {
        let [ours, theirs, ratio] = compare(&mut case.ours, |count| node.run(index, count));
        let rate = 1e9 / ours;
        println!(
            "{:<36}{ours:>12.0}{theirs:>12.0}{ratio:>8.2}{rate:>14.0}",
            case.name
        );
    }
    println!("ratio: how many times as long the official parser takes; medians of {ROUNDS} rounds");
    ExitCode::SUCCESS
}

/// The medians of both sides, in nanoseconds an operation, and of their ratio in each round.
fn compare(ours: &mut dyn FnMut(), mut theirs: impl FnMut(u64) -> Duration) -> [f64; 3] {
    let mut ours = |count: u64| {
        let begin = Instant::now();
        for _ in 0..count {
            ours();
        }
        begin.elapsed()
    };
    let counts = (turn(&mut ours), turn(&mut theirs));
    let mut rounds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let ours = each(ours(counts.0), counts.0);
        let theirs = each(theirs(counts.1), counts.1);
        for (round, value) in rounds.iter_mut().zip([ours, theirs, theirs / ours]) {
            round.push(value);
        }
    }
    rounds.map(|mut values| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    })
}

/// Warms up, and finds how many operations fill a turn.
fn turn(run: &mut impl FnMut(u64) -> Duration) -> u64 {
    let (mut count, mut total) = (1, Duration::ZERO);
    loop {
        let taken = run(count);
        total += taken;
        if total >= WARM_UP {
            let fitting = TURN.as_secs_f64() / taken.as_secs_f64() * count as f64;
            return (fitting as u64).max(1);
        }
        if taken < TURN {
            count *= 2;
        }
    }
}

/// Nanoseconds an operation.
fn each(total: Duration, count: u64) -> f64 {
    total.as_secs_f64() * 1e9 / count as f64
}
