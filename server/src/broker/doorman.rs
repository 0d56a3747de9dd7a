//! Who may do what at the embedded broker: the same accounts, tokens and rules as at the other doors.

use super::{
    INTERNAL,
    clients::{Client, Clients, Who},
    sessions::{Sessions, unshared},
};
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
    broker::{DynamicStorage, auth::AuthResult, router::MessageRouter},
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use ring::hmac;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tertulia_shared::{Code, Filter, Topic};

/// The longest topic, and filter with its share, of a client, in bytes: a device's command, the longest that this server
/// publishes, is shorter.
const MAX_TOPIC_BYTES: usize = 1_024;

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
    sessions: Sessions,
    clients: Clients,
    /// The rules by which those who are away were looked at.
    looked_by: Mutex<Arc<Policy>>,
}

impl Doorman {
    /// One that lets in whom `app` knows, guests where they may come, and this process's own links by their secret.
    pub(super) fn new(
        app: Arc<App>,
        (guests, is_here): (bool, bool),
        secret: &str,
        (router, storage): (Arc<MessageRouter>, Option<Arc<DynamicStorage>>),
    ) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>());
        let mark = hmac::sign(&key, secret.as_bytes());
        Self {
            looked_by: Mutex::new(app.policy()),
            app,
            guests,
            is_here,
            secret: (key, mark),
            sessions: Sessions::new(Arc::clone(&router), storage),
            router,
            clients: Clients::default(),
        }
    }

    /// Ends the connections of clients who would not be let in any more, and of those who came by other rules than those of
    /// now, so that they subscribe anew; takes from those who are away what they may not hear by these.
    pub(super) async fn look(&self) {
        let policy = self.app.policy();
        let may = |user: Option<&str>, filter: &str| self.may_subscribe(user, filter);
        for (id, client) in self.clients.list() {
            let connected = self.router.is_connected(&id).await;
            let is_by_these = Arc::ptr_eq(&client.policy, &policy);
            // Of two who came at once the one may be in the other's place.
            let is_misplaced = client.is_new() && self.is_anothers(&id, &client.who).await;
            let is_good = self.is_good(&client) && is_by_these;
            let stays = !is_misplaced && (client.who == Who::Internal || is_good);
            if connected && !stays {
                tracing::debug!(client = id, "an MQTT client is no longer let in");
                self.router.disconnect_client(&id).await;
            } else if !connected && !is_by_these {
                // By now all is put back that had not gone out when it went.
                self.sessions.sift(&id, may).await;
            }
            self.clients.note(&id, &client, connected);
        }
        if self.has_other_rules(&policy) {
            self.sessions.sift_all(may).await;
        }
        self.sessions.count().await;
    }

    /// Whether these rules are others than at the last look.
    fn has_other_rules(&self, policy: &Arc<Policy>) -> bool {
        let mut looked_by = self
            .looked_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *looked_by, Arc::clone(policy));
        !Arc::ptr_eq(&before, policy)
    }

    /// Who came by an id.
    pub(super) fn client(&self, id: &str) -> Option<Client> {
        self.clients.get(id)
    }

    /// Whether a client would still be let in.
    pub(super) fn is_good(&self, client: &Client) -> bool {
        let identity = &self.app.identity;
        match (&client.who, &client.pass) {
            (Who::Internal, _) => true,
            (Who::Guest, None) => self.guests,
            (Who::Guest, Some(pass)) => self.guests && identity.is_good("", Standing::Guest, pass),
            (Who::Registered(id), Some(pass)) => identity.is_good(id, Standing::Registered, pass),
            (Who::Registered(_), None) => false,
        }
    }

    /// Whether it is a link of this process.
    pub(super) fn is_own(&self, connect: &ConnectPacket) -> bool {
        let is_secret = |password: &[u8]| {
            let (key, mark) = &self.secret;
            hmac::verify(key, password, mark.as_ref()).is_ok()
        };
        let is_named = connect.username.as_deref() == Some(INTERNAL);
        is_named && connect.password.as_deref().is_some_and(is_secret)
    }

    async fn admit(&self, connect: &ConnectPacket) -> Result<(Who, Option<Pass>), ReasonCode> {
        if self.is_own(connect) {
            return Ok((Who::Internal, None));
        }
        let wrong = ReasonCode::BadUsernameOrPassword;
        let name = connect.username.as_deref().unwrap_or_default();
        let password = connect.password.as_deref().unwrap_or_default();
        let password = std::str::from_utf8(password).map_err(|_| wrong)?;
        if looks_like_token(password) {
            let user = self.app.identity.admit(password).map_err(|_| wrong)?;
            return self.who(user);
        }
        // A name that is nobody's and a password beside it were never asked for: it is a guest where guests may come.
        let is_account = !name.is_empty() && self.app.identity.is_registered(name);
        if self.guests && !is_account {
            return Ok((Who::Guest, None));
        }
        if name.is_empty() {
            return Err(ReasonCode::NotAuthorized);
        }
        let account = self.app.identity.account(name, password.to_owned()).await;
        match account {
            Ok(user) => self.who(user),
            Err(reject) if reject.code == Code::BadPassword => Err(wrong),
            Err(_) => Err(ReasonCode::ServerBusy),
        }
    }

    fn who(&self, user: User) -> Result<(Who, Option<Pass>), ReasonCode> {
        match user.standing {
            Standing::Registered => Ok((Who::Registered(user.id), user.pass)),
            _ if self.guests => Ok((Who::Guest, user.pass)),
            _ => Err(ReasonCode::NotAuthorized),
        }
    }

    /// Lets a client in where its id is not another user's: an id is shown to others.
    async fn enter(&self, id: &str, client: Client) -> AuthResult {
        if self.is_anothers(id, &client.who).await {
            return AuthResult::fail(ReasonCode::ClientIdentifierNotValid);
        }
        let welcome = client.who.welcome();
        self.clients.enter(id, client);
        welcome
    }

    /// Whether an id is another one's: who is connected by it, and a user also while it is away, as long as the broker keeps
    /// its session. The broker itself refuses only to go on with that session, not to begin it anew in the other's place.
    async fn is_anothers(&self, id: &str, who: &Who) -> bool {
        let before = self.clients.get(id);
        let other = before.is_some_and(|before| before.who != *who);
        if other && self.router.is_connected(id).await {
            return true;
        }
        let kept = self.sessions.keeper(id).await;
        kept.is_some_and(|user| who.user() != Some(user.as_str()))
    }

    /// Lets a client in by the rules of now, or says why not.
    pub(super) async fn authenticate(
        &self,
        connect: &ConnectPacket,
        address: SocketAddr,
    ) -> AuthResult {
        // Those that hold while it is let in: where they change meanwhile it is asked to come again.
        let policy = self.app.policy();
        match self.admit(connect).await {
            Ok((who, _)) if who != Who::Internal && !self.sessions.has_place_for(connect).await => {
                AuthResult::fail(ReasonCode::QuotaExceeded)
            }
            Ok(who) => {
                let left = self.sessions.left(connect).await;
                let client = Client::new(who, address.ip(), policy).back_to(left.into_iter());
                self.enter(&connect.client_id, client).await
            }
            Err(reason) => {
                tracing::debug!(%address, ?reason, "an MQTT client is refused");
                AuthResult::fail(reason)
            }
        }
    }

    /// Whether a user, or a guest, may publish to a topic.
    pub(super) fn may_publish(&self, user: Option<&str>, topic: &str) -> bool {
        // Private rooms are not carried by MQTT: nobody is to seem to speak in one.
        let allowed = |topic| {
            !is_private(&topic) && self.may(user, |policy, who| policy.may_publish(who, &topic))
        };
        topic.len() <= MAX_TOPIC_BYTES && Topic::new(topic).is_ok_and(allowed)
    }

    /// Whether a user, or a guest, may read what a filter matches.
    pub(super) fn may_subscribe(&self, user: Option<&str>, filter: &str) -> bool {
        let allowed = |filter: Filter| {
            let private = filter.as_topic().is_some_and(|topic| is_private(&topic));
            !private && self.may(user, |policy, who| policy.may_join(who, &filter))
        };
        filter.len() <= MAX_TOPIC_BYTES && Filter::new(unshared(filter)).is_ok_and(allowed)
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
}

#[cfg(test)]
mod tests {
    use super::{Doorman, MAX_TOPIC_BYTES};
    use crate::{
        app::{App, device},
        store::Archive,
    };
    use mqtt5::broker::router::MessageRouter;
    use std::sync::Arc;

    /// Breaks when: a client keeps topics and filters of any length here.
    #[test]
    fn topics_and_filters_have_an_end() {
        let archive = Archive::in_memory(|| 0).unwrap();
        let app = App::new(archive, device::commands().0).unwrap();
        let doorman = Doorman::new(
            app,
            (true, true),
            "",
            (Arc::new(MessageRouter::new()), None),
        );
        for (length, expected) in [(MAX_TOPIC_BYTES, true), (MAX_TOPIC_BYTES + 1, false)] {
            let topic = format!("{:a<length$}", "sensors/");
            let shared = format!("{:a<length$}", "$share/group/sensors/");
            assert_eq!(doorman.may_publish(None, &topic), expected);
            assert_eq!(doorman.may_subscribe(None, &topic), expected);
            assert_eq!(doorman.may_subscribe(None, &shared), expected);
        }
    }
}
