//! By which names this server is reached: a page of a stranger can have its own name lead to this machine.
//!
//! A browser then takes that page and this server for the same (DNS rebinding), and says so: its `Host` is the stranger's
//! name. Addresses cannot be made to lead elsewhere, so names are all that is looked at. A server that only this machine
//! reaches, where whoever reaches it is let in, has no name but `localhost` and those that it is given. One that is reached
//! from outside lets nobody do there what a stranger could not do himself, so there every name is good until one is given.

use axum::http::{HeaderMap, Uri, header, uri::Authority};
use std::{net::IpAddr, sync::Arc};
use url::Url;

/// The host of a request.
#[derive(Clone, Debug)]
pub(super) struct Host(Authority);

impl Host {
    pub(super) fn new(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The host that a request names: HTTP/2 has it in the address, HTTP/1.1 in a header. `None` where it names none.
    ///
    /// # Errors
    /// When it names several, or what is no host.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Result<Option<Self>, NoHost> {
        let mut named = headers.get_all(header::HOST).iter();
        let header = named.next();
        if named.next().is_some() {
            return Err(NoHost);
        }
        if let Some(authority) = uri.authority() {
            return Ok(Some(Self(authority.clone())));
        }
        let Some(header) = header else {
            return Ok(None);
        };
        let host = header.to_str().ok().and_then(Self::new);
        host.map(Some).ok_or(NoHost)
    }

    /// Name and port, as in an origin.
    pub(super) fn authority(&self) -> &str {
        self.0.as_str()
    }

    fn is_address(&self) -> bool {
        self.0
            .host()
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok()
    }

    /// Whether it is this machine, however it is reached.
    pub(super) fn is_localhost(&self) -> bool {
        let name = self.0.host();
        name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
    }
}

/// The host of a request is none.
#[derive(Debug)]
pub(super) struct NoHost;

/// The names of this server.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// `None` where every name is good.
    known: Option<Arc<[String]>>,
}

impl Hosts {
    /// Those that were given, those of the pages that are allowed, and `localhost`; all where none was given to a server
    /// that is reached from outside.
    pub fn new(given: &[String], allowed_origins: &[String], listens: IpAddr) -> Self {
        if given.is_empty() && !listens.to_canonical().is_loopback() {
            return Self { known: None };
        }
        let of_origin = |origin: &String| Some(Url::parse(origin).ok()?.host_str()?.to_owned());
        let origins = allowed_origins.iter().filter_map(of_origin);
        Self {
            known: Some(given.iter().cloned().chain(origins).collect()),
        }
    }

    /// Whether a host is this server.
    pub(super) fn have(&self, host: &Host) -> bool {
        let Some(known) = &self.known else {
            return true;
        };
        let is_known = |name: &String| name.eq_ignore_ascii_case(host.0.host());
        host.is_address() || host.is_localhost() || known.iter().any(is_known)
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, Hosts};
    use axum::http::{HeaderMap, HeaderValue, Uri, header};

    fn has(hosts: &Hosts, host: &str) -> bool {
        hosts.have(&Host::new(host).unwrap())
    }

    #[test]
    fn a_server_of_this_machine_has_no_name_that_it_was_not_given() {
        let own = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let here = [127, 0, 0, 1].into();
        let hosts = Hosts::new(
            &own(&["House.example"]),
            &own(&["https://chat.example"]),
            here,
        );
        for good in [
            "127.0.0.1:3000",
            "[::1]:3000",
            "192.0.2.1",
            "localhost:3000",
            "LocalHost",
            "app.localhost:1",
            "house.example",
            "chat.example:9",
        ] {
            assert!(has(&hosts, good), "{good}");
        }
        for bad in [
            "evil.example:3000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(!has(&hosts, bad), "{bad}");
        }
    }

    #[test]
    fn a_server_that_is_reached_from_outside_has_every_name_until_it_is_given_one() {
        let everywhere = [0, 0, 0, 0].into();
        assert!(has(&Hosts::new(&[], &[], everywhere), "any.example"));
        let named = Hosts::new(&["house.example".to_owned()], &[], everywhere);
        assert!(has(&named, "house.example") && !has(&named, "any.example"));
    }

    #[test]
    fn a_request_names_one_host() {
        let named = |uri: &'static str, hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            let host = Host::of(&Uri::from_static(uri), &headers);
            host.ok()
                .map(|host| host.map(|host| host.authority().to_owned()))
        };
        assert_eq!(named("/", &["a:1"]), Some(Some("a:1".to_owned())));
        assert_eq!(named("http://b/", &["a:1"]), Some(Some("b".to_owned())));
        assert_eq!(named("/", &[]), Some(None));
        assert_eq!(named("/", &["a", "b"]), None);
        assert_eq!(named("/", &["a b"]), None);
    }
}
