//! The address of a broker: `mqtt://[user[:password]@]host[:port]`.

use std::{fmt, str::FromStr};
use url::Url;

/// The port of MQTT without encryption.
const DEFAULT_PORT: u16 = 1_883;

/// A broker that is reached by TCP. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// The name or address; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// User and password, where the URL has them.
    pub login: Option<(String, String)>,
    /// Whether it is the one inside this process, which knows who publishes.
    pub own: bool,
}

/// Why a text is no broker address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It has no scheme.
    #[error("the scheme is missing; write mqtt://host:port")]
    NoScheme,
    /// It has another scheme.
    #[error("`{0}` is not supported; write mqtt://host:port")]
    Scheme(String),
    /// Encryption is not supported.
    #[error("{0} (with encryption) is not supported yet; write mqtt://host:port")]
    Encrypted(String),
    /// It does not parse, or has no host.
    #[error("it has no valid host and port; write mqtt://host:port")]
    Malformed,
    /// Something stands behind the port.
    #[error("nothing may follow the port; write mqtt://host:port")]
    Trailing,
}

impl FromStr for BrokerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, _) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        match scheme {
            "mqtt" => {}
            "mqtts" | "ssl" | "tls" | "wss" => return Err(UrlError::Encrypted(scheme.into())),
            other => return Err(UrlError::Scheme(format!("{other}://"))),
        }
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Trailing);
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or(UrlError::Malformed)?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(DEFAULT_PORT),
            login: login(&url),
            own: false,
        })
    }
}

fn login(url: &Url) -> Option<(String, String)> {
    let password = url.password().unwrap_or_default();
    if url.username().is_empty() && password.is_empty() {
        return None;
    }
    Some((decoded(url.username()), decoded(password)))
}

/// Undoes `%40` and the like; what does not decode stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.get(..2)).flatten();
        let value = escaped
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.unwrap_or(first));
        rest = if value.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "mqtt://[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "mqtt://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::{BrokerUrl, UrlError};

    #[track_caller]
    fn url(text: &str) -> BrokerUrl {
        text.parse().unwrap()
    }

    #[test]
    fn host_port_and_login() {
        let plain = url("mqtt://broker.example");
        assert_eq!((plain.host.as_str(), plain.port), ("broker.example", 1_883));
        assert_eq!(plain.login, None);
        let full = url("mqtt://ada:s%40cret@127.0.0.1:1999/");
        assert_eq!(full.port, 1_999);
        assert_eq!(full.login, Some(("ada".to_owned(), "s@cret".to_owned())));
        assert_eq!(url("mqtt://[::1]:1883").host, "::1");
    }

    #[test]
    fn what_is_shown_has_no_password() {
        let shown = format!("{} {0:?}", url("mqtt://ada:secret@127.0.0.1"));
        assert_eq!(shown, "mqtt://127.0.0.1:1883 mqtt://127.0.0.1:1883");
        assert_eq!(url("mqtt://[::1]").to_string(), "mqtt://[::1]:1883");
    }

    #[test]
    fn everything_else_is_refused() {
        let problem = |text: &str| text.parse::<BrokerUrl>().unwrap_err();
        assert_eq!(problem("mqtts://x"), UrlError::Encrypted("mqtts".into()));
        assert_eq!(problem("http://x"), UrlError::Scheme("http://".into()));
        assert_eq!(problem("127.0.0.1:1883"), UrlError::NoScheme);
        assert_eq!(problem("mqtt://"), UrlError::Malformed);
        assert_eq!(problem("mqtt://host:port"), UrlError::Malformed);
        assert_eq!(problem("mqtt://host/topic"), UrlError::Trailing);
        assert_eq!(problem("mqtt://host?x=1"), UrlError::Trailing);
    }
}
