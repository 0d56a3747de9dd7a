//! A driver of a few lines on a virtual clock, and the other side: a scripted WebSocket.

use super::{Connection, Dispatcher, Link, Options, Request, Transport};
use crate::socketio::{Action, Client, Endpoint, Frame, Input, IoId};
use futures_channel::mpsc;
use futures_util::{FutureExt, StreamExt};
use std::time::Duration;

const HANDSHAKE: &str =
    r#"0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}"#;

/// A driver, and the other side.
pub(crate) struct Scene {
    pub(crate) connection: Connection,
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) now: Duration,
    pub(crate) socket: Option<IoId>,
    pub(crate) sent: Vec<String>,
}

impl Scene {
    pub(crate) fn new(options: Options) -> Self {
        let options = Options {
            transports: vec![Transport::WebSocket],
            ..options
        };
        let (connection, requests) = Connection::new(&options);
        let (endpoint, _) = Endpoint::parse("http://h:1", "/s/").unwrap();
        let mut scene = Self {
            connection,
            requests,
            dispatcher: Dispatcher::new(Client::new(endpoint, options)),
            now: Duration::ZERO,
            socket: None,
            sent: Vec::new(),
        };
        scene.work();
        scene
    }

    pub(crate) fn connected() -> Self {
        let mut scene = Self::new(Options::default());
        scene.accept();
        scene.say(r#"40{"sid":"x"}"#);
        scene.sent.clear();
        scene
    }

    /// The server takes the WebSocket and opens a session.
    pub(crate) fn accept(&mut self) {
        let socket = self.socket.unwrap();
        self.input(Input::Opened(socket));
        self.say(HANDSHAKE);
    }

    pub(crate) fn say(&mut self, text: &str) {
        let socket = self.socket.unwrap();
        self.input(Input::Received(socket, Frame::Text(text.to_owned())));
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.dispatcher.handle_input(self.now, input);
        self.work();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.dispatcher.handle_timeout(self.now);
        self.work();
    }

    pub(crate) fn work(&mut self) {
        while let Some(Some(request)) = self.requests.next().now_or_never() {
            self.dispatcher.handle_request(self.now, request);
        }
        while let Some(action) = self.dispatcher.poll_action() {
            match action {
                Action::Open(id, _) => self.socket = Some(id),
                Action::Send(_, Frame::Text(text)) => self.sent.push(text),
                _ => {}
            }
        }
    }

    pub(crate) fn link(&mut self) -> Link {
        let mut watcher = self.connection.watch();
        self.work();
        watcher.next().now_or_never().flatten().unwrap().link
    }
}
