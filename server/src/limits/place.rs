//! Where somebody comes from, as far as limits go by it.

use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address, or an IPv6 network of 64 bits: a house has a whole one to choose addresses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    V4(Ipv4Addr),
    V6(u64),
}

impl Place {
    /// `None` where no limit goes by the address: on this machine, whose programs could do worse, and whose proxy brings
    /// everybody.
    pub(super) fn of(address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return None;
        }
        Some(match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [network @ .., _, _, _, _, _, _, _, _] = address.octets();
                Self::V6(u64::from_be_bytes(network))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    fn place(address: &str) -> Option<Place> {
        Place::of(address.parse().unwrap())
    }

    #[test]
    fn an_ipv6_network_is_one_place_and_this_machine_is_none() {
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff::"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
        assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(place(here), None, "{here}");
        }
    }
}
