//! The program: reads the command line, starts the server or runs a command, stops it on SIGTERM and SIGINT.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};
use tertulia_server::{
    Config, build,
    cli::{self, Run, Stop},
    commands::{Failure, Listen},
    config::LogFormat,
    log::{Lines, Seldom},
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

/// What is logged where nothing else is asked for; the crate of the broker has a line for each connection that ends, and for
/// each message that goes before it was heard.
const LOG: &str =
    "info,mqtt5=warn,mqtt5::broker::client_handler=error,mqtt5::broker::storage=error,rumqttc=warn";
/// The exit code for what the user can change: an option, a variable, a port.
const USAGE: u8 = 2;
/// The exit code for what broke here.
const BROKEN: u8 = 1;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(Run::Serve(config)) => serve(*config).await,
        Ok(Run::Emit(emit)) => end(emit.run().await),
        Ok(Run::Listen(command)) => listen(command).await,
        Ok(Run::User(user)) => end(user.run()),
        Err(Stop::Text(text)) => {
            // Nobody reads on: there is nothing left to tell.
            let _ = text.print();
            ExitCode::SUCCESS
        }
        Err(Stop::Problem(problem)) => refuse(&problem, USAGE),
    }
}

async fn serve(config: Config) -> ExitCode {
    let seldom = Seldom::default();
    if let Err(problem) = start_log(config.log_format, seldom.clone()) {
        return refuse(&problem, USAGE);
    }
    tokio::spawn(seldom.clone().tell());
    // Listening to the signals first: one that comes during the start is not lost, and ends nothing that it should not.
    let (stop, hangup) = match (stop_signal(), signal(SignalKind::hangup())) {
        (Ok(stop), Ok(hangup)) => (stop, hangup),
        (Err(error), _) | (_, Err(error)) => return refuse(&format!("signals: {error}"), BROKEN),
    };
    match build(config).await {
        Ok(server) => {
            // A reader that has gone is no reason not to serve.
            let _ = writeln!(io::stdout(), "{}", server.ready_line());
            let ended = server.run(stop, hangup).await;
            seldom.tell_rest();
            match ended {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => refuse(&error.to_string(), BROKEN),
            }
        }
        Err(error) => refuse(&error.to_string(), USAGE),
    }
}

async fn listen(command: Listen) -> ExitCode {
    match stop_signal() {
        Ok(stop) => end(command.run(stop).await),
        Err(error) => refuse(&format!("signals: {error}"), BROKEN),
    }
}

fn end(ended: Result<ExitCode, Failure>) -> ExitCode {
    ended.unwrap_or_else(|failure| {
        // Nobody has to read it: the exit code says it too.
        let _ = writeln!(io::stderr(), "error: {failure}");
        ExitCode::from(failure.code)
    })
}

fn refuse(problem: &str, code: u8) -> ExitCode {
    eprintln!("tertulia: {problem}");
    ExitCode::from(code)
}

/// Logs to standard error what `TERTULIA_LOG` asks for, `info` where it is not set; of others' code never more than that, and of
/// each kind not too many.
fn start_log(format: LogFormat, seldom: Seldom) -> Result<(), String> {
    let wanted = std::env::var("TERTULIA_LOG").ok();
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    let wanted = wanted.unwrap_or_else(|| LOG.to_owned());
    let filter = EnvFilter::try_new(&wanted).map_err(|_| {
        format!("TERTULIA_LOG={wanted} is no log filter; write a level such as info or debug")
    })?;
    let coloured = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Lines::new(io::stderr(), format, coloured));
    match format {
        LogFormat::Text => log
            .with_ansi(coloured)
            .finish()
            .with(filter_fn(says_no_secret))
            .with(seldom)
            .init(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .finish()
            .with(filter_fn(says_no_secret))
            .with(seldom)
            .init(),
    }
    Ok(())
}

/// Whether what is logged is ours, or no more than information: below that others' code repeats what it carries, tokens
/// and passwords too.
fn says_no_secret(line: &Metadata<'_>) -> bool {
    line.target().starts_with("tertulia") || *line.level() <= Level::INFO
}

fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
