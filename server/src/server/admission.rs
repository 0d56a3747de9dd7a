//! Who is let in when a server starts, and the rules, which are read again at SIGHUP.

use super::StartError;
use crate::{
    app::{
        App, Rules, device,
        policy::{file, rules::Policy},
    },
    config::{Admission, Config, Mqtt},
    identity::Identity,
    store::Archive,
};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};

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
    let (directory, clock) = (archive.directory(), archive.clock());
    let identity = Identity::open(directory, clock, admission.session_for)?;
    if !identity.has_accounts() {
        check(admission, config.listen, "page")?;
        if let Mqtt::Embedded(address) = config.mqtt {
            check(admission, address, "MQTT broker")?;
        }
    }
    let rules = Rules {
        policy: policy.unwrap_or_default(),
        guests: admission.guests.may_come_to(config.listen),
    };
    Ok(App::with(archive, commands, identity, rules)?)
}

/// Refuses an address that others reach and where nobody could come in.
fn check(admission: &Admission, address: SocketAddr, what: &'static str) -> Result<(), StartError> {
    if address.ip().is_loopback() || admission.guests.may_come_to(address) {
        return Ok(());
    }
    Err(StartError::NoAccounts { address, what })
}

/// Reads the rules again at each SIGHUP; bad ones are refused, the old ones stay.
pub(super) async fn follow(app: Arc<App>, file: Option<PathBuf>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::warn!("SIGHUP is not heard: rules are not read again");
        return;
    };
    while hangup.recv().await.is_some() {
        let Some(file) = &file else { continue };
        match file::open(file) {
            Ok(policy) => take(&app, policy),
            Err(error) => tracing::error!(%error, "the old rules stay"),
        }
    }
}

fn take(app: &App, policy: Policy) {
    if *app.policy() != policy {
        app.set_policy(policy);
        tracing::info!("there are other rules now");
    }
}
