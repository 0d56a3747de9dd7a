//! The server that a command talks to: the options that both commands have, and the connection while it is made and ended.

use super::{Failure, text::shown, value};
use clap::Args;
use futures_util::StreamExt;
use serde_json::value::RawValue;
use std::{fs, future::Future, path::PathBuf, time::Duration};
use tertulia_client::connection::{
    Auth, Connection, Link, Options, Reason, Refusal, Status, Transport, Watcher,
};
use tertulia_client::native;
use tertulia_client::sign_in::{self, SignIn, SignInError};
use tertulia_shared::wire::json::Json;
use tokio::time::{sleep, timeout};

/// How long the server may take to read what was sent without acknowledgement.
const READING: Duration = Duration::from_secs(10);
/// How long the goodbye may take to go out once the command is done.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);
/// How long after a failed try a session token is asked for again.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
/// A namespace that no server has.
const NOBODY: &str = "/tertulia-has-read";

/// Where the server is and how it is met.
#[derive(Args, Clone, Debug)]
pub(super) struct Target {
    /// The server, and where they are wanted the namespace and a query: http://127.0.0.1:3000/admin?x=1
    #[arg(value_name = "URL", value_parser = value::url)]
    url: String,

    /// What the CONNECT packet carries, a JSON object (the server's `socket.handshake.auth`).
    #[arg(long, value_name = "JSON", value_parser = value::auth)]
    auth: Option<Json>,

    /// The session token to come with, as POST /session of a Tertulia server gives it.
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["auth", "name"])]
    token: Option<String>,

    /// Ask a Tertulia server for a session token under this name first.
    #[arg(long, value_name = "NAME", conflicts_with = "auth")]
    name: Option<String>,

    /// The password, where the name is registered; other users of this machine do not see it in the environment.
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "TERTULIA_PASSWORD",
        hide_env_values = true
    )]
    password: Option<String>,

    /// A header of every request, 'Name: value'; may be repeated.
    #[arg(long, value_name = "HEADER", value_parser = value::header)]
    header: Vec<(String, String)>,

    /// A file with certificates (PEM) of authorities to trust besides those of the system.
    #[arg(long, value_name = "FILE")]
    cafile: Option<PathBuf>,

    /// Use polling or websocket only; repeated, in that order. Without it polling, then an upgrade to WebSocket.
    #[arg(long, value_name = "TRANSPORT", value_parser = value::transport)]
    transport: Vec<Transport>,

    /// The path of the server's Socket.IO endpoint.
    #[arg(long, value_name = "PATH", default_value = "/socket.io/", value_parser = value::path)]
    path: String,

    /// How long to try to connect, in seconds, before giving up.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = value::time)]
    pub(super) connect_timeout: Duration,
}

