//! Emits, acknowledgements and the send buffer.

use super::{CONNECTED, HANDSHAKE, Scene, websocket_only};
use crate::socketio::{Command, Input, Options, Unsettled};
use std::time::Duration;
use tertulia_shared::wire::args::Args;

/// Breaks when: `confirmed` does not flush the buffer before what is emitted next.
#[test]
fn what_waited_goes_out_before_what_is_new() {
    let mut scene = Scene::new(websocket_only());
    scene.emit(1, "a");
    scene.emit(2, "b");
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, CONNECTED);
    scene.emit(3, "c");
    assert_eq!(
        scene.sent(),
        ["40", r#"420["a",1]"#, r#"421["b",2]"#, r#"422["c",3]"#]
    );
}

/// Breaks when: `handle_timeout` settles without taking the event out of the buffer.
#[test]
fn an_emit_that_timed_out_while_waiting_is_not_sent_any_more() {
    let mut scene = Scene::new(websocket_only());
    scene.emit(1, "a");
    scene.pass(Duration::from_secs(10));
    assert_eq!(scene.settled(), [(1, Err(Unsettled::Timeout))]);
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, CONNECTED);
    assert_eq!(scene.sent(), ["40"]);
}

#[test]
fn an_acknowledgement_settles_its_emit_once() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.emit(7, "a");
    scene.text(socket, r#"430[{"ok":1}]"#);
    scene.text(socket, r#"430[{"ok":2}]"#);
    scene.pass(Duration::from_secs(20));
    assert_eq!(scene.settled(), [(7, Ok(Some(r#"[{"ok":1}]"#.to_owned())))]);
}

#[test]
fn the_loss_of_the_connection_settles_what_was_sent_and_keeps_what_was_not() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.emit(1, "sent");
    scene.input(Input::Closed(socket, "1006".to_owned()));
    assert_eq!(scene.settled(), [(1, Err(Unsettled::Disconnected))]);
    scene.emit(2, "kept");
    scene.pass(Duration::from_secs(2));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, CONNECTED);
    assert_eq!(scene.sent().last().unwrap(), r#"421["kept",2]"#);
}

#[test]
fn a_full_buffer_refuses_with_a_reason() {
    let mut scene = Scene::new(Options {
        buffer: 1,
        ..Options::default()
    });
    scene.emit(1, "a");
    scene.emit(2, "b");
    assert_eq!(scene.settled(), [(2, Err(Unsettled::BufferFull(1)))]);
}

#[test]
fn an_emit_without_acknowledgement_is_settled_when_it_is_sent() {
    let (mut scene, _) = Scene::on_websocket();
    scene.command(Command::Emit {
        id: 1,
        args: Args::event("a", &0).unwrap(),
        ack_within: None,
    });
    assert_eq!(scene.sent(), [r#"42["a",0]"#]);
    assert_eq!(scene.settled(), [(1, Ok(None))]);
}

#[test]
fn an_event_of_the_server_is_acknowledged_while_there_is_a_connection() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.text(socket, r#"427["question"]"#);
    scene.command(Command::Reply(7, Args::ack(&"yes").unwrap()));
    assert_eq!(scene.sent(), [r#"437["yes"]"#]);
    scene.input(Input::Closed(socket, "1006".to_owned()));
    scene.command(Command::Reply(7, Args::ack(&"late").unwrap()));
    assert_eq!(scene.sent().len(), 1);
}
