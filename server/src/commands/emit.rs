//! `tertulia emit`: sends an event, or one for each line of standard input, in the manner of `mosquitto_pub`.

use super::{
    Failure, lines,
    target::{GOODBYE, Target, has_read, seconds, within_time},
    text,
    value::{self, Argument},
};
use clap::Args as Options;
use futures_util::StreamExt;
use serde_json::{Deserializer, value::RawValue};
use std::{
    fmt::Display,
    fs,
    io::{self, ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tertulia_client::connection::{Connection, Delivery, EmitError, Link};
use tertulia_shared::wire::{args::Args, json::Json};

/// What `tertulia emit --help` ends with.
const EXAMPLES: &str = r#"Examples:
  tertulia emit http://127.0.0.1:3000 chat:send '{"room":"chat/lobby","text":"hello"}' --ack
  tertulia emit http://127.0.0.1:3000 chat:send '{"room":"chat/lobby","text":"hello"}' --name Ada --ack
  tertulia emit https://example.org/admin kick '"ada"' 30 --auth '{"token":"…"}' --ack
  seq 1 100 | tertulia emit http://127.0.0.1:3000 count -
  tertulia emit http://127.0.0.1:3000 upload '{"name":"cat.png"}' --binary cat.png --ack

Without --ack the server has read the events when the command ends, but nobody has said what became of them.

Exit codes:
  0  sent; with --ack acknowledged
  1  refused, not connected, not in time, no session token; or the acknowledgement is an object with `error`, which is printed as well
  2  an option, the URL or a JSON argument is wrong"#;

/// Emit an event to a Socket.IO server.
#[derive(Options, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Emit {
    #[command(flatten)]
    target: Target,

    /// The event's name.
    #[arg(value_name = "EVENT", value_parser = value::event)]
    event: String,

    /// The event's arguments, each a JSON value; none for an event without any. With `-` one event is emitted for each
    /// line of standard input, the line's values in this place.
    #[arg(value_name = "JSON", value_parser = value::argument, allow_negative_numbers = true)]
    arguments: Vec<Argument>,

    /// As `-` after the other arguments. Blank lines are skipped.
    #[arg(short = 'l', long)]
    stdin_lines: bool,

    /// Add the bytes of a file as a further argument; may be repeated.
    #[arg(long, value_name = "FILE")]
    binary: Vec<PathBuf>,

    /// Wait for the acknowledgement, and print it as a line of JSON: its value, or the array where there are several or
    /// none.
    #[arg(long)]
    ack: bool,

    /// How long to wait for each acknowledgement, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = value::time)]
    timeout: Duration,
}

impl Emit {
    /// Runs the command to its end.
    ///
    /// # Errors
    /// When the server cannot be met, refuses, or does not acknowledge in time; when a file or a line does not read.
    pub async fn run(mut self) -> Result<ExitCode, Failure> {
        if self.stdin_lines && !self.arguments.contains(&Argument::Lines) {
            self.arguments.push(Argument::Lines);
        }
        let binaries = self.binaries()?;
        let connection = self.target.connection().await?;
        connection.open();
        let emitted = self.emit_all(&connection, &binaries).await;
        within_time(GOODBYE, connection.close()).await;
        emitted
    }

    fn binaries(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let read = |file: &PathBuf| {
            fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
        };
        self.binary.iter().map(read).collect()
    }

    async fn emit_all(
        &self,
        connection: &Connection,
        binaries: &[Vec<u8>],
    ) -> Result<ExitCode, Failure> {
        self.target.connected(&mut connection.watch()).await?;
        let emitted = if self.arguments.contains(&Argument::Lines) {
            self.emit_lines(connection, binaries).await
        } else {
            self.emit(connection, self.args("", binaries)?).await
        };
        // The lines before a bad one count too.
        let arrived = self.arrived(connection).await;
        emitted.and_then(|code| arrived.map(|()| code))
    }

    async fn emit_lines(
        &self,
        connection: &Connection,
        binaries: &[Vec<u8>],
    ) -> Result<ExitCode, Failure> {
        let mut outcome = ExitCode::SUCCESS;
        let mut lines = lines::read().map_err(stdin)?;
        while let Some((number, line)) = lines.recv().await {
            let line = line.map_err(stdin)?;
            let args = self.args(&line, binaries);
            let args = args.map_err(|failure| Failure::new(format!("line {number}: {failure}")))?;
            let code = self.emit(connection, args).await?;
            if code != ExitCode::SUCCESS {
                outcome = code;
            }
        }
        Ok(outcome)
    }

    /// Waits until the server has read what it was not to acknowledge.
    async fn arrived(&self, connection: &Connection) -> Result<(), Failure> {
        if self.ack {
            return Ok(());
        }
        has_read(connection).await
    }

    /// The event, the values of the line in their place.
    fn args(&self, line: &str, binaries: &[Vec<u8>]) -> Result<Args, Failure> {
        let name = Json::encode(&self.event).map_err(|error| Failure::new(error.to_string()))?;
        let mut values = vec![name.to_string()];
        for argument in &self.arguments {
            match argument {
                Argument::Json(json) => values.push(json.to_string()),
                Argument::Lines => values.extend(values_of(line)?),
            }
        }
        let numbers = 0..binaries.len();
        values.extend(numbers.map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)));
        let json = Json::parse(&format!("[{}]", values.join(",")));
        let json = json.map_err(|error| Failure::new(error.to_string()))?;
        let attachments = binaries.iter().map(|bytes| bytes.clone().into()).collect();
        Args::new(json, attachments).map_err(|error| Failure::new(error.to_string()))
    }

    async fn emit(&self, connection: &Connection, args: Args) -> Result<ExitCode, Failure> {
        let delivery = Delivery {
            ack_within: self.ack.then_some(self.timeout),
            volatile: false,
            retries: 0,
        };
        let settled = connection.emit_args(args, delivery);
        // Without acknowledgement it waits for the next connection while there is none, but not without end.
        let patience = if self.ack {
            Duration::MAX
        } else {
            self.target.connect_timeout
        };
        match within_time(patience, settled).await {
            Some(Ok(Some(ack))) => print(&ack),
            Some(Ok(None)) => Ok(ExitCode::SUCCESS),
            Some(Err(error @ EmitError::Disconnected)) => Err(why(connection, error).await),
            Some(Err(error)) => Err(Failure::new(error.to_string())),
            None => {
                let late = format!("not sent within {}", seconds(patience));
                Err(why(connection, late).await)
            }
        }
    }
}

/// What failed, and why there is no connection, where there is none.
async fn why(connection: &Connection, failed: impl Display) -> Failure {
    let status = connection.watch().next().await;
    match status.map(|status| status.link) {
        Some(Link::Waiting { reason, .. } | Link::Disconnected(reason)) => {
            Failure::new(format!("{failed}: {reason}"))
        }
        _ => Failure::new(failed.to_string()),
    }
}

/// The JSON values of a line.
fn values_of(line: &str) -> Result<Vec<String>, Failure> {
    let values = Deserializer::from_str(line).into_iter::<&RawValue>();
    values
        .map(|value| value.map(|value| value.get().to_owned()))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::new(format!("no JSON: {error}")))
}

/// Prints an acknowledgement; gives 1 where it is a refusal.
fn print(ack: &Args) -> Result<ExitCode, Failure> {
    let mut out = io::stdout();
    let printed = writeln!(out, "{}", text::acknowledgement(ack)).and_then(|()| out.flush());
    match printed {
        // A reader that has gone is no reason to stop emitting.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output: {error}")))
        }
        _ => Ok(ExitCode::from(u8::from(text::is_refusal(ack)))),
    }
}

fn stdin(error: io::Error) -> Failure {
    Failure::new(format!("standard input: {error}"))
}
