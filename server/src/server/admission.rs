//! Who is let in when a server starts.
//!
//! Not here: the rules, once they are read again (`reread`).

use super::StartError;
use crate::{
    app::{App, Rules, device, policy::file},
    config::{Admission, Config, Guests, Mqtt},
    identity::Identity,
    store::Archive,
};
use std::{net::SocketAddr, sync::Arc};

/// The features, on what is stored and by these rules.
///
/// # Errors
/// When the rules, the accounts or the key cannot be used, or nobody could come to an address who should.
pub(super) fn app(
    config: &Config,
    archive: Archive,
    commands: device::Commands,
) -> Result<Arc<App>, StartError> {
    let admission = &config.admission;
    let policy = admission.policy.as_deref().map(file::open).transpose()?;
    let identity = Identity::open(archive.directory(), archive.age(), admission.session_for)?;
    if !identity.has_accounts() {
        check(admission, config.listen, "page")?;
        if let Mqtt::Embedded(address) = config.mqtt {
            check(admission, address, "MQTT broker")?;
        }
    }
    warn_of_proxies(config, identity.has_accounts());
    let rules = Rules {
        policy: policy.unwrap_or_default(),
        guests: admission.guests.at(config.listen),
    };
    Ok(App::with(archive, commands, identity, rules)?)
}

/// Says that nobody can come through a proxy until there are accounts.
fn warn_of_proxies(config: &Config, has_accounts: bool) {
    let is_closed = config.admission.guests == Guests::Loopback && !has_accounts;
    if is_closed && !config.trust_proxy.is_empty() {
        tracing::warn!(
            "nobody is registered, and only this machine's own clients may come as guests: make accounts for those who \
             come through the proxy with `tertulia user add NAME`, or let everybody in with --guests everywhere"
        );
    }
}

/// Refuses an address that others reach and where nobody could come in.
fn check(admission: &Admission, address: SocketAddr, what: &'static str) -> Result<(), StartError> {
    if address.ip().is_loopback() || admission.guests.may_come_to(address) {
        return Ok(());
    }
    Err(StartError::NoAccounts { address, what })
}
