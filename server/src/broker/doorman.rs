//! Who may do what at the embedded broker: the same accounts, tokens and rules as at the other doors.

use super::INTERNAL;
use crate::{
    app::{
        App,
        policy::{
            is_private,
            rules::{Asker, Policy},
        },
    },
    identity::{Pass, Standing, User, looks_like_token},
};
use mqtt5::{
    broker::{
        auth::{AuthProvider, AuthResult},
        router::MessageRouter,
    },
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use ring::hmac;
use std::{
    collections::HashMap,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tertulia_shared::{Code, Filter, Topic};

/// What a subscription that several share begins with (MQTT 5 §4.8.2).
const SHARED: &str = "$share/";

/// Lets clients in, and looks after those that are.
pub(super) struct Doorman {
    app: Arc<App>,
    guests: bool,
    /// Whether only this machine reaches the broker: where there are no rules either, everybody may all, so that any
    /// device can be tried.
    is_here: bool,
    /// The secret's mark, by which another text is told from it without a hint.
    secret: (hmac::Key, hmac::Tag),
    router: Arc<MessageRouter>,
    clients: Mutex<HashMap<String, Client>>,
    /// By which the clients were let in.
    policy: Mutex<Arc<Policy>>,
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Client {
    who: Who,
    pass: Option<Pass>,
    /// Whether it was looked at: from then on it is connected or gone.
    seen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Internal,
    Guest,
    Registered(String),
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Doorman {
    /// One that lets in whom `app` knows, guests where they may come, and this process's own links by their secret.
    pub(super) fn new(
        app: Arc<App>,
        (guests, is_here): (bool, bool),
        secret: &str,
        router: Arc<MessageRouter>,
    ) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>());
        let mark = hmac::sign(&key, secret.as_bytes());
        Self {
            policy: Mutex::new(app.policy()),
            app,
            guests,
            is_here,
            secret: (key, mark),
            router,
            clients: Mutex::default(),
        }
    }

    /// Ends the connections of clients who would not be let in any more; all others' too where the rules are other ones,
    /// so that they subscribe anew.
    pub(super) async fn look(&self) {
        let other_rules = self.has_other_rules();
        let clients = self.clients().clone();
        for (id, client) in clients {
            let connected = self.router.is_connected(&id).await;
            let stays = client.who == Who::Internal || (self.is_good(&client) && !other_rules);
            if connected && !stays {
                tracing::debug!(client = id, "an MQTT client is no longer let in");
                self.router.disconnect_client(&id).await;
            }
            self.note(&id, &client, connected && stays);
        }
    }

    fn has_other_rules(&self) -> bool {
        let now = self.app.policy();
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let other = !Arc::ptr_eq(&policy, &now);
        *policy = now;
        other
    }

    /// Forgets a client that is gone; one that is just coming may not be there yet.
    fn note(&self, id: &str, client: &Client, stays: bool) {
        let mut clients = self.clients();
        let Some(now) = clients.get_mut(id).filter(|now| *now == client) else {
            return;
        };
        if !stays && now.seen {
            clients.remove(id);
        } else {
            now.seen = true;
        }
    }

    fn is_good(&self, client: &Client) -> bool {
        let identity = &self.app.identity;
        match (&client.who, &client.pass) {
            (Who::Internal, _) => true,
            (Who::Guest, None) => self.guests,
            (Who::Guest, Some(pass)) => self.guests && identity.is_good("", Standing::Guest, pass),
            (Who::Registered(id), Some(pass)) => identity.is_good(id, Standing::Registered, pass),
            (Who::Registered(_), None) => false,
        }
    }

    async fn admit(&self, connect: &ConnectPacket) -> Result<Client, ReasonCode> {
        let wrong = ReasonCode::BadUsernameOrPassword;
        let name = connect.username.as_deref().unwrap_or_default();
        let password = connect.password.as_deref().unwrap_or_default();
        let password = std::str::from_utf8(password).map_err(|_| wrong)?;
        if name == INTERNAL && self.is_secret(password) {
            return Ok(Client::new(Who::Internal, None));
        }
        if looks_like_token(password) {
            let user = self.app.identity.admit(password).map_err(|_| wrong)?;
            return self.client(user);
        }
        // A name that is nobody's and a password beside it were never asked for: it is a guest where guests may come.
        let is_account = !name.is_empty() && self.app.identity.is_registered(name);
        if self.guests && !is_account {
            return Ok(Client::new(Who::Guest, None));
        }
        if name.is_empty() {
            return Err(ReasonCode::NotAuthorized);
        }
        let account = self.app.identity.account(name, password.to_owned()).await;
        match account {
            Ok(user) => self.client(user),
            Err(reject) if reject.code == Code::BadPassword => Err(wrong),
            Err(_) => Err(ReasonCode::ServerBusy),
        }
    }

    fn client(&self, user: User) -> Result<Client, ReasonCode> {
        match user.standing {
            Standing::Registered => Ok(Client::new(Who::Registered(user.id), user.pass)),
            _ if self.guests => Ok(Client::new(Who::Guest, user.pass)),
            _ => Err(ReasonCode::NotAuthorized),
        }
    }

    fn is_secret(&self, password: &str) -> bool {
        let (key, mark) = &self.secret;
        hmac::verify(key, password.as_bytes(), mark.as_ref()).is_ok()
    }

    /// Lets a client in; the one who has its id now must be the same user: an id is shown to others.
    async fn enter(&self, id: &str, client: Client) -> AuthResult {
        let other = self.clients().get(id).cloned();
        let other = other.filter(|other| other.who != client.who);
        if other.is_some() && self.router.is_connected(id).await {
            return AuthResult::fail(ReasonCode::ClientIdentifierNotValid);
        }
        let who = client.who.clone();
        self.clients().insert(id.to_owned(), client);
        match who {
            Who::Internal => AuthResult::success_with_user(INTERNAL),
            Who::Guest => AuthResult::success(),
            Who::Registered(id) => AuthResult::success_with_user(id),
        }
    }

    /// Asks the rules for somebody; what is internal may all, who has lost its account nothing.
    fn may(&self, user: Option<&str>, ask: impl FnOnce(&Policy, Asker<'_>) -> bool) -> bool {
        let policy = self.app.policy();
        let is_open = self.is_here && *policy == Policy::default();
        match user {
            Some(INTERNAL) => true,
            None if self.guests && is_open => true,
            Some(id) => {
                let name = self.app.identity.account_key(id);
                name.is_some_and(|name| is_open || ask(&policy, Asker::Registered(&name)))
            }
            None => self.guests && ask(&policy, Asker::Guest),
        }
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<String, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    fn new(who: Who, pass: Option<Pass>) -> Self {
        let seen = false;
        Self { who, pass, seen }
    }
}

impl AuthProvider for Doorman {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        address: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            let admitted = self.admit(connect).await;
            Ok(match admitted {
                Ok(client) => self.enter(&connect.client_id, client).await,
                Err(reason) => {
                    tracing::debug!(%address, ?reason, "an MQTT client is refused");
                    AuthResult::fail(reason)
                }
            })
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        _client: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        let allowed = Topic::new(topic).is_ok_and(|topic| {
            // Private rooms are not carried by MQTT: nobody is to seem to speak in one.
            !is_private(&topic) && self.may(user, |policy, who| policy.may_publish(who, &topic))
        });
        Box::pin(std::future::ready(allowed))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        let allowed = Filter::new(unshared(filter)).is_ok_and(|filter| {
            let private = filter.as_topic().is_some_and(|topic| is_private(&topic));
            !private && self.may(user, |policy, who| policy.may_join(who, &filter))
        });
        Box::pin(std::future::ready(allowed))
    }
}

/// The filter of a subscription that several share, or the filter itself.
fn unshared(filter: &str) -> &str {
    let shared = filter.strip_prefix(SHARED);
    let rest = shared.and_then(|rest| rest.split_once('/'));
    rest.map_or(filter, |(_, filter)| filter)
}

#[cfg(test)]
mod tests {
    use super::unshared;

    #[test]
    fn a_shared_subscription_is_its_filter() {
        assert_eq!(unshared("$share/group/chat/#"), "chat/#");
        assert_eq!(unshared("$share/group"), "$share/group");
        assert_eq!(unshared("chat/#"), "chat/#");
    }
}
