//! The page in release: trunk builds it, and every file gets its compressed copies.
//!
//! The profile (`page`) is index.html's to choose, so that a plain `trunk build --release` gives the same page but for names.

use std::process::Command;
use std::{env, io};

use anyhow::Result;

use crate::command;
use crate::names;
use crate::precompress;
use crate::step::Steps;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// How many steps [`build`] takes.
pub(crate) const STEPS: usize = 2;

/// Builds the page into [`Workspace::page`]. Fails when trunk does or a file cannot be written.
pub(crate) fn build(steps: &mut Steps, workspace: &Workspace, tools: &Tools) -> Result<()> {
    let page = workspace.page();
    steps.run("building the page", || {
        command::run(
            trunk(workspace, tools)?
                .args(["build", "--release", "--dist"])
                .arg(&page),
        )
    })?;
    steps.run("compressing the page", || {
        names::take_out(&page)?;
        precompress::folder(&page)
    })
}

/// Our trunk, at the root of the repository, which never downloads a tool: `Tools::for_the_page` gave it all.
fn trunk(workspace: &Workspace, tools: &Tools) -> Result<Command> {
    let mut trunk = command::new(tools.require("trunk")?);
    trunk.env("PATH", &tools.path).current_dir(&workspace.root);
    // stdout is for the server alone: its ready line is the only one.
    trunk.arg("--skip-version-check").stdout(io::stderr());
    // trunk reads NO_COLOR as a bool and refuses the usual `1`.
    if env::var_os("NO_COLOR").is_some() {
        trunk.env("NO_COLOR", "true");
    }
    Ok(trunk)
}
