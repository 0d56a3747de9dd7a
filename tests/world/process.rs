//! A child process whose lines are read, and which ends with the test.

use super::soon;
use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

/// A running program and what it prints.
pub(crate) struct Process {
    name: String,
    child: Child,
    stdout: mpsc::UnboundedReceiver<String>,
    stderr: mpsc::UnboundedReceiver<String>,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Its memory now, in kilobytes.
    pub(crate) memory: u64,
    /// The most that its memory was, in kilobytes.
    pub(crate) most_memory: u64,
    /// The time of all its threads on a processor.
    pub(crate) cpu: Duration,
    /// The files and sockets that it has open.
    pub(crate) files: usize,
}

impl std::fmt::Display for Usage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (now, most) = (self.memory / 1_000, self.most_memory / 1_000);
        write!(
            formatter,
            "server: {now} MB, at most {most} MB, {:?} of CPU",
            self.cpu
        )
    }
}

impl Process {
    /// Starts a program; it is killed when this goes out of scope.
    pub(crate) fn start(command: &mut Command) -> Self {
        // Before any request: reqwest chooses no cryptography itself. It fails only where one was chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let name = format!("{:?}", command.as_std());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error} (`cargo xtask test` installs it)"));
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self {
            name,
            child,
            stdout,
            stderr,
        }
    }

    /// The next line that the program prints to its standard output.
    pub(crate) async fn line(&mut self) -> String {
        match soon(&self.name, self.stdout.recv()).await {
            Some(line) => line,
            None => {
                let errors = self.errors();
                panic!("{} ended: {errors}", self.name)
            }
        }
    }

    /// The next line of standard output that contains `part`.
    pub(crate) async fn line_with(&mut self, part: &str) -> String {
        loop {
            let line = self.line().await;
            if line.contains(part) {
                return line;
            }
        }
    }

    /// As [`Self::line_with`]; `None` where it ends without one.
    pub(crate) async fn line_or_end(&mut self, part: &str) -> Option<String> {
        loop {
            let line = soon(&self.name, self.stdout.recv()).await?;
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// The next line of standard error that contains `part`.
    pub(crate) async fn error_with(&mut self, part: &str) -> String {
        loop {
            match soon(&self.name, self.stderr.recv()).await {
                Some(line) if line.contains(part) => return line,
                Some(_) => {}
                None => panic!("{} ended without `{part}`", self.name),
            }
        }
    }

    /// What it has printed to its standard error and nobody has read.
    pub(crate) fn errors(&mut self) -> String {
        let mut text = String::new();
        while let Ok(line) = self.stderr.try_recv() {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The rest of what it prints to its standard error, until its end.
    pub(crate) async fn rest(&mut self) -> String {
        let mut text = String::new();
        while let Some(line) = self.stderr.recv().await {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Kills it, as `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, as `kill`.
    pub(crate) async fn terminate(&mut self) {
        self.signal("TERM").await;
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::from(signal(name, &id)).status().await;
        assert!(status.unwrap().success());
    }

    /// What it has used of the machine. Linux only.
    pub(crate) fn usage(&self) -> Usage {
        let id = self.child.id().expect("it runs");
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap();
        let status = read("status");
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap()
                .trim_matches([':', ' ', '\t', 'k', 'B'])
                .parse()
                .unwrap()
        };
        // The name may have spaces, and stands in brackets; user and system time are the 12th and 13th after it.
        let stat = read("stat");
        let times = stat
            .rsplit(") ")
            .next()
            .unwrap()
            .split(' ')
            .skip(11)
            .take(2);
        let ticks: u64 = times.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Usage {
            memory: kilobytes("VmRSS"),
            most_memory: kilobytes("VmHWM"),
            cpu: Duration::from_millis(10 * ticks),
            files: std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count(),
        }
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        soon(&self.name, self.child.wait()).await.unwrap()
    }
}

/// What sends a signal: the shell's own `kill`, for a bare machine has no other.
pub(crate) fn signal(name: &str, process: &str) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", r#"kill -"$0" "$1""#, name, process]);
    command
}

fn lines(output: impl AsyncRead + Unpin + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
