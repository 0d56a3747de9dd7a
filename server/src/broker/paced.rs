//! The limits of the embedded broker, around whoever decides who may come, publish and subscribe.
//!
//! What is published or subscribed to beyond the rate is not refused but taken later: the broker reads on only then, so that
//! the network holds the sender back and nothing is lost. Each publish and each filter counts for its user, or for its client
//! id where a guest has no other name, and for the address that its client came from: a guest chooses its id, so that without
//! the address each new one would be a new share. The broker tells an address only to who lets in: the doorman keeps it with
//! the client id. Not limited: bytes, which the crate (mqtt5 0.49) tells nobody before it drops what is too much.

use super::{INTERNAL, doorman::Doorman};
use crate::{
    identity::looks_like_token,
    limits::{Fence, Limits},
};
use mqtt5::{
    broker::{AuthProvider, AuthResult},
    error::Result,
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use std::{future::ready, net::SocketAddr, pin::Pin, sync::Arc};
use tokio_util::sync::CancellationToken;

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Somebody who decides, and the limits.
pub(super) struct Paced {
    pub(super) inner: Arc<Doorman>,
    pub(super) limits: Arc<Limits>,
    /// Cancelled when nothing more is to be confirmed.
    pub(super) doors: CancellationToken,
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

    /// Waits until a client may publish or subscribe once more; says whether it would still be let in. What it may is
    /// asked only after that: the rules may be others by then.
    fn hold_back<'a>(&'a self, client: &str, user: Option<&str>) -> Answer<'a, bool> {
        // This server's own clients bring what others sent.
        if user == Some(INTERNAL) {
            return Box::pin(ready(true));
        }
        // A client chooses its id, a user does not: no id of a user has a space.
        let who = match user {
            Some(user) => user.to_owned(),
            None => format!("mqtt {client}"),
        };
        let came = self.inner.client(client);
        let from = came.as_ref().map(|came| came.from);
        Box::pin(async move {
            let waited = self.limits.pace(who, from).await;
            if self.doors.is_cancelled() {
                // Neither taken nor refused: its sender keeps it until the server is back.
                std::future::pending::<()>().await;
            }
            // Without a wait the doorman's looks are enough; the late will of who has gone is no client's any more.
            !waited || came.is_none_or(|came| self.inner.is_good(&came))
        })
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
            let result = self.inner.authenticate(connect, from).await;
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
        let held_back = self.hold_back(client, user);
        Box::pin(async move { held_back.await && self.inner.may_publish(user, topic) })
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        let came = self.inner.client(client);
        // It counted when it was asked for, and the broker holds the session until all of them are answered.
        if came.is_some_and(|came| came.takes_up(filter)) {
            return Box::pin(ready(self.inner.may_subscribe(user, filter)));
        }
        let held_back = self.hold_back(client, user);
        Box::pin(async move { held_back.await && self.inner.may_subscribe(user, filter) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, INTERNAL, Paced};
    use crate::{
        app::{App, device, policy::file},
        broker::{doorman::Doorman, parts::Parts},
        limits::{Allowed, Limits},
        store::Archive,
    };
    use futures_util::FutureExt;
    use mqtt5::{
        ConnectOptions, QoS,
        broker::{
            AuthProvider, StorageBackend,
            storage::{ClientSession, StoredSubscription},
        },
        packet::connect::ConnectPacket,
    };
    use std::{net::SocketAddr, sync::Arc};
    use tokio_util::sync::CancellationToken;

    const SECRET: &str = "of this process";

    /// With 0.01 events a second a guest publishes once, and an address ten times.
    fn paced() -> Paced {
        paced_at(0.01).0
    }

    fn paced_at(rate: f64) -> (Paced, Arc<App>) {
        paced_before(rate, &Parts::new())
    }

    fn paced_before(rate: f64, parts: &Parts) -> (Paced, Arc<App>) {
        let archive = Archive::in_memory(|| 0).unwrap();
        let app = App::new(archive, device::commands().0).unwrap();
        let doorman = Doorman::new(Arc::clone(&app), (true, false), SECRET, parts);
        let allowed = Allowed {
            rate: Some(rate),
            ..Allowed::default()
        };
        let paced = Paced {
            inner: Arc::new(doorman),
            limits: Limits::new(allowed),
            doors: CancellationToken::new(),
        };
        (paced, app)
    }

    fn from(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 1_883).into()
    }

    async fn comes(paced: &Paced, id: &str, login: Option<(&str, &str)>, from: SocketAddr) -> bool {
        let mut options = ConnectOptions::new(id).with_clean_start(false);
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

    /// Breaks when: filters cost nothing.
    #[tokio::test]
    async fn filters_are_held_back_as_publishes_are() {
        let paced = paced();
        let subscribes = |id: &str| {
            let asked = paced.authorize_subscribe(id, None, "sensors/#");
            asked.now_or_never() == Some(true)
        };
        assert!(subscribes("one") && !subscribes("one"));
        assert!(!publishes(&paced, "one") && publishes(&paced, "two"));
    }

    /// Breaks when: who comes back holds its session for as long as its filters are held back, or then asks without end.
    #[tokio::test]
    async fn filters_to_which_a_client_comes_back_are_not_held_back_once() {
        let parts = Parts::new();
        let mut session = ClientSession::new("back".to_owned(), true, Some(60));
        let filters: Vec<_> = (0..20).map(|n| format!("sensors/{n}")).collect();
        for filter in &filters {
            let stored = StoredSubscription::new(QoS::AtLeastOnce);
            session.add_subscription(filter.clone(), stored);
        }
        parts.storage.store_session(session).await.unwrap();
        let (paced, _app) = paced_before(0.01, &parts);
        assert!(comes(&paced, "back", None, from(1)).await);
        let subscribes = |filter: &String| {
            let asked = paced.authorize_subscribe("back", None, filter);
            asked.now_or_never() == Some(true)
        };
        assert!(filters.iter().all(subscribes));
        assert_eq!(filters.iter().filter(|it| subscribes(it)).count(), 1);
    }

    /// A publish that was begun and has to wait.
    async fn held_back<'a>(paced: &'a Paced, id: &str) -> Answer<'a, bool> {
        loop {
            let mut asked = paced.authorize_publish(id, None, "sensors/a/b");
            match (&mut asked).now_or_never() {
                None => return asked,
                Some(allowed) => assert!(allowed),
            }
        }
    }

    /// Breaks when: what is held back goes out by rules that are no longer those.
    #[tokio::test]
    async fn what_is_held_back_goes_out_by_the_rules_of_then() {
        let (paced, app) = paced_at(5.0);
        let still = held_back(&paced, "id").await;
        assert!(still.await);
        let refused = held_back(&paced, "id").await;
        let rules = "[[rule]]\nwho='guests'\nmay='publish'\ntopic='sensors/#'\nallow=false";
        app.set_policy(file::read(rules).unwrap());
        assert!(!refused.await);
    }

    /// Breaks when: what is held back goes out for who is no longer let in.
    #[tokio::test]
    async fn what_is_held_back_goes_out_only_for_who_would_still_be_let_in() {
        let (paced, app) = paced_at(5.0);
        let token = app.identity.guest(Some("Zoë")).unwrap().token;
        assert!(comes(&paced, "id", Some(("Zoë", &token)), from(1)).await);
        let refused = held_back(&paced, "id").await;
        app.identity.revoke(&token).await.unwrap();
        assert!(!refused.await);
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
