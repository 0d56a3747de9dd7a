//! The command line: `tertulia [serve] [options]`, each option also as a `TERTULIA_*` variable.

use super::{BrokerUrl, Config, Mqtt};
use clap::{
    Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::BoolishValueParser,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};
use url::Url;

/// The shortest heartbeat interval and timeout: shorter ones close healthy connections.
const MIN_HEARTBEAT: Duration = Duration::from_millis(100);
/// The longest heartbeat interval and timeout, one day.
const MAX_HEARTBEAT: Duration = Duration::from_secs(86_400);

/// Why the command line does not lead to a running server.
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
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Config, Stop> {
    let arguments = with_command(arguments.into_iter().collect());
    let read = Cli::command().mut_subcommand("serve", |serve| serve.mut_args(without_empty));
    let found = read.try_get_matches_from(arguments).map_err(stop)?;
    let Cli { command } = Cli::from_arg_matches(&found).map_err(stop)?;
    let Command::Serve(options) = command;
    Ok(options.into())
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
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// Where the page and Socket.IO are served; port 0 picks a free port.
    #[arg(long, env = "TERTULIA_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = address)]
    listen: SocketAddr,

    /// Where the embedded MQTT broker listens; port 0 picks a free port.
    #[arg(long, env = "TERTULIA_MQTT_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:1883", value_parser = address)]
    mqtt_listen: SocketAddr,

    /// Use this broker and start none: `mqtt://[user:password@]host[:port]`.
    #[arg(
        long,
        env = "TERTULIA_MQTT_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    mqtt_url: Option<BrokerUrl>,

    /// Do not publish this machine's load as a device.
    #[arg(long, env = "TERTULIA_NO_HOST_METRICS", value_parser = BoolishValueParser::new())]
    no_host_metrics: bool,

    /// Between two pings to a client.
    #[arg(long, env = "TERTULIA_PING_INTERVAL", value_name = "DURATION", default_value = "25s", value_parser = heartbeat)]
    ping_interval: Duration,

    /// How long a client may stay silent after a ping.
    #[arg(long, env = "TERTULIA_PING_TIMEOUT", value_name = "DURATION", default_value = "20s", value_parser = heartbeat)]
    ping_timeout: Duration,

    /// The directory of the built page.
    #[arg(
        long,
        env = "TERTULIA_PAGE",
        value_name = "DIRECTORY",
        default_value = "dist"
    )]
    page: PathBuf,

    /// Let pages of this origin talk to the server, besides its own and those of this machine.
    #[arg(long, env = "TERTULIA_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    allow_origin: Vec<String>,

    /// Answer WebSocket upgrades with 403, as some networks do: for tests.
    #[arg(long, env = "TERTULIA_REFUSE_UPGRADE", value_parser = BoolishValueParser::new())]
    refuse_upgrade: bool,
}

impl From<Serve> for Config {
    fn from(options: Serve) -> Self {
        Self {
            listen: options.listen,
            mqtt: match options.mqtt_url {
                Some(url) => Mqtt::External(url),
                None => Mqtt::Embedded(options.mqtt_listen),
            },
            host_metrics: !options.no_host_metrics,
            ping_interval: options.ping_interval,
            ping_timeout: options.ping_timeout,
            page: options.page,
            allow_origin: options.allow_origin,
            refuse_upgrade: options.refuse_upgrade,
        }
    }
}

/// Without a command it is `serve`.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let own = ["-h", "--help", "-V", "--version"];
    if first.is_none_or(|first| first.starts_with('-') && !own.contains(&first)) {
        arguments.insert(1.min(arguments.len()), "serve".into());
    }
    arguments
}

fn stop(error: clap::Error) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Text(error),
        _ => Stop::Problem(one_line(&error.to_string(), variable(&error))),
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
fn one_line(text: &str, variable: Option<String>) -> String {
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
    format!("{line}{set}{tip}; see tertulia serve --help")
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:3000".to_owned())
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a duration, such as 25s or 500ms".to_owned())?;
    if (MIN_HEARTBEAT..=MAX_HEARTBEAT).contains(&duration) {
        return Ok(duration);
    }
    Err("100ms to 1day are allowed".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| url.origin().ascii_serialization() == text);
    url.map(|_| text.to_owned()).ok_or_else(|| {
        "write scheme, host and port only, such as https://chat.example:8443".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::{Stop, parse};
    use crate::config::{Config, Mqtt};
    use std::time::Duration;

    fn read(line: &str) -> Result<Config, Stop> {
        parse(line.split(' ').map(Into::into))
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
