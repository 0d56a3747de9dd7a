//! Emits, acknowledgements and the send buffer.

use super::{CONNECTED, HANDSHAKE, Scene, websocket_only};
use crate::socketio::{Command, Delivery, Input, Options, Unsettled};
use std::time::Duration;
use tertulia_shared::wire::{args::Args, binary::Binary};

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

/// Breaks when: an acknowledgement settles an event that was not sent yet, which is then sent and settled again.
#[test]
fn an_acknowledgement_of_what_was_not_sent_is_ignored() {
    let mut scene = Scene::new(websocket_only());
    scene.emit(1, "a");
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"430[{"ok":1}]"#);
    assert_eq!(scene.settled(), []);
    scene.text(socket, CONNECTED);
    assert_eq!(scene.sent(), ["40", r#"420["a",1]"#]);
    scene.text(socket, r#"430[{"ok":2}]"#);
    assert_eq!(scene.settled(), [(1, Ok(Some(r#"[{"ok":2}]"#.to_owned())))]);
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
    scene.deliver(1, "a", Delivery::default());
    assert_eq!(scene.sent(), [r#"42["a",1]"#]);
    assert_eq!(scene.settled(), [(1, Ok(None))]);
}

#[test]
fn an_event_of_the_server_is_acknowledged_while_there_is_a_connection() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.text(socket, r#"427["question"]"#);
    let to = scene.reply_to();
    let reply = |id, answer| Command::Reply {
        namespace: scene.main,
        id,
        to,
        args: Args::ack(&answer).unwrap(),
    };
    let (first, large, late, stale) = (
        reply(1, "yes".to_owned()),
        reply(2, "x".repeat(100)),
        reply(3, "late".to_owned()),
        reply(4, "stale".to_owned()),
    );
    scene.command(first);
    assert_eq!(scene.sent(), [r#"437["yes"]"#]);
    scene.command(large);
    scene.input(Input::Closed(socket, "1006".to_owned()));
    scene.command(late);
    scene.actions.clear();
    scene.pass(Duration::from_secs(2));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, CONNECTED);
    scene.command(stale);
    assert_eq!(
        scene.sent(),
        ["40"],
        "the ids of a new connection are others"
    );
    let settled = scene.settled();
    let (bytes, limit) = (107, 100);
    assert_eq!(
        settled,
        [
            (1, Ok(None)),
            (2, Err(Unsettled::TooLarge { bytes, limit })),
            (3, Err(Unsettled::NotConnected)),
            (4, Err(Unsettled::NotConnected)),
        ]
    );
}

#[test]
fn a_volatile_event_does_not_wait_for_a_connection() {
    let mut scene = Scene::new(websocket_only());
    let volatile = Delivery {
        volatile: true,
        ..Delivery::default()
    };
    scene.deliver(1, "a", volatile);
    assert_eq!(scene.settled(), [(1, Err(Unsettled::NotConnected))]);
}

/// Breaks when: `frames` puts the attachments before the head, or the text that follows overtakes them.
#[test]
fn a_head_goes_before_its_attachments_and_both_before_what_is_newer() {
    let (mut scene, _) = Scene::on_websocket();
    let pair = [Binary(vec![1].into()), Binary(vec![2].into())];
    scene.command(Command::Emit {
        namespace: scene.main,
        id: 1,
        args: Args::event("pair", &pair).unwrap(),
        delivery: Delivery::default(),
    });
    scene.deliver(2, "after", Delivery::default());
    let head = r#"452-["pair",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#;
    let sent = scene.sent();
    assert_eq!(sent, [head, r#"b"\x01""#, r#"b"\x02""#, r#"42["after",2]"#]);
}

#[test]
fn a_volatile_event_is_sent_where_there_is_a_connection() {
    let (mut scene, _) = Scene::on_websocket();
    let volatile = Delivery {
        volatile: true,
        ..Delivery::default()
    };
    scene.deliver(1, "a", volatile);
    assert_eq!(scene.sent(), [r#"42["a",1]"#]);
}

/// The same 90 bytes are 121 in base64, which polling carries: too many for the 100 of this server.
#[test]
fn an_attachment_is_as_long_as_its_transport_makes_it() {
    let event = Args::event("e", &Binary(vec![0; 90].into())).unwrap();
    let emit = |namespace| Command::Emit {
        namespace,
        id: 1,
        args: event.clone(),
        delivery: Delivery::default(),
    };
    let (mut by_websocket, _) = Scene::on_websocket();
    by_websocket.command(emit(by_websocket.main));
    assert_eq!(by_websocket.settled(), [(1, Ok(None))]);
    let mut by_polling = Scene::connected(Options::default());
    by_polling.command(emit(by_polling.main));
    let (bytes, limit) = (121, 100);
    let too_large = Err(Unsettled::TooLarge { bytes, limit });
    assert_eq!(by_polling.settled(), [(1, too_large)]);
}

/// The server's `maxPayload` is 100 bytes here.
#[test]
fn an_event_that_the_server_would_not_take_is_refused_here() {
    let (mut scene, _) = Scene::on_websocket();
    scene.emit(1, &"x".repeat(92));
    let (bytes, limit) = (101, 100);
    let too_large = Err(Unsettled::TooLarge { bytes, limit });
    assert_eq!(scene.settled(), [(1, too_large)]);
    scene.emit(2, &"x".repeat(91));
    assert_eq!(scene.sent()[0].len(), 100);
}

fn retried(retries: u32) -> Delivery {
    Delivery {
        ack_within: Some(Duration::from_secs(1)),
        volatile: false,
        retries,
    }
}

/// Breaks when: the head is not waited for, or a retry goes to the end of the queue.
#[test]
fn retried_events_go_one_after_the_other() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.deliver(1, "a", retried(1));
    scene.deliver(2, "b", retried(1));
    assert_eq!(scene.sent(), [r#"420["a",1]"#]);
    scene.pass(Duration::from_secs(1));
    assert_eq!(scene.sent(), [r#"420["a",1]"#, r#"420["a",1]"#], "again");
    scene.text(socket, "430[7]");
    assert_eq!(scene.settled(), [(1, Ok(Some("[7]".to_owned())))]);
    assert_eq!(scene.sent().last().unwrap(), r#"421["b",2]"#);
    scene.pass(Duration::from_secs(2));
    assert_eq!(scene.settled().last(), Some(&(2, Err(Unsettled::Timeout))));
    assert_eq!(scene.sent().len(), 4, "once and one retry each");
}

#[test]
fn a_retried_event_survives_the_loss_of_the_connection() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.deliver(1, "a", retried(1));
    scene.input(Input::Closed(socket, "1006".to_owned()));
    assert_eq!(scene.settled(), []);
    scene.actions.clear();
    scene.pass(Duration::from_secs(2));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, CONNECTED);
    assert_eq!(scene.sent(), ["40", r#"420["a",1]"#]);
    scene.text(socket, "430[]");
    assert_eq!(scene.settled(), [(1, Ok(Some("[]".to_owned())))]);
}
