//! Where the server is, and the URLs of its transports.

use super::status::Transport;
use tertulia_shared::wire::engine::PROTOCOL;

/// The origin and the path of an Engine.IO server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    secure: bool,
    authority: String,
    path: String,
    query: Vec<(String, String)>,
}

/// Why a text is not the origin of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It begins with none of `http://`, `https://`, `ws://` and `wss://`.
    #[error("`{0}` does not begin with http://, https://, ws:// or wss://")]
    Scheme(String),
    /// There is no host.
    #[error("`{0}` names no host")]
    Host(String),
    /// There is more than scheme, host and port.
    #[error("`{0}` has more than scheme, host and port")]
    NotAnOrigin(String),
}

impl Endpoint {
    /// Parses an origin: scheme, host and port, `http://127.0.0.1:3000`; a last slash does not matter.
    ///
    /// # Errors
    /// When the scheme is another one, the host is absent, or there is more.
    pub fn new(origin: &str, path: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = origin
            .split_once("://")
            .ok_or_else(|| EndpointError::Scheme(origin.to_owned()))?;
        let secure = match scheme {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(EndpointError::Scheme(origin.to_owned())),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.is_empty() || authority.starts_with(':') {
            return Err(EndpointError::Host(origin.to_owned()));
        }
        if authority.contains(['/', '?', '#', ' ']) {
            return Err(EndpointError::NotAnOrigin(origin.to_owned()));
        }
        Ok(Self {
            secure,
            authority: authority.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
        })
    }

    /// Adds parameters that every URL carries.
    #[must_use]
    pub fn with_query(mut self, query: &[(String, String)]) -> Self {
        self.query.extend_from_slice(query);
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
        let sid = sid.map(|sid| ("sid", sid));
        let own = self
            .query
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in own.chain(sid) {
            url.push('&');
            push_escaped(&mut url, key);
            url.push('=');
            push_escaped(&mut url, value);
        }
        url
    }
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

    #[test]
    fn each_transport_has_its_url() {
        let plain = Endpoint::new("http://127.0.0.1:3000/", "/socket.io/").unwrap();
        assert_eq!(
            plain.url(Transport::Polling, None),
            "http://127.0.0.1:3000/socket.io/?EIO=4&transport=polling"
        );
        assert_eq!(
            plain.url(Transport::WebSocket, Some("a/b")),
            "ws://127.0.0.1:3000/socket.io/?EIO=4&transport=websocket&sid=a%2Fb"
        );
        let secure = Endpoint::new("https://example.org", "/chat/").unwrap();
        assert_eq!(
            secure.url(Transport::WebSocket, None),
            "wss://example.org/chat/?EIO=4&transport=websocket"
        );
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        let refused = |text: &str| Endpoint::new(text, "/").unwrap_err();
        assert!(matches!(
            refused("localhost:3000"),
            EndpointError::Scheme(_)
        ));
        assert!(matches!(refused("ftp://a"), EndpointError::Scheme(_)));
        assert!(matches!(refused("http://"), EndpointError::Host(_)));
        assert!(matches!(refused("http://:3000"), EndpointError::Host(_)));
        assert!(matches!(
            refused("http://a/b"),
            EndpointError::NotAnOrigin(_)
        ));
    }
}