impl Target {
    /// The connection, which does not connect yet: what is to hear of everything can be put up before. A session token is
    /// asked for before that, where a name is given.
    pub(super) async fn connection(&self) -> Result<Connection, Failure> {
        let mut options = self.options()?;
        let given = self.token.clone();
        if let Some(token) = given.or(self.signed_in(&options).await?) {
            options.auth = sign_in::auth(&token).map_or(Auth::None, Auth::Value);
        }
        Connection::connect_with(&self.url, options)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// The token that the server gives for the name, as long as it may take to meet it.
    async fn signed_in(&self, options: &Options) -> Result<Option<String>, Failure> {
        let Some(name) = self.name.clone() else {
            return Ok(None);
        };
        let password = self.password.clone().unwrap_or_default();
        let who = SignIn { name, password };
        let mut last = None;
        let granted = async {
            loop {
                match native::sign_in(&self.url, options, &who).await {
                    Err(SignInError::Unreachable(why)) => last = Some(why),
                    answered => return answered,
                }
                sleep(BETWEEN_TRIES).await;
            }
        };
        match timeout(self.connect_timeout, granted).await {
            Ok(Ok(granted)) => Ok(Some(granted.token)),
            Ok(Err(SignInError::Rejected(reject))) => {
                let message = reject.message;
                Err(Failure::new(format!("refused by the server: {message}")))
            }
            Ok(Err(error)) => Err(Failure::new(error.to_string())),
            Err(_) => {
                let within = seconds(self.connect_timeout);
                let why = last.unwrap_or_else(|| "no answer".to_owned());
                Err(Failure::new(format!(
                    "not connected within {within}: {why}"
                )))
            }
        }
    }

    fn options(&self) -> Result<Options, Failure> {
        let certificates = self.cafile.as_ref().map(|file| {
            let shown = file.display();
            fs::read_to_string(file).map_err(|error| Failure::usage(format!("{shown}: {error}")))
        });
        let mut options = Options {
            auth: self.auth.clone().map_or(Auth::None, Auth::Value),
            extra_headers: self.header.clone(),
            path: self.path.clone(),
            certificate_authorities: certificates.transpose()?.unwrap_or_default(),
            auto_connect: false,
            ..Options::default()
        };
        if !self.transport.is_empty() {
            options.transports.clone_from(&self.transport);
        }
        Ok(options)
    }

    /// Waits until the server is there.
    pub(super) async fn connected(&self, watcher: &mut Watcher) -> Result<(), Failure> {
        let mut last = None;
        let connected = async {
            while let Some(status) = watcher.next().await {
                match &status.link {
                    Link::Connected => return Ok(()),
                    Link::Disconnected(reason) => return Err(ended(reason)),
                    Link::Waiting { reason, .. } => last = Some(reason.clone()),
                    Link::Connecting { .. } => {}
                }
            }
            Err(Failure::new("the connection's driver has stopped"))
        };
        match timeout(self.connect_timeout, connected).await {
            Ok(connected) => connected,
            Err(_) => Err(self.unreachable(last.as_ref())),
        }
    }

    /// The server could not be met in time; the reason is that of the last attempt.
    pub(super) fn unreachable(&self, reason: Option<&Reason>) -> Failure {
        let within = seconds(self.connect_timeout);
        let reason = reason.map_or_else(|| "no answer".to_owned(), ToString::to_string);
        Failure::new(format!("not connected within {within}: {reason}"))
    }
}

/// The connection is over, and nothing comes by itself.
pub(super) fn ended(reason: &Reason) -> Failure {
    Failure::new(match reason {
        Reason::Refused(refusal) => refused(refusal),
        reason => format!("disconnected: {reason}"),
    })
}

fn refused(refusal: &Refusal) -> String {
    let message = refusal.message();
    match refusal.data::<Box<RawValue>>() {
        Ok(data) => format!("refused by the server: {message} {}", data.get()),
        Err(_) => format!("refused by the server: {message}"),
    }
}

/// Waits until the server has read everything that was sent.
///
/// The official server drops the events that come together with the DISCONNECT, and a transport that breaks takes along
/// what is under way. Every server answers a CONNECT, if only with a refusal, after what came before it.
pub(super) async fn has_read(connection: &Connection) -> Result<(), Failure> {
    let mut answer = connection.of(NOBODY, Auth::None).watch();
    let answered = async {
        while let Some(Status { link, .. }) = answer.next().await {
            match link {
                Link::Connected | Link::Disconnected(Reason::Refused(_)) => return Ok(()),
                Link::Connecting { .. } => {}
                Link::Disconnected(reason) | Link::Waiting { reason, .. } => {
                    let text = format!("the server may not have read every event: {reason}");
                    return Err(Failure::new(text));
                }
            }
        }
        Err(Failure::new("the connection's driver has stopped"))
    };
    let answered = within_time(READING, answered).await;
    answered.unwrap_or_else(|| {
        let within = seconds(READING);
        Err(Failure::new(format!(
            "the server has not read every event within {within}"
        )))
    })
}

/// What the future gives in time.
pub(super) async fn within_time<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    timeout(time, future).await.ok()
}

/// `10 s`, `0.5 s`.
pub(super) fn seconds(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}

/// How a connection is doing, for a person.
pub(super) fn told(before: Option<&Status>, now: &Status) -> Option<String> {
    let was_connected = before.is_some_and(|status| status.link == Link::Connected);
    let transport = now.transport.map_or_else(String::new, |it| it.to_string());
    let text = match &now.link {
        Link::Connecting { .. } | Link::Disconnected(_) => return None,
        Link::Connected if was_connected => {
            let changed = before.is_some_and(|status| status.transport != now.transport);
            return changed.then(|| format!("upgraded ({transport})"));
        }
        Link::Connected if now.recovered => format!("connected ({transport}), nothing was missed"),
        Link::Connected => format!("connected ({transport})"),
        Link::Waiting {
            attempt,
            retry_in,
            reason,
        } => {
            let lost = if was_connected {
                "disconnected"
            } else {
                "not connected"
            };
            let retry_in = seconds(*retry_in);
            format!("{lost}: {reason}, retrying in {retry_in} (attempt {attempt})")
        }
    };
    Some(shown(&text))
}
