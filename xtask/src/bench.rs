//! `cargo xtask bench`: what the promise costs, beside the official server on Node.
//!
//! Not here: the load itself (`tests/load`). Each server in turn has one core for itself, the load has the other.

use std::thread::available_parallelism;

use anyhow::Result;

use crate::apt;
use crate::command;
use crate::peers;
use crate::step::Steps;
use crate::tools::Tools;
use crate::workspace::{Workspace, executable};

/// The core of the servers and the core of the load.
const CORES: [&str; 2] = ["0", "1"];

/// Builds what is measured and measures so many rounds, all parts or those that are named. Fails where a limit is missed.
pub(crate) fn run(workspace: &Workspace, rounds: u32, parts: &[String]) -> Result<()> {
    let mut steps = Steps::new(4);
    let tools = Tools::new(workspace)?;
    steps.run("looking for Node", || apt::install_missing(&tools))?;
    steps.run("installing the official Socket.IO peers", || {
        peers::install(workspace, &tools)
    })?;
    steps.run("building the server and the load", || {
        command::run(
            command::cargo()
                .args(["build", "--release"])
                .args(["--package", "tertulia-server", "--bin", "tertulia"])
                .args(["--package", "tertulia-tests", "--bin", "tertulia-load"])
                .current_dir(&workspace.root),
        )
    })?;
    steps.announce("measuring");
    let built = |name| executable(&workspace.target, "release", name);
    let pinned = available_parallelism().is_ok_and(|cores| cores.get() > 1)
        && command::find("taskset", &tools.path).is_some();
    let (mut load, core) = match pinned {
        true => {
            let mut load = command::new("taskset");
            load.args(["-c", CORES[1]]).arg(built("tertulia-load"));
            (load, CORES[0])
        }
        false => {
            eprintln!(
                "one core, or no taskset: the load is in the servers' way, the same for both"
            );
            (command::new(built("tertulia-load")), "-")
        }
    };
    load.arg(built("tertulia"))
        .arg(workspace.peers().join("bench-server.mjs"))
        .args([core, &rounds.to_string()])
        .args(parts);
    command::run(load.env("PATH", &tools.path))
}
