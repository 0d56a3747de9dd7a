//! Which server the page talks to, and below which path.
//!
//! Not here: reading the address bar.

/// The port of a server beside `trunk serve`.
const DEVELOPMENT_PORT: u16 = 3000;

/// Where the page was loaded from, as the browser's `location` names it.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// `http://127.0.0.1:8080`
    pub origin: &'a str,
    /// `127.0.0.1`
    pub hostname: &'a str,
    /// `/`, or `/tertulia/` below a path of a proxy.
    pub pathname: &'a str,
    /// The value of `?server=`, decoded, where there is one.
    pub server: Option<&'a str>,
}

/// The origin of the server: `?server=` where it is a valid one, else port 3000 of the page's host in a development
/// build, else the page's own origin.
pub fn server_origin(location: Location<'_>, development: bool) -> String {
    if let Some(origin) = location.server.and_then(http_origin) {
        return origin.to_owned();
    }
    if development {
        return format!("http://{}:{DEVELOPMENT_PORT}", location.hostname);
    }
    location.origin.to_owned()
}

/// The path below which the server is, without a slash at its end: the page's folder, where the page came from that server.
pub fn server_path(location: Location<'_>, development: bool) -> &str {
    if development || location.server.and_then(http_origin).is_some() {
        return "";
    }
    let folder = location.pathname.rsplit_once('/');
    folder.map(|(folder, _)| folder).unwrap_or_default()
}

/// `text` without a closing slash when it is `http(s)://host[:port]`.
fn http_origin(text: &str) -> Option<&str> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))?;
    let (name, port) = split_port(host);
    let valid_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (valid_port && is_host(name)).then_some(text)
}

/// Splits `host:port`; the colons of an IPv6 address stand in brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

fn is_host(name: &str) -> bool {
    let bracketed = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => {
            let allowed = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
            address.contains(':') && address.bytes().all(allowed)
        }
        None => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            !name.is_empty() && name.bytes().all(allowed)
        }
    }
}

/// The name of the host of an origin, without the brackets of IPv6.
pub fn host(origin: &str) -> &str {
    let (_, place) = origin.split_once("://").unwrap_or(("", origin));
    match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Location, server_origin, server_path};

    fn location<'a>(server: Option<&'a str>, pathname: &'a str) -> Location<'a> {
        Location {
            origin: "http://pi.local:8080",
            hostname: "pi.local",
            pathname,
            server,
        }
    }

    fn origin(server: Option<&str>, development: bool) -> String {
        server_origin(location(server, "/"), development)
    }

    #[test]
    fn a_page_below_a_path_talks_to_the_server_below_it() {
        for (pathname, path) in [
            ("/", ""),
            ("/index.html", ""),
            ("/tertulia/", "/tertulia"),
            ("/tertulia/index.html", "/tertulia"),
            ("/apps/chat/", "/apps/chat"),
            ("", ""),
        ] {
            assert_eq!(server_path(location(None, pathname), false), path);
            assert_eq!(server_path(location(None, pathname), true), "");
            let elsewhere = location(Some("https://chat.example"), pathname);
            assert_eq!(server_path(elsewhere, false), "");
        }
    }

    #[test]
    fn a_release_page_talks_to_its_own_origin() {
        assert_eq!(origin(None, false), "http://pi.local:8080");
    }

    #[test]
    fn a_development_page_talks_to_port_3000_of_its_host() {
        assert_eq!(origin(None, true), "http://pi.local:3000");
    }

    #[test]
    fn the_query_points_elsewhere() {
        for (query, expected) in [
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
            ("https://chat.example/", "https://chat.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(origin(Some(query), true), expected);
            assert_eq!(origin(Some(query), false), expected);
        }
    }

    #[test]
    fn what_is_no_http_origin_is_ignored() {
        for query in [
            "",
            "pi:3000",
            "javascript:alert(1)",
            "ws://pi:3000",
            "http://",
            "http://user@pi",
            "http://pi/path",
            "http://pi:port",
            "http://pi:70000",
            "http://[zz]:1",
        ] {
            assert_eq!(
                origin(Some(query), false),
                "http://pi.local:8080",
                "{query}"
            );
        }
    }

    #[test]
    fn an_origin_has_a_host() {
        for (origin, host) in [
            ("https://chat.example", "chat.example"),
            ("http://127.0.0.1:3000", "127.0.0.1"),
            ("http://[::1]:3000", "::1"),
        ] {
            assert_eq!(super::host(origin), host);
        }
    }
}
