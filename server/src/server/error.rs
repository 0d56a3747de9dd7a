//! Why a server does not start, and why a running one ended by itself.

use super::{reachable, tls::TlsError};
use crate::{app::policy::file::PolicyError, identity::IdentityError, store::StoreError};
use std::{io, net::SocketAddr};

/// Why a server does not start: one line that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The page's address cannot be bound.
    #[error("cannot listen on {address}: {reason}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
    /// The metrics' address cannot be bound.
    #[error(
        "cannot serve metrics on {address}: {reason}; choose another address with --metrics-listen"
    )]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
    /// The embedded broker's address is taken, most often by another broker.
    #[error(
        "cannot start the MQTT broker: {0} is taken; use the broker that is there with --mqtt-url mqtt://{reachable}, \
         or choose another address with --mqtt-listen", reachable = reachable(*.0)
    )]
    BrokerTaken(SocketAddr),
    /// What is stored cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Who is known cannot be read, or the key that signs tokens.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The rules cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Others reach an address, and nobody could come in.
    #[error(
        "the {what} would listen on {address}, which others reach, and nobody is registered: make accounts with \
         `tertulia user add NAME`, or let everybody in with --guests everywhere"
    )]
    NoAccounts {
        /// The address.
        address: SocketAddr,
        /// What would listen there.
        what: &'static str,
    },
    /// The embedded broker does not start.
    #[error(
        "cannot start the MQTT broker on {address}: {reason}; choose another address with --mqtt-listen"
    )]
    Broker {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
}

/// Why a running server ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The page is no longer served.
    #[error("the page and Socket.IO are no longer served; the log says why")]
    Page,
    /// The embedded broker ended.
    #[error("the embedded MQTT broker ended; the log says why")]
    Broker,
}
