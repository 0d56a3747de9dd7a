//! Coming back by itself: attempts and their numbers, the limit, and the hand that cuts it short.

use super::BOTH;
use crate::world::{
    official::{Node, ask, only, retrying},
    watch::{until, until_linked, until_lost, until_over},
};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tertulia_client::connection::{Link, Options, Reason, Transport, Watcher};

/// Waits for the attempt of that number to be made and to fail; gives why.
async fn fails(statuses: &mut Watcher, attempt: u32) -> Reason {
    until(statuses, "an attempt", |status| {
        status.link == Link::Connecting { attempt }
    })
    .await;
    until_lost(statuses).await.0
}

#[tokio::test]
async fn a_killed_server_is_found_again_and_attempts_are_numbered_anew() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(retrying(20, only(transport)));
        let mut statuses = connection.watch();
        let first = statuses.next().await.unwrap();
        assert_eq!(first.link, Link::Connecting { attempt: 0 });
        until_linked(&mut statuses).await;
        for _ in 0..2 {
            let setup = node.kill().await;
            let waits = until(&mut statuses, "a loss", |status| {
                matches!(status.link, Link::Waiting { attempt: 1, .. })
            });
            let Link::Waiting {
                reason, retry_in, ..
            } = waits.await.link
            else {
                panic!("no wait");
            };
            let expected = match transport {
                Transport::Polling => matches!(reason, Reason::TransportError(_)),
                Transport::WebSocket => matches!(reason, Reason::TransportClose(_)),
            };
            assert!(expected, "{reason}");
            assert_eq!(retry_in.as_millis(), 20);
            for attempt in 1..=3 {
                let reason = fails(&mut statuses, attempt).await;
                assert!(matches!(reason, Reason::TransportError(_)), "{reason}");
            }
            node = Node::with(setup).await;
            until_linked(&mut statuses).await;
            assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
        }
    }
}

#[tokio::test]
async fn after_the_last_attempt_it_is_over() {
    let node = Node::start().await;
    let options = Options {
        reconnection_attempts: Some(2),
        ..Options::default()
    };
    let connection = node.connect(retrying(10, options));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    let setup = node.kill().await;
    let mut attempts = Vec::new();
    let reason = loop {
        match statuses.next().await.unwrap().link {
            Link::Connecting { attempt } => attempts.push(attempt),
            Link::Disconnected(reason) => break reason,
            _ => {}
        }
    };
    assert_eq!(attempts, [1, 2]);
    assert!(matches!(reason, Reason::TransportError(_)), "{reason}");
    let _node = Node::with(setup).await;
    assert_eq!(statuses.next().now_or_never(), None);
    connection.open();
    assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
}

#[tokio::test]
async fn without_reconnection_a_loss_is_the_end() {
    let node = Node::start().await;
    let connection = node.connect(Options {
        reconnection: false,
        ..Options::default()
    });
    until_linked(&mut connection.watch()).await;
    node.control("close", Value::Null).await;
    assert!(matches!(
        until_over(&connection).await,
        Reason::TransportClose(_)
    ));
    connection.open();
    assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
}

/// The next attempt would come after ten minutes.
#[tokio::test]
async fn an_attempt_by_hand_comes_at_once_and_a_disconnect_ends_the_waiting() {
    let node = Node::start().await;
    let connection = node.connect(retrying(600_000, only(Transport::WebSocket)));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    node.control("close", Value::Null).await;
    until_lost(&mut statuses).await;
    connection.open();
    until_linked(&mut statuses).await;
    node.control("close", Value::Null).await;
    until_lost(&mut statuses).await;
    connection.disconnect();
    assert_eq!(until_over(&connection).await, Reason::ClientDisconnect);
    assert_eq!(node.engines().await, 0);
}

#[tokio::test]
async fn all_namespaces_come_back() {
    let node = Node::start().await;
    let main = node.connect(retrying(10, Options::default()));
    let admin = main.of("/admin", tertulia_client::connection::Auth::None);
    for _ in 0..3 {
        for (connection, namespace) in [(&main, "/"), (&admin, "/admin")] {
            let seen = ask(connection, "test:handshake", &[]).await;
            assert_eq!(seen["namespace"], namespace);
        }
        assert_eq!(node.engines().await, 1);
        let mut statuses = (main.watch(), admin.watch());
        node.control("close", Value::Null).await;
        until_lost(&mut statuses.0).await;
        until_lost(&mut statuses.1).await;
    }
}
