//! Emits: the buffer while offline and its bound, volatile, acknowledgements and what becomes of them, too large events,
//! several arguments.

use super::{BOTH, Move, Piece, binary};
use crate::world::{
    client::{send, until_connected},
    official::{ACKNOWLEDGED, Node, ask, ask_all, event, only, retrying},
    soon,
    watch::{until_linked, until_lost},
};
use serde_json::{Value, json};
use std::time::Duration;
use tertulia_client::connection::{Connection, Delivery, EmitError, Options};

/// A connection that is not opened yet.
fn closed(node: &Node, options: Options) -> Connection {
    node.connect(Options {
        auto_connect: false,
        ..options
    })
}

fn within(ms: u64) -> Delivery {
    Delivery {
        ack_within: Some(Duration::from_millis(ms)),
        ..Delivery::default()
    }
}

#[tokio::test]
async fn what_is_emitted_before_the_connection_goes_out_in_order() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = closed(&node, only(transport));
        let mut waiting = Vec::new();
        for n in 0..100 {
            // Acknowledged or not: they stand in one queue.
            let delivery = if n % 2 == 0 {
                ACKNOWLEDGED
            } else {
                Delivery::default()
            };
            waiting.push(connection.emit_args(event("test:note", &[json!(n)]), delivery));
        }
        connection.open();
        let after = connection.emit_args(event("test:note", &[json!("after")]), ACKNOWLEDGED);
        for sent in waiting {
            soon("an end", sent).await.unwrap();
        }
        soon("an end", after).await.unwrap();
        for n in 0..100 {
            assert_eq!(node.until("noted").await, n);
        }
        assert_eq!(node.until("noted").await, "after");
    }
}

#[tokio::test]
async fn what_is_emitted_during_an_outage_arrives_after_it() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(retrying(300, only(transport)));
        let mut statuses = connection.watch();
        until_linked(&mut statuses).await;
        node.control("close", Value::Null).await;
        until_lost(&mut statuses).await;
        let offline: Vec<_> = (0..20)
            .map(|n| connection.emit_args(event("test:note", &[json!(n)]), ACKNOWLEDGED))
            .collect();
        for (n, sent) in offline.into_iter().enumerate() {
            soon("an end", sent).await.unwrap();
            assert_eq!(node.until("noted").await, n);
        }
    }
}

#[tokio::test]
async fn a_volatile_event_is_dropped_while_offline_and_told() {
    let mut node = Node::start().await;
    let connection = closed(&node, Options::default());
    let volatile = Delivery {
        volatile: true,
        ..ACKNOWLEDGED
    };
    let emit = |what: &str| connection.emit_args(event("test:note", &[json!(what)]), volatile);
    assert_eq!(
        soon("the drop", emit("lost")).await,
        Err(EmitError::NotConnected)
    );
    let typed = connection
        .volatile()
        .emit(&send("chat/a", "lost", "1"))
        .await;
    assert_eq!(typed, Err(EmitError::NotConnected));
    connection.open();
    until_connected(&connection).await;
    soon("the acknowledgement", emit("kept")).await.unwrap();
    assert_eq!(node.until("noted").await, "kept");
}

#[tokio::test]
async fn the_buffer_is_bounded_and_says_so() {
    let mut node = Node::start().await;
    let connection = closed(
        &node,
        Options {
            buffer: 3,
            ..Options::default()
        },
    );
    let emit = |n: u32| connection.emit_args(event("test:note", &[json!(n)]), ACKNOWLEDGED);
    let kept = [emit(0), emit(1), emit(2)];
    assert_eq!(
        soon("the refusal", emit(3)).await,
        Err(EmitError::BufferFull(3))
    );
    connection.open();
    for sent in kept {
        soon("an end", sent).await.unwrap();
    }
    soon("an end", emit(4)).await.unwrap();
    for n in [0, 1, 2, 4] {
        assert_eq!(node.until("noted").await, n);
    }
}

#[tokio::test]
async fn an_acknowledgement_that_does_not_come_is_a_timeout_and_the_connection_lives_on() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(only(transport));
        until_connected(&connection).await;
        let silent = connection.emit_args(event("test:silent", &[]), within(100));
        let timeout = EmitError::Timeout(Duration::from_millis(100));
        assert_eq!(soon("the timeout", silent).await, Err(timeout));
        assert_eq!(node.until("silent").await, Value::Null);
        assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
    }
}

