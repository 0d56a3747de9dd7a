//! Our client, natively, with what the official server offers beyond one namespace: several of them, auth that is asked
//! again, headers and query, retries, questions with answers, and connection state recovery.

use crate::world::{
    client::until_connected,
    official::{Node, only},
    soon,
};
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tertulia_client::connection::{
    Auth, Connection, Delivery, EmitError, Link, Options, Tapped, Transport,
};
use tertulia_shared::{
    events,
    wire::{args::Args, json::Json},
};

/// The server asks something.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Question {
    text: String,
}

/// The server tells something.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct News {
    n: u32,
}

events! {
    /// The events of this test's server.
    pub(crate) TEST;
    client emits {}
    server emits {
        "test:question": Question => String;
        "test:news": News;
    }
}

/// Emits an untyped event and gives the first value of its acknowledgement.
async fn ask(connection: &Connection, name: &str, payload: &str) -> Value {
    let delivery = Delivery {
        ack_within: Some(Duration::from_secs(10)),
        ..Delivery::default()
    };
    let args = Args::event(name, &payload).unwrap();
    let answer = soon(name, connection.emit_args(args, delivery)).await;
    answer.unwrap().unwrap().at(0).unwrap()
}

#[tokio::test]
async fn two_namespaces_share_one_connection() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut node = Node::start(&[]).await;
        let main = node.connect(only(transport));
        assert_eq!(node.says().await.0, "connected");
        let auth = Auth::ask(|| async { Json::parse(r#"{"role":"admin"}"#).ok() });
        let admin = main.of("/admin", auth);
        assert_eq!(
            node.says().await,
            ("admin".to_owned(), json!({"role": "admin"}))
        );
        assert_eq!(ask(&admin, "whoami", "").await, "admin");
        admin.disconnect();
        assert_eq!(
            ask(&main, "query", "transport").await,
            json!(transport.to_string())
        );
    }
}

#[tokio::test]
async fn namespaces_of_one_origin_share_a_connection_unless_told_otherwise() {
    let mut node = Node::start(&[]).await;
    let main = node.connect(Options::default());
    until_connected(&main).await;
    let admin = |force_new| Options {
        namespace: "/admin".to_owned(),
        force_new,
        ..Options::default()
    };
    let shared = node.connect(admin(false));
    let alone = node.connect(admin(true));
    until_connected(&shared).await;
    until_connected(&alone).await;
    assert_eq!(node.engines().await, 2);
}

#[tokio::test]
async fn headers_and_query_arrive_on_both_transports() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let node = Node::start(&[]).await;
        let connection = node.connect(Options {
            extra_headers: vec![("x-device".to_owned(), "lamp".to_owned())],
            query: vec![("room".to_owned(), "a b&c".to_owned())],
            ..only(transport)
        });
        assert_eq!(ask(&connection, "header", "x-device").await, "lamp");
        assert_eq!(ask(&connection, "query", "room").await, "a b&c");
    }
}

#[tokio::test]
async fn retries_come_again_in_strict_order_until_they_are_acknowledged() {
    let mut node = Node::start(&[]).await;
    let connection = node.connect(only(Transport::WebSocket));
    assert_eq!(node.says().await.0, "connected");
    let delivery = Delivery {
        ack_within: Some(Duration::from_millis(200)),
        volatile: false,
        retries: 5,
    };
    let emits: Vec<_> = ["one", "two"]
        .map(|what| connection.emit_args(Args::event("stubborn", &what).unwrap(), delivery))
        .into();
    for (emit, what) in emits.into_iter().zip(["one", "two"]) {
        let answer = soon(what, emit).await.unwrap().unwrap();
        assert_eq!(answer.at::<String>(0).unwrap(), what);
        for _ in 0..3 {
            assert_eq!(node.says().await, ("heard".to_owned(), json!(what)));
        }
    }
}

#[tokio::test]
async fn the_servers_question_is_answered() {
    let node = Node::start(&[]).await;
    let connection = node.connect(Options::default());
    let mut questions = connection.answer::<Question>();
    let answering = async {
        let (question, responder) = questions.next().await.unwrap();
        assert_eq!(question.unwrap().text, "how are you?");
        assert!(responder.is_awaited());
        responder.answer(Ok("fine".to_owned())).await.unwrap();
        std::future::pending::<()>().await
    };
    tokio::select! {
        answer = ask(&connection, "ask me", "") => assert_eq!(answer, json!({"ok": "fine"})),
        () = answering => {}
    }
}

#[tokio::test]
async fn an_event_over_the_servers_limit_is_refused_here_and_the_connection_lives_on() {
    let node = Node::start(&[]).await;
    let connection = node.connect(Options::default());
    until_connected(&connection).await;
    let args = Args::event("query", &"x".repeat(20_000)).unwrap();
    let refused = soon("a refusal", connection.emit_args(args, Delivery::default())).await;
    assert!(
        matches!(refused, Err(EmitError::TooLarge { limit: 10_000, .. })),
        "{refused:?}"
    );
    assert_eq!(ask(&connection, "query", "EIO").await, "4");
}

#[tokio::test]
async fn what_was_missed_is_recovered() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let node = Node::start(&["--recovery"]).await;
        let connection = node.connect(Options {
            reconnection_delay: (Duration::from_millis(500), Duration::from_millis(500)),
            ..only(transport)
        });
        until_connected(&connection).await;
        let mut news = connection.listen::<News>();
        let mut statuses = connection.watch();
        let args = Args::event("cut me", &()).unwrap();
        soon("sent", connection.emit_args(args, Delivery::default()))
            .await
            .unwrap();
        for n in 1..=3 {
            let told = soon("news", news.next()).await.unwrap().unwrap();
            assert_eq!(told, News { n });
        }
        let recovered = async {
            while let Some(status) = statuses.next().await {
                if status.recovered && status.link == Link::Connected {
                    return;
                }
            }
        };
        soon("the recovery", recovered).await;
    }
}

#[tokio::test]
async fn the_auth_is_asked_again_at_each_reconnect() {
    let mut node = Node::start(&[]).await;
    let asked = Arc::new(AtomicU32::new(0));
    let main = node.connect(Options {
        auto_connect: false,
        ..only(Transport::WebSocket)
    });
    let count = Arc::clone(&asked);
    let admin = main.of(
        "/admin",
        Auth::ask(move || {
            let n = count.fetch_add(1, Ordering::Relaxed);
            async move { Json::encode(&json!({ "n": n })).ok() }
        }),
    );
    for n in 0..2 {
        assert_eq!(node.says().await, ("admin".to_owned(), json!({ "n": n })));
        until_connected(&admin).await;
        admin.disconnect();
        admin.open();
    }
}

#[tokio::test]
async fn a_tap_sees_every_event_in_and_out() {
    let node = Node::start(&[]).await;
    let connection = node.connect(Options::default());
    let mut tap = connection.tap();
    let args = Args::event(
        "chat:send",
        &json!({"room": "chat/a", "id": "1", "text": "t"}),
    )
    .unwrap();
    let delivery = Delivery {
        ack_within: Some(Duration::from_secs(10)),
        ..Delivery::default()
    };
    soon("an answer", connection.emit_args(args.clone(), delivery))
        .await
        .unwrap();
    assert_eq!(soon("out", tap.next()).await, Some(Tapped::Out(args)));
    let Some(Tapped::In(message, None)) = soon("in", tap.next()).await else {
        panic!("no event came in");
    };
    assert_eq!(message.name().unwrap(), "chat:message");
}
