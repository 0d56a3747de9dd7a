//! The load of `cargo xtask bench`: our server and the official one on Node, each alone on one core, by turns.
//!
//! Not here: building them (`xtask`). It speaks to both in the same way, by sockets of its own: none of their clients.
//! Arguments: our program, the script of the official server, the core for the servers or `-`, the rounds, and which
//! parts: `fan-out`, `acks`, `burst`, `idle`, or none for all.

mod acks;
mod burst;
mod fan_out;
mod http;
mod idle;
mod process;
mod socket;
mod table;

use anyhow::{Context, Result, bail};
use fan_out::What;
use process::{Kind, Places, Server};
use std::process::ExitCode;
use table::Table;

/// The readers of a fan-out.
const READERS: [usize; 2] = [100, 1_000];
/// The messages that a sender has under way: each alone, or as many as keep the server busy.
const WINDOWS: [usize; 2] = [1, 16];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match measure().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All rounds; whether the limits hold.
async fn measure() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ours, node, core, rounds, parts @ ..] = arguments.as_slice() else {
        bail!("usage: tertulia-load <program> <script> <core or -> <rounds> [<part> …]");
    };
    let core = (core != "-").then(|| core.clone());
    let places = Places::new(ours, node, core);
    let rounds: usize = rounds.parse().context("rounds")?;
    let mut table = Table::default();
    for round in 0..rounds {
        let mut kinds = [Kind::Ours, Kind::Node];
        let first = round % kinds.len();
        // Who is first meets another machine than who is second: by turns.
        kinds.rotate_left(first);
        for kind in kinds {
            eprintln!("round {} of {rounds}: {kind}", round + 1);
            one_round(&places, kind, parts, &mut table)
                .await
                .with_context(|| format!("{kind}, round {}", round + 1))?;
        }
    }
    print!("{table}");
    Ok(table.holds())
}

async fn one_round(places: &Places, kind: Kind, parts: &[String], table: &mut Table) -> Result<()> {
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if wanted("fan-out") {
        for what in What::ALL {
            for readers in READERS {
                let server = Server::start(places, kind)?;
                let mut room = fan_out::Room::fill(&server, what, readers).await?;
                for window in WINDOWS {
                    let fan_out = room.measure(&server, window).await?;
                    table.add_fan_out(kind, what, (readers, window), &fan_out);
                }
            }
        }
    }
    if wanted("acks") {
        for what in What::ALL {
            let server = Server::start(places, kind)?;
            table.add_acks(kind, what, &acks::measure(&server, what).await?);
        }
    }
    if wanted("burst") {
        let server = Server::start(places, kind)?;
        table.add_burst(kind, &burst::measure(&server).await?);
    }
    if wanted("idle") {
        for transport in [idle::Transport::WebSocket, idle::Transport::Polling] {
            let server = Server::start(places, kind)?;
            table.add_idle(kind, transport, idle::measure(&server, transport).await?);
        }
    }
    Ok(())
}
