//! The options of `tertulia serve`, each also as a `TERTULIA_*` variable.

use super::{admission::AdmissionOptions, web::WebOptions};
use crate::{
    config::{BrokerUrl, Config, HistoryRule, LogFormat, Mqtt, Net, TlsFiles},
    limits::Allowed,
    store::Limits,
};
use clap::{Args, builder::BoolishValueParser};
use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;

/// The shortest heartbeat interval and timeout: shorter ones close healthy connections.
const MIN_HEARTBEAT: Duration = Duration::from_millis(100);
/// The longest heartbeat interval and timeout, one day.
const MAX_HEARTBEAT: Duration = Duration::from_secs(86_400);

/// The longest time over which clients come back, a minute: ours waits no longer.
const MAX_SPREAD: Duration = Duration::from_secs(60);

/// The rates that can be asked for, in events a second.
const RATES: RangeInclusive<f64> = 0.01..=1e6;

/// What stands in the place of a data directory where there is none.
const IN_MEMORY: &str = "none";

#[derive(Args)]
pub(super) struct Serve {
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

    /// Where the chat's messages are kept, made at the first start; `none` keeps them in memory.
    #[arg(
        long,
        env = "TERTULIA_DATA_DIR",
        value_name = "DIRECTORY",
        default_value = "tertulia-data"
    )]
    data_dir: PathBuf,

    /// How many messages of each chat room are kept.
    #[arg(long, env = "TERTULIA_KEEP_MESSAGES", value_name = "COUNT", default_value = "100000", value_parser = clap::value_parser!(u64).range(1..))]
    keep_messages: u64,

    /// How long a chat message is kept.
    #[arg(long, env = "TERTULIA_KEEP_FOR", value_name = "DURATION", default_value = "365d", value_parser = duration)]
    keep_for: Duration,

    #[command(flatten)]
    web: WebOptions,

    /// A name by which this server is reached; without any, one that listens on this machine only is `localhost`, and another
    /// one has every name. Addresses and the names of `--allow-origin` are known.
    #[arg(
        long,
        env = "TERTULIA_ALLOW_HOST",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = host
    )]
    allow_host: Vec<String>,

    /// A proxy before this server, or a network of them: who asks is whom it names in `X-Forwarded-For`.
    #[arg(
        long,
        env = "TERTULIA_TRUST_PROXY",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    trust_proxy: Vec<Net>,

    /// The events that one user may send a second, in the long run, with 2 kB each; those of 100 s may come at once. An
    /// address may send ten times as much and begin a quarter as many connections; this machine's own are not limited.
    /// `off` limits nothing.
    #[arg(long, env = "TERTULIA_RATE_LIMIT", value_name = "EVENTS", default_value = "200", value_parser = rate)]
    rate_limit: Rate,

    /// The most Socket.IO connections at once.
    #[arg(long, env = "TERTULIA_MAX_CONNECTIONS", value_name = "COUNT", default_value = "10000", value_parser = count)]
    max_connections: usize,

    /// The most Socket.IO connections of one address at once; those of this machine are not counted.
    #[arg(long, env = "TERTULIA_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value = "2000", value_parser = count)]
    max_connections_per_address: usize,

    /// Serve by TLS with this certificate, a PEM file with those above it; read again at SIGHUP.
    #[arg(
        long,
        env = "TERTULIA_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,

    /// The private key of the certificate, a PEM file.
    #[arg(
        long,
        env = "TERTULIA_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,

    #[command(flatten)]
    admission: AdmissionOptions,

    /// Serve the metrics here, to everybody who reaches it, instead of with the page to this machine only.
    #[arg(long, env = "TERTULIA_METRICS_LISTEN", value_name = "ADDRESS", value_parser = address)]
    metrics_listen: Option<SocketAddr>,

    /// Write the log for people, or as JSON, an object a line.
    #[arg(
        long,
        env = "TERTULIA_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,

    /// When the server stops, have its clients come back spread over this time.
    #[arg(long, env = "TERTULIA_COME_BACK_WITHIN", value_name = "DURATION", default_value = "5s", value_parser = spread)]
    come_back_within: Duration,

    /// Keep that many messages of each of these topics, for that long, for clients that come back: `chat/#=1000,30d`.
    /// Several times, or with `;` between them; the last rule that matches a topic counts.
    ///
    /// Without it: `chat/#=1000,30d`, `sensors/#=600,1h`, `devices/#=100,1h`.
    #[arg(
        long,
        env = "TERTULIA_HISTORY",
        value_name = "RULE",
        value_delimiter = ';'
    )]
    history: Vec<HistoryRule>,

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
            data_dir: Some(options.data_dir).filter(|path| path != Path::new(IN_MEMORY)),
            keep: Limits {
                messages: options.keep_messages,
                age: options.keep_for,
                ..Limits::default()
            },
            page: options.web.page,
            base_path: options.web.base_path,
            allow_origin: options.web.allow_origin,
            allow_embedding: options.web.allow_embedding,
            allow_host: options.allow_host,
            trust_proxy: options.trust_proxy,
            limits: Allowed {
                rate: options.rate_limit.0,
                connections: options.max_connections,
                connections_of_address: options.max_connections_per_address,
            },
            tls: options
                .tls_cert
                .zip(options.tls_key)
                .map(|(certificate, key)| TlsFiles { certificate, key }),
            admission: options.admission.into(),
            metrics_listen: options.metrics_listen,
            log_format: options.log_format,
            come_back_within: options.come_back_within,
            history: options.history,
            refuse_upgrade: options.refuse_upgrade,
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:3000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration, such as 30d or 12h".to_owned())
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a duration, such as 25s or 500ms".to_owned())?;
    if (MIN_HEARTBEAT..=MAX_HEARTBEAT).contains(&duration) {
        return Ok(duration);
    }
    Err("100ms to 1day are allowed".to_owned())
}

fn spread(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a duration, such as 5s or 500ms".to_owned())?;
    if duration <= MAX_SPREAD {
        return Ok(duration);
    }
    Err("at most 1m is allowed: clients wait no longer".to_owned())
}

/// The figure of `--rate-limit`.
#[derive(Clone, Copy, Debug)]
struct Rate(Option<f64>);

fn rate(text: &str) -> Result<Rate, String> {
    if text == "off" {
        return Ok(Rate(None));
    }
    let figure = text.parse().ok().filter(|figure| RATES.contains(figure));
    figure.map(|figure| Rate(Some(figure))).ok_or_else(|| {
        "write `off`, or how many events a user may send a second, from 0.01 to 1000000".to_owned()
    })
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "write a number from 1".to_owned())
}

fn host(text: &str) -> Result<String, String> {
    let url = Url::parse(&format!("http://{text}/"));
    let is_host = url.is_ok_and(|url| url.host_str() == Some(&text.to_lowercase()));
    match is_host {
        true => Ok(text.to_owned()),
        false => Err("write a name without scheme and port, such as chat.example".to_owned()),
    }
}
