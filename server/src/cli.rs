//! The command line: `tertulia [serve] [options]`, and the commands that need no server of ours.

mod admission;
mod serve;
mod web;

use crate::{
    commands::{Emit, Listen, User},
    config::Config,
};
use clap::{
    Arg, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use serve::Serve;
use std::ffi::OsString;

/// The command that runs without being named.
const SERVE: &str = "serve";

/// What the command line asks for.
#[derive(Debug)]
pub enum Run {
    /// Run the server.
    Serve(Box<Config>),
    /// Emit events to a server.
    Emit(Emit),
    /// Print the events of a server.
    Listen(Listen),
    /// Look after the registered users.
    User(User),
}

/// Why the command line leads to nothing that runs.
#[derive(Debug)]
pub enum Stop {
    /// The user asked for a text: `--help`, `--version`.
    Text(clap::Error),
    /// Something is wrong: one line that says what to change.
    Problem(String),
}

/// Reads the arguments, the program's name first, and the environment.
///
/// # Errors
/// When a text was asked for, or an option or a variable is wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Run, Stop> {
    let arguments = with_command(arguments.into_iter().collect());
    let command = named(arguments.get(1));
    let read = Cli::command().mut_subcommand(SERVE, |serve| serve.mut_args(without_empty));
    let found = read.try_get_matches_from(arguments);
    let found = found.map_err(|error| stop(error, command))?;
    let Cli { command } = Cli::from_arg_matches(&found).map_err(|error| stop(error, command))?;
    Ok(match command {
        Command::Serve(options) => Run::Serve(Box::new((*options).into())),
        Command::Emit(emit) => Run::Emit(emit),
        Command::Listen(listen) => Run::Listen(listen),
        Command::User(user) => Run::User(user),
    })
}

/// A variable that is set to nothing is not set: so are those that a compose file passes on.
fn without_empty(option: Arg) -> Arg {
    let variable = option.get_env().map(ToOwned::to_owned);
    let is_empty = |name: &OsString| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if variable.as_ref().is_some_and(is_empty) {
        option.env(None::<&str>)
    } else {
        option
    }
}

#[derive(Parser)]
#[command(
    name = "tertulia",
    version,
    about = "Browsers, servers and devices in one typed conversation"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the page, Socket.IO and the MQTT bridge; what `tertulia` does without a command.
    Serve(Box<Serve>),
    Emit(Emit),
    Listen(Listen),
    User(User),
}

/// The command whose help is the one to read.
fn named(first: Option<&OsString>) -> &'static str {
    let named = ["emit", "listen", "user"].into_iter();
    let mut named = named.filter(|name| first.is_some_and(|first| first == name));
    named.next().unwrap_or(SERVE)
}

/// Without a command it is `serve`.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let own = ["-h", "--help", "-V", "--version"];
    if first.is_none_or(|first| first.starts_with('-') && !own.contains(&first)) {
        arguments.insert(1.min(arguments.len()), SERVE.into());
    }
    arguments
}

fn stop(error: clap::Error, command: &str) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Text(error),
        _ => {
            let set = variable(&error).filter(|_| command == SERVE);
            Stop::Problem(one_line(&error.to_string(), set, command))
        }
    }
}

/// The variable that the offending option is read from, where it is set.
fn variable(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let name = option.split_whitespace().next()?.strip_prefix("--")?;
    let variable = format!("TERTULIA_{}", name.replace('-', "_").to_uppercase());
    std::env::var_os(&variable).is_some().then_some(variable)
}

/// The first paragraph of clap's text, its tip, and where to read more.
fn one_line(text: &str, variable: Option<String>, command: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    let line: Vec<_> = paragraph.split_whitespace().collect();
    let line = line.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    let tip = tip.map(|tip| format!("; {tip}")).unwrap_or_default();
    let set = variable
        .map(|name| format!(" ({name} is set)"))
        .unwrap_or_default();
    format!("{line}{set}{tip}; see tertulia {command} --help")
}

#[cfg(test)]
mod tests {
    use super::{Cli, Run, Stop, parse};
    use crate::config::{Config, Mqtt};
    use clap::CommandFactory;
    use std::time::Duration;

    fn read(line: &str) -> Result<Config, Stop> {
        match parse(line.split(' ').map(Into::into))? {
            Run::Serve(config) => Ok(*config),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[track_caller]
    fn problem(line: &str) -> String {
        match read(line) {
            Err(Stop::Problem(problem)) => {
                assert!(!problem.contains('\n'), "{problem}");
                problem
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn serve_is_what_runs_without_a_command() {
        for line in ["tertulia", "tertulia serve"] {
            let config = read(line).unwrap();
            assert_eq!(config.listen, Config::default().listen);
            assert_eq!(config.mqtt, Config::default().mqtt);
            assert_eq!(config.ping_interval, Duration::from_secs(25));
            assert!(config.host_metrics);
        }
    }

    #[test]
    fn options_with_and_without_the_command() {
        for line in [
            "tertulia --listen 127.0.0.1:0 --ping-interval 300ms --no-host-metrics --mqtt-url mqtt://h:9",
            "tertulia serve --listen 127.0.0.1:0 --ping-interval 300ms --no-host-metrics --mqtt-url mqtt://h:9",
        ] {
            let config = read(line).unwrap();
            assert_eq!(config.listen.port(), 0);
            assert_eq!(config.ping_interval, Duration::from_millis(300));
            assert!(!config.host_metrics);
            assert_eq!(config.mqtt, Mqtt::External("mqtt://h:9".parse().unwrap()));
        }
    }

    #[test]
    fn how_much_is_kept_is_what_was_asked_for() {
        let keep = read("tertulia --keep-messages 7 --keep-for 3h")
            .unwrap()
            .keep;
        assert_eq!(
            (keep.messages, keep.age),
            (7, Duration::from_secs(3 * 3_600))
        );
        assert_eq!(read("tertulia").unwrap().keep, Config::default().keep);
    }

    #[test]
    fn a_problem_is_one_line_that_says_what_to_change() {
        assert_eq!(
            problem("tertulia serve --listen here"),
            "invalid value 'here' for '--listen <ADDRESS>': write an IP address and a port, such as 127.0.0.1:3000; \
             see tertulia serve --help"
        );
        assert!(problem("tertulia --colour").contains("unexpected argument '--colour'"));
        assert!(problem("tertulia --lisen 127.0.0.1:0").contains("'--listen'"));
        assert!(problem("tertulia dance").contains("dance"));
        assert!(problem("tertulia server").contains("'serve'"));
        assert!(problem("tertulia --mqtt-url mqtts://h").contains("not supported yet"));
        assert!(problem("tertulia --ping-timeout 1ms").contains("100ms"));
        assert!(problem("tertulia --allow-origin chat.example").contains("https://"));
    }

    #[test]
    fn each_command_names_its_own_help() {
        Cli::command().debug_assert();
        assert!(problem("tertulia emit").ends_with("see tertulia emit --help"));
        assert!(problem("tertulia listen h").ends_with("see tertulia listen --help"));
        assert!(problem("tertulia user dance").ends_with("see tertulia user --help"));
        assert!(problem("tertulia user add").contains("<NAME>"));
        assert!(problem("tertulia liste").contains("'listen'"));
    }

    #[test]
    fn help_and_version_are_no_problem() {
        for line in [
            "tertulia --help",
            "tertulia --version",
            "tertulia serve --help",
        ] {
            assert!(matches!(read(line), Err(Stop::Text(_))), "{line}");
        }
    }
}
