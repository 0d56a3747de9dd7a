//! Who asks where a proxy stands before this server.
//!
//! A proxy adds whom it asks for to `X-Forwarded-For`. Anybody can write that header, so it is read from trusted proxies
//! only, from its end on, as far as each entry was added by a trusted one.

use crate::config::Net;
use axum::http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: &str = "x-forwarded-for";
/// What a proxy adds to a request that it passes on: the peer is then not who asks.
const PASSED_ON: [&str; 4] = ["forwarded", FORWARDED_FOR, "x-real-ip", "via"];

/// Marks a request whose client is on this machine, whoever passed it on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here;

/// Whether the client is on this machine: it asks itself, or all proxies that passed its request on are trusted and say so.
pub(super) fn is_here(peer: IpAddr, headers: &HeaderMap, trusted: &[Net]) -> bool {
    if is_from_here(peer, headers) {
        return true;
    }
    named(peer, headers, trusted).1
}

/// Whether a request comes from a program of this machine itself.
pub(super) fn is_from_here(peer: IpAddr, headers: &HeaderMap) -> bool {
    let is_passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
    is_loopback(peer) && !is_passed_on
}

/// Whether a peer is a proxy that says for whom it asks.
pub fn is_trusted(peer: IpAddr, trusted: &[Net]) -> bool {
    trusted.iter().any(|net| net.has(peer))
}

/// Who asks: the first that no trusted proxy is, from the nearest on.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Net]) -> IpAddr {
    named(peer, headers, trusted).0
}

/// As [`client`], and whether it and all proxies between are on this machine and readable: another machine's loopback is none
/// of ours.
fn named(peer: IpAddr, headers: &HeaderMap, trusted: &[Net]) -> (IpAddr, bool) {
    let (mut client, mut is_here, mut is_named) = (peer, is_loopback(peer), false);
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let entries = lines.iter().rev().flat_map(|line| {
        let line = line.to_str().unwrap_or_default();
        line.rsplit(',').map(str::trim)
    });
    for entry in entries {
        if !is_trusted(client, trusted) {
            break;
        }
        // What no address is was not written by a proxy that can be trusted.
        let Some(address) = address(entry) else {
            return (client, false);
        };
        (client, is_named) = (address, true);
        is_here &= is_loopback(address);
    }
    (client, is_named && is_here)
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// An address, with a port or without.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_matches(['[', ']']).parse().ok();
    bare.or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::{client, is_from_here, is_here};
    use axum::http::{HeaderMap, HeaderValue};

    #[test]
    fn only_programs_of_this_machine_are_from_here_and_no_proxy() {
        let mut headers = HeaderMap::new();
        for (peer, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", false),
        ] {
            let from_here = is_from_here(peer.parse().unwrap(), &headers);
            assert_eq!(from_here, expected, "{peer}");
        }
        headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
        assert!(!is_from_here("127.0.0.1".parse().unwrap(), &headers));
    }

    #[test]
    fn whom_a_trusted_proxy_names_is_who_asks_and_nobody_else_is_believed() {
        let trusted = ["10.0.0.0/8", "127.0.0.1"].map(|net| net.parse().unwrap());
        for (peer, lines, expected) in [
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // What a client wrote itself stands before what the proxy added.
            ("10.0.0.1", &["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
            (
                "10.0.0.1",
                &["1.1.1.1", "203.0.113.9,10.2.2.2"],
                "203.0.113.9",
            ),
            ("10.0.0.1", &["[2001:db8::1]:99"], "2001:db8::1"),
            ("10.0.0.1", &["203.0.113.9:5000"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, 10.3.3.3, unknown"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_client_is_here_only_where_trusted_proxies_say_so() {
        let trusted = ["127.0.0.0/8", "::1", "10.0.0.0/8"].map(|net| net.parse().unwrap());
        for (peer, line, expected) in [
            ("127.0.0.1", None, true),
            ("192.0.2.1", None, false),
            ("10.0.0.1", None, false),
            ("127.0.0.1", Some("127.0.0.1"), true),
            ("127.0.0.1", Some("127.0.0.1, ::1"), true),
            // The loopback of the machine that the proxy runs on.
            ("10.0.0.1", Some("::1"), false),
            ("127.0.0.1", Some("127.0.0.1, 10.2.2.2"), false),
            ("127.0.0.1", Some("203.0.113.9"), false),
            ("127.0.0.1", Some("127.0.0.1, 203.0.113.9"), false),
            ("127.0.0.1", Some("203.0.113.9, 10.2.2.2"), false),
            // The proxy hides whom it asks for.
            ("127.0.0.1", Some("unknown"), false),
            ("127.0.0.1", Some("127.0.0.1, unknown"), false),
            // Nobody else is believed.
            ("192.0.2.1", Some("127.0.0.1"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(line) = line {
                headers.insert("x-forwarded-for", HeaderValue::from_static(line));
            }
            let found = is_here(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, expected, "{peer} {line:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("via", HeaderValue::from_static("1.1 proxy"));
        assert!(!is_here("127.0.0.1".parse().unwrap(), &headers, &trusted));
    }
}
