//! One reader of the hub, with its own filters and its own queue.

use super::{
    Delivery, Hub, Start,
    queue::{Hold, Queue},
    routes::ReaderId,
};
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tertulia_shared::Filter;

/// A delivery, with when it was published where that was while its reader was there.
pub type Measured = (Delivery, Option<Instant>);

/// Reads what is published to its filters, each message once, in the order of the hub. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Reader {
    hub: Arc<Hub>,
    id: ReaderId,
    queue: Arc<Queue>,
}

impl Reader {
    pub(super) fn new(hub: Arc<Hub>, id: ReaderId, queue: Arc<Queue>) -> Self {
        Self { hub, id, queue }
    }

    /// Adds a filter. Its retained values come first, without a gap before and a double after; twice is once.
    pub fn subscribe(&self, filter: &Filter) {
        self.subscribe_from(filter, &Start::Newest(0));
    }

    /// Adds a filter. What `start` asks for comes first, without a gap before and a double after what is published from
    /// now on; at most as much of what is kept as fits into the queue. What is no longer kept of it, or does not fit, is
    /// told as missed.
    ///
    /// Gives the number after which that comes, for a filter without wildcards. A filter that is there already changes
    /// nothing and gives 0.
    pub fn subscribe_from(&self, filter: &Filter, start: &Start) -> u64 {
        self.hub.subscribe(self.id, &self.queue, filter, start)
    }

    /// Removes a filter, and what is queued of it.
    pub fn unsubscribe(&self, filter: &Filter) {
        self.hub.unsubscribe(self.id, &self.queue, filter);
    }

    /// Holds back all deliveries until the hold is dropped: for what is to be said before them.
    pub fn hold(&self) -> Hold {
        self.queue.hold()
    }

    /// Whether nothing waits to be read.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Waits for the next delivery; one task at a time. A cancelled wait loses nothing.
    ///
    /// `None` where the reader was so slow that not even what it missed could be recorded.
    pub async fn next(&self) -> Option<Delivery> {
        self.next_measured().await.map(|(delivery, _)| delivery)
    }

    /// As [`Reader::next`], with when it was published where that was while this reader was there.
    pub async fn next_measured(&self) -> Option<Measured> {
        poll_fn(|context| self.poll_next_measured(context)).await
    }

    /// As [`Reader::next_measured`], for one task that waits for other things too.
    pub fn poll_next_measured(&self, context: &mut Context<'_>) -> Poll<Option<Measured>> {
        self.queue.poll_next(context).map(|next| next.map(measured))
    }

    /// As [`Reader::next_measured`], where it is there already.
    pub fn try_next_measured(&self) -> Option<Measured> {
        self.queue.try_next().map(measured)
    }
}

fn measured((delivery, live): (Delivery, bool)) -> Measured {
    let since = match &delivery {
        Delivery::Message(message) if live => Some(message.since),
        _ => None,
    };
    (delivery, since)
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.hub.forget(self.id);
    }
}
