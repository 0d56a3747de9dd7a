//! Handshake, heartbeat, polling, probe and upgrade.

use super::{CONNECTED, HANDSHAKE, PLAIN_HANDSHAKE, Scene, websocket_only};
use crate::socketio::{Action, Auth, Frame, Input, Link, Options, Reason, Transport};
use std::time::Duration;

#[test]
fn connects_by_polling_and_sends_the_auth() {
    let auth = tertulia_shared::wire::json::Json::parse(r#"{"token":"t"}"#).unwrap();
    let mut scene = Scene::new(Options {
        auth: Auth::Value(auth),
        ..Options::default()
    });
    let first = Action::Get(
        scene.get(),
        "http://h:1/s/?EIO=4&transport=polling".to_owned(),
    );
    assert_eq!(scene.actions, [first]);
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    assert_eq!(scene.sent(), [r#"40{"token":"t"}"#]);
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), CONNECTED);
    assert_eq!(
        scene.links(),
        [
            Link::Connecting { attempt: 0 },
            Link::Connecting { attempt: 0 },
            Link::Connected
        ]
    );
    assert_eq!(scene.status().transport, Some(Transport::Polling));
}

/// Breaks when: `Packet::Ping` is not answered, or the deadline is not moved by it.
#[test]
fn an_hour_of_heartbeats_keeps_the_connection_and_the_first_missing_one_ends_it() {
    let (mut scene, socket) = Scene::on_websocket();
    for _ in 0..144 {
        scene.pass(Duration::from_secs(25));
        scene.text(socket, "2");
    }
    assert_eq!(scene.sent(), vec!["3"; 144]);
    assert_eq!(scene.links(), []);
    scene.pass(Duration::from_millis(44_999));
    assert_eq!(scene.links(), []);
    scene.pass(Duration::from_millis(1));
    assert!(matches!(
        scene.links()[..],
        [Link::Waiting {
            attempt: 1,
            reason: Reason::PingTimeout,
            ..
        }]
    ));
}

/// Breaks when: the machine reads what waited in the network before it looks at the time.
#[test]
fn after_sleep_a_late_ping_does_not_revive_the_session() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.now += Duration::from_secs(3_600);
    scene.text(socket, "2");
    assert_eq!(scene.status().transport, None);
    assert!(matches!(scene.status().link, Link::Waiting { .. }));
    assert_eq!(scene.sent(), [""; 0]);
}

/// Breaks when: `handle_command` does not look at the time first.
#[test]
fn after_sleep_an_emit_waits_for_the_next_connection() {
    let (mut scene, _) = Scene::on_websocket();
    scene.now += Duration::from_secs(3_600);
    scene.emit(1, "a");
    assert_eq!(scene.sent(), [""; 0]);
    assert_eq!(scene.settled(), []);
    assert!(matches!(scene.status().link, Link::Waiting { .. }));
}

#[test]
fn a_ping_may_come_before_the_connect_reply() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, "2");
    scene.text(socket, CONNECTED);
    assert_eq!(scene.sent(), ["40", "3"]);
    assert_eq!(scene.status().link, Link::Connected);
}

