//! Where the server is, and the URLs of its transports.

use super::status::Transport;
use tertulia_shared::wire::engine::PROTOCOL;

/// Where an Engine.IO server is: scheme, host and port, path, and the query of every URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    secure: bool,
    authority: String,
    path: String,
    /// What every URL carries, encoded, each parameter with `&` before it.
    query: String,
}

/// Why a text is not the URL of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It begins with none of `http://`, `https://`, `ws://` and `wss://`.
    #[error("`{0}` does not begin with http://, https://, ws:// or wss://")]
    Scheme(String),
    /// There is no host.
    #[error("`{0}` names no host")]
    Host(String),
    /// It has a space or a fragment.
    #[error("`{0}` has a space or a fragment")]
    NotAUrl(String),
}

impl Endpoint {
    /// Parses a URL, `http://127.0.0.1:3000/admin?a=1`: scheme, host and port, and where they are there the namespace
    /// and a query, which is encoded already. It gives the namespace beside the endpoint; `path` is that of Engine.IO.
    ///
    /// # Errors
    /// When the scheme is another one, the host is absent, or there is a space or a fragment.
    pub fn parse(url: &str, path: &str) -> Result<(Self, Option<String>), EndpointError> {
        let schemes = [
            ("http://", false),
            ("ws://", false),
            ("https://", true),
            ("wss://", true),
        ];
        let (rest, secure) = schemes
            .iter()
            .find_map(|(scheme, secure)| Some((url.strip_prefix(scheme)?, *secure)))
            .ok_or_else(|| EndpointError::Scheme(url.to_owned()))?;
        if rest.contains([' ', '#']) {
            return Err(EndpointError::NotAUrl(url.to_owned()));
        }
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let host_end = address.find('/').unwrap_or(address.len());
        let (authority, namespace) = address.split_at(host_end);
        if authority.is_empty() || authority.starts_with(':') {
            return Err(EndpointError::Host(url.to_owned()));
        }
        let and = if query.is_empty() { "" } else { "&" };
        let endpoint = Self {
            secure,
            authority: authority.to_owned(),
            path: slashed(path),
            query: format!("{and}{query}"),
        };
        Ok((
            endpoint,
            Some(namespace)
                .filter(|name| name.len() > 1)
                .map(str::to_owned),
        ))
    }

    /// Adds parameters that every URL carries.
    #[must_use]
    pub fn with_query(mut self, query: &[(String, String)]) -> Self {
        for (key, value) in query {
            push_parameter(&mut self.query, key, value);
        }
        self
    }

    /// The URL of a transport, for a new session or for the session `sid`.
    pub(super) fn url(&self, transport: Transport, sid: Option<&str>) -> String {
        let scheme = match (transport, self.secure) {
            (Transport::Polling, false) => "http",
            (Transport::Polling, true) => "https",
            (Transport::WebSocket, false) => "ws",
            (Transport::WebSocket, true) => "wss",
        };
        let (authority, path) = (&self.authority, &self.path);
        let mut url = format!("{scheme}://{authority}{path}?EIO={PROTOCOL}&transport={transport}");
        url.push_str(&self.query);
        if let Some(sid) = sid {
            push_parameter(&mut url, "sid", sid);
        }
        url
    }
}

/// The path with a slash at both ends.
fn slashed(path: &str) -> String {
    let mut slashed = path.to_owned();
    if !slashed.starts_with('/') {
        slashed.insert(0, '/');
    }
    if !slashed.ends_with('/') {
        slashed.push('/');
    }
    slashed
}

fn push_parameter(url: &mut String, key: &str, value: &str) {
    url.push('&');
    push_escaped(url, key);
    url.push('=');
    push_escaped(url, value);
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
fn push_escaped(url: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointError};
    use crate::socketio::Transport;

    fn endpoint(url: &str, path: &str) -> Endpoint {
        Endpoint::parse(url, path).unwrap().0
    }

    #[test]
    fn each_transport_has_its_url() {
        let plain = endpoint("http://127.0.0.1:3000/", "/socket.io/");
        assert_eq!(
            plain.url(Transport::Polling, None),
            "http://127.0.0.1:3000/socket.io/?EIO=4&transport=polling"
        );
        assert_eq!(
            plain.url(Transport::WebSocket, Some("a/b")),
            "ws://127.0.0.1:3000/socket.io/?EIO=4&transport=websocket&sid=a%2Fb"
        );
        let secure = endpoint("https://example.org", "/chat/");
        assert_eq!(
            secure.url(Transport::WebSocket, None),
            "wss://example.org/chat/?EIO=4&transport=websocket"
        );
    }

    #[test]
    fn a_url_may_name_a_namespace_and_a_query() {
        let (plain, namespace) = Endpoint::parse("wss://[::1]:3000/admin?a=%20", "/s/").unwrap();
        assert_eq!(namespace.as_deref(), Some("/admin"));
        let more = plain.with_query(&[("b".to_owned(), "x&y".to_owned())]);
        assert_eq!(
            more.url(Transport::Polling, Some("1")),
            "https://[::1]:3000/s/?EIO=4&transport=polling&a=%20&b=x%26y&sid=1"
        );
        assert_eq!(Endpoint::parse("http://h/", "/s/").unwrap().1, None);
        for path in ["s/t", "/s/t", "s/t/", "/s/t/"] {
            let url = endpoint("http://h", path).url(Transport::Polling, None);
            assert!(url.starts_with("http://h/s/t/?"), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        let refused = |text: &str| Endpoint::parse(text, "/").unwrap_err();
        assert!(matches!(
            refused("localhost:3000"),
            EndpointError::Scheme(_)
        ));
        assert!(matches!(refused("ftp://a"), EndpointError::Scheme(_)));
        assert!(matches!(refused("http://"), EndpointError::Host(_)));
        assert!(matches!(refused("http://:3000"), EndpointError::Host(_)));
        assert!(matches!(refused("http://a b"), EndpointError::NotAUrl(_)));
        assert!(matches!(refused("http://a/#b"), EndpointError::NotAUrl(_)));
    }
}
