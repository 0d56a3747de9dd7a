//! Mosquitto's broker and its two little clients.

use super::{process::Process, soon};
use std::{net::TcpListener, os::unix::fs::PermissionsExt, process::Stdio};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};

/// Its configuration, in its folder.
const CONFIG: &str = "mosquitto.conf";

/// A running mosquitto broker, for anonymous clients on the loopback.
pub(crate) struct Broker {
    process: Process,
    folder: TempDir,
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: String,
}

impl Broker {
    /// Starts it on a free port; what it retains goes with its process.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts it on a free port; it keeps on disk what it retains.
    pub(crate) async fn keeping() -> Self {
        Self::start_with("persistence true\n").await
    }

    async fn start_with(more: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let folder = TempDir::new().unwrap();
        let place = folder.path().display();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n\
             persistence_location {place}/\n{more}"
        );
        std::fs::write(folder.path().join(CONFIG), text).unwrap();
        // Where root starts it, it becomes another user, who writes there.
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        Self::on(port, folder).await
    }

    async fn on(port: String, folder: TempDir) -> Self {
        let config = folder.path().join(CONFIG);
        let mut process = Process::start(Command::new("mosquitto").arg("-c").arg(&config));
        process.error_with("running").await;
        Self {
            process,
            folder,
            port,
        }
    }

    /// Its URL, `mqtt://127.0.0.1:40123`.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Ends it, so that it writes what it keeps, and gives what is needed to start it again.
    pub(crate) async fn terminate(mut self) -> Gone {
        self.process.terminate().await;
        self.process.ended().await;
        Gone {
            port: self.port,
            folder: self.folder,
        }
    }

    /// Kills it, as `kill -9`, and gives what is needed to start it again.
    pub(crate) async fn kill(mut self) -> Gone {
        self.process.kill().await;
        Gone {
            port: self.port,
            folder: self.folder,
        }
    }
}

/// A broker that was killed.
pub(crate) struct Gone {
    port: String,
    folder: TempDir,
}

impl Gone {
    /// Starts it again where it was.
    pub(crate) async fn restart(self) -> Broker {
        Broker::on(self.port, self.folder).await
    }
}

/// Publishes a message, as `mosquitto_pub` does with these further options.
pub(crate) async fn publish(port: &str, topic: &str, payload: &str, options: &[&str]) {
    let mut command = Command::new("mosquitto_pub");
    command
        .args(["-h", "127.0.0.1", "-p", port, "-t", topic, "-m", payload])
        .args(options);
    let status = soon("mosquitto_pub", command.status()).await;
    assert!(status.expect("`cargo xtask test` installs it").success());
}

/// Publishes messages one after the other, each confirmed by the broker.
pub(crate) async fn publish_lines(port: &str, topic: &str, payloads: &[String]) {
    let mut command = Command::new("mosquitto_pub");
    command
        .args(["-h", "127.0.0.1", "-p", port, "-t", topic, "-q", "1", "-l"])
        .stdin(Stdio::piped());
    let mut child = command.spawn().expect("`cargo xtask test` installs it");
    let mut input = child.stdin.take().unwrap();
    let text = payloads.join("\n") + "\n";
    input.write_all(text.as_bytes()).await.unwrap();
    drop(input);
    assert!(soon("mosquitto_pub", child.wait()).await.unwrap().success());
}

/// Subscribes, and waits until the broker has granted it. Its lines are `topic payload`.
pub(crate) async fn subscribe(port: &str, filter: &str) -> Process {
    subscribe_as(port, filter, &[]).await
}

/// The same with these further options.
pub(crate) async fn subscribe_as(port: &str, filter: &str, options: &[&str]) -> Process {
    let mut process = Process::start(subscriber(port, filter).args(options));
    process.line_with("Subscribed").await;
    process
}

/// A `mosquitto_sub` that says when it is subscribed.
pub(crate) fn subscriber(port: &str, filter: &str) -> Command {
    // Line by line: what it says when it is subscribed would wait in its buffer otherwise.
    let mut command = Command::new("stdbuf");
    command.args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", port]);
    command.args(["-t", filter, "-v", "-d", "-V", "mqttv5"]);
    command
}
