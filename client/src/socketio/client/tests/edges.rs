//! What servers, networks and callers do at the edges.

use super::{CONNECTED, HANDSHAKE, PLAIN_HANDSHAKE, Scene, no_jitter, websocket_only};
use crate::socketio::{
    Action, Auth, Command, Delivery, Input, Link, Options, Reason, Transport, Unsettled,
    namespace::MAX_UNSENT,
};
use std::time::Duration;
use tertulia_shared::wire::{args::Args, binary::Binary, json::Json};

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

impl Scene {
    fn emit_args(&mut self, id: u64, args: Args) {
        self.command(Command::Emit {
            namespace: self.main,
            id,
            args,
            delivery: Delivery::default(),
        });
    }

    /// The WebSocket is lost, and the next one is open.
    fn come_back(&mut self, socket: crate::socketio::IoId) -> crate::socketio::IoId {
        self.input(Input::Closed(socket, "1006".to_owned()));
        self.actions.clear();
        self.pass(Duration::from_secs(5));
        let socket = self.socket();
        self.input(Input::Opened(socket));
        self.text(socket, HANDSHAKE);
        socket
    }
}

#[test]
fn what_no_server_takes_as_an_event_is_refused_here() {
    let (mut scene, _) = Scene::on_websocket();
    scene.emit_args(1, Args::event("disconnect", &1).unwrap());
    scene.emit_args(2, Args::new(json("[]"), Vec::new()).unwrap());
    let many = vec![Binary::default(); 11];
    scene.emit_args(3, Args::event("e", &many).unwrap());
    assert_eq!(scene.sent(), [""; 0]);
    let settled = scene.settled();
    let (count, limit) = (11, 10);
    assert!(
        matches!(
            &settled[..],
            [
                (1, Err(Unsettled::Invalid(_))),
                (2, Err(Unsettled::Invalid(_))),
                (3, Err(too_many)),
            ] if *too_many == Unsettled::TooManyAttachments { count, limit }
        ),
        "{settled:?}"
    );
}

#[test]
fn an_auth_that_is_no_object_is_refused_here() {
    let mut scene = Scene::new(Options {
        auth: Auth::Value(json(r#""token""#)),
        ..websocket_only()
    });
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    let Link::Disconnected(Reason::Refused(refusal)) = scene.status().link else {
        panic!("{:?}", scene.status());
    };
    assert_eq!(refusal.message(), "the auth is no object");
    assert_eq!(scene.sent(), [""; 0]);
}

#[test]
fn a_server_of_socket_io_2_is_said_to_be_one() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, "40");
    assert!(matches!(
        scene.status().link,
        Link::Disconnected(Reason::Refused(_))
    ));
}

#[test]
fn the_id_is_that_of_the_connect_reply() {
    let (mut scene, socket) = Scene::on_websocket();
    assert_eq!(scene.status().id.as_deref(), Some("x"));
    scene.input(Input::Closed(socket, "1006".to_owned()));
    assert_eq!(scene.status().id, None);
}

