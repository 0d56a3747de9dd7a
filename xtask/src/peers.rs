//! The official Socket.IO server and client on Node, which the interop tests talk to.

use std::fs;

use anyhow::{Context, Result};

use crate::command;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Where we note, inside `node_modules`, which lock file it was installed from.
const STAMP: &str = "node_modules/.tertulia-lock.json";

/// `npm ci`, unless `node_modules` already is what the lock file says. Fails when npm does.
pub(crate) fn install(workspace: &Workspace, tools: &Tools) -> Result<()> {
    let folder = workspace.peers();
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    command::run(
        command::new(tools.require("npm")?)
            .args(["ci", "--ignore-scripts", "--prefer-offline"])
            .env("PATH", &tools.path)
            .current_dir(&folder),
    )?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}