/// Breaks when: `upgrade_when_quiet` does not wait for the GET, or for the POST.
#[test]
fn the_upgrade_waits_for_the_last_poll_and_the_last_post() {
    let mut scene = Scene::new(Options::default());
    scene.respond(scene.get(), HANDSHAKE);
    let (probe, get, post) = (scene.socket(), scene.get(), scene.post());
    scene.input(Input::Opened(probe));
    scene.text(probe, "3probe");
    scene.emit(1, "a");
    assert_eq!(scene.sent(), ["40", "2probe"], "nothing overtakes");
    scene.respond(get, CONNECTED);
    assert_eq!(scene.sent(), ["40", "2probe"]);
    scene.respond(post, "ok");
    assert_eq!(scene.sent(), ["40", "2probe", "5", r#"420["a",1]"#]);
    assert_eq!(scene.status().transport, Some(Transport::WebSocket));
}

#[test]
fn a_refused_probe_leaves_polling_as_it_was() {
    let mut scene = Scene::new(Options::default());
    scene.respond(scene.get(), HANDSHAKE);
    scene.input(Input::Closed(scene.socket(), "403".to_owned()));
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), CONNECTED);
    scene.emit(1, "a");
    scene.respond(scene.get(), r#"430["b"]"#);
    assert_eq!(scene.settled(), [(1, Ok(Some(r#"["b"]"#.to_owned())))]);
    assert_eq!(scene.status().transport, Some(Transport::Polling));
}

/// Breaks when: `abandon_probe` does not unpause polling.
#[test]
fn a_probe_that_dies_while_polling_is_paused_wakes_polling() {
    let mut scene = Scene::new(Options::default());
    scene.respond(scene.get(), HANDSHAKE);
    let (probe, get) = (scene.socket(), scene.get());
    scene.input(Input::Opened(probe));
    scene.text(probe, "3probe");
    scene.respond(get, CONNECTED);
    scene.emit(1, "a");
    scene.input(Input::Closed(probe, "1006".to_owned()));
    assert_ne!(scene.get(), get, "polls again");
    scene.respond(scene.post(), "ok");
    assert_eq!(scene.sent(), ["40", "2probe", r#"420["a",1]"#]);
}

#[test]
fn a_probe_without_answer_is_given_up_in_time() {
    let mut scene = Scene::new(Options::default());
    scene.respond(scene.get(), HANDSHAKE);
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), CONNECTED);
    scene.pass(Duration::from_secs(20));
    assert!(scene.actions.contains(&Action::Close(scene.socket())));
    assert_eq!(scene.status().link, Link::Connected);
}

#[test]
fn the_next_transport_is_tried_when_the_first_does_not_open() {
    let mut scene = Scene::new(Options {
        transports: vec![Transport::WebSocket, Transport::Polling],
        ..Options::default()
    });
    scene.input(Input::Closed(scene.socket(), "blocked".to_owned()));
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    scene.respond(scene.get(), CONNECTED);
    assert_eq!(scene.status().link, Link::Connected);
    assert_eq!(scene.status().transport, Some(Transport::Polling));
}

/// Breaks when: a payload is filled without looking at `maxPayload`, here 100 bytes.
#[test]
fn packets_are_merged_into_posts_of_at_most_the_servers_payload() {
    let mut scene = Scene::connected(Options::default());
    scene.emit(0, "first");
    for id in 1..=6 {
        scene.emit(id, "twenty-bytes");
    }
    assert_eq!(scene.sent(), [r#"420["first",0]"#], "one post at a time");
    scene.respond(scene.post(), "ok");
    scene.respond(scene.post(), "ok");
    let posts = scene.sent();
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|post| post.len() <= 100), "{posts:?}");
    assert_eq!(
        posts.join("\u{1e}").matches("twenty-bytes").count(),
        6,
        "{posts:?}"
    );
}

#[test]
fn what_is_no_packet_ends_the_session_with_a_parse_error() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.text(socket, "42not json");
    assert!(matches!(
        scene.status().link,
        Link::Waiting {
            reason: Reason::ParseError(_),
            ..
        }
    ));
}

#[test]
fn attachments_come_with_their_event_in_order() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.text(socket, r#"451-["img",{"_placeholder":true,"num":0}]"#);
    assert_eq!(scene.received(), [""; 0]);
    scene.input(Input::Received(socket, Frame::Binary(vec![1].into())));
    scene.text(socket, r#"42["after"]"#);
    assert_eq!(
        scene.received(),
        [r#"["img",{"_placeholder":true,"num":0}]"#, r#"["after"]"#]
    );
}

/// Breaks when: what a server says of the end is not told on, or all of a long page is.
#[test]
fn a_loss_is_told_in_the_words_of_the_server() {
    let long = format!("{}\nmore", "x".repeat(300));
    for (body, told) in [
        (
            "no longer let in\n",
            "HTTP status 400: no longer let in".to_owned(),
        ),
        ("", "HTTP status 400".to_owned()),
        (&*long, format!("HTTP status 400: {}", "x".repeat(200))),
    ] {
        let mut scene = Scene::new(Options::default());
        scene.respond(scene.get(), PLAIN_HANDSHAKE);
        scene.input(Input::Response(scene.get(), 400, body.to_owned()));
        let Link::Waiting { reason, .. } = scene.status().link else {
            panic!("no loss");
        };
        assert_eq!(reason, Reason::TransportError(told));
    }
    let mut scene = Scene::new(websocket_only());
    scene.input(Input::Opened(scene.socket()));
    scene.text(scene.socket(), HANDSHAKE);
    scene.input(Input::closed_with(scene.socket(), 1013, "too slow"));
    let Link::Waiting { reason, .. } = scene.status().link else {
        panic!("no loss");
    };
    assert_eq!(
        reason.to_string(),
        "transport close: closed with code 1013: too slow"
    );
}
