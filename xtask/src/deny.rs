//! `cargo xtask deny`: whether what comes with the program may, by its licences, sources and advisories.
//!
//! The rules stand in `deny.toml`. The advisories come from the network (github.com); the rest needs none, and is a step of
//! `cargo xtask test`.

use anyhow::Result;

use crate::command;
use crate::step::Steps;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// What is checked without the network.
pub(crate) const OFFLINE: [&str; 3] = ["bans", "licenses", "sources"];

/// Installs cargo-deny and checks all. Fails when a check does.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(3);
    let tools = Tools::new(workspace)?;
    steps.run("looking for the tools", || tools.for_deny())?;
    steps.run("licences, bans and sources", || {
        check(workspace, &tools, &OFFLINE)
    })?;
    steps.run("advisories", || check(workspace, &tools, &["advisories"]))
}

/// Checks some of the rules. Fails when one is broken.
pub(crate) fn check(workspace: &Workspace, tools: &Tools, rules: &[&str]) -> Result<()> {
    let mut deny = command::new(tools.require("cargo-deny")?);
    deny.env("PATH", &tools.path).current_dir(&workspace.root);
    command::run(deny.arg("check").args(rules))
}
