//! `cargo xtask test`: everything that can fail, the cheap first, and cargo test's own words last.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::step::Steps;
use crate::tools::{Tools, WASM};
use crate::workspace::Workspace;
use crate::{apt, command, deny, page, peers, size};

/// Headless Chromium that runs as root, in a container, and calls nobody.
const CHROMIUM_FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// The longest that one crate's wasm tests may take in the browser, in seconds.
const WASM_TEST_TIMEOUT: &str = "120";

/// What the tests are told about this machine.
struct World {
    chromium: PathBuf,
    chromedriver: PathBuf,
    trunk: PathBuf,
}

/// Runs all steps. Fails at the first that fails, with its name and exit code.
pub(crate) fn run(workspace: &Workspace, cargo_test: &[String]) -> Result<()> {
    let mut steps = Steps::new(10 + page::STEPS);
    let tools = Tools::new(workspace)?;
    let world = install(&mut steps, workspace, &tools)?;
    lint(&mut steps, workspace)?;
    steps.run("licences, bans and sources", || {
        deny::check(workspace, &tools, &deny::OFFLINE)
    })?;
    steps.run("wasm tests in Chromium", || {
        wasm_tests(workspace, &tools, &world)
    })?;
    page::build(&mut steps, workspace, &tools)?;
    size::report(workspace)?;
    steps.run("building the server and the tests", || {
        command::run(cargo(workspace).args(["build", "--workspace", "--bins", "--tests"]))
    })?;
    eprint!("\n{}\n", steps.table());
    steps.announce("cargo test --workspace");
    // Its own words and exit code are the last.
    command::become_it(
        world
            .tell(cargo(workspace), workspace, &tools)
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(cargo_test),
    )
}

fn install(steps: &mut Steps, workspace: &Workspace, tools: &Tools) -> Result<World> {
    steps.run("looking for the tools", || {
        tools.for_the_page(workspace)?;
        tools.for_lint()?;
        tools.for_deny()
    })?;
    steps.run("looking for the browser, Node and mosquitto", || {
        apt::install_missing(tools)
    })?;
    steps.run("installing the official Socket.IO peers", || {
        peers::install(workspace, tools)
    })?;
    Ok(World {
        chromium: apt::chromium(tools)?,
        chromedriver: tools.require("chromedriver")?,
        trunk: tools.require("trunk")?,
    })
}

fn lint(steps: &mut Steps, workspace: &Workspace) -> Result<()> {
    steps.run("format", || {
        command::run(cargo(workspace).args(["fmt", "--all", "--check"]))
    })?;
    let clippy = |scope: &[&str]| {
        let mut clippy = cargo(workspace);
        clippy.arg("clippy").args(scope).arg("--all-targets");
        command::run(clippy.args(["--", "-D", "warnings"]))
    };
    steps.run("lint", || clippy(&["--workspace"]))?;
    steps.run("lint for wasm", || {
        clippy(&["--package", "tertulia-client", "--target", WASM])
    })
}

fn wasm_tests(workspace: &Workspace, tools: &Tools, world: &World) -> Result<()> {
    let settings = workspace.target.join("webdriver.json");
    fs::write(&settings, world.webdriver_settings())
        .with_context(|| format!("cannot write {}", settings.display()))?;
    let runner = tools.require("wasm-bindgen-test-runner")?;
    command::run(
        cargo(workspace)
            // Not the doc tests: they run natively.
            .args([
                "test",
                "--package",
                "tertulia-client",
                "--target",
                WASM,
                "--tests",
            ])
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            .env("CHROMEDRIVER", &world.chromedriver)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &settings)
            .env("WASM_BINDGEN_TEST_TIMEOUT", WASM_TEST_TIMEOUT)
            .env("WASM_BINDGEN_USE_BROWSER", "1"),
    )
}

fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = command::cargo();
    cargo.current_dir(&workspace.root);
    cargo
}

impl World {
    /// Adds what the tests read from their environment.
    fn tell(&self, mut command: Command, workspace: &Workspace, tools: &Tools) -> Command {
        command
            .env("PATH", &tools.path)
            .env("TERTULIA_TEST_CHROMEDRIVER", &self.chromedriver)
            .env("TERTULIA_TEST_CHROMIUM", &self.chromium)
            .env("TERTULIA_TEST_PAGE", workspace.page())
            .env("TERTULIA_TEST_TRUNK", &self.trunk);
        command
    }

    fn webdriver_settings(&self) -> String {
        let options = json!({ "binary": self.chromium, "args": CHROMIUM_FLAGS });
        json!({ "goog:chromeOptions": options }).to_string()
    }
}
