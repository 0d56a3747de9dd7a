//! The sessions that the broker keeps, also for who is away: whose they are, and what they still hear.
//!
//! Not here: who is let in (`doorman`), how many there may be (`places`).

use super::{clients::Who, places::Places};
use futures_util::{StreamExt, stream};
use mqtt5::{
    broker::{
        DynamicStorage, StorageBackend,
        router::MessageRouter,
        storage::{ClientSession, QueuedMessage, StoredSubscription},
    },
    packet::connect::ConnectPacket,
};
use std::{sync::Arc, time::Duration};
use tertulia_shared::{Filter, Topic};

/// How long a session may be held by who comes back to it; it is judged then by who lets it in.
const HELD: Duration = Duration::from_millis(100);
/// The sessions that are sifted at once: those that are held hold nobody else up.
const AT_ONCE: usize = 64;
/// What a subscription that several share begins with (MQTT 5 §4.8.2).
const SHARED: &str = "$share/";

/// Of whom what waits is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Of who loses a filter now.
    OfLost,
    /// Of whoever it is: it may have lost a filter before, and something was put back since.
    Whatever,
}

/// The sessions of the broker.
pub(super) struct Sessions {
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    places: Places,
}

impl Sessions {
    /// Those of a router, which are kept there.
    pub(super) fn new(router: Arc<MessageRouter>, storage: Arc<DynamicStorage>) -> Self {
        Self {
            router,
            storage,
            places: Places::default(),
        }
    }

    /// Frees the places of those that are over.
    pub(super) async fn count(&self) {
        let sessions = self.ids().await.into_iter().collect();
        self.places.keep(&sessions);
    }

    /// Whether there is a place for what a client wants to be kept, which then has it.
    pub(super) fn has_place_for(&self, connect: &ConnectPacket, who: &Who) -> bool {
        let leaves_one = ClientSession::expiry_from_connect(connect) != Some(0);
        !leaves_one || self.places.take(&connect.client_id, *who == Who::Guest)
    }

    /// The filters of the session to which a client comes back.
    pub(super) async fn left(&self, connect: &ConnectPacket) -> Vec<String> {
        let session = self.of(&connect.client_id).await;
        let session =
            session.filter(|left| !connect.clean_start && left.expiry_interval != Some(0));
        session.map_or_else(Vec::new, |left| left.subscriptions.into_keys().collect())
    }

    /// The user whose session is kept for an id; who has no account is nobody in particular.
    pub(super) async fn keeper(&self, id: &str) -> Option<String> {
        let session = self.of(id).await?;
        // One that ends with its connection stays there for a while where the connection was ended from here.
        let is_over = session.expiry_interval == Some(0) && !self.router.is_connected(id).await;
        session.user_id.filter(|_| !is_over)
    }

    /// Takes from all who are away what they may not hear any more.
    pub(super) async fn sift_all(&self, may: impl Fn(Option<&str>, &str) -> bool) {
        let sifted = async |id: String| self.sift(&id, &may, Waiting::OfLost).await;
        let all = stream::iter(self.ids().await);
        all.for_each_concurrent(AT_ONCE, sifted).await;
    }

    /// Takes from who is away the filters that it may not have any more, and what waits for it by no other.
    pub(super) async fn sift(
        &self,
        id: &str,
        may: impl Fn(Option<&str>, &str) -> bool,
        waiting: Waiting,
    ) {
        let held = tokio::time::timeout(HELD, self.router.lock_session(id));
        let (Ok(_slot), Some(mut session)) = (held.await, self.of(id).await) else {
            return;
        };
        if self.router.is_connected(id).await {
            return;
        }
        let user = session.user_id.clone();
        let lost = session.subscriptions.clone().into_iter();
        let lost: Vec<_> = lost
            .filter(|(filter, _)| !may(user.as_deref(), filter))
            .collect();
        self.take(&mut session, &lost).await;
        if !lost.is_empty() || waiting == Waiting::Whatever {
            self.sift_queue(&session).await;
        }
    }

