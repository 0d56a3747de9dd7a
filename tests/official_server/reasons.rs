//! Connecting and disconnecting by hand, and why a connection is gone, in the words that users know.

use super::BOTH;
use crate::world::{
    official::{ACKNOWLEDGED, Node, ask, event, json_of, only, retrying, tell},
    rubbish, soon,
    watch::{until_linked, until_lost, until_over},
};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tertulia_client::connection::{Auth, Connection, Delivery, Link, Options, Reason, Transport};

/// Nothing is tried any more: no timer is there that could do it, and the server has no connection.
async fn stays_away(connection: &Connection, node: &Node) {
    let mut statuses = connection.watch();
    let now = soon("a status", statuses.next()).await.unwrap();
    assert!(matches!(now.link, Link::Disconnected(_)), "{now:?}");
    let gone = async { while node.engines().await != json!(0) {} };
    soon("no engine", gone).await;
    assert_eq!(statuses.next().now_or_never(), None);
}

#[tokio::test]
async fn nothing_happens_before_it_is_opened_by_hand() {
    let mut node = Node::start().await;
    let connection = node.connect(Options {
        auto_connect: false,
        ..Options::default()
    });
    assert_eq!(until_over(&connection).await, Reason::ClientDisconnect);
    assert_eq!(node.engines().await, 0);
    connection.open();
    assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
    connection.disconnect();
    assert_eq!(
        node.until("disconnected").await,
        "client namespace disconnect"
    );
    stays_away(&connection, &node).await;
    connection.open();
    assert_eq!(ask(&connection, "test:echo", &[json!(2)]).await, 2);
}

/// What breaks it: opening before the old session has closed, or emits that are dropped with it.
#[tokio::test]
async fn disconnected_and_opened_at_once_nothing_is_lost() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(only(transport));
        until_linked(&mut connection.watch()).await;
        node.until("connected").await;
        let mut next = 0..;
        for _ in 0..3 {
            connection.disconnect();
            for n in next.by_ref().take(5) {
                drop(connection.emit_args(event("test:note", &[json!(n)]), Delivery::default()));
            }
            connection.open();
            for n in next.by_ref().take(5) {
                drop(connection.emit_args(event("test:note", &[json!(n)]), Delivery::default()));
            }
            let last = next.next();
            let note = event("test:note", &[json!(last)]);
            soon("the last", connection.emit_args(note, ACKNOWLEDGED))
                .await
                .unwrap();
        }
        let mut noted = 0;
        let mut goodbyes = 0;
        while noted < 33 || goodbyes < 3 {
            match node.says().await {
                (step, n) if step == "noted" => {
                    assert_eq!(n, noted);
                    noted += 1;
                }
                (step, why) if step == "disconnected" => {
                    assert_eq!(why, "client namespace disconnect");
                    goodbyes += 1;
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_disconnect_by_the_server_is_final() {
    for transport in BOTH {
        for goodbye in ["test:bye", "test:bye-all"] {
            let mut node = Node::start().await;
            let connection = node.connect(retrying(1, only(transport)));
            until_linked(&mut connection.watch()).await;
            let mut statuses = connection.watch();
            tell(&connection, goodbye, &[]).await;
            let lost = until_lost(&mut statuses).await;
            assert_eq!(lost, (Reason::ServerDisconnect, false), "{goodbye}");
            assert_eq!(lost.0.to_string(), "io server disconnect");
            assert_eq!(
                node.until("disconnected").await,
                "server namespace disconnect"
            );
            stays_away(&connection, &node).await;
            connection.open();
            assert_eq!(
                ask(&connection, "test:echo", &[json!(1)]).await,
                1,
                "by hand"
            );
        }
    }
}

/// What breaks it: the packet that closes in one POST with the DISCONNECT; the server says "transport close" then.
#[tokio::test]
async fn a_disconnect_by_hand_is_final() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(retrying(1, only(transport)));
        until_linked(&mut connection.watch()).await;
        // Its POST is under way when the rest is sent.
        drop(connection.emit_args(event("test:silent", &[]), Delivery::default()));
        connection.disconnect();
        let reason = until_over(&connection).await;
        assert_eq!(reason.to_string(), "io client disconnect");
        assert_eq!(
            node.until("disconnected").await,
            "client namespace disconnect"
        );
        stays_away(&connection, &node).await;
    }
}

#[tokio::test]
async fn the_last_handle_that_is_dropped_says_goodbye() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(only(transport));
        assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
        node.until("connected").await;
        let listener = connection.listen::<super::News>();
        drop(connection);
        let goodbye = json!("client namespace disconnect");
        assert_eq!(node.says().await, ("disconnected".to_owned(), goodbye));
        soon("the end", listener.collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn a_close_by_the_server_is_followed_by_a_reconnect() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(retrying(10, only(transport)));
        let mut statuses = connection.watch();
        until_linked(&mut statuses).await;
        node.control("close", Value::Null).await;
        let (reason, retried) = until_lost(&mut statuses).await;
        let expected = match transport {
            Transport::Polling => "transport close",
            Transport::WebSocket => "transport close: closed with code 1005",
        };
        assert_eq!((reason.to_string().as_str(), retried), (expected, true));
        until_linked(&mut statuses).await;
    }
}

