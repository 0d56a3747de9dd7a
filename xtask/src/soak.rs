//! `cargo xtask soak`: the long forms of the tests, in a row.

use anyhow::Result;

use crate::command;
use crate::step::Steps;
use crate::workspace::Workspace;

/// The tests that have a long form.
const LONG: [&str; 5] = ["faults::", "storm::", "crowd::", "http_fuzz::", "durable::"];
/// How often the server is killed in a minute, about.
const KILLS_A_MINUTE: f64 = 60.0;

/// Runs the long form of each test for so many minutes. Fails at the first that fails.
pub(crate) fn run(workspace: &Workspace, minutes: f64) -> Result<()> {
    let mut steps = Steps::new(1 + LONG.len());
    let test = |arguments: &[&str]| {
        let mut cargo = command::cargo();
        cargo
            .args(["test", "--package", "tertulia-tests", "--test", "tertulia"])
            .args(arguments)
            .env("TERTULIA_TEST_MINUTES", minutes.to_string())
            .env("TERTULIA_TEST_KILLS", kills(minutes).to_string())
            .current_dir(&workspace.root);
        cargo
    };
    steps.run("building the server and the tests", || {
        command::run(&mut test(&["--no-run"]))
    })?;
    for name in LONG {
        steps.run(name, || {
            command::run(&mut test(&["--", name, "--nocapture", "--test-threads=1"]))
        })?;
    }
    eprint!("\n{}\n", steps.table());
    Ok(())
}

/// At least one.
fn kills(minutes: f64) -> u64 {
    // A cast saturates.
    (minutes * KILLS_A_MINUTE).ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::kills;

    #[test]
    fn a_server_is_killed_once_at_least() {
        assert_eq!([kills(0.0), kills(0.5), kills(10.0)], [1, 30, 600]);
    }
}
