//! How a server is to run, checked before anything starts.
//!
//! Not here: where it is read from (`cli`), and starting (`lib`).

mod admission;
mod history;
mod net;
mod url;

pub use admission::{Admission, Guests};
pub use history::{HistoryError, HistoryRule};
pub use net::{Net, NetError};
pub use url::{BrokerUrl, UrlError};

use crate::{hub::History, limits::Allowed, store::Limits};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// How a server is to run. [`Config::default`] is what runs without any option.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the page and Socket.IO are served; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The broker.
    pub mqtt: Mqtt,
    /// Whether the machine publishes its own load as a device.
    pub host_metrics: bool,
    /// Between two pings to a client.
    pub ping_interval: Duration,
    /// How long a client may stay silent after a ping.
    pub ping_timeout: Duration,
    /// Where what must outlive the process is kept; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// How much of the chat is kept there.
    pub keep: Limits,
    /// The directory of the built page.
    pub page: PathBuf,
    /// The path below which all is served too, without a slash at its end.
    pub base_path: Option<String>,
    /// Origins of pages that may talk to this server, besides its own and those of this machine.
    pub allow_origin: Vec<String>,
    /// Origins of pages that may show the page in a frame.
    pub allow_embedding: Vec<String>,
    /// Names by which this server is reached, besides `localhost` and addresses.
    pub allow_host: Vec<String>,
    /// Proxies before this server that say for whom they ask.
    pub trust_proxy: Vec<Net>,
    /// How much anybody may ask.
    pub limits: Allowed,
    /// What proves who this server is; `None` serves without encryption.
    pub tls: Option<TlsFiles>,
    /// Who is let in, and by which rules.
    pub admission: Admission,
    /// Where the metrics are served to everybody; `None` serves them with the page, to this machine only. Port 0 picks a
    /// free one.
    pub metrics_listen: Option<SocketAddr>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// The time over which clients are told to come back when the server stops.
    pub come_back_within: Duration,
    /// What is kept of which topics for clients that come back; where several rules match, the last one counts, and these
    /// come after [`HistoryRule::defaults`].
    pub history: Vec<HistoryRule>,
    /// Whether WebSocket upgrades are answered with 403, as some networks do.
    pub refuse_upgrade: bool,
}

/// The files of a TLS server, as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for a person.
    #[default]
    Text,
    /// An object a line, for programs.
    Json,
}

/// Which broker is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mqtt {
    /// One inside this process, listening here; port 0 picks a free one.
    Embedded(SocketAddr),
    /// One that runs elsewhere.
    External(BrokerUrl),
}

impl Config {
    /// What is kept of which topics: the default rules, then those of [`Config::history`].
    pub fn kept(&self) -> History {
        let rules = HistoryRule::defaults()
            .into_iter()
            .chain(self.history.clone());
        History(rules.map(|rule| (rule.topics, rule.keep)).collect())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 3_000).into(),
            mqtt: Mqtt::Embedded((Ipv4Addr::LOCALHOST, 1_883).into()),
            host_metrics: true,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            data_dir: Some(PathBuf::from("tertulia-data")),
            keep: Limits::default(),
            page: PathBuf::from("dist"),
            base_path: None,
            allow_origin: Vec::new(),
            allow_embedding: Vec::new(),
            allow_host: Vec::new(),
            trust_proxy: Vec::new(),
            limits: Allowed::default(),
            tls: None,
            admission: Admission::default(),
            metrics_listen: None,
            log_format: LogFormat::default(),
            come_back_within: Duration::from_secs(5),
            history: Vec::new(),
            refuse_upgrade: false,
        }
    }
}
