//! The client on a virtual clock, against a scripted server: what it sends, what it tells, and when.

mod closing;
mod edges;
mod emits;
mod namespaces;
mod reconnection;
mod sessions;
mod silence;

use super::{Client, Command, Event, NamespaceId, Output};
use crate::socketio::{
    Action, Delivery, Endpoint, Frame, Input, IoId, Link, Options, ReplyTo, Status, Transport,
    Unsettled,
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
    /// The main namespace.
    main: NamespaceId,
    now: Duration,
    actions: Vec<Action>,
    events: Vec<Event>,
}

impl Scene {
    fn new(options: Options) -> Self {
        let (endpoint, _) = Endpoint::parse("http://h:1", "/s/").unwrap();
        let auth = options.auth.clone();
        let mut client = Client::new(endpoint.with_query(&options.query), options);
        let main = client.add("/", auth);
        let mut scene = Self {
            client,
            main,
            now: Duration::ZERO,
            actions: Vec::new(),
            events: Vec::new(),
        };
        scene.command(Command::Connect(main));
        scene
    }

    /// Polling only, connected.
    fn connected(options: Options) -> Self {
        let mut scene = Self::new(options);
        scene.respond(scene.get(), PLAIN_HANDSHAKE);
        scene.respond(scene.post(), "ok");
        scene.respond(scene.get(), CONNECTED);
        assert_eq!(scene.status().link, Link::Connected);
        scene
            .actions
            .retain(|action| matches!(action, Action::Get(..)));
        scene.events.clear();
        scene
    }

    /// WebSocket only, connected.
    fn on_websocket() -> (Self, IoId) {
        Self::on_websocket_with(websocket_only())
    }

    fn on_websocket_with(options: Options) -> (Self, IoId) {
        let mut scene = Self::new(options);
        let socket = scene.socket();
        scene.input(Input::Opened(socket));
        scene.text(socket, HANDSHAKE);
        scene.text(socket, CONNECTED);
        assert_eq!(scene.status().link, Link::Connected);
        scene.actions.clear();
        scene.events.clear();
        (scene, socket)
    }

    fn command(&mut self, command: Command) {
        self.client.handle_command(self.now, command);
        self.drain();
    }

    fn emit(&mut self, id: u64, name: &str) {
        let delivery = Delivery {
            ack_within: Some(Duration::from_secs(10)),
            ..Delivery::default()
        };
        self.deliver(id, name, delivery);
    }

    fn deliver(&mut self, id: u64, name: &str, delivery: Delivery) {
        self.command(Command::Emit {
            namespace: self.main,
            id,
            args: Args::event(name, &id).unwrap(),
            delivery,
        });
    }

    fn status(&self) -> Status {
        self.client.status(self.now, self.main)
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
            Event::Status(id, status) if *id == self.main => Some(status.link.clone()),
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

    /// What the last event that came is to be acknowledged with.
    fn reply_to(&self) -> ReplyTo {
        let reply_to = |event: &Event| match event {
            Event::Received(_, _, reply_to) => *reply_to,
            _ => None,
        };
        let mut events = self.events.iter().rev();
        events.find_map(reply_to).expect("no event to acknowledge")
    }

    fn received(&self) -> Vec<String> {
        let received = |event: &Event| match event {
            Event::Received(_, args, _) => Some(args.json().to_string()),
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
