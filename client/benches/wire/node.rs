//! The official parsers: `tests/peers/bench.mjs`, run by Node.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

/// What is to be done when Node or the official packages are not there.
const INSTALL: &str = "`cargo xtask test` installs what the benches need, once";

/// A running `bench.mjs`; it ends when its standard input does.
pub(crate) struct Node {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Starts it with what each case does.
    pub(crate) fn start(cases: &[Value]) -> Result<Self, String> {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers");
        if !peers.join("node_modules").is_dir() {
            return Err(format!(
                "the official Socket.IO packages are not in {}: {INSTALL}",
                peers.display()
            ));
        }
        let mut child = Command::new("node")
            .arg(peers.join("bench.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node does not start: {error}: {INSTALL}"))?;
        let mut node = Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
        };
        let answer = node.ask(&serde_json::to_string(cases).expect("JSON"))?;
        assert_eq!(answer, cases.len().to_string());
        Ok(node)
    }

    /// Runs a case so often, and tells how long it took.
    pub(crate) fn run(&mut self, case: usize, count: u64) -> Duration {
        let answer = self.ask(&format!("{case} {count}"));
        Duration::from_nanos(answer.expect("it runs").parse().expect("nanoseconds"))
    }

    fn ask(&mut self, question: &str) -> Result<String, String> {
        let input = self.input.as_mut().expect("it is taken at the end only");
        let mut answer = String::new();
        // An end of Node shows as an empty answer; it has printed its reason.
        writeln!(input, "{question}").ok();
        self.output.read_line(&mut answer).ok();
        if answer.is_empty() {
            return Err(format!("bench.mjs ended: {INSTALL}"));
        }
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.input.take();
        self.child.wait().ok();
    }
}