/// Breaks when: the loss of the connection is no try.
#[test]
fn an_event_over_which_the_server_ends_the_connection_is_not_sent_without_end() {
    let (mut scene, mut socket) = Scene::on_websocket();
    let retried = |retries| Delivery {
        ack_within: Some(Duration::from_secs(600)),
        volatile: false,
        retries,
    };
    scene.deliver(1, "poison", retried(2));
    scene.deliver(2, "next", retried(0));
    for _ in 0..2 {
        socket = scene.come_back(socket);
        scene.text(socket, CONNECTED);
        assert_eq!(scene.sent().last().unwrap(), r#"420["poison",1]"#);
    }
    scene.come_back(socket);
    assert!(scene.settled().contains(&(1, Err(Unsettled::Disconnected))));
}

/// Breaks when: a volatile event enters the strict queue.
#[test]
fn a_volatile_event_is_never_sent_again() {
    let (mut scene, socket) = Scene::on_websocket();
    let volatile = Delivery {
        ack_within: Some(Duration::from_secs(600)),
        volatile: true,
        retries: 3,
    };
    scene.deliver(1, "now", volatile);
    scene.come_back(socket);
    assert_eq!(scene.settled(), [(1, Err(Unsettled::Disconnected))]);
    assert_eq!(scene.sent(), ["40"]);
}

#[test]
fn what_polling_does_not_take_at_once_is_bounded_and_volatile_events_do_not_wait_for_it() {
    let mut scene = Scene::connected(Options::default());
    let most = MAX_UNSENT as u64;
    for id in 0..=most + 1 {
        scene.deliver(id, "a", Delivery::default());
    }
    let volatile = Delivery {
        volatile: true,
        ..Delivery::default()
    };
    scene.deliver(most + 2, "v", volatile);
    let refused: Vec<_> = scene
        .settled()
        .into_iter()
        .filter(|(_, settled)| settled.is_err())
        .collect();
    assert_eq!(
        refused,
        [
            (most + 1, Err(Unsettled::BufferFull(MAX_UNSENT))),
            (most + 2, Err(Unsettled::NotConnected)),
        ]
    );
}

/// Breaks when: the packets of a payload are handled without looking at what the ones before did.
#[test]
fn nothing_comes_after_the_end() {
    let mut scene = Scene::connected(no_jitter());
    scene.respond(scene.get(), "1\u{1e}42[\"ghost\"]\u{1e}41");
    assert_eq!(scene.received(), [""; 0]);
    assert!(matches!(scene.status().link, Link::Waiting { .. }));
    let mut scene = Scene::connected(no_jitter());
    scene.respond(scene.get(), "4hola\u{1e}42[\"ghost\"]");
    assert_eq!(scene.received(), [""; 0]);
}

/// Breaks when: an event is told before the connection that it belongs to.
#[test]
fn an_event_that_overtakes_the_connect_reply_waits_for_it() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"427["early"]"#);
    assert_eq!(scene.received(), [""; 0]);
    scene.text(socket, CONNECTED);
    assert_eq!(scene.received(), [r#"["early"]"#]);
    scene.command(Command::Reply {
        namespace: scene.main,
        id: 1,
        to: scene.reply_to(),
        args: Args::ack(&1).unwrap(),
    });
    assert_eq!(scene.sent(), ["40", "437[1]"]);
    scene.command(Command::Disconnect(scene.main));
    scene.text(socket, r#"42["late"]"#);
    assert_eq!(scene.received().len(), 1);
}

/// Breaks when: a late CONNECT reply ends the session of those that are connected.
#[test]
fn a_slow_namespace_harms_no_other() {
    let (mut scene, socket) = Scene::on_websocket();
    let slow = scene.client.add("/slow", Auth::ask(|| async { None }));
    scene.command(Command::Connect(slow));
    scene.pass(Duration::from_secs(30));
    assert_eq!(scene.status().link, Link::Connected);
    scene.text(socket, "2");
    scene.command(Command::Authorize(slow, 1, None));
    scene.text(socket, r#"40/slow,{"sid":"y"}"#);
    let status = scene.client.status(scene.now, slow);
    assert_eq!(status.link, Link::Connected);
}

#[test]
fn a_further_namespace_does_not_shorten_a_delay() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.input(Input::Closed(socket, "1006".to_owned()));
    scene.actions.clear();
    let admin = scene.client.add("/admin", Auth::None);
    scene.command(Command::Connect(admin));
    assert_eq!(scene.actions, []);
    scene.command(Command::Connect(scene.main));
    assert!(matches!(scene.actions[..], [Action::Open(..)]));
}

/// Breaks when: the order of the transports is changed for good.
#[test]
fn an_upgrade_is_remembered_until_websocket_fails() {
    let mut scene = Scene::new(Options {
        transports: vec![Transport::WebSocket, Transport::Polling],
        remember_upgrade: true,
        ..Options::default()
    });
    let mut scene = {
        let socket = scene.socket();
        scene.input(Input::Opened(socket));
        scene.text(socket, PLAIN_HANDSHAKE);
        scene.text(socket, CONNECTED);
        scene.input(Input::Closed(socket, "1006".to_owned()));
        scene
    };
    scene.pass(Duration::from_secs(5));
    scene.input(Input::Closed(scene.socket(), "blocked".to_owned()));
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    assert_eq!(scene.status().transport, Some(Transport::Polling));
}

#[test]
fn without_reconnection_a_loss_is_the_end_and_an_open_by_hand_recovers() {
    let mut scene = Scene::new(Options {
        reconnection: false,
        ..websocket_only()
    });
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"40{"sid":"a","pid":"p"}"#);
    scene.text(socket, r#"42["news","offset"]"#);
    scene.input(Input::Closed(socket, "1006".to_owned()));
    assert_eq!(
        scene.status().link,
        Link::Disconnected(Reason::TransportClose("1006".to_owned()))
    );
    assert_eq!(scene.client.poll_timeout(), None);
    scene.actions.clear();
    scene.command(Command::Connect(scene.main));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    assert_eq!(scene.sent(), [r#"40{"pid":"p","offset":"offset"}"#]);
}

#[test]
fn without_upgrade_a_polling_session_stays_one() {
    let mut scene = Scene::new(Options {
        upgrade: false,
        ..Options::default()
    });
    scene.respond(scene.get(), HANDSHAKE);
    assert!(
        !scene
            .actions
            .iter()
            .any(|action| matches!(action, Action::Open(..)))
    );
}

#[test]
fn no_timeout_is_too_long() {
    let mut scene = Scene::new(Options {
        timeout: Duration::MAX,
        ..Options::default()
    });
    scene.pass(Duration::from_secs(1));
    scene.respond(scene.get(), HANDSHAKE);
    scene.input(Input::Failed(scene.get(), "offline".to_owned()));
    scene.pass(Duration::from_secs(5));
    assert!(matches!(scene.status().link, Link::Connecting { .. }));
}
