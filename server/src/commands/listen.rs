//! `tertulia listen`: prints the events of a server, in the manner of `mosquitto_sub`.

use super::{
    Failure,
    printer::{self, Lines},
    target::{GOODBYE, Target, ended, told, within_time},
    text, value,
};
use clap::Args as Options;
use futures_util::{Stream, StreamExt, stream};
use std::{
    future::{Future, pending},
    io::{self, Write},
    pin::{Pin, pin},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tertulia_client::connection::{Connection, EmitError, Link, Status, Tap, Tapped};
use tertulia_client::rooms::{Resumed, Rooms};
use tertulia_shared::{Event, room::Joined, stream::StreamMissed, wire::args::Args};
use tokio::{task::coop::consume_budget, time::sleep};

/// The exit code when the time is over, as `mosquitto_sub` has it.
const TIME_OVER: u8 = 27;
/// How long the last lines may take when the command is stopped.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What `tertulia listen --help` ends with.
const EXAMPLES: &str = r#"Examples:
  tertulia listen http://127.0.0.1:3000 --join 'sensors/#'
  tertulia listen http://127.0.0.1:3000 chat:message --join chat/lobby --json
  tertulia listen https://example.org/admin --auth '{"token":"…"}' -C 1 -W 5
  TERTULIA_PASSWORD=… tertulia listen https://chat.example.org --name Ada --join chat/private/tea

It prints `EVENT JSON…`, or with --json a line {"at":…,"event":"…","args":[…],"ack":…}: `at` in milliseconds since 1970,
`ack` whether the server waits for an acknowledgement (none is given). Binaries are {"base64":"…"}. What happens to the
connection is told on standard error. A lost connection is made again, after as long as a server that closes asks for,
and its rooms go on where they were read to; one that the server refuses or ends is not.
64 MiB may wait for a reader of standard output that does not read. Further events are dropped, and standard error tells
how many, with --quiet too.

Exit codes:
  0   --count events came, SIGINT or SIGTERM came, or nobody reads any more
  1   not connected, refused, disconnected by the server, no session token, a room refused
  2   an option or the URL is wrong
  27  --timeout is over"#;

/// Print the events of a Socket.IO server.
#[derive(Options, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Listen {
    #[command(flatten)]
    target: Target,

    /// The events to print; without any all of them.
    #[arg(value_name = "EVENT")]
    events: Vec<String>,

    /// Print each event as a JSON object.
    #[arg(long)]
    json: bool,

    /// End after so many events.
    #[arg(short = 'C', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// End after so many seconds, with exit code 27.
    #[arg(short = 'W', long, value_name = "SECONDS", value_parser = value::time)]
    timeout: Option<Duration>,

    /// Join a room of a Tertulia server after each connect, such as chat/lobby or 'sensors/#', again from where it was read
    /// to; may be repeated. What could not be brought any more is told on standard error.
    #[arg(long, value_name = "ROOM")]
    join: Vec<String>,

    /// Tell nothing on standard error but what went wrong in the end.
    #[arg(long)]
    quiet: bool,
}

/// What becomes of the joins.
type Resumes = Pin<Box<dyn Stream<Item = Resumed> + Send>>;

/// Why the listening is over.
enum End {
    /// By itself.
    Heard(Result<(), Failure>),
    /// Nobody reads any more.
    Unread(io::Result<()>),
    Stopped,
    Late,
}

