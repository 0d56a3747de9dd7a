//! Losing the connection, giving it up, and getting it back.

use super::{CONNECTED, HANDSHAKE, PLAIN_HANDSHAKE, Scene, no_jitter, websocket_only};
use crate::socketio::{Action, Command, Input, Link, Options, Reason};
use std::time::Duration;

/// Breaks when: the backoff is reset by the handshake instead of by the CONNECT reply.
#[test]
fn delays_grow_until_a_connect_reply_came() {
    let mut scene = Scene::new(no_jitter());
    let mut delays = Vec::new();
    for _ in 0..4 {
        scene.respond(scene.get(), PLAIN_HANDSHAKE);
        scene.input(Input::Failed(scene.get(), "gone".to_owned()));
        let Link::Waiting { retry_in, .. } = scene.status().link else {
            panic!("not waiting");
        };
        delays.push(retry_in.as_secs());
        scene.pass(retry_in);
    }
    assert_eq!(delays, [1, 2, 4, 5]);
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    scene.respond(scene.get(), CONNECTED);
    scene.input(Input::Failed(scene.get(), "gone".to_owned()));
    assert!(matches!(
        scene.status().link,
        Link::Waiting { attempt: 1, retry_in, .. } if retry_in.as_secs() == 1
    ));
}

#[test]
fn attempts_are_bounded_where_that_is_asked_for() {
    let mut scene = Scene::new(Options {
        reconnection_attempts: Some(2),
        ..no_jitter()
    });
    for _ in 0..3 {
        scene.input(Input::Failed(scene.get(), "gone".to_owned()));
        scene.pass(Duration::from_secs(5));
    }
    let gone = Reason::TransportError("gone".to_owned());
    assert_eq!(scene.status().link, Link::Disconnected(gone));
    assert_eq!(scene.client.poll_timeout(), None);
}

#[test]
fn a_disconnect_by_hand_says_goodbye_and_nothing_comes_by_itself() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.command(Command::Disconnect(scene.main));
    assert_eq!(scene.sent(), ["41"]);
    assert_eq!(scene.actions.last(), Some(&Action::Close(socket)));
    assert_eq!(
        scene.links(),
        [Link::Disconnected(Reason::ClientDisconnect)]
    );
    assert_eq!(scene.client.poll_timeout(), None);
}

#[test]
fn a_disconnect_over_polling_goes_out_before_the_requests_end() {
    let mut scene = Scene::connected(Options::default());
    let get = scene.get();
    scene.command(Command::Disconnect(scene.main));
    assert_eq!(scene.sent(), ["41"]);
    scene.respond(scene.post(), "ok");
    assert_eq!(scene.sent(), ["41", "1"]);
    scene.respond(scene.post(), "ok");
    assert_eq!(scene.actions.last(), Some(&Action::Abort(get)));
}

#[test]
fn the_servers_disconnect_is_final_until_connect_is_called() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.text(socket, "41");
    assert_eq!(
        scene.links(),
        [Link::Disconnected(Reason::ServerDisconnect)]
    );
    assert_eq!(scene.client.poll_timeout(), None);
    scene.command(Command::Connect(scene.main));
    assert_eq!(scene.status().link, Link::Connecting { attempt: 0 });
}

#[test]
fn a_refusal_carries_the_servers_words_and_is_not_retried() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"44{"message":"no"}"#);
    let Link::Disconnected(reason) = scene.status().link else {
        panic!("still trying");
    };
    assert_eq!(reason.to_string(), "connect_error: no");
    assert_eq!(scene.client.poll_timeout(), None);
}

#[test]
fn a_missing_connect_reply_is_not_waited_for_without_end() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.pass(Duration::from_secs(20));
    assert!(matches!(scene.status().link, Link::Waiting { .. }));
    assert!(scene.actions.contains(&Action::Close(socket)));
}

#[test]
fn connect_while_waiting_tries_at_once() {
    let mut scene = Scene::new(no_jitter());
    scene.input(Input::Failed(scene.get(), "gone".to_owned()));
    let before = scene.get();
    scene.command(Command::Connect(scene.main));
    assert_ne!(scene.get(), before);
    assert_eq!(scene.status().link, Link::Connecting { attempt: 1 });
}

#[test]
fn answers_of_an_earlier_session_are_ignored() {
    let mut scene = Scene::connected(no_jitter());
    let old = scene.get();
    scene.input(Input::Failed(old, "gone".to_owned()));
    scene.pass(Duration::from_secs(1));
    scene.respond(old, r#"42["ghost"]"#);
    assert_eq!(scene.received(), [""; 0]);
    assert_eq!(scene.status().link, Link::Connecting { attempt: 1 });
}

#[test]
fn a_restarted_server_that_does_not_know_the_session_is_connected_to_anew() {
    let mut scene = Scene::connected(no_jitter());
    let unknown = r#"{"code":1,"message":"Session ID unknown"}"#.to_owned();
    scene.input(Input::Response(scene.get(), 400, unknown));
    scene.pass(Duration::from_secs(1));
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    scene.respond(scene.get(), CONNECTED);
    assert_eq!(scene.status().link, Link::Connected);
}

/// Breaks when: the wait is not of the next loss only, or is no attempt.
#[test]
fn a_server_that_asks_for_it_is_left_alone_that_long_once() {
    let mut scene = Scene::connected(no_jitter());
    scene.client.wait_after_loss(Duration::from_millis(3_700));
    let lost = |scene: &mut Scene| {
        scene.input(Input::Failed(scene.get(), "gone".to_owned()));
        match scene.status().link {
            Link::Waiting {
                attempt, retry_in, ..
            } => (attempt, retry_in.as_millis()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(lost(&mut scene), (1, 3_700));
    scene.pass(Duration::from_millis(3_700));
    assert_eq!(lost(&mut scene), (2, 2_000));
}
