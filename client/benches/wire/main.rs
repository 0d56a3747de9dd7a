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

/// How many operations of both sides fill a turn, and what the rounds gave.
#[derive(Default)]
struct Measured {
    counts: (u64, u64),
    /// Nanoseconds an operation of ours, of theirs, and their ratio.
    rounds: [Vec<f64>; 3],
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
    let measured = compare(&mut cases, &mut node);
    let head = ["ours ns", "Node ns", "ratio", "ours in 1 s"];
    println!(
        "{:<36}{:>12}{:>12}{:>8}{:>14}",
        "", head[0], head[1], head[2], head[3]
    );
    for (case, measured) in cases.iter().zip(measured) {
        let [ours, theirs, ratio] = measured.rounds.map(median);
        let rate = 1e9 / ours;
        println!(
            "{:<36}{ours:>12.0}{theirs:>12.0}{ratio:>8.2}{rate:>14.0}",
            case.name
        );
    }
    println!("ratio: how many times as long the official parser takes; medians of {ROUNDS} rounds");
    ExitCode::SUCCESS
}

/// Each round runs every case once: what disturbs the machine for a second spoils one round, not one case.
fn compare(cases: &mut [Case], node: &mut Node) -> Vec<Measured> {
    let mut measured = Vec::new();
    for (index, case) in cases.iter_mut().enumerate() {
        let ours = turn(&mut |count| run(&mut case.ours, count));
        let theirs = turn(&mut |count| node.run(index, count));
        measured.push(Measured {
            counts: (ours, theirs),
            ..Measured::default()
        });
    }
    for _ in 0..ROUNDS {
        for (index, (case, measured)) in cases.iter_mut().zip(&mut measured).enumerate() {
            let counts = measured.counts;
            let ours = each(run(&mut case.ours, counts.0), counts.0);
            let theirs = each(node.run(index, counts.1), counts.1);
            for (round, value) in measured
                .rounds
                .iter_mut()
                .zip([ours, theirs, theirs / ours])
            {
                round.push(value);
            }
        }
    }
    measured
}

fn run(operation: &mut dyn FnMut(), count: u64) -> Duration {
    let begin = Instant::now();
    for _ in 0..count {
        operation();
    }
    begin.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
