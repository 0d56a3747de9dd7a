//! The servers as processes, and what they use of the machine: read from `/proc`, on Linux only.

use anyhow::{Context, Result, bail};
use std::{
    fmt,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A tick of the processor times in `/proc`, which the kernel fixes for user programs.
const TICK: Duration = Duration::from_millis(10);
/// A page of memory, in bytes.
const KILOBYTE: u64 = 1_024;

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Ours,
    Node,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ours => "ours",
            Self::Node => "Node",
        })
    }
}

/// Where the programs are.
pub(crate) struct Places {
    ours: PathBuf,
    node: PathBuf,
    core: Option<String>,
}

impl Places {
    pub(crate) fn new(ours: &str, node: &str, core: Option<String>) -> Self {
        Self {
            ours: ours.into(),
            node: node.into(),
            core,
        }
    }

    fn command(&self, kind: Kind, data: &TempDir) -> Command {
        let program = match kind {
            Kind::Ours => self.ours.as_os_str(),
            Kind::Node => "node".as_ref(),
        };
        let mut command = match &self.core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", core]).arg(program);
                command
            }
            None => Command::new(program),
        };
        match kind {
            Kind::Ours => command
                .args(["serve", "--listen", "127.0.0.1:0"])
                .args(["--mqtt-listen", "127.0.0.1:0", "--no-host-metrics"])
                // They are asked, and let everything through.
                .args(["--rate-limit", "1000000"])
                .arg("--data-dir")
                .arg(data.path()),
            Kind::Node => command.arg(&self.node),
        };
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TERTULIA_")) {
            command.env_remove(name);
        }
        command.env("NODE_ENV", "production");
        command
    }
}

/// A server that runs, until this goes out of scope.
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:40123`.
    pub(crate) address: String,
    _data: TempDir,
}

impl Server {
    pub(crate) fn start(places: &Places, kind: Kind) -> Result<Self> {
        let data = TempDir::new()?;
        let mut command = places.command(kind, &data);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let stdout = child.stdout.take().context("its output")?;
        let mut server = Self {
            child,
            address: String::new(),
            _data: data,
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        server.address = address(line.trim_end())?;
        Ok(server)
    }

    /// The time of all its threads on a processor.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = self.read("stat")?;
        // The name may have spaces, and stands in brackets; user and system time are the 12th and 13th after it.
        let (_, fields) = stat.rsplit_once(") ").context("stat")?;
        let times = fields.split(' ').skip(11).take(2);
        let mut ticks = 0;
        for time in times {
            ticks += time.parse::<u32>()?;
        }
        Ok(TICK * ticks)
    }

    /// Its memory now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = self.read("status")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("status")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * KILOBYTE)
    }

    fn read(&self, file: &str) -> Result<String> {
        let id = self.child.id();
        Ok(std::fs::read_to_string(format!("/proc/{id}/{file}"))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in what a server says first: our ready line, or Node's port.
fn address(line: &str) -> Result<String> {
    if let Ok(port) = line.parse::<u16>() {
        return Ok(format!("127.0.0.1:{port}"));
    }
    let page = line.strip_prefix("tertulia ready: page http://");
    match page.and_then(|rest| rest.split_once(',')) {
        Some((address, _)) => Ok(address.to_owned()),
        None => bail!("no ready line but: {line}"),
    }
}
