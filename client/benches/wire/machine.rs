//! The machine: events that come and emits that are acknowledged, through [`Client`] over a WebSocket session whose
//! server is scripted. Time stands still, so that no heartbeat is due.

use crate::{
    Case,
    packets::{self, Chat, chat, encode, tell},
};
use serde_json::json;
use std::{hint::black_box, time::Duration};
use tertulia_client::socketio::{
    Action, Client, Command, Delivery, Endpoint, Event, Frame, Input, IoId, NamespaceId, Options,
    Output, Transport,
};
use tertulia_shared::wire::args::Args;

const NOW: Duration = Duration::ZERO;
const HANDSHAKE: &str =
    r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const CONNECTED: &str = r#"40{"sid":"x"}"#;
/// What the server acknowledges with.
const ANSWER: &str = r#"[{"ok":{"at":1763775000123,"seq":42}}]"#;

pub(crate) fn cases() -> [Case; 2] {
    let (text, _) = encode(&chat());
    let frame = format!("4{text}");
    let node = json!({ "kind": "receive", "encoded": frame });
    let (mut receiving, mut emitting) = (Scripted::connected(), Scripted::connected());
    let payload = chat();
    [
        Case {
            name: "machine: receive a chat message",
            node,
            ours: Box::new(move || {
                black_box(receiving.receive(&frame));
            }),
        },
        Case {
            name: "machine: emit one, with its ack",
            node: json!({ "kind": "emit and settle", "data": tell(&chat()), "ack": ANSWER }),
            ours: Box::new(move || emitting.emit(black_box(&payload))),
        },
    ]
}

/// A client whose server is this file.
struct Scripted {
    client: Client,
    namespace: NamespaceId,
    socket: IoId,
    emits: u64,
}

impl Scripted {
    fn connected() -> Self {
        let options = Options {
            transports: vec![Transport::WebSocket],
            ..Options::default()
        };
        let (endpoint, _) = Endpoint::parse("http://h:1", "/socket.io/").unwrap();
        let auth = options.auth.clone();
        let mut client = Client::new(endpoint, options);
        let namespace = client.add("/", auth);
        client.handle_command(NOW, Command::Connect(namespace));
        let socket = std::iter::from_fn(|| client.poll_output())
            .find_map(|output| match output {
                Output::Action(Action::Open(id, _)) => Some(id),
                _ => None,
            })
            .expect("it opens a WebSocket");
        let mut scripted = Self {
            client,
            namespace,
            socket,
            emits: 0,
        };
        scripted.client.handle_input(NOW, Input::Opened(socket));
        scripted.text(HANDSHAKE.to_owned());
        scripted.text(CONNECTED.to_owned());
        while scripted.client.poll_output().is_some() {}
        scripted
    }

    fn text(&mut self, text: String) {
        let input = Input::Received(self.socket, Frame::Text(text));
        self.client.handle_input(NOW, input);
    }

    /// One event, from the frame to the typed payload.
    fn receive(&mut self, frame: &str) -> (String, Chat) {
        self.text(frame.to_owned());
        let mut received = None;
        while let Some(output) = self.client.poll_output() {
            if let Output::Event(Event::Received(_, args, _)) = output {
                received = Some((args.name().unwrap(), args.at(1).unwrap()));
            }
        }
        received.expect("an event")
    }

    /// One emit, from the typed payload to the frame, and from the answer's frame to the settled emit.
    fn emit(&mut self, payload: &Chat) {
        let delivery = Delivery {
            ack_within: Some(Duration::from_secs(10)),
            ..Delivery::default()
        };
        self.emits += 1;
        let command = Command::Emit {
            namespace: self.namespace,
            id: self.emits,
            args: Args::event(packets::NAME, payload).unwrap(),
            delivery,
        };
        self.client.handle_command(NOW, command);
        let answer = self.sent();
        self.text(answer);
        let mut is_settled = false;
        while let Some(output) = self.client.poll_output() {
            if let Output::Event(Event::Settled(_, settled)) = output {
                let args = settled.unwrap().expect("an answer");
                is_settled = args.at::<serde_json::Value>(0).is_ok();
            }
        }
        assert!(is_settled, "the emit is settled");
    }

    /// Takes what was sent, and gives the server's answer to it.
    fn sent(&mut self) -> String {
        let mut answer = None;
        while let Some(output) = self.client.poll_output() {
            if let Output::Action(Action::Send(_, Frame::Text(text))) = output {
                let (id, _) = text["42".len()..].split_once('[').expect("an event");
                answer = Some(format!("43{id}{ANSWER}"));
            }
        }
        answer.expect("an event was sent")
    }
}
