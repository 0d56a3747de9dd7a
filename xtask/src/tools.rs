//! What cargo and rustup can install: the wasm target, trunk, wasm-bindgen, the lint and format components.
//!
//! A tool of another version that is already on PATH belongs to another project and stays; ours then goes to
//! `target/tools`, which the children of this task see first. Programs of the system are `apt.rs`'s.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::workspace::Workspace;

/// The target of the page.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The last trunk that rustc 1.95 builds: 0.22 needs 1.96.
const TRUNK: &str = "0.21.14";

/// What checks licences, bans, sources and advisories. Without its default features it needs no TLS library and is built
/// in about a minute.
const DENY: &str = "0.20.2";

/// Where the system keeps servers (mosquitto); a person's PATH often lacks these.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/local/sbin", "/usr/sbin"];

/// The tools of this workspace, found or installed.
pub(crate) struct Tools {
    own: PathBuf,
    /// PATH as the children of this task see it.
    pub(crate) path: OsString,
}

/// A tool that cargo can install.
struct Tool {
    package: &'static str,
    version: String,
    programs: &'static [&'static str],
    /// Ways to call `cargo install`, the preferred first.
    flags: &'static [&'static [&'static str]],
}

impl Tools {
    /// Only looks around. Fails when PATH cannot be extended.
    pub(crate) fn new(workspace: &Workspace) -> Result<Self> {
        let own = workspace.tools();
        let mut folders = vec![own.join("bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        folders.extend(cargo_home().map(|home| home.join("bin")));
        folders.extend(SYSTEM_FOLDERS.map(PathBuf::from));
        let path = env::join_paths(folders).context("PATH cannot hold the folder of our tools")?;
        Ok(Self { own, path })
    }

    /// Installs what the page's build needs. Fails when an installation does.
    pub(crate) fn for_the_page(&self, workspace: &Workspace) -> Result<()> {
        add_target()?;
        self.ensure(&trunk())?;
        self.ensure(&wasm_bindgen(workspace.locked("wasm-bindgen")?))
    }

    /// Installs rustfmt and clippy. Fails when they are absent and rustup cannot add them.
    pub(crate) fn for_lint(&self) -> Result<()> {
        for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
            if !cargo_knows(subcommand) {
                eprintln!("  installing {component}");
                command::run(command::new("rustup").args(["component", "add", component]))?;
            }
        }
        Ok(())
    }

    /// Installs cargo-deny. Fails when the installation does.
    pub(crate) fn for_deny(&self) -> Result<()> {
        self.ensure(&deny())
    }

    /// A program on our PATH.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        command::find(program, &self.path)
    }

    /// A program on our PATH. Fails when it is not there.
    pub(crate) fn require(&self, program: &str) -> Result<PathBuf> {
        self.find(program)
            .with_context(|| format!("`{program}` is not on PATH"))
    }

    fn ensure(&self, tool: &Tool) -> Result<()> {
        let found = self.version(tool.programs[0]);
        let complete = tool
            .programs
            .iter()
            .all(|program| self.version(program).as_deref() == Some(&tool.version));
        if complete {
            eprintln!("  {} {}", tool.package, tool.version);
            return Ok(());
        }
        let folder = match &found {
            None => None,
            Some(other) => {
                let own = self.own.display();
                eprintln!("  {} on PATH is {other} and stays", tool.programs[0]);
                eprintln!("  {} {} goes to {own}", tool.package, tool.version);
                Some(self.own.as_path())
            }
        };
        self.install(tool, folder)
    }

    fn install(&self, tool: &Tool, folder: Option<&Path>) -> Result<()> {
        let (package, version) = (tool.package, &tool.version);
        eprintln!("  installing {package} {version}; built from source it takes some minutes");
        if self.find("cargo-binstall").is_some() && command::run(&mut tool.binstall(folder)).is_ok()
        {
            return Ok(());
        }
        let mut outcome = Ok(());
        for flags in tool.flags {
            outcome = command::run(&mut tool.cargo_install(flags, folder));
            if outcome.is_ok() {
                return Ok(());
            }
        }
        outcome.with_context(|| format!("cannot install {package} {version}"))
    }

    fn version(&self, program: &str) -> Option<String> {
        let program = self.find(program)?;
        let output = command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Some(
            version_in(&text)
                .unwrap_or("of an unknown version")
                .to_owned(),
        )
    }
}

impl Tool {
    fn binstall(&self, folder: Option<&Path>) -> Command {
        let mut install = command::cargo();
        install.args([
            "binstall",
            "--no-confirm",
            "--force",
            "--disable-strategies",
            "compile",
        ]);
        install.args(self.wanted(folder));
        install
    }

    fn cargo_install(&self, flags: &[&str], folder: Option<&Path>) -> Command {
        let mut install = command::cargo();
        install.args(["install", "--debug", "--force"]);
        install.args(flags).args(self.wanted(folder));
        // Without debug information the link is shorter and the program a tenth of the size.
        install.env("CARGO_PROFILE_DEV_DEBUG", "0");
        // What the workspace wants of its own code is not for foreign code.
        install.env_remove("RUSTFLAGS");
        install
    }

    fn wanted(&self, folder: Option<&Path>) -> Vec<OsString> {
        let mut arguments = vec![format!("{}@{}", self.package, self.version).into()];
        if let Some(folder) = folder {
            arguments.extend(["--root".into(), folder.as_os_str().to_owned()]);
        }
        arguments
    }
}

fn trunk() -> Tool {
    Tool {
        package: "trunk",
        version: TRUNK.to_owned(),
        programs: &["trunk"],
        flags: &[&["--locked", "--no-default-features", "--features", "rustls"]],
    }
}

fn deny() -> Tool {
    Tool {
        package: "cargo-deny",
        version: DENY.to_owned(),
        programs: &["cargo-deny"],
        flags: &[&["--locked", "--no-default-features"]],
    }
}

/// Its own lock file may name crates that a registry mirror does not have yet: first without.
fn wasm_bindgen(version: String) -> Tool {
    Tool {
        package: "wasm-bindgen-cli",
        version,
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        flags: &[&[], &["--locked"]],
    }
}

/// Adds the wasm target. Without rustup (a distribution's rustc) it is there or the page's build says so.
fn add_target() -> Result<()> {
    let sysroot = command::output(command::new("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM);
    if library.is_dir() {
        return Ok(());
    }
    eprintln!("  installing the target {WASM}");
    command::run(command::new("rustup").args(["target", "add", WASM]))
        .with_context(|| format!("the Rust target {WASM} is missing and rustup cannot add it"))
}

/// Asks rather than looks: rustup's proxy exists even where its component does not.
fn cargo_knows(subcommand: &str) -> bool {
    let output = command::cargo().args([subcommand, "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn cargo_home() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

/// The version in `trunk 0.21.14` or `wasm-bindgen 0.2.130 (4f2a1b)`.
fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_word_that_starts_with_a_digit() {
        assert_eq!(version_in("trunk 0.21.14\n"), Some("0.21.14"));
        assert_eq!(version_in("wasm-bindgen 0.2.130 (4f2a1b)"), Some("0.2.130"));
        assert_eq!(version_in("usage: trunk"), None);
    }

    #[test]
    fn a_tool_goes_to_its_folder_only_when_there_is_one() {
        let tool = wasm_bindgen("0.2.130".to_owned());
        assert_eq!(tool.wanted(None), ["wasm-bindgen-cli@0.2.130"]);
        let expected = ["wasm-bindgen-cli@0.2.130", "--root", "/t/tools"];
        assert_eq!(tool.wanted(Some(Path::new("/t/tools"))), expected);
    }
}
