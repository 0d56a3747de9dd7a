//! The handle on a virtual clock.

use super::{Auth, Connection, EmitError, Link, Options, Request, Tapped, scene::Scene};
use crate::socketio::Input;
use futures_util::{FutureExt, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tertulia_shared::{
    Event, events,
    server::ServerClosing,
    wire::{args::Args, json::Json},
};

/// A move on a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Move(u8, String);

/// A question of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Question {
    text: String,
}

events! {
    /// The events of these tests.
    TABLE;
    client emits {
        "board:move": Move => u32, spread;
    }
    server emits {
        "board:moved": Moved, spread;
        "board:question": Question => String;
    }
}

/// A move that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Moved(u8, u8);

#[test]
fn without_auto_connect_nothing_happens_before_it_is_asked_for() {
    let mut scene = Scene::new(Options {
        auto_connect: false,
        ..Options::default()
    });
    assert_eq!(scene.socket, None);
    assert!(matches!(scene.link(), Link::Disconnected(_)));
    scene.connection.open();
    scene.work();
    assert!(scene.socket.is_some());
}

#[test]
fn a_namespace_may_be_named_without_its_slash() {
    let mut scene = Scene::connected();
    let _admin = scene.connection.of("admin", Auth::None);
    scene.work();
    assert_eq!(scene.sent, ["40/admin,"]);
}

