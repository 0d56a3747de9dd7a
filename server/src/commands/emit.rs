//! `tertulia emit`: sends an event, or one for each line of standard input, in the manner of `mosquitto_pub`.

use super::{
    Failure, lines,
    target::{GOODBYE, Target, has_read, seconds, within_time},
    text,
    value::{self, Argument},
};
use clap::Args as Options;
use futures_util::StreamExt;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, value::RawValue};
use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    io::{self, ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tertulia_client::connection::{Connection, Delivery, EmitError, Link};
use tertulia_shared::{
    Event,
    chat::ChatSend,
    wire::{args::Args, json::Json},
};
use tokio::time::Instant;

/// What `tertulia emit --help` ends with.
const EXAMPLES: &str = r#"Examples:
  tertulia emit http://127.0.0.1:3000 chat:send '{"room":"chat/lobby","text":"hello"}' --ack
  tertulia emit http://127.0.0.1:3000 chat:send '{"room":"chat/lobby","text":"hello"}' --name Ada --ack
  tertulia emit https://example.org/admin kick '"ada"' 30 --auth '{"token":"…"}' --ack
  seq 1 100 | tertulia emit http://127.0.0.1:3000 count -
  tertulia emit http://127.0.0.1:3000 upload '{"name":"cat.png"}' --binary cat.png --ack

With --ack an event whose connection is cut is sent again, the same text with the same id, until it is acknowledged or --timeout is over.
A chat:send without an `id` gets one of 32 characters first, so that a Tertulia server says the message once. After a refusal
or a line that fails the next line follows; stderr names each such line.

Without --ack nothing is sent twice. The exit code 0 says that the server has read every event over one connection that was never
cut; what became of the events nobody has said.

Exit codes:
  0  every event was read by the server; with --ack each was acknowledged, none with an `error`
  1  at least one was refused (an acknowledgement with `error`, which is printed as well), failed, or may not have arrived; not connected in time; no session token
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

    /// How long to wait for each acknowledgement, cuts and tries included, in seconds.
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
        let first = session(connection).await;
        let emitted = if self.arguments.contains(&Argument::Lines) {
            self.emit_lines(connection, binaries).await
        } else {
            self.emit(connection, self.args("", binaries)?).await
        };
        if self.ack {
            return emitted;
        }
        // The lines before a bad one count too.
        let arrived = has_read(connection).await;
        let emitted = emitted?;
        arrived?;
        // Also a connection that the server has recovered lost what was under way to the server.
        if session(connection).await != first {
            let text = "the connection was cut: the server may not have read every event";
            return Err(Failure::new(text));
        }
        Ok(emitted)
    }

    /// Emits every line, also after one that failed.
    async fn emit_lines(
        &self,
        connection: &Connection,
        binaries: &[Vec<u8>],
    ) -> Result<ExitCode, Failure> {
        let mut outcome = ExitCode::SUCCESS;
        let mut lines = lines::read().map_err(stdin)?;
        while let Some((number, line)) = lines.recv().await {
            let line = line.map_err(stdin)?;
            let emitted = match self.args(&line, binaries) {
                Ok(args) => self.emit(connection, args).await,
                Err(failure) => Err(failure),
            };
            let text = match emitted {
                Ok(ExitCode::SUCCESS) => continue,
                Ok(_) => "refused".to_owned(),
                Err(failure) => failure.to_string(),
            };
            outcome = ExitCode::FAILURE;
            // Nobody has to read it.
            let _ = writeln!(io::stderr(), "error: line {number}: {text}");
            if !is_usable(connection).await {
                let text = format!("there is no connection: the lines after {number} are not sent");
                return Err(Failure::new(text));
            }
        }
        Ok(outcome)
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
        if self.ack
            && self.event == ChatSend::NAME
            && let Some(message) = values.get_mut(1)
        {
            identify(message);
        }
        let numbers = 0..binaries.len();
        values.extend(numbers.map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)));
        let json = Json::parse(&format!("[{}]", values.join(",")));
        let json = json.map_err(|error| Failure::new(error.to_string()))?;
        let attachments = binaries.iter().map(|bytes| bytes.clone().into()).collect();
        Args::new(json, attachments).map_err(|error| Failure::new(error.to_string()))
    }

    async fn emit(&self, connection: &Connection, args: Args) -> Result<ExitCode, Failure> {
        if self.ack {
            return self.emit_until_acknowledged(connection, args).await;
        }
        // It waits for the next connection while there is none, but not without end.
        let patience = self.target.connect_timeout;
        let sent = connection.emit_args(args, delivery(None));
        match within_time(patience, sent).await {
            Some(Ok(_)) => Ok(ExitCode::SUCCESS),
            Some(Err(error)) => Err(why(connection, error).await),
            None => {
                let late = format!("not sent within {}", seconds(patience));
                Err(why(connection, late).await)
            }
        }
    }

    /// Emits an event again after each cut, until it is acknowledged.
    async fn emit_until_acknowledged(
        &self,
        connection: &Connection,
        args: Args,
    ) -> Result<ExitCode, Failure> {
        let until = Instant::now() + self.timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let acknowledged = connection.emit_args(args.clone(), delivery(Some(left)));
            match acknowledged.await {
                Ok(ack) => return ack.map_or(Ok(ExitCode::SUCCESS), |ack| print(&ack)),
                Err(EmitError::Disconnected) if is_usable(connection).await => {}
                Err(EmitError::Timeout(_)) => {
                    return Err(why(connection, EmitError::Timeout(self.timeout)).await);
                }
                Err(error) => return Err(why(connection, error).await),
            }
        }
    }
}

/// How an event is delivered that is acknowledged within that time, or not at all.
fn delivery(ack_within: Option<Duration>) -> Delivery {
    Delivery {
        ack_within,
        volatile: false,
        retries: 0,
    }
}

/// What tells the connection of now from one before a cut.
async fn session(connection: &Connection) -> Option<(Option<String>, bool)> {
    let status = connection.watch().next().await?;
    Some((status.id, status.recovered))
}

/// Whether there is a connection, or the next one comes by itself.
async fn is_usable(connection: &Connection) -> bool {
    let status = connection.watch().next().await;
    status.is_some_and(|status| !matches!(status.link, Link::Disconnected(_)))
}

/// Gives a message an id where it has none: by it the server knows a message that is sent again.
fn identify(message: &mut String) {
    let lacks_id =
        |members: BTreeMap<String, IgnoredAny>| !members.is_empty() && !members.contains_key("id");
    if serde_json::from_str(message).is_ok_and(lacks_id) {
        let id: u128 = rand::random();
        let members = message.trim_start().trim_start_matches('{');
        *message = format!(r#"{{"id":"{id:032x}",{members}"#);
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
        .map_err(|error| Failure::new(format!("not JSON: {error}")))
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
