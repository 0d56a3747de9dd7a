//! Our client, natively, with our server: what the tests with the official server show, where ours has a counterpart.

use crate::world::{
    client::{
        connected, connected_with, emit, enter, join, next, say, send, until_connected,
        until_transport,
    },
    official::{only, retrying},
    server::Server,
    soon,
    watch::{until, until_linked, until_lost, until_over},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::time::Duration;
use tertulia_client::connection::{Auth, Connection, EmitError, Link, Options, Reason, Transport};
use tertulia_shared::chat::ChatMessage;

const LOBBY: &str = "chat/lobby";
const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

/// Somebody who hears everything that is said in the lobby.
async fn observer(
    server: &Server,
) -> (
    Connection,
    impl StreamExt<Item = Result<ChatMessage, tertulia_shared::wire::args::ArgsError>> + Unpin,
) {
    let connection = connected_with(&server.origin(), only(Transport::WebSocket)).await;
    let messages = connection.listen::<ChatMessage>();
    join(&connection, LOBBY).await;
    (connection, messages)
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_main_one_lives_on() {
    for transport in BOTH {
        let server = Server::start().await;
        let main = connected_with(&server.origin(), only(transport)).await;
        let nowhere = main.of("/nowhere", Auth::None);
        let Reason::Refused(refusal) = until_over(&nowhere).await else {
            panic!("not refused");
        };
        assert_eq!(refusal.message(), "Invalid namespace");
        say(&main, LOBBY, "still here", "1").await;
        let again = Connection::connect(&format!("{}/nowhere", server.origin())).unwrap();
        assert!(matches!(until_over(&again).await, Reason::Refused(_)));
        say(&main, LOBBY, "still here", "2").await;
    }
}

#[tokio::test]
async fn the_same_namespace_twice_is_two_people() {
    let server = Server::start().await;
    let (ada, bob) = (
        connected(&server.origin()).await,
        connected(&server.origin()).await,
    );
    assert_ne!(enter(&ada, "Ada").await, enter(&bob, "Bob").await);
    ada.disconnect();
    say(&bob, LOBBY, "alone", "1").await;
}

/// What breaks it: dropping what is still to be posted when the session closes, or opening before it has.
#[tokio::test]
async fn disconnected_and_opened_at_once_nothing_is_lost() {
    for transport in BOTH {
        let server = Server::start().await;
        let (_observer, mut messages) = observer(&server).await;
        let connection = connected_with(&server.origin(), only(transport)).await;
        for round in 0..3 {
            for n in 0..5 {
                let text = (round * 5 + n).to_string();
                drop(connection.emit(&send(LOBBY, &text, &text)));
            }
            connection.disconnect();
            connection.open();
        }
        let mut said = Vec::new();
        for _ in 0..15 {
            said.push(next(&mut messages).await.text.parse::<u32>().unwrap());
        }
        if transport == Transport::WebSocket {
            // The old session's socket and the new one's are two ways to the server: each keeps its order only.
            said.sort_by_key(|n| n / 5);
        }
        assert_eq!(said, (0..15).collect::<Vec<_>>(), "{transport}");
        say(&connection, LOBBY, "connected", "last").await;
    }
}

#[tokio::test]
async fn a_close_at_any_moment_of_the_upgrade_is_clean() {
    let server = Server::start().await;
    let (_observer, mut messages) = observer(&server).await;
    for round in 0..40 {
        let connection = connected(&server.origin()).await;
        for n in 0..round / 8 {
            say(&connection, "chat/elsewhere", "x", &format!("{round} {n}")).await;
        }
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        for n in 0..5 {
            let id = format!("{round} {n}");
            drop(connection.emit(&send(LOBBY, &id, &id)));
        }
        connection.disconnect();
        for n in 0..5 {
            assert_eq!(next(&mut messages).await.text, format!("{round} {n}"));
        }
    }
}

#[tokio::test]
async fn a_thousand_events_each_way_across_the_upgrade_stay_whole_and_in_order() {
    let server = Server::start().await;
    let connection = Connection::connect_with(&server.origin(), Options::default()).unwrap();
    let mut messages = connection.listen::<ChatMessage>();
    join(&connection, LOBBY).await;
    let mut receipts: FuturesUnordered<_> = (0..1_000)
        .map(|n| connection.emit(&send(LOBBY, &n.to_string(), &n.to_string())))
        .collect();
    for n in 0..1_000 {
        assert_eq!(next(&mut messages).await.text, n.to_string());
    }
    for seq in 1..=1_000 {
        let receipt = soon("a receipt", receipts.next()).await.unwrap().unwrap();
        assert_eq!(receipt.seq, seq);
    }
    until_transport(&connection, Transport::WebSocket).await;
}

/// 600 texts of 4 kB are more than two payloads of the server's 1 MB.
#[tokio::test]
async fn polling_packets_are_merged_up_to_the_limit() {
    let server = Server::start().await;
    let connection = Connection::connect_with(&server.origin(), only(Transport::Polling)).unwrap();
    let text = "x".repeat(4_000);
    let mut receipts: FuturesUnordered<_> = (0..600)
        .map(|n| connection.emit(&send(LOBBY, &text, &n.to_string())))
        .collect();
    for seq in 1..=600 {
        let receipt = soon("a receipt", receipts.next()).await.unwrap().unwrap();
        assert_eq!(receipt.seq, seq);
    }
}

#[tokio::test]
async fn an_event_over_the_servers_limit_is_refused_here_and_the_connection_lives_on() {
    for transport in BOTH {
        let server = Server::start().await;
        let connection = connected_with(&server.origin(), only(transport)).await;
        let huge = send(LOBBY, &"x".repeat(1_000_000), "1");
        let refused = emit(&connection, &huge).await;
        assert!(
            matches!(
                refused,
                Err(EmitError::TooLarge {
                    limit: 1_000_000,
                    ..
                })
            ),
            "{refused:?}"
        );
        say(&connection, LOBBY, "still here", "2").await;
    }
}

#[tokio::test]
async fn what_is_said_while_the_server_is_away_arrives_after_it_is_back() {
    for transport in BOTH {
        let mut server = Server::start().await;
        let options = retrying(100, only(transport));
        let connection = Connection::connect_with(&server.origin(), options).unwrap();
        let mut statuses = connection.watch();
        until_linked(&mut statuses).await;
        server.kill().await;
        let (_, retried) = until_lost(&mut statuses).await;
        assert!(retried);
        let brief = connection.timeout(Duration::from_millis(50));
        let late = emit(&brief, &send(LOBBY, "late", "0")).await;
        assert_eq!(late, Err(EmitError::Timeout(Duration::from_millis(50))));
        let dropped = emit(&connection.volatile(), &send(LOBBY, "dropped", "1")).await;
        assert_eq!(dropped, Err(EmitError::NotConnected));
        let kept: Vec<_> = (0..10)
            .map(|n| connection.emit(&send(LOBBY, "kept", &format!("kept {n}"))))
            .collect();
        let third = |link: &Link| matches!(link, Link::Waiting { attempt: 3, .. });
        until(&mut statuses, "the third attempt", |status| {
            third(&status.link)
        })
        .await;
        let _server = server.restart().await;
        for (n, receipt) in (1..).zip(kept) {
            assert_eq!(soon("a receipt", receipt).await.unwrap().seq, n);
        }
    }
}

/// At least once: the server knows the id again, so that it is one message.
#[tokio::test]
async fn a_retried_text_is_one_message() {
    let mut server = Server::start().await;
    let connection =
        Connection::connect_with(&server.origin(), retrying(20, Options::default())).unwrap();
    until_connected(&connection).await;
    let retried = connection.retries(5).timeout(Duration::from_secs(5));
    server.kill().await;
    let receipt = retried.emit(&send(LOBBY, "again", "1"));
    let server = server.restart().await;
    let (_observer, mut messages) = observer(&server).await;
    assert_eq!(soon("a receipt", receipt).await.unwrap().seq, 1);
    let second = soon("a receipt", retried.emit(&send(LOBBY, "again", "1"))).await;
    assert_eq!(second.unwrap().seq, 1);
    say(&connection, LOBBY, "then", "2").await;
    let heard = next(&mut messages).await;
    let last = if heard.text == "again" {
        next(&mut messages).await
    } else {
        heard
    };
    assert_eq!((last.text.as_str(), last.seq), ("then", 2));
}

#[tokio::test]
async fn what_was_said_before_a_disconnect_or_the_drop_of_the_last_handle_arrives() {
    for transport in BOTH {
        for dropped in [false, true] {
            let server = Server::start().await;
            let (_observer, mut messages) = observer(&server).await;
            let connection = connected_with(&server.origin(), only(transport)).await;
            for n in 0..100 {
                let text = n.to_string();
                drop(connection.emit(&send(LOBBY, &text, &text)));
            }
            match dropped {
                true => drop(connection),
                false => connection.disconnect(),
            }
            for n in 0..100 {
                assert_eq!(next(&mut messages).await.text, n.to_string(), "{transport}");
            }
        }
    }
}
