//! The client on a virtual clock, against a scripted server: what it sends, what it tells, and when.

use super::{Client, Command, Event, Output};
use crate::socketio::{
    Action, Endpoint, Frame, Input, IoId, Link, Options, Reason, Transport, Unsettled,
};
use std::time::Duration;
use tertulia_shared::wire::args::Args;

const HANDSHAKE: &str = r#"0{"sid":"s1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;
const PLAIN_HANDSHAKE: &str =
    r#"0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;
const CONNECTED: &str = r#"40{"sid":"x"}"#;

/// A client, the time, and what it gave out since it was last looked at.
struct Scene {
    client: Client,
    now: Duration,
    actions: Vec<Action>,
    events: Vec<Event>,
}

impl Scene {
    fn new(options: Options) -> Self {
        let endpoint = Endpoint::new("http://h:1", "/s/").unwrap();
        let mut scene = Self {
            client: Client::new(endpoint, options),
            now: Duration::ZERO,
            actions: Vec::new(),
            events: Vec::new(),
        };
        scene.command(Command::Connect);
        scene
    }

    /// Polling only, connected.
    fn connected(options: Options) -> Self {
        let mut scene = Self::new(options);
        scene.respond(scene.get(), PLAIN_HANDSHAKE);
        scene.respond(scene.post(), "ok");
        scene.respond(scene.get(), CONNECTED);
        assert_eq!(scene.client.status().link, Link::Connected);
        scene
            .actions
            .retain(|action| matches!(action, Action::Get(..)));
        scene.events.clear();
        scene
    }

    /// WebSocket only, connected.
    fn on_websocket() -> (Self, IoId) {
        let mut scene = Self::new(websocket_only());
        let socket = scene.socket();
        scene.input(Input::Opened(socket));
        scene.text(socket, HANDSHAKE);
        scene.text(socket, CONNECTED);
        assert_eq!(scene.client.status().link, Link::Connected);
        scene.actions.clear();
        scene.events.clear();
        (scene, socket)
    }

    fn command(&mut self, command: Command) {
        self.client.handle_command(self.now, command);
        self.drain();
    }

    fn emit(&mut self, id: u64, name: &str) {
        self.command(Command::Emit {
            id,
            args: Args::event(name, &id).unwrap(),
            ack_within: Some(Duration::from_secs(10)),
        });
    }

    fn input(&mut self, input: Input) {
        self.client.handle_input(self.now, input);
        self.drain();
    }

    fn respond(&mut self, id: IoId, body: &str) {
        self.input(Input::Response(id, 200, body.to_owned()));
    }

    fn text(&mut self, id: IoId, text: &str) {
        self.input(Input::Received(id, Frame::Text(text.to_owned())));
    }

    /// Lets time pass, calling at each deadline, as a driver does.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Action(action) => self.actions.push(action),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// The last GET that was sent.
    fn get(&self) -> IoId {
        self.last(|action| match action {
            Action::Get(id, _) => Some(*id),
            _ => None,
        })
    }

    fn post(&self) -> IoId {
        self.last(|action| match action {
            Action::Post(id, ..) => Some(*id),
            _ => None,
        })
    }

    fn socket(&self) -> IoId {
        self.last(|action| match action {
            Action::Open(id, _) => Some(*id),
            _ => None,
        })
    }

    fn last<T>(&self, pick: impl Fn(&Action) -> Option<T>) -> T {
        self.actions
            .iter()
            .rev()
            .find_map(pick)
            .expect("no such action")
    }

    /// What was sent, by POST and by WebSocket, in order.
    fn sent(&self) -> Vec<String> {
        let text = |action: &Action| match action {
            Action::Post(_, _, body) => Some(body.clone()),
            Action::Send(_, Frame::Text(text)) => Some(text.clone()),
            Action::Send(_, Frame::Binary(bytes)) => Some(format!("{bytes:?}")),
            _ => None,
        };
        self.actions.iter().filter_map(text).collect()
    }

    fn links(&self) -> Vec<Link> {
        let link = |event: &Event| match event {
            Event::Status(status) => Some(status.link.clone()),
            _ => None,
        };
        self.events.iter().filter_map(link).collect()
    }

    fn settled(&self) -> Vec<(u64, Result<Option<String>, Unsettled>)> {
        let settled = |event: &Event| match event {
            Event::Settled(id, settled) => {
                let settled = settled.clone();
                Some((
                    *id,
                    settled.map(|args| args.map(|args| args.json().to_string())),
                ))
            }
            _ => None,
        };
        self.events.iter().filter_map(settled).collect()
    }

