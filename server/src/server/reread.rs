//! What is read again when the program is told to: the rules and the certificate. What cannot be used changes nothing.

use super::tls::Certificates;
use crate::app::{
    App,
    policy::{file, rules::Policy},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::signal::unix::Signal;

/// The files of a running server.
pub(super) struct Files {
    pub(super) app: Arc<App>,
    pub(super) policy: Option<PathBuf>,
    pub(super) certificates: Option<Arc<Certificates>>,
}

impl Files {
    /// Reads them again at each signal.
    pub(super) async fn follow(self, mut hangup: Signal) {
        while hangup.recv().await.is_some() {
            if let Some(file) = &self.policy {
                rules(&self.app, file);
            }
            if let Some(certificates) = &self.certificates {
                certificates.reload();
            }
        }
    }
}

fn rules(app: &App, file: &Path) {
    match file::open(file) {
        Ok(policy) => take(app, policy),
        Err(error) => tracing::error!(%error, "the old rules stay"),
    }
}

fn take(app: &App, policy: Policy) {
    if *app.policy() != policy {
        app.set_policy(policy);
        tracing::info!("there are other rules now");
    }
}
