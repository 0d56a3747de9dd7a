//! How other programs reach the broker, as the page tells its readers.
//!
//! Not here: how the server itself reaches it.

use crate::config::{BrokerUrl, Guests};
use std::net::SocketAddr;
use tertulia_shared::bridge::Reach;

/// How the broker is reached: the embedded one at its address, or one that runs elsewhere at its URL.
pub(super) fn reach(embedded: Option<SocketAddr>, url: &BrokerUrl, guests: Guests) -> Reach {
    let Some(address) = embedded else {
        return Reach {
            host: Some(url.host.clone()),
            port: url.port,
            login: url.login.is_some(),
        };
    };
    let is_everywhere = address.ip().is_unspecified();
    Reach {
        host: (!is_everywhere).then(|| address.ip().to_string()),
        port: address.port(),
        login: !guests.may_come_to(address),
    }
}

#[cfg(test)]
mod tests {
    use super::reach;
    use crate::config::Guests;

    #[test]
    fn the_broker_is_reached_where_it_listens_without_its_password() {
        let own = "mqtt://internal:secret@127.0.0.1:1999".parse().unwrap();
        for (address, guests, host, login) in [
            ("127.0.0.1:1999", Guests::Loopback, Some("127.0.0.1"), false),
            ("0.0.0.0:1999", Guests::Loopback, None, true),
            ("[::]:1999", Guests::Everywhere, None, false),
            (
                "192.168.1.7:1999",
                Guests::Nowhere,
                Some("192.168.1.7"),
                true,
            ),
        ] {
            let reach = reach(Some(address.parse().unwrap()), &own, guests);
            assert_eq!(
                (reach.host.as_deref(), reach.login),
                (host, login),
                "{address}"
            );
            assert_eq!(reach.port, 1_999);
        }
        for (url, host, login) in [
            ("mqtt://ada:secret@broker.example", "broker.example", true),
            ("mqtt://[::1]:1883", "::1", false),
        ] {
            let reach = reach(None, &url.parse().unwrap(), Guests::Loopback);
            assert_eq!((reach.host.as_deref(), reach.login), (Some(host), login));
            assert_eq!(reach.port, 1_883);
        }
    }
}
