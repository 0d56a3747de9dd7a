//! Connections that end although the other side does not do its part: nothing is left behind, and `close()` returns.

use crate::world::{
    official::{Node, event, only, retrying},
    soon,
    watch::{until, until_linked},
};
use serde_json::json;
use std::time::Duration;
use tertulia_client::connection::{Connection, Delivery, Link, Options, Transport};
use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

/// What a bounded goodbye may take, and a slow machine beside it.
const BOUNDED: Duration = Duration::from_secs(12);

/// What breaks it: a WebSocket that goes on connecting after it was given up; each attempt leaves a socket then.
#[tokio::test]
async fn an_upgrade_that_is_never_answered_is_given_up_with_its_attempt() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let options = Options {
        timeout: Duration::from_millis(100),
        ..retrying(10, only(Transport::WebSocket))
    };
    let connection = Connection::connect_with(&url, options).unwrap();
    for _ in 0..3 {
        let (mut attempt, _) = soon("an attempt", server.accept()).await.unwrap();
        let mut seen = Vec::new();
        soon("its end", attempt.read_to_end(&mut seen)).await.ok();
        assert!(seen.starts_with(b"GET "));
    }
    let _unanswered = soon("an attempt", server.accept()).await.unwrap();
    timeout(BOUNDED, connection.close()).await.unwrap();
}

/// What breaks it: waiting without bound until what was sent has gone out.
#[tokio::test]
async fn closing_is_bounded_where_the_server_reads_no_more() {
    let node = Node::start().await;
    let connection = node.connect(only(Transport::WebSocket));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    node.freeze();
    // More than the system takes for a reader that does not read.
    let text = "x".repeat(900_000);
    for _ in 0..40 {
        let note = event("test:note", &[json!(text)]);
        drop(connection.emit_args(note, Delivery::default()));
    }
    connection.disconnect();
    until(&mut statuses, "the end", |status| {
        matches!(status.link, Link::Disconnected(_))
    })
    .await;
    timeout(BOUNDED, connection.close()).await.unwrap();
    node.thaw();
}
