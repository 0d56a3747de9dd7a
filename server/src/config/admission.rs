//! Who is let in, and by which rules.

use crate::identity::SESSION_FOR;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Who is let in, and by which rules.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Who may come without an account.
    pub guests: Guests,
    /// How long a session token is good.
    pub session_for: Duration,
    /// The file of rules about who may join and publish what; `None` for the built-in ones alone.
    pub policy: Option<PathBuf>,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            guests: Guests::default(),
            session_for: SESSION_FOR,
            policy: None,
        }
    }
}

/// Who may come without an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Guests {
    /// Clients on this machine, at an address that only this machine reaches.
    #[default]
    Loopback,
    /// Everybody.
    Everywhere,
    /// Nobody.
    Nowhere,
}

impl Guests {
    /// Whether somebody without an account may come to this address, at which the server listens.
    pub fn may_come_to(self, address: SocketAddr) -> bool {
        match self {
            Self::Loopback => address.ip().is_loopback(),
            Self::Everywhere => true,
            Self::Nowhere => false,
        }
    }

    /// Who may come without an account to this address, at which the server listens.
    pub fn at(self, address: SocketAddr) -> Self {
        match self.may_come_to(address) {
            true => self,
            false => Self::Nowhere,
        }
    }

    /// Whether a client without an account may come, which `is_here` on this machine or is not.
    pub fn let_in(self, is_here: bool) -> bool {
        match self {
            Self::Loopback => is_here,
            Self::Everywhere => true,
            Self::Nowhere => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Guests;

    #[test]
    fn a_table_of_where_guests_may_come() {
        for (address, default) in [
            ("127.0.0.1:0", true),
            ("127.8.8.8:1", true),
            ("[::1]:3000", true),
            ("0.0.0.0:3000", false),
            ("[::]:3000", false),
            ("192.168.1.7:80", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(Guests::Loopback.may_come_to(address), default, "{address}");
            assert!(Guests::Everywhere.may_come_to(address));
            assert!(!Guests::Nowhere.may_come_to(address));
            assert_eq!(Guests::Loopback.at(address).let_in(true), default);
            assert!(!Guests::Loopback.at(address).let_in(false));
            assert!(Guests::Everywhere.at(address).let_in(false));
            assert!(!Guests::Nowhere.at(address).let_in(true));
        }
    }
}
