//! Networks as they are written: `10.0.0.0/8`, or one address.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// As IPv6: an IPv4 address stands there as `::ffff:a.b.c.d`.
    begin: u128,
    /// How many bits count.
    bits: u32,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an address or a network, such as 10.0.0.1 or 10.0.0.0/8")]
pub struct NetError;

impl Net {
    /// Whether an address is in it.
    pub fn has(self, address: IpAddr) -> bool {
        let mask = u128::MAX.checked_shl(u128::BITS - self.bits).unwrap_or(0);
        (mapped(address) ^ self.begin) & mask == 0
    }
}

impl FromStr for Net {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Self, NetError> {
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| NetError)?;
        let most = if address.is_ipv4() { 32 } else { u128::BITS };
        let bits = match text.contains('/') {
            true => bits.parse().map_err(|_| NetError)?,
            false => most,
        };
        if bits > most {
            return Err(NetError);
        }
        Ok(Self {
            begin: mapped(address),
            bits: u128::BITS - most + bits,
        })
    }
}

impl fmt::Display for Net {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.begin).to_canonical();
        let most = if address.is_ipv4() { 32 } else { u128::BITS };
        write!(formatter, "{address}/{}", self.bits + most - u128::BITS)
    }
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::Net;

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        for (net, address, expected) in [
            ("10.0.0.0/8", "10.9.8.7", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:9::1", true),
            ("::/0", "192.0.2.1", true),
            ("::1", "::1", true),
        ] {
            let net: Net = net.parse().unwrap();
            assert_eq!(
                net.has(address.parse().unwrap()),
                expected,
                "{net} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "x",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "::/129",
            "/8",
        ] {
            assert!(text.parse::<Net>().is_err(), "{text}");
        }
        assert_eq!(
            "10.0.0.0/8".parse::<Net>().unwrap().to_string(),
            "10.0.0.0/8"
        );
    }
}
