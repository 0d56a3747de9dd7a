//! What becomes of a connection, as its status tells it.

use super::soon;
use futures_util::StreamExt;
use tertulia_client::connection::{Connection, Link, Reason, Status, Watcher};

/// The next status that is like that.
pub(crate) async fn until(
    statuses: &mut Watcher,
    what: &str,
    is_it: impl Fn(&Status) -> bool,
) -> Status {
    let found = async {
        while let Some(status) = statuses.next().await {
            if is_it(&status) {
                return status;
            }
        }
        panic!("the driver has stopped");
    };
    soon(what, found).await
}

/// Waits until it is connected; gives that status.
pub(crate) async fn until_linked(statuses: &mut Watcher) -> Status {
    until(statuses, "connected", |status| {
        status.link == Link::Connected
    })
    .await
}

/// Waits until there is no connection; gives why, and whether the next attempt comes by itself.
pub(crate) async fn until_lost(statuses: &mut Watcher) -> (Reason, bool) {
    let lost =
        |status: &Status| matches!(status.link, Link::Waiting { .. } | Link::Disconnected(_));
    match until(statuses, "a loss", lost).await.link {
        Link::Waiting { reason, .. } => (reason, true),
        Link::Disconnected(reason) => (reason, false),
        other => panic!("{other:?}"),
    }
}

/// Waits until nothing comes by itself any more; gives why.
pub(crate) async fn until_over(connection: &Connection) -> Reason {
    let over = |status: &Status| matches!(status.link, Link::Disconnected(_));
    match until(&mut connection.watch(), "the end", over).await.link {
        Link::Disconnected(reason) => reason,
        other => panic!("{other:?}"),
    }
}
