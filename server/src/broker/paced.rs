//! The limits of the embedded broker, around whoever decides who may come and publish.
//!
//! What is published beyond the rate is not refused but taken later: the broker reads on only then, so that the network
//! holds the sender back and nothing is lost. Each publish counts for its user, or for its client id where a guest has no
//! other name, and for the address that its client came from: a guest chooses its id, so that without the address each new
//! one would be a new share. The broker tells an address only to who lets in: the doorman keeps it with the client id. Not limited by the crate (mqtt5 0.49): bytes, which it tells nobody before it
//! drops what is too much, and the connections of one address.

use super::{INTERNAL, doorman::Doorman};
use crate::{
    identity::looks_like_token,
    limits::{Fence, Limits},
};
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
        // Before anything is counted: nobody else's tries are to cut this process off from its own broker.
        if self.inner.is_own(connect) {
            return Ok(());
        }
        let mut admitted = self.limits.request(from.ip(), true);
        if let Some(name) = tried(connect).filter(|_| admitted.is_ok()) {
            admitted = self.limits.passwords.take(name, from.ip());
            if admitted.is_err() {
                self.limits.refusals.add(Fence::Passwords);
            }
        }
        admitted.map_err(|_| AuthResult::fail(ReasonCode::ConnectionRateExceeded))
    }
}

/// The name for which a password is tried; a token is none, and cannot be guessed.
fn tried(connect: &ConnectPacket) -> Option<&str> {
    let is_token = |password: &[u8]| std::str::from_utf8(password).is_ok_and(looks_like_token);
    let password = connect.password.as_deref();
    let tries = password.is_some_and(|password| !is_token(password));
    tries.then(|| connect.username.as_deref().unwrap_or_default())
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
            let name =
                tried(connect).filter(|_| result.authenticated && !self.inner.is_own(connect));
            if let Some(name) = name {
                let passwords = &self.limits.passwords;
                passwords.forgive(name, from.ip());
                // A guest's was not asked for.
                if result.user_id.is_some() {
                    passwords.remember(name, from.ip());
                }
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
        let from = self.inner.origin(client);
        Box::pin(async move {
            let allowed = allowed.await;
            if !is_own {
                self.limits.pace(who, from).await;
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

#[cfg(test)]
mod tests {
    use super::{INTERNAL, Paced};
    use crate::{
        app::{App, device},
        broker::doorman::Doorman,
        limits::{Allowed, Limits},
        store::Archive,
    };
    use futures_util::FutureExt;
    use mqtt5::{
        ConnectOptions,
        broker::{AuthProvider, router::MessageRouter},
        packet::connect::ConnectPacket,
    };
    use std::{net::SocketAddr, sync::Arc};

    const SECRET: &str = "of this process";

    /// With 0.01 events a second a guest publishes once, and an address ten times.
    fn paced() -> Paced {
        let archive = Archive::in_memory(|| 0).unwrap();
        let app = App::new(archive, device::commands().0).unwrap();
        let kept = (Arc::new(MessageRouter::new()), None);
        let doorman = Doorman::new(app, (true, false), SECRET, kept);
        let allowed = Allowed {
            rate: Some(0.01),
            ..Allowed::default()
        };
        Paced {
            inner: Arc::new(doorman),
            limits: Limits::new(allowed),
        }
    }

    fn from(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 1_883).into()
    }

    async fn comes(paced: &Paced, id: &str, login: Option<(&str, &str)>, from: SocketAddr) -> bool {
        let mut options = ConnectOptions::new(id);
        if let Some((user, password)) = login {
            options = options.with_credentials(user, password);
        }
        let connect = ConnectPacket::new(options.protocol_options);
        paced
            .authenticate(&connect, from)
            .await
            .unwrap()
            .authenticated
    }

    fn publishes(paced: &Paced, id: &str) -> bool {
        let asked = paced.authorize_publish(id, None, "sensors/a/b");
        asked.now_or_never() == Some(true)
    }

    /// Breaks when: another client id is another share of what may come.
    #[tokio::test]
    async fn a_guest_by_ever_other_client_ids_is_held_back_by_its_address() {
        let mut paced = paced();
        // Not the handshakes are what is tried here.
        let handshakes = Limits::new(Allowed {
            rate: None,
            ..Allowed::default()
        });
        let publishing = std::mem::replace(&mut paced.limits, handshakes);
        for number in 0..12 {
            assert!(comes(&paced, &format!("id {number}"), None, from(1)).await);
        }
        assert!(comes(&paced, "elsewhere", None, from(2)).await);
        paced.limits = publishing;
        assert!((0..10).all(|number| publishes(&paced, &format!("id {number}"))));
        assert!(!publishes(&paced, "id 10") && !publishes(&paced, "id 11"));
        assert!(publishes(&paced, "elsewhere"));
    }

    /// Breaks when: a token beside another's name counts as a try of that one's password.
    #[tokio::test]
    async fn a_token_is_no_try_of_a_password() {
        let paced = paced();
        let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x";
        for number in 0..200 {
            assert!(!comes(&paced, "id", Some(("ada", token)), from(number)).await);
        }
        let tries = |last| {
            (paced.limits.passwords)
                .take("ada", from(last).ip())
                .is_ok()
        };
        assert!((0..100).all(tries) && !tries(100));
    }

    /// Breaks when: the tries of others are counted against this process's own link.
    #[tokio::test]
    async fn nobody_cuts_this_process_off_from_its_broker() {
        let paced = paced();
        // With so low a rate an address comes once.
        assert!(comes(&paced, "eve", None, from(1)).await);
        assert!(!comes(&paced, "eve", Some((INTERNAL, "guessed")), from(1)).await);
        for _ in 0..100 {
            assert!(comes(&paced, "own", Some((INTERNAL, SECRET)), from(1)).await);
        }
    }
}