#[tokio::test]
async fn a_server_that_freezes_is_a_ping_timeout() {
    for transport in BOTH {
        let node = Node::with_io(json!({ "pingInterval": 200, "pingTimeout": 800 })).await;
        let connection = node.connect(retrying(10, only(transport)));
        let mut statuses = connection.watch();
        until_linked(&mut statuses).await;
        node.freeze();
        let (reason, retried) = until_lost(&mut statuses).await;
        assert_eq!(
            (reason.to_string().as_str(), retried),
            ("ping timeout", true)
        );
        node.thaw();
        until_linked(&mut statuses).await;
    }
}

/// What breaks it: a pong that is not sent; the server closes then.
#[tokio::test]
async fn heartbeats_are_answered() {
    for transport in BOTH {
        let mut node = Node::with_io(json!({ "pingInterval": 50, "pingTimeout": 2_000 })).await;
        let connection = node.connect(only(transport));
        assert_eq!(node.says().await.0, "connected");
        for _ in 0..10 {
            assert_eq!(node.says().await.0, "heartbeat");
        }
        assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
    }
}

#[tokio::test]
async fn what_is_no_packet_is_a_parse_error() {
    for rubbish in [
        "hola",
        "4",
        "4hola",
        "42{\"not\":\"an array\"}",
        "451-no head",
        "1x",
    ] {
        for transport in BOTH {
            let origin = match transport {
                Transport::Polling => rubbish::by_polling(rubbish).await,
                Transport::WebSocket => rubbish::by_websocket(rubbish).await,
            };
            let connection = Connection::connect_with(&origin, only(transport)).unwrap();
            let (reason, retried) = until_lost(&mut connection.watch()).await;
            // As officially: what is no Socket.IO is a parse error, what is no Engine.IO an error of the transport.
            let expected = match rubbish.starts_with('4') {
                true => "parse error",
                false => "transport error",
            };
            let text = reason.to_string();
            assert!(retried, "{rubbish} by {transport}: {text}");
            assert!(
                text.starts_with(expected),
                "{rubbish} by {transport}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_by_middleware_carries_message_and_data_and_is_final() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let wrong = Auth::Value(json_of(&json!({ "token": "wrong" })));
        let options = Options {
            auth: wrong.clone(),
            ..only(transport)
        };
        let connection = node.connect(retrying(1, options));
        let Reason::Refused(refusal) = until_over(&connection).await else {
            panic!("not refused");
        };
        assert_eq!(refusal.message(), "not you");
        let data: Value = refusal.data().unwrap();
        assert_eq!(data, json!({ "code": 7, "tried": "wrong" }));
        stays_away(&connection, &node).await;

        let main = node.connect(only(transport));
        let admin = main.of("/admin", wrong);
        assert!(matches!(until_over(&admin).await, Reason::Refused(_)));
        assert_eq!(ask(&main, "test:echo", &[json!(1)]).await, 1);
        assert_eq!(node.until("connected").await["namespace"], "/");
    }
}