#[test]
fn several_arguments_travel_both_ways() {
    let mut scene = Scene::connected();
    let mut moves = scene.connection.listen::<Moved>();
    let accepted = scene.connection.emit(&Move(1, "e4".to_owned()));
    scene.work();
    assert_eq!(scene.sent, [r#"420["board:move",1,"e4"]"#]);
    scene.say(r#"430[{"ok":7}]"#);
    assert_eq!(accepted.now_or_never(), Some(Ok(7)));
    scene.say(r#"42["board:moved",1,2]"#);
    let moved = moves.next().now_or_never().flatten().unwrap();
    assert_eq!(moved.unwrap(), Moved(1, 2));
}

#[test]
fn a_plain_acknowledgement_is_the_value_itself() {
    let mut scene = Scene::connected();
    let accepted = scene.connection.plain_acks().emit(&Move(1, String::new()));
    scene.work();
    scene.say("430[7]");
    assert_eq!(accepted.now_or_never(), Some(Ok(7)));
    let undecodable = scene.connection.emit(&Move(1, String::new()));
    scene.work();
    scene.say("431[7]");
    assert!(matches!(
        undecodable.now_or_never(),
        Some(Err(EmitError::Decode(_)))
    ));
}

#[test]
fn the_servers_question_is_answered_once() {
    let mut scene = Scene::connected();
    let mut questions = scene.connection.answer::<Question>();
    scene.work();
    scene.say(r#"425["board:question",{"text":"who?"}]"#);
    let (question, responder) = questions.next().now_or_never().flatten().unwrap();
    assert_eq!(question.unwrap().text, "who?");
    assert!(responder.is_awaited());
    let answered = responder.answer(Ok("me".to_owned()));
    scene.work();
    assert_eq!(scene.sent, [r#"435[{"ok":"me"}]"#]);
    assert_eq!(answered.now_or_never(), Some(Ok(())));
}

/// Breaks when: who answers keeps the connection; its driver then never ends.
#[test]
fn answers_keep_no_connection() {
    let mut scene = Scene::connected();
    let mut questions = scene.connection.answer::<Question>();
    scene.work();
    scene.say(r#"425["board:question",{"text":"who?"}]"#);
    let (_, responder) = questions.next().now_or_never().flatten().unwrap();
    let Scene {
        connection,
        mut requests,
        ..
    } = scene;
    drop(connection);
    assert!(matches!(requests.next().now_or_never(), Some(None)));
    let answered = responder.answer(Ok("me".to_owned()));
    assert_eq!(answered.now_or_never(), Some(Err(EmitError::Stopped)));
}

#[test]
fn what_does_not_decode_is_an_item_and_the_next_event_comes() {
    let mut scene = Scene::connected();
    let mut questions = scene.connection.listen::<Question>();
    scene.work();
    scene.say(r#"42["board:question",7]"#);
    scene.say(r#"42["board:question"]"#);
    scene.say(r#"42["board:question",{"text":"a"}]"#);
    let mut next = || questions.next().now_or_never().flatten().unwrap();
    assert!(next().is_err());
    assert!(next().is_err());
    assert_eq!(next().unwrap().text, "a");
}

/// Breaks when: a listener that was dropped stays in the list, or one that was not is taken out of it.
#[test]
fn a_dropped_listener_listens_no_more_and_harms_no_other() {
    let mut scene = Scene::connected();
    let dropped = scene.connection.listen::<Question>();
    let mut kept = scene.connection.listen::<Question>();
    let once = scene.connection.once::<Question>();
    scene.work();
    drop(dropped);
    for text in ["a", "b"] {
        scene.say(&format!(r#"42["board:question",{{"text":"{text}"}}]"#));
    }
    let mut next = || kept.next().now_or_never().flatten().unwrap().unwrap().text;
    assert_eq!((next(), next()), ("a".to_owned(), "b".to_owned()));
    let first = once.now_or_never().flatten().unwrap().unwrap();
    assert_eq!(first.text, "a");
}

#[test]
fn a_tap_sees_every_event_as_it_passes() {
    let mut scene = Scene::connected();
    let tap = scene.connection.tap();
    let acked = scene.connection.emit(&Move(1, "a".to_owned()));
    scene.work();
    scene.say(r#"42["unknown",1]"#);
    scene.say(r#"427["board:question",{"text":"a"}]"#);
    drop(acked);
    let seen: Vec<_> = tap
        .take(3)
        .map(|tapped| match tapped {
            Tapped::Out(args) => format!("out {}", args.json()),
            Tapped::In(args, to) => format!("in {} {}", args.json(), to.is_some()),
        })
        .collect()
        .now_or_never()
        .unwrap();
    assert_eq!(
        seen,
        [
            r#"out ["board:move",1,"a"]"#,
            r#"in ["unknown",1] false"#,
            r#"in ["board:question",{"text":"a"}] true"#,
        ]
    );
}

#[test]
fn a_timeout_is_of_the_handle_that_emits() {
    let mut scene = Scene::connected();
    let short = Duration::from_millis(100);
    let impatient = scene.connection.timeout(short);
    let first = impatient.emit(&Move(1, String::new()));
    let second = scene.connection.emit(&Move(2, String::new()));
    scene.work();
    scene.pass(short);
    assert_eq!(first.now_or_never(), Some(Err(EmitError::Timeout(short))));
    scene.say(r#"431[{"ok":2}]"#);
    assert_eq!(second.now_or_never(), Some(Ok(2)));
}

#[test]
fn the_auth_is_asked_for_and_awaited() {
    let auth = Auth::ask(|| async { Json::parse(r#"{"token":"t"}"#).ok() });
    let mut scene = Scene::new(Options {
        auth,
        ..Options::default()
    });
    scene.accept();
    let asked = scene.dispatcher.poll_auth().unwrap();
    assert_eq!(&*asked.namespace, "/");
    let answer = asked.answer.now_or_never().unwrap();
    scene.dispatcher.handle_request(
        scene.now,
        Request {
            namespace: asked.namespace,
            ask: super::Ask::Authorize(asked.asked, answer),
        },
    );
    scene.work();
    assert_eq!(scene.sent, [r#"40{"token":"t"}"#]);
}

#[test]
fn an_emit_that_nobody_drives_ends() {
    let (connection, requests) = Connection::new(&Options::default());
    drop(requests);
    let args = Args::event("e", &1).unwrap();
    let emitted = connection.emit_args(args, super::Delivery::default());
    assert_eq!(emitted.now_or_never(), Some(Err(EmitError::Stopped)));
    assert_eq!(TABLE.len(), 3);
}

/// Breaks when: the wish of a server that closes is not looked at, or has no bound.
#[test]
fn a_server_that_closes_says_when_to_come_back() {
    let closing = |back_in: u64| {
        let mut scene = Scene::connected();
        let mut statuses = scene.connection.watch();
        let name = ServerClosing::NAME;
        scene.say(&format!(r#"42["{name}",{{"back_in":{back_in}}}]"#));
        let closed = Input::Closed(scene.socket.unwrap(), "gone".to_owned());
        scene.input(closed);
        while let Some(Some(status)) = statuses.next().now_or_never() {
            if let Link::Waiting { retry_in, .. } = status.link {
                return retry_in.as_millis();
            }
        }
        panic!("it does not come back");
    };
    assert_eq!(closing(7_250), 7_250);
    assert_eq!(closing(u64::MAX), 60_000);
}
