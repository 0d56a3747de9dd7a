//! The packets that both sides encode and decode: made up, of the sizes that an application sends.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tertulia_shared::wire::{
    args::Args,
    binary::Binary,
    socket::{Kind, MAIN, Packet},
};

/// The name of the events.
pub(crate) const NAME: &str = "bench:event";

/// About 20 bytes of JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Small {
    on: bool,
    count: u32,
}

/// A chat message, about 200 bytes of JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Chat {
    at: u64,
    from: Person,
    room: String,
    seq: u64,
    text: String,
}

#[derive(Clone, Serialize, Deserialize)]
struct Person {
    name: String,
    peer: String,
}

/// 120 rows, about 10 kB of JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Row {
    id: u32,
    topic: String,
    unit: String,
    value: f64,
}

/// Two attachments, 1 kB and 4 kB, and what they are.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Files {
    name: String,
    parts: [Binary; 2],
}

pub(crate) fn small() -> Small {
    Small { on: true, count: 7 }
}

pub(crate) fn chat() -> Chat {
    Chat {
        at: 1_763_775_000_123,
        from: Person {
            name: "Ada".to_owned(),
            peer: "p-7f3a".to_owned(),
        },
        room: "chat/lobby".to_owned(),
        seq: 42,
        text: "Good morning, everyone: the new sensors are up, who has a look at the kitchen? ☀"
            .to_owned(),
    }
}

pub(crate) fn table() -> Table {
    let row = |id| Row {
        id,
        topic: format!("sensors/room-{id}/temperature"),
        unit: "°C".to_owned(),
        value: 20.0 + f64::from(id) / 8.0,
    };
    Table {
        rows: (0..120).map(row).collect(),
    }
}

pub(crate) fn files() -> Files {
    Files {
        name: "ü.png".to_owned(),
        parts: [bytes(1_024), bytes(4_096)].map(Binary),
    }
}

pub(crate) fn bytes(count: usize) -> Bytes {
    (0..count).map(|at| at as u8).collect()
}

/// An event with one payload, as our encoder makes it.
pub(crate) fn encode<T: Serialize>(payload: &T) -> (String, Vec<Bytes>) {
    let args = Args::event(NAME, payload).unwrap();
    Packet::new(MAIN, Kind::Event(None, args)).encode()
}

/// The arguments of an event as Node is told them: bytes as `{"$bytes": hex}`.
pub(crate) fn tell<T: Serialize>(payload: &T) -> Value {
    let args = Args::event(NAME, payload).unwrap();
    let mut told: Value = args.json().decode().unwrap();
    if let Some(parts) = told[1]["parts"].as_array_mut() {
        *parts = args.attachments.iter().map(tell_bytes).collect();
    }
    told
}

pub(crate) fn tell_bytes(bytes: &Bytes) -> Value {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "$bytes": hex })
}
