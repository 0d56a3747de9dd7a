//! Child processes: the environment that they get, where their programs are, and what their failure means for us.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::{env, iter};

use anyhow::{Context, Result, bail};

/// What `cargo run` sets for us and a child must not inherit: a build script that watches one of these would run again.
const OURS: [&str; 4] = [
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
];

/// A child ended without success.
#[derive(Debug)]
pub(crate) struct Failed {
    command: String,
    status: ExitStatus,
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` ended with {}", self.command, self.status)
    }
}

impl std::error::Error for Failed {}

/// A command with the environment of the developer's shell rather than that of `cargo run`.
pub(crate) fn new(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OURS.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command to its end. Fails when it does not start or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if status.success() {
        return Ok(());
    }
    bail!(Failed {
        command: line(command),
        status
    })
}

/// Runs a command and gives what it wrote to stdout. Fails as [`run`] does; its stderr is ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    command.stderr(std::process::Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        bail!(Failed {
            command: line(command),
            status: output.status
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Becomes the command: signals reach it and its exit code is ours. Returns only when it cannot start.
#[cfg(unix)]
pub(crate) fn become_it(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    let error = command.exec();
    Err(error).with_context(|| format!("cannot start `{}`", line(command)))
}

/// Runs the command to its end where a process cannot be replaced.
#[cfg(not(unix))]
pub(crate) fn become_it(command: &mut Command) -> Result<()> {
    run(command)
}

/// The exit code that an error asks for: that of the child which failed, else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let child = error
        .downcast_ref::<Failed>()
        .and_then(|failed| failed.status.code());
    let code = child.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    ExitCode::from(code.max(1))
}

/// The first program of this name in the folders of `path`, a list as in PATH.
pub(crate) fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(path)
        .map(|folder| folder.join(&file))
        .find(|candidate| is_program(candidate))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    file.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["fmt", "--all", "--check"]);
        assert_eq!(line(&command), "cargo fmt --all --check");
    }

    #[test]
    fn errors_of_our_own_end_with_code_1() {
        let error = anyhow::anyhow!("no chromium");
        assert_eq!(exit_code(&error), ExitCode::from(1));
    }

    #[cfg(unix)]
    #[test]
    fn the_code_of_a_failed_child_survives_the_context_around_it() {
        let error = run(Command::new("sh").args(["-c", "exit 101"]))
            .context("step `x` failed")
            .unwrap_err();
        assert_eq!(exit_code(&error), ExitCode::from(101));
        assert!(format!("{error:#}").contains("ended with exit status: 101"));
    }

    #[test]
    fn a_program_that_nobody_has_is_not_found() {
        assert_eq!(
            find("tertulia-no-such-program", OsStr::new("/usr/bin")),
            None
        );
    }
}