impl Listen {
    /// Runs the command until `stop`, or its own end.
    ///
    /// # Errors
    /// When the server cannot be met, refuses or disconnects, or a room is refused.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<ExitCode, Failure> {
        let mut stop = pin!(stop);
        let connection = tokio::select! {
            connection = self.target.connection() => connection?,
            () = &mut stop => return Ok(ExitCode::SUCCESS),
        };
        // Before it connects, so that nothing is missed.
        let tap = connection.tap();
        let rooms = self.rooms(&connection);
        connection.open();
        let outcome = self.until_end(&connection, tap, rooms.1, stop).await;
        drop(rooms.0);
        within_time(GOODBYE, connection.close()).await;
        outcome
    }

    /// The rooms to join at each connect, from where they were read to, and what becomes of that. Nothing where none is
    /// asked for: the server may be any.
    fn rooms(&self, connection: &Connection) -> (Option<Rooms>, Resumes) {
        if self.join.is_empty() {
            return (None, Box::pin(stream::empty()));
        }
        let rooms = Rooms::new(connection);
        let resumes = Box::pin(rooms.resumes());
        for room in &self.join {
            rooms.want(room, 0);
        }
        (Some(rooms), resumes)
    }

    async fn until_end(
        &self,
        connection: &Connection,
        tap: Tap,
        resumes: Resumes,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<ExitCode, Failure> {
        let (lines, mut written) = printer::start().map_err(stdout)?;
        let end = tokio::select! {
            heard = self.hear(connection, tap, resumes, lines) => End::Heard(heard),
            unread = &mut written => End::Unread(printer::outcome(unread)),
            () = &mut stop => End::Stopped,
            () = self.time_over() => End::Late,
        };
        match end {
            End::Heard(heard) => {
                tokio::select! {
                    written = written => printer::outcome(written).map_err(stdout)?,
                    () = stop => {}
                }
                heard.map(|()| ExitCode::SUCCESS)
            }
            End::Unread(outcome) => outcome.map(|()| ExitCode::SUCCESS).map_err(stdout),
            End::Stopped | End::Late => {
                let _ = within_time(LAST_LINES, written).await;
                let late = matches!(end, End::Late).then_some(TIME_OVER);
                Ok(late.map_or(ExitCode::SUCCESS, ExitCode::from))
            }
        }
    }

    async fn time_over(&self) {
        match self.timeout {
            Some(time) => sleep(time).await,
            None => pending().await,
        }
    }

    /// Hands over the events, and tells how the connection is doing, until it is over or nobody takes the events.
    async fn hear(
        &self,
        connection: &Connection,
        mut tap: Tap,
        mut resumes: Resumes,
        mut lines: Lines,
    ) -> Result<(), Failure> {
        let mut watcher = connection.watch();
        let mut before: Option<Status> = None;
        let mut met = false;
        let mut last = None;
        let mut given = 0;
        let mut give_up = pin!(sleep(self.target.connect_timeout));
        loop {
            tokio::select! {
                // What came before the end is printed before the end is told.
                biased;
                Some(tapped) = tap.next() => {
                    // However many come in a row, a signal is heard between them.
                    consume_budget().await;
                    let Some(line) = self.line(tapped) else { continue };
                    let Ok(taken) = lines.print(line) else { return Ok(()) };
                    given += u64::from(taken);
                    if self.count == Some(given) {
                        return Ok(());
                    }
                }
                Some(Resumed { room, joined }) = resumes.next() => self.joined(&room, joined)?,
                status = watcher.next() => {
                    let Some(now) = status else {
                        return Err(Failure::new("the connection's driver has stopped"));
                    };
                    self.tell(told(before.as_ref(), &now));
                    if let Link::Disconnected(reason) = &now.link {
                        return Err(ended(reason));
                    }
                    met |= now.link == Link::Connected;
                    if let Link::Waiting { reason, .. } = &now.link {
                        last = Some(reason.clone());
                    }
                    before = Some(now);
                }
                () = &mut give_up, if !met => {
                    return Err(self.target.unreachable(last.as_ref()));
                }
            }
        }
    }

    /// The line of an event that is to be printed.
    fn line(&self, tapped: Tapped) -> Option<String> {
        let Tapped::In(args, ack) = tapped else {
            return None;
        };
        self.tell(missed(&args));
        let is_wanted = |name: String| self.events.contains(&name);
        if !self.events.is_empty() && !args.name().is_ok_and(is_wanted) {
            return None;
        }
        if !self.json {
            return Some(text::line(&args));
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = at.map_or(0, |since| since.as_millis());
        Some(text::object(&args, at, ack.is_some()))
    }

    fn joined(&self, room: &str, joined: Result<Joined, EmitError>) -> Result<(), Failure> {
        match joined {
            Ok(_) => self.tell(Some(format!("joined {room}"))),
            Err(EmitError::Rejected(reject)) if !reject.code.passes() => {
                let message = reject.message;
                return Err(Failure::new(format!("{room} was not joined: {message}")));
            }
            // The next connect joins again.
            Err(EmitError::Disconnected) => {}
            Err(error) => self.tell(Some(format!("{room} may not be joined: {error}"))),
        }
        Ok(())
    }

    fn tell(&self, text: Option<String>) {
        if let Some(text) = text.filter(|_| !self.quiet) {
            // Nobody has to read it.
            let _ = writeln!(io::stderr(), "{}", text::shown(&text));
        }
    }
}

/// What a server of Tertulia says that this reader missed.
fn missed(args: &Args) -> Option<String> {
    if args.name().ok()? != StreamMissed::NAME {
        return None;
    }
    let StreamMissed { topic, from, to } = StreamMissed::from_args(args).ok()?;
    Some(format!("missed {topic} {from} to {to}"))
}

fn stdout(error: io::Error) -> Failure {
    Failure::new(format!("standard output: {error}"))
}
