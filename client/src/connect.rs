//! From a URL to a running connection; connections of one server share their session, as the official client's do.
//!
//! Not here: what drives it (`web`, `native`). The registry of what can be shared keeps nothing alive.

#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
use crate::native as driver;
#[cfg(target_arch = "wasm32")]
use crate::web as driver;
use crate::{
    connection::{Connection, WeakConnection},
    socketio::{Client, Endpoint, EndpointError, Options},
};

/// Why a connection cannot even be tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none of a server.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// An extra header has a name or a value that HTTP does not allow.
    #[error("`{0}` is no HTTP header, or its value is none")]
    Header(String),
    /// The HTTP client cannot be built; natively only.
    #[error("HTTP client: {0}")]
    Http(String),
    /// A certificate of an authority is none; natively only.
    #[error("certificate of an authority: {0}")]
    Certificate(String),
}

impl Connection {
    /// Connects to a server with the default [`Options`]: `https://example.org:3000/admin?room=1` is the namespace
    /// `/admin` of that server, with a query. The driver runs until the last handle is dropped.
    ///
    /// # Errors
    /// When the URL is none of a server.
    ///
    /// # Panics
    /// Natively outside a tokio runtime.
    pub fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, Options::default())
    }

    /// Connects to a server; the namespace of the URL, where there is one, goes before [`Options::namespace`].
    ///
    /// A driver of the same server, path and query that still runs is shared: its namespaces travel over one session,
    /// with its options. With [`Options::force_new`], or where the namespace is in use there already, there is another.
    ///
    /// # Errors
    /// When the URL is none of a server, an extra header is none, or a certificate is none.
    ///
    /// # Panics
    /// Natively outside a tokio runtime.
    pub fn connect_with(url: &str, mut options: Options) -> Result<Self, ConnectError> {
        let (endpoint, namespace) = Endpoint::parse(&normal(url), &options.path)?;
        let endpoint = endpoint.with_query(&options.query);
        options.namespace = namespace.unwrap_or(options.namespace);
        let transport = driver::Transport::new(&options)?;
        if options.force_new {
            return Ok(start(endpoint, options, transport));
        }
        driver::with_shared(|shared, place| {
            if let Some(connection) = shared.join(place, &endpoint, &options) {
                return Ok(connection);
            }
            let connection = start(endpoint.clone(), options, transport);
            shared.entries.push(Entry {
                place,
                endpoint,
                handle: connection.downgrade(),
            });
            Ok(connection)
        })
    }
}

fn start(endpoint: Endpoint, mut options: Options, transport: driver::Transport) -> Connection {
    options.seed.get_or_insert_with(driver::random_seed);
    let (connection, requests) = Connection::new(&options);
    transport.start(Client::new(endpoint, options), requests);
    connection
}

/// The URL with its host in small letters and without the port that its scheme has anyway: the same server, however it is
/// written.
fn normal(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let default_port = match scheme {
        "http" | "ws" => ":80",
        _ => ":443",
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let host = host.strip_suffix(default_port).unwrap_or(host);
    format!("{scheme}://{user}{}{path}", host.to_ascii_lowercase())
}

/// The drivers that run, by where they connect to.
#[derive(Debug)]
pub(crate) struct Shared {
    entries: Vec<Entry>,
}

/// One driver; it is kept alive by its handles only.
#[derive(Debug)]
struct Entry {
    /// Where it runs.
    place: driver::Place,
    endpoint: Endpoint,
    handle: WeakConnection,
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// A handle on a driver that runs, for a namespace that is not in use there.
    fn join(
        &mut self,
        place: driver::Place,
        endpoint: &Endpoint,
        options: &Options,
    ) -> Option<Connection> {
        self.entries.retain(|entry| entry.handle.is_alive());
        let fits = |entry: &&Entry| entry.place == place && entry.endpoint == *endpoint;
        let mut fitting = self.entries.iter().filter(fits);
        fitting.find_map(|entry| entry.handle.join(options))
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn one_server_has_one_url() {
        for (written, meant) in [
            ("http://h", "http://h"),
            ("http://H:80/Admin?A=:80", "http://h/Admin?A=:80"),
            ("wss://h:443?a=1", "wss://h?a=1"),
            ("https://U:P@H:443", "https://U:P@h"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[fe80::80]", "http://[fe80::80]"),
            ("https://h:80", "https://h:80"),
            ("http://h:8080", "http://h:8080"),
            ("http://:80", "http://"),
            ("h:80", "h:80"),
        ] {
            assert_eq!(normal(written), meant);
        }
    }
}
