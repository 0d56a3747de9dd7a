//! The official Socket.IO programs, run by Node.

use super::process::Process;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A script of `tests/peers` that runs and prints JSON lines.
pub(crate) struct Peer(Process);

impl Peer {
    /// Starts `tests/peers/<script>` with arguments.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let folder = folder();
        assert!(
            folder.join("node_modules").is_dir(),
            "the official Socket.IO is not installed: `cargo xtask test` installs it"
        );
        let mut command = Command::new("node");
        command.arg(folder.join(script)).args(arguments);
        Self(Process::start(&mut command))
    }

    /// The next thing it says.
    pub(crate) async fn says(&mut self) -> Value {
        let line = self.0.line().await;
        match serde_json::from_str(&line) {
            Ok(value) => value,
            Err(error) => panic!("{line}: {error}: {}", self.0.errors()),
        }
    }

    /// Kills it, as `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.0.kill().await;
    }

    /// Waits until it has ended well.
    pub(crate) async fn ended_well(mut self) {
        let status = self.0.ended().await;
        assert!(status.success(), "{status}: {}", self.0.errors());
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}