/// What breaks it: forgetting who waits when the connection goes; they would hang until their time is over.
#[tokio::test]
async fn acknowledgements_are_settled_when_the_connection_goes() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(only(transport));
        let silent = connection.emit_args(event("test:silent", &[]), ACKNOWLEDGED);
        node.until("silent").await;
        node.control("close", Value::Null).await;
        assert_eq!(soon("the end", silent).await, Err(EmitError::Disconnected));
        connection.open();
        let silent = connection.emit_args(event("test:silent", &[]), ACKNOWLEDGED);
        node.until("silent").await;
        connection.disconnect();
        assert_eq!(soon("the end", silent).await, Err(EmitError::Disconnected));
    }
}

/// What breaks it: leaving it in the buffer; the server would hear of it first.
#[tokio::test]
async fn a_timed_out_emit_leaves_the_buffer() {
    let node = Node::start().await;
    let connection = node.connect(retrying(50, Options::default()));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    let setup = node.kill().await;
    until_lost(&mut statuses).await;
    let late = connection.emit_args(event("test:note", &[json!("late")]), within(100));
    let kept = connection.emit_args(event("test:note", &[json!("kept")]), ACKNOWLEDGED);
    let timeout = EmitError::Timeout(Duration::from_millis(100));
    assert_eq!(soon("the timeout", late).await, Err(timeout));
    let mut node = Node::with(setup).await;
    soon("the acknowledgement", kept).await.unwrap();
    assert_eq!(node.until("noted").await, "kept");
}

#[tokio::test]
async fn an_event_over_the_servers_limit_is_refused_here_and_the_connection_lives_on() {
    for transport in BOTH {
        let node = Node::with_io(json!({ "maxHttpBufferSize": 10_000 })).await;
        let connection = node.connect(only(transport));
        until_connected(&connection).await;
        let envelope = r#"420["test:echo",""]"#.len();
        for (length, fits) in [(10_000 - envelope, true), (10_001 - envelope, false)] {
            let echo = event("test:echo", &[json!("x".repeat(length))]);
            // The number of the acknowledgement is one digit.
            let answer = soon("an end", connection.emit_args(echo, ACKNOWLEDGED)).await;
            match (fits, answer) {
                (true, Ok(_))
                | (
                    false,
                    Err(EmitError::TooLarge {
                        bytes: 10_001,
                        limit: 10_000,
                    }),
                ) => {}
                (_, other) => panic!("{length} by {transport}: {other:?}"),
            }
        }
        let mut picture = event("test:echo", &[json!({ "_placeholder": true, "num": 0 })]);
        picture.attachments.push(vec![7; 10_001].into());
        let refused = soon("a refusal", connection.emit_args(picture, ACKNOWLEDGED)).await;
        assert!(
            matches!(refused, Err(EmitError::TooLarge { .. })),
            "{refused:?}"
        );
        assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
    }
}

#[tokio::test]
async fn several_arguments_travel_both_ways() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport));
        let arguments = [json!(1), json!("ñ"), json!(null), json!([{ "a": [] }])];
        let echoed = ask_all(&connection, "test:echo", &arguments).await;
        assert_eq!(echoed.json().decode::<Vec<Value>>().unwrap(), arguments);
        let none = ask_all(&connection, "test:echo", &[]).await;
        assert_eq!(none.json().as_str(), "[]");

        let piece = Piece {
            name: "knight".to_owned(),
            mark: binary(&[0xca, 0xfe]),
        };
        let moved = connection.plain_acks().emit(&Move(piece, "e4".to_owned()));
        assert_eq!(soon("the move", moved).await.unwrap(), "knight e4 cafe");
    }
}

/// A server that is not ours acknowledges with the value itself.
#[tokio::test]
async fn plain_acknowledgements_have_to_be_asked_for() {
    let node = Node::start().await;
    let connection = node.connect(Options::default());
    let piece = || Piece {
        name: "rook".to_owned(),
        mark: binary(&[1]),
    };
    let wrong = soon("an end", connection.emit(&Move(piece(), "a1".to_owned()))).await;
    assert!(matches!(wrong, Err(EmitError::Decode(_))), "{wrong:?}");
    let plain = connection.plain_acks();
    let moved = soon("an end", plain.emit(&Move(piece(), "a1".to_owned()))).await;
    assert_eq!(moved.unwrap(), "rook a1 01");
}

/// What breaks it: adding such a time to the time that it is; the driver is gone then.
#[tokio::test]
async fn an_acknowledgement_may_be_awaited_for_ever() {
    let node = Node::start().await;
    let connection = node.connect(Options::default());
    let delivery = Delivery {
        ack_within: Some(Duration::MAX),
        ..Delivery::default()
    };
    for n in 0..3 {
        let answer = connection.emit_args(event("test:echo", &[json!(n)]), delivery);
        let answer = soon("an answer", answer).await.unwrap().unwrap();
        assert_eq!(answer.at::<u32>(0).unwrap(), n);
    }
}
