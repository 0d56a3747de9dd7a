//! `cargo xtask`: the developer's commands. Tools are installed here and nowhere else.
//!
//! It is not part of the product: nothing in `server` or `client` depends on it. What it says goes to stderr, so that
//! stdout belongs to the program that it starts.

mod apt;
mod bench;
mod client_size;
mod command;
mod deny;
mod files;
mod names;
mod page;
mod peers;
mod precompress;
mod serve;
mod size;
mod soak;
mod step;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The developer's commands of Tertulia.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build the page and the server in release, and run the server
    Serve {
        /// Options for the server, after `--`: see `cargo xtask serve -- --help`
        #[arg(last = true)]
        server: Vec<String>,
    },
    /// Only install what `serve`, `trunk serve` and `trunk build` need
    Setup,
    /// Install what is missing and run everything: format, lint, wasm tests, native tests, browser tests
    Test {
        /// Arguments for the last step's `cargo test --workspace`, after `--`
        #[arg(last = true)]
        cargo_test: Vec<String>,
    },
    /// Measure the server beside the official one on Node, by turns on one core; fail over a limit
    Bench {
        /// How often each is measured; the medians count
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Only some parts: fan-out, acks, burst, idle
        #[arg(value_parser = ["fan-out", "acks", "burst", "idle"])]
        parts: Vec<String>,
    },
    /// Check licences, bans, sources and, from the network, advisories of all that comes with the program
    Deny,
    /// Run the long forms of the tests: bad networks, reconnect storms, nonsense over HTTP, kills
    Soak {
        /// How long each goes on, in minutes
        #[arg(long, default_value_t = 10.0)]
        minutes: f64,
    },
    /// Build the page and print what a visitor downloads, and what the client adds to a page; fail over the limit
    Size,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match Workspace::find().and_then(|workspace| run(&task, &workspace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            command::exit_code(&error)
        }
    }
}

fn run(task: &Task, workspace: &Workspace) -> anyhow::Result<()> {
    files::raise();
    match task {
        Task::Serve { server } => serve::run(workspace, server),
        Task::Setup => serve::setup(workspace),
        Task::Test { cargo_test } => test::run(workspace, cargo_test),
        Task::Bench { rounds, parts } => bench::run(workspace, *rounds, parts),
        Task::Soak { minutes } => soak::run(workspace, *minutes),
        Task::Size => size::run(workspace),
        Task::Deny => deny::run(workspace),
    }
}
