//! The `tertulia` program.

use super::process::{Process, Usage};
use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
};
use tokio::process::Command;

/// A running `tertulia serve`.
pub(crate) struct Server {
    process: Process,
    options: Vec<String>,
    environment: Environment,
    scheme: &'static str,
    /// Where the page and Socket.IO are, `127.0.0.1:40123`.
    pub(crate) address: String,
    /// Where MQTT is, `127.0.0.1:40124`, or the URL of the external broker.
    pub(crate) mqtt: String,
}

/// What the environment tells it besides.
type Environment = Vec<(&'static str, PathBuf)>;

impl Server {
    /// Starts it on free ports, without the metrics of the machine.
    pub(crate) async fn start() -> Self {
        Self::with(&["--no-host-metrics"]).await
    }

    /// Starts it on free ports with more options.
    pub(crate) async fn with(options: &[&str]) -> Self {
        Self::in_environment(options, Vec::new()).await
    }

    /// The same, in another environment.
    pub(crate) async fn in_environment(options: &[&str], environment: Environment) -> Self {
        let options = options.iter().copied().map(str::to_owned).collect();
        let any = "127.0.0.1:0";
        Self::on((any, any), options, environment).await
    }

    async fn on(
        (listen, mqtt_listen): (&str, &str),
        options: Vec<String>,
        environment: Environment,
    ) -> Self {
        let mut process = Process::start(
            program()
                .args(["serve", "--listen", listen, "--mqtt-listen", mqtt_listen])
                .arg("--page")
                .arg(page())
                .args(&options)
                .envs(environment.clone()),
        );
        let line = process.line().await;
        let (address, mqtt) = line
            .strip_prefix("tertulia ready: page ")
            .and_then(|rest| rest.split_once(", mqtt "))
            .unwrap_or_else(|| panic!("no ready line but: {line}"));
        let secure = address.strip_prefix("https://").map(|rest| ("https", rest));
        let plain = address.strip_prefix("http://").map(|rest| ("http", rest));
        let (scheme, address) = secure.or(plain).unwrap();
        // Behind it may stand a path.
        let address = address.split('/').next().unwrap_or_default();
        Self {
            scheme,
            address: address.to_owned(),
            mqtt: mqtt.to_owned(),
            process,
            options,
            environment,
        }
    }

    /// The origin, `http://127.0.0.1:40123`.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The port of the embedded broker.
    pub(crate) fn mqtt_port(&self) -> &str {
        self.mqtt.rsplit(':').next().unwrap()
    }

    /// Has it read its files again, as `kill -HUP`, and waits until it logs that text.
    pub(crate) async fn reload(&mut self, logs: &str) {
        self.process.signal("HUP").await;
        self.process.error_with(logs).await;
    }

    /// Kills it, as `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// What it logs until its end and nobody has read.
    pub(crate) async fn log(&mut self) -> String {
        super::soon("the log", self.process.rest()).await
    }

    /// What it has used of the machine.
    pub(crate) fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.process.terminate().await;
        self.process.ended().await
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(self) -> Self {
        let at = (self.address.as_str(), self.mqtt.as_str());
        Self::on(at, self.options, self.environment).await
    }
}

/// Where the built page is.
pub(crate) fn page() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/dist");
    std::env::var_os("TERTULIA_TEST_PAGE").map_or(built, PathBuf::from)
}

/// The program without arguments, and without what the environment of the tests would tell it.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tertulia-under-test"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TERTULIA_")) {
        command.env_remove(name);
    }
    // A test that wants something to outlive the program says where.
    command.env("TERTULIA_DATA_DIR", "none");
    command
}
