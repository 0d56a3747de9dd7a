//! The limits of the embedded broker, around whoever decides who may come and publish.
//!
//! What a user publishes beyond the rate is not refused but taken later: the broker reads on only then, so that the network
//! holds the sender back and nothing is lost. Not limited by the crate (mqtt5 0.49): bytes, which it tells nobody before it
//! drops what is too much, and the connections of one address.

use super::{INTERNAL, doorman::Doorman};
use crate::limits::{Fence, Limits};
use mqtt5::{
    broker::{AuthProvider, AuthResult, EnhancedAuthResult},
    error::Result,
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use std::{net::SocketAddr, pin::Pin, sync::Arc};

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Somebody who decides, and the limits.
pub(super) struct Paced {
    pub(super) inner: Arc<Doorman>,
    pub(super) limits: Arc<Limits>,
}

impl Paced {
    /// Lets a client try to come, or says that it comes too often.
    fn admit(
        &self,
        connect: &ConnectPacket,
        from: SocketAddr,
    ) -> std::result::Result<(), AuthResult> {
        let tries_password = connect.password.is_some();
        let name = connect.username.as_deref().unwrap_or_default();
        let mut admitted = self.limits.request(from.ip(), true);
        if tries_password && admitted.is_ok() {
            admitted = self.limits.passwords.take(name, from.ip());
            if admitted.is_err() {
                self.limits.refusals.add(Fence::Passwords);
            }
        }
        admitted.map_err(|_| AuthResult::fail(ReasonCode::ConnectionRateExceeded))
    }
}

impl AuthProvider for Paced {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        from: SocketAddr,
    ) -> Answer<'a, Result<AuthResult>> {
        Box::pin(async move {
            if let Err(refused) = self.admit(connect, from) {
                return Ok(refused);
            }
            let result = self.inner.authenticate(connect, from).await?;
            if result.authenticated && connect.password.is_some() {
                let name = connect.username.as_deref().unwrap_or_default();
                self.limits.passwords.forgive(name, from.ip());
            }
            Ok(result)
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        let allowed = self.inner.authorize_publish(client, user, topic);
        // This server's own clients bring what others sent.
        let is_own = user == Some(INTERNAL);
        // A client chooses its id, a user does not: no id of a user has a space.
        let who = match user {
            Some(user) => user.to_owned(),
            None => format!("mqtt {client}"),
        };
        Box::pin(async move {
            let allowed = allowed.await;
            if !is_own {
                self.limits.pace(who).await;
            }
            allowed
        })
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        self.inner.authorize_subscribe(client, user, filter)
    }

    fn supports_enhanced_auth(&self) -> bool {
        self.inner.supports_enhanced_auth()
    }

    fn authenticate_enhanced<'a>(
        &'a self,
        method: &'a str,
        data: Option<&'a [u8]>,
        client: &'a str,
    ) -> Answer<'a, Result<EnhancedAuthResult>> {
        self.inner.authenticate_enhanced(method, data, client)
    }

    fn reauthenticate<'a>(
        &'a self,
        method: &'a str,
        data: Option<&'a [u8]>,
        client: &'a str,
        user: Option<&'a str>,
    ) -> Answer<'a, Result<EnhancedAuthResult>> {
        self.inner.reauthenticate(method, data, client, user)
    }

    fn cleanup_session<'a>(&'a self, user: &'a str) -> Answer<'a, ()> {
        self.inner.cleanup_session(user)
    }
}
