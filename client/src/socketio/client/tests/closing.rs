//! Disconnecting while something else is under way: nothing that was emitted before is lost.

use super::{CONNECTED, HANDSHAKE, Scene, websocket_only};
use crate::socketio::{Action, Auth, Command, Input, Link, Options, Transport};
use std::time::Duration;

/// Connected by polling, with a probe that the server has answered: polling is paused, its GET still waits.
fn in_the_middle_of_an_upgrade() -> Scene {
    let mut scene = Scene::new(Options::default());
    scene.respond(scene.get(), HANDSHAKE);
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), CONNECTED);
    let probe = scene.socket();
    scene.input(Input::Opened(probe));
    scene.text(probe, "3probe");
    scene
        .actions
        .retain(|action| matches!(action, Action::Get(..) | Action::Open(..)));
    scene
}

/// Breaks when: `close` gives up the probe; socketioxide ends the session over that, and what waits is lost.
#[test]
fn a_disconnect_in_the_middle_of_an_upgrade_finishes_it_and_sends_what_waits() {
    let mut scene = in_the_middle_of_an_upgrade();
    scene.emit(1, "a");
    scene.command(Command::Disconnect(scene.main));
    assert_eq!(scene.sent(), [""; 0], "it waits for the switch");
    assert!(!scene.client.is_closed());
    scene.respond(scene.get(), "6");
    assert_eq!(scene.sent(), ["5", "420[\"a\",1]", "41"]);
    assert!(scene.client.is_closed());
    assert_eq!(scene.actions.last(), Some(&Action::Close(scene.socket())));
    assert_eq!(scene.client.poll_timeout(), None);
}

/// Breaks when: a probe that fails while the session is closing leaves polling paused.
#[test]
fn a_disconnect_whose_upgrade_fails_sends_what_waits_by_polling() {
    let mut scene = in_the_middle_of_an_upgrade();
    scene.emit(1, "a");
    scene.command(Command::Disconnect(scene.main));
    scene.input(Input::Closed(scene.socket(), "1006".to_owned()));
    assert_eq!(scene.sent(), ["420[\"a\",1]\u{1e}41"]);
    scene.respond(scene.post(), "ok");
    scene.respond(scene.post(), "ok");
    assert_eq!(scene.sent(), ["420[\"a\",1]\u{1e}41", "1"]);
    assert!(scene.client.is_closed());
    assert_eq!(scene.actions.last(), Some(&Action::Abort(scene.get())));
}

/// Breaks when: the packet that closes travels with others; the official server closes before it has handled those.
#[test]
fn a_disconnect_before_the_probe_is_answered_sends_what_waits_by_polling() {
    let mut scene = Scene::new(Options::default());
    scene.respond(scene.get(), HANDSHAKE);
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), CONNECTED);
    scene
        .actions
        .retain(|action| !matches!(action, Action::Post(..)));
    scene.command(Command::Disconnect(scene.main));
    assert_eq!(scene.sent(), ["41"]);
    scene.respond(scene.post(), "ok");
    assert_eq!(scene.sent(), ["41", "1"]);
    let probe = Action::Close(scene.socket());
    assert!(!scene.actions.contains(&probe));
    scene.respond(scene.post(), "ok");
    assert!(scene.client.is_closed() && scene.actions.contains(&probe));
}

/// Breaks when: `attempt` opens a new session over one that is closing.
#[test]
fn a_new_connection_waits_until_the_old_one_has_said_all() {
    let mut scene = in_the_middle_of_an_upgrade();
    scene.input(Input::Closed(scene.socket(), "1006".to_owned()));
    scene.emit(1, "first");
    scene.emit(2, "second");
    scene.command(Command::Disconnect(scene.main));
    scene.command(Command::Connect(scene.main));
    assert_eq!(scene.status().link, Link::Connecting { attempt: 0 });
    scene.respond(scene.post(), "ok");
    assert_eq!(
        scene.sent(),
        ["420[\"first\",1]", "421[\"second\",2]\u{1e}41"]
    );
    scene.respond(scene.post(), "ok");
    assert_eq!(scene.sent().last().unwrap(), "1");
    scene.respond(scene.post(), "ok");
    assert!(matches!(scene.actions.last(), Some(Action::Get(_, url)) if !url.contains("sid")));
    scene.respond(scene.get(), HANDSHAKE);
    scene.respond(scene.get(), CONNECTED);
    assert_eq!(scene.status().link, Link::Connected);
}

#[test]
fn a_disconnect_takes_back_a_connection_that_waits_for_the_old_one() {
    let mut scene = in_the_middle_of_an_upgrade();
    scene.command(Command::Disconnect(scene.main));
    scene.command(Command::Connect(scene.main));
    scene.command(Command::Disconnect(scene.main));
    scene.respond(scene.get(), "6");
    assert!(scene.client.is_closed());
    assert_eq!(scene.client.poll_timeout(), None);
}

/// Breaks when: the heartbeat of a session that is closing is not looked at any more.
#[test]
fn a_goodbye_that_nobody_takes_is_not_waited_for_without_end() {
    let mut scene = in_the_middle_of_an_upgrade();
    scene.command(Command::Disconnect(scene.main));
    scene.pass(Duration::from_secs(45));
    assert!(scene.client.is_closed());
}

#[test]
fn a_connect_reply_that_comes_after_the_disconnect_is_taken_back() {
    let (mut scene, socket) = Scene::on_websocket();
    let admin = scene.client.add("/admin", Auth::None);
    scene.command(Command::Connect(admin));
    scene.command(Command::Disconnect(admin));
    assert_eq!(scene.sent(), ["40/admin,"]);
    scene.text(socket, r#"40/admin,{"sid":"y"}"#);
    assert_eq!(scene.sent(), ["40/admin,", "41/admin,"]);
    assert_eq!(scene.status().link, Link::Connected);
}

#[test]
fn a_disconnect_before_the_handshake_ends_the_attempt() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.command(Command::Disconnect(scene.main));
    assert_eq!(scene.actions.last(), Some(&Action::Close(socket)));
    scene.input(Input::Opened(socket));
    assert!(scene.client.is_closed());
    assert_eq!(scene.status().transport, None::<Transport>);
}