    /// Takes filters from a session and from what is routed by it.
    async fn take(&self, session: &mut ClientSession, lost: &[(String, StoredSubscription)]) {
        if lost.is_empty() {
            return;
        }
        let id = session.client_id.clone();
        for (filter, stored) in lost {
            session.subscriptions.remove(filter);
            // Only this filter's subscriptions are looked through.
            self.router.unsubscribe(&id, filter, stored.flow_id).await;
        }
        let left = session.subscriptions.clone();
        let keep = |stored: &mut ClientSession| stored.subscriptions = left;
        let kept = (self.storage).update_session(&id, session.connection_token, keep);
        if let Err(error) = kept.await {
            tracing::warn!(%error, "a subscription is not taken from who is away");
        }
    }

    async fn sift_queue(&self, session: &ClientSession) {
        let filters = session.subscriptions.keys();
        let filters: Vec<_> = filters
            .filter_map(|it| Filter::new(unshared(it)).ok())
            .collect();
        let hears = |message: &QueuedMessage| {
            let topic = Topic::new(message.topic.as_str());
            topic.is_ok_and(|topic| filters.iter().any(|filter| filter.matches(&topic)))
        };
        let queue = self.router.queue_handle(&session.client_id);
        let mut waiting = queue.take(usize::MAX).await;
        waiting.retain(hears);
        queue.requeue_front(waiting);
        queue.finish_drain();
    }

    async fn of(&self, id: &str) -> Option<ClientSession> {
        self.storage.get_session(id).await.ok().flatten()
    }

    async fn ids(&self) -> Vec<String> {
        self.storage.session_client_ids().await.unwrap_or_default()
    }
}

/// The filter of a subscription that several share, or the filter itself.
pub(super) fn unshared(filter: &str) -> &str {
    let shared = filter.strip_prefix(SHARED);
    let rest = shared.and_then(|rest| rest.split_once('/'));
    rest.map_or(filter, |(_, filter)| filter)
}

#[cfg(test)]
mod tests {
    use super::{Sessions, Who, unshared};
    use mqtt5::{
        ConnectOptions,
        broker::{
            DynamicStorage, MemoryBackend, StorageBackend, router::MessageRouter,
            storage::ClientSession,
        },
        packet::connect::ConnectPacket,
    };
    use std::sync::Arc;

    #[test]
    fn a_shared_subscription_is_its_filter() {
        assert_eq!(unshared("$share/group/chat/#"), "chat/#");
        assert_eq!(unshared("$share/group"), "$share/group");
        assert_eq!(unshared("chat/#"), "chat/#");
    }

    async fn comes(sessions: &Sessions, storage: &DynamicStorage, id: &str, expiry: u32) -> bool {
        let options = ConnectOptions::new(id).with_session_expiry_interval(expiry);
        let connect = ConnectPacket::new(options.protocol_options);
        let who = Who::Registered("ada".to_owned());
        let has_place = sessions.has_place_for(&connect, &who);
        if has_place {
            // As the broker does with everybody.
            let session = ClientSession::new(id.to_owned(), true, Some(expiry));
            storage.store_session(session).await.unwrap();
        }
        has_place
    }

    /// Breaks when: sessions are kept without end, who leaves none takes a place, or who has one does not come back to it.
    #[tokio::test]
    async fn so_many_sessions_are_kept_and_no_more() {
        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
        let router = Arc::new(MessageRouter::with_storage(Arc::clone(&storage)));
        let sessions = Sessions::new(router, Arc::clone(&storage));
        for number in 0..6_000 {
            assert!(comes(&sessions, &storage, &format!("clean {number}"), 0).await);
        }
        for _ in 0..3 {
            sessions.count().await;
        }
        let mut kept = 0;
        while comes(&sessions, &storage, &kept.to_string(), 60).await {
            kept += 1;
        }
        assert_eq!(kept, 5_000);
        for _ in 0..3 {
            sessions.count().await;
        }
        for (id, expiry, expected) in [
            ("new", 60, false),
            ("clean 1", 60, false),
            ("new", 0, true),
            ("7", 60, true),
        ] {
            let came = comes(&sessions, &storage, id, expiry).await;
            assert_eq!(came, expected, "{id}");
        }
        storage.remove_session("7").await.unwrap();
        sessions.count().await;
        assert!(comes(&sessions, &storage, "new", 60).await);
    }
}