    fn received(&self) -> Vec<String> {
        let received = |event: &Event| match event {
            Event::Received(args, _) => Some(args.json().to_string()),
            _ => None,
        };
        self.events.iter().filter_map(received).collect()
    }
}

fn websocket_only() -> Options {
    Options {
        transports: vec![Transport::WebSocket],
        ..Options::default()
    }
}

fn no_jitter() -> Options {
    Options {
        transports: vec![Transport::Polling],
        randomization: 0.0,
        ..Options::default()
    }
}

#[test]
fn connects_by_polling_and_sends_the_auth() {
    let auth = tertulia_shared::wire::json::Json::parse(r#"{"token":"t"}"#).unwrap();
    let mut scene = Scene::new(Options {
        auth: Some(auth),
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
    assert_eq!(scene.client.status().transport, Some(Transport::Polling));
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
    assert_eq!(scene.client.status().transport, None);
    assert!(matches!(scene.client.status().link, Link::Waiting { .. }));
    assert_eq!(scene.sent(), [""; 0]);
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
    assert_eq!(scene.client.status().link, Link::Connected);
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
    assert_eq!(scene.client.status().transport, Some(Transport::WebSocket));
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
    assert_eq!(scene.client.status().transport, Some(Transport::Polling));
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
    assert_eq!(scene.client.status().link, Link::Connected);
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
    assert_eq!(scene.client.status().link, Link::Connected);
    assert_eq!(scene.client.status().transport, Some(Transport::Polling));
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

/// Breaks when: the backoff is reset by the handshake instead of by the CONNECT reply.
#[test]
fn delays_grow_until_a_connect_reply_came() {
    let mut scene = Scene::new(no_jitter());
    let mut delays = Vec::new();
    for _ in 0..4 {
        scene.respond(scene.get(), PLAIN_HANDSHAKE);
        scene.input(Input::Failed(scene.get(), "gone".to_owned()));
        let Link::Waiting { retry_in, .. } = scene.client.status().link else {
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
        scene.client.status().link,
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
    assert_eq!(scene.client.status().link, Link::Disconnected(gone));
    assert_eq!(scene.client.poll_timeout(), None);
}

#[test]
fn a_disconnect_by_hand_says_goodbye_and_nothing_comes_by_itself() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.command(Command::Disconnect);
    assert_eq!(scene.sent(), ["41", "1"]);
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
    scene.command(Command::Disconnect);
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
    scene.command(Command::Connect);
    assert_eq!(scene.client.status().link, Link::Connecting { attempt: 0 });
}

#[test]
fn a_refusal_carries_the_servers_words_and_is_not_retried() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"44{"message":"no"}"#);
    let Link::Disconnected(reason) = scene.client.status().link else {
        panic!("still trying");
    };
    assert_eq!(reason.to_string(), r#"connect_error: {"message":"no"}"#);
    assert_eq!(scene.client.poll_timeout(), None);
}

#[test]
fn a_missing_connect_reply_is_not_waited_for_without_end() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.pass(Duration::from_secs(20));
    assert!(matches!(scene.client.status().link, Link::Waiting { .. }));
    assert!(scene.actions.contains(&Action::Close(socket)));
}

#[test]
fn connect_while_waiting_tries_at_once() {
    let mut scene = Scene::new(no_jitter());
    scene.input(Input::Failed(scene.get(), "gone".to_owned()));
    let before = scene.get();
    scene.command(Command::Connect);
    assert_ne!(scene.get(), before);
    assert_eq!(scene.client.status().link, Link::Connecting { attempt: 1 });
}

#[test]
fn what_is_no_packet_ends_the_session_with_a_parse_error() {
    let (mut scene, socket) = Scene::on_websocket();
    scene.text(socket, "42not json");
    assert!(matches!(
        scene.client.status().link,
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

#[test]
fn answers_of_an_earlier_session_are_ignored() {
    let mut scene = Scene::connected(no_jitter());
    let old = scene.get();
    scene.input(Input::Failed(old, "gone".to_owned()));
    scene.pass(Duration::from_secs(1));
    scene.respond(old, r#"42["ghost"]"#);
    assert_eq!(scene.received(), [""; 0]);
    assert_eq!(scene.client.status().link, Link::Connecting { attempt: 1 });
}

#[test]
fn a_restarted_server_that_does_not_know_the_session_is_connected_to_anew() {
    let mut scene = Scene::connected(no_jitter());
    let unknown = r#"{"code":1,"message":"Session ID unknown"}"#.to_owned();
    scene.input(Input::Response(scene.get(), 400, unknown));
    scene.pass(Duration::from_secs(1));
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    scene.respond(scene.get(), CONNECTED);
    assert_eq!(scene.client.status().link, Link::Connected);
}
