//! Who may do what at the embedded broker: the same accounts, tokens and rules as at the other doors.

use super::{
    INTERNAL,
    clients::{Client, Clients, Who},
    parts::Parts,
    sessions::{Sessions, Waiting, unshared},
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
    broker::{auth::AuthResult, router::MessageRouter},
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use ring::hmac;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
        parts: &Parts,
    ) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>());
        let mark = hmac::sign(&key, secret.as_bytes());
        Self {
            looked_by: Mutex::new(app.policy()),
            app,
            guests,
            is_here,
            secret: (key, mark),
            sessions: Sessions::new(Arc::clone(&parts.router), Arc::clone(&parts.storage)),
            router: Arc::clone(&parts.router),
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
                self.sessions.sift(&id, may, Waiting::Whatever).await;
            }
            self.clients.note(&id, &client, connected);
        }
        if !Arc::ptr_eq(&self.looked_by(), &policy) {
            self.sessions.sift_all(may).await;
            *self.looked_by() = policy;
        }
        self.sessions.count().await;
    }

    fn looked_by(&self) -> MutexGuard<'_, Arc<Policy>> {
        let looked_by = self.looked_by.lock();
        looked_by.unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes from who comes back what it may not hear by these rules, where no look has done so yet.
    async fn catch_up(&self, id: &str, policy: &Arc<Policy>) {
        let before = self.clients.get(id);
        // What had not gone out was perhaps put back only after the last look.
        let was_cut = before.is_some_and(|before| !Arc::ptr_eq(&before.policy, policy));
        let waiting = match (was_cut, Arc::ptr_eq(&self.looked_by(), policy)) {
            (true, _) => Waiting::Whatever,
            (false, false) => Waiting::OfLost,
            (false, true) => return,
        };
        let may = |user: Option<&str>, filter: &str| self.may_subscribe(user, filter);
        self.sessions.sift(id, may, waiting).await;
    }

    /// Who came by an id.
    pub(super) fn client(&self, id: &str) -> Option<Arc<Client>> {
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

    /// Lets a client in where its id is not another user's, as an id is shown to others, and where there is a place for what
    /// it wants to be kept.
    async fn enter(&self, connect: &ConnectPacket, client: Client) -> AuthResult {
        let id = &connect.client_id;
        if self.is_anothers(id, &client.who).await {
            return AuthResult::fail(ReasonCode::ClientIdentifierNotValid);
        }
        if client.who != Who::Internal {
            if !self.sessions.has_place_for(connect, &client.who) {
                return AuthResult::fail(ReasonCode::QuotaExceeded);
            }
            self.catch_up(id, &client.policy).await;
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
            Ok(who) => {
                let left = self.sessions.left(connect).await;
                let client = Client::new(who, address.ip(), policy).back_to(left.into_iter());
                self.enter(connect, client).await
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
        app::{App, device, policy::file},
        broker::parts::Parts,
        store::Archive,
    };
    use mqtt5::{
        ConnectOptions, QoS,
        broker::{
            StorageBackend,
            storage::{ClientSession, QueuedMessage, StoredSubscription},
        },
        packet::{connect::ConnectPacket, publish::PublishPacket},
    };
    use std::sync::Arc;

    /// Breaks when: a client keeps topics and filters of any length here.
    #[test]
    fn topics_and_filters_have_an_end() {
        let archive = Archive::in_memory(|| 0).unwrap();
        let app = App::new(archive, device::commands().0).unwrap();
        let parts = Parts::new();
        let doorman = Doorman::new(app, (true, true), "", &parts);
        for (length, expected) in [(MAX_TOPIC_BYTES, true), (MAX_TOPIC_BYTES + 1, false)] {
            let topic = format!("{:a<length$}", "sensors/");
            let shared = format!("{:a<length$}", "$share/group/sensors/");
            assert_eq!(doorman.may_publish(None, &topic), expected);
            assert_eq!(doorman.may_subscribe(None, &topic), expected);
            assert_eq!(doorman.may_subscribe(None, &shared), expected);
        }
    }

    const AWAY: &str = "away";

    /// What waits for who is away.
    async fn waiting(parts: &Parts) -> Vec<String> {
        let queue = parts.router.queue_handle(AWAY);
        let waiting = queue.take(usize::MAX).await.into_iter();
        waiting.map(|message| message.topic).collect()
    }

    fn put_back(parts: &Parts) {
        for topic in ["chat/a", "sensors/a/b"] {
            let packet = PublishPacket::new(topic, "x", QoS::AtLeastOnce);
            let message = QueuedMessage::new(packet, AWAY.to_owned(), QoS::AtLeastOnce, None);
            parts.router.queue_handle(AWAY).push(message);
        }
    }

    async fn comes(doorman: &Doorman) {
        let options = ConnectOptions::new(AWAY).with_clean_start(false);
        let connect = ConnectPacket::new(options.protocol_options);
        let answer = doorman.authenticate(&connect, ([192, 0, 2, 1], 1_883).into());
        assert!(answer.await.authenticated);
    }

    /// Breaks when: who comes back before the looks have seen to it hears what it may not hear any more.
    #[tokio::test]
    async fn who_comes_back_hears_no_more_than_it_may() {
        let refused = "[[rule]]\nwho='guests'\nmay='join'\ntopic='sensors/#'\nallow=false";
        for is_sifted in [false, true] {
            let archive = Archive::in_memory(|| 0).unwrap();
            let app = App::new(archive, device::commands().0).unwrap();
            let parts = Parts::new();
            let doorman = Doorman::new(Arc::clone(&app), (true, false), "", &parts);
            let mut session = ClientSession::new(AWAY.to_owned(), true, Some(60));
            for filter in ["chat/#", "sensors/#"] {
                let stored = StoredSubscription::new(QoS::AtLeastOnce);
                session.add_subscription(filter.to_owned(), stored);
            }
            parts.storage.store_session(session).await.unwrap();
            comes(&doorman).await;
            put_back(&parts);
            app.set_policy(file::read(refused).unwrap());
            if is_sifted {
                let may = |user: Option<&str>, filter: &str| doorman.may_subscribe(user, filter);
                doorman.sessions.sift_all(may).await;
                assert_eq!(waiting(&parts).await, ["chat/a"]);
                put_back(&parts);
            }
            comes(&doorman).await;
            assert_eq!(waiting(&parts).await, ["chat/a"], "{is_sifted}");
        }
    }
}
