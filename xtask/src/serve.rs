//! `cargo xtask serve`: from a fresh clone to a running server. `cargo xtask setup`: only its first step.

use anyhow::Result;

use crate::command;
use crate::page;
use crate::step::Steps;
use crate::tools::Tools;
use crate::workspace::{Workspace, executable};

/// Installs, builds, and becomes the server. Fails when a step does; the server's exit code is ours.
pub(crate) fn run(workspace: &Workspace, options: &[String]) -> Result<()> {
    let mut steps = Steps::new(3 + page::STEPS);
    let tools = Tools::new(workspace)?;
    steps.run("looking for the tools", || tools.for_the_page(workspace))?;
    page::build(&mut steps, workspace, &tools)?;
    steps.run("building the server", || {
        command::run(
            command::cargo()
                .args(["build", "--release", "--package", "tertulia-server"])
                .current_dir(&workspace.root),
        )
    })?;
    steps.announce("starting the server");
    command::become_it(
        command::new(executable(&workspace.target, "release", "tertulia"))
            .arg("serve")
            .arg("--page")
            .arg(workspace.page())
            .args(options),
    )
}

/// Installs what the page's build needs, for `trunk serve` by hand. Fails when an installation does.
pub(crate) fn setup(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(1);
    let tools = Tools::new(workspace)?;
    steps.run("looking for the tools", || tools.for_the_page(workspace))?;
    let own = workspace.tools().join("bin");
    if own.is_dir() {
        eprintln!(
            "for `trunk serve`, put our tools first: export PATH=\"{}:$PATH\"",
            own.display()
        );
    }
    Ok(())
}
