//! The vector files of `tests/vectors`, and packets as they tell them: a JSON object, `{"$bytes": hex}` for bytes.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::{fs, path::Path};
use tertulia_shared::wire::{
    args::Args,
    engine,
    json::Json,
    socket::{DecodeError, Decoder, Kind, Packet},
};

/// Reads `tests/vectors/<name>.json`.
pub(crate) fn read(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The vectors of one list.
pub(crate) fn list<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    let list = vectors[name].as_array().unwrap();
    assert!(!list.is_empty(), "{name}");
    list
}

/// A text, or a binary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Binary(Bytes),
}

/// What a Socket.IO vector says that travels.
pub(crate) fn parts(encoded: &Value) -> Vec<Part> {
    let part = |part: &Value| match bytes(part) {
        Some(bytes) => Part::Binary(bytes),
        None => Part::Text(part.as_str().unwrap().to_owned()),
    };
    encoded.as_array().unwrap().iter().map(part).collect()
}

/// Our encoder.
pub(crate) fn encode(packet: Packet) -> Vec<Part> {
    let (text, attachments) = packet.encode();
    let mut parts = vec![Part::Text(text)];
    parts.extend(attachments.into_iter().map(Part::Binary));
    parts
}

/// Our decoder, from new: all packets, or the first error.
pub(crate) fn decode(parts: &[Part]) -> Result<Vec<Packet>, DecodeError> {
    let mut decoder = Decoder::default();
    let mut packets = Vec::new();
    for part in parts {
        let packet = match part {
            Part::Text(text) => decoder.text(text),
            Part::Binary(bytes) => decoder.binary(bytes.clone()),
        };
        packets.extend(packet?);
    }
    Ok(packets)
}

/// The packet that a vector tells.
pub(crate) fn packet(told: &Value) -> Packet {
    let mut attachments = Vec::new();
    let data = told.get("data").map(|data| {
        let data = detach(data, &mut attachments);
        Json::encode(&data).unwrap()
    });
    let id = told.get("id").map(|id| id.as_u64().unwrap());
    let kind = match told["type"].as_str().unwrap() {
        "connect" => Kind::Connect(data),
        "disconnect" => Kind::Disconnect,
        "connect_error" => Kind::ConnectError(data.unwrap()),
        "event" => Kind::Event(id, Args::new(data.unwrap(), attachments).unwrap()),
        "ack" => Kind::Ack(id.unwrap(), Args::new(data.unwrap(), attachments).unwrap()),
        other => panic!("{other}"),
    };
    Packet::new(told["namespace"].as_str().unwrap(), kind)
}

/// A packet as the vectors tell it.
pub(crate) fn tell(packet: &Packet) -> Value {
    let data = |json: &Json| json.decode::<Value>().unwrap();
    let args = |args: &Args| attach(data(args.json()), &args.attachments);
    let (name, id, data) = match &packet.kind {
        Kind::Connect(body) => ("connect", None, body.as_ref().map(data)),
        Kind::Disconnect => ("disconnect", None, None),
        Kind::ConnectError(body) => ("connect_error", None, Some(data(body))),
        Kind::Event(id, event) => ("event", *id, Some(args(event))),
        Kind::Ack(id, ack) => ("ack", Some(*id), Some(args(ack))),
    };
    let mut told = Map::new();
    told.insert("type".to_owned(), json!(name));
    told.insert("namespace".to_owned(), json!(packet.namespace));
    told.extend(id.map(|id| ("id".to_owned(), json!(id))));
    told.extend(data.map(|data| ("data".to_owned(), data)));
    Value::Object(told)
}

/// The Engine.IO packet that a vector tells.
pub(crate) fn engine_packet(told: &Value) -> engine::Packet {
    use engine::{Packet, Ping};
    let ping = || match told.get("data") {
        None => Ping::Heartbeat,
        Some(data) => {
            assert_eq!(data, "probe");
            Ping::Probe
        }
    };
    match told["type"].as_str().unwrap() {
        "open" => Packet::Open(serde_json::from_value(told["data"].clone()).unwrap()),
        "close" => Packet::Close,
        "ping" => Packet::Ping(ping()),
        "pong" => Packet::Pong(ping()),
        "message" => match bytes(&told["data"]) {
            Some(bytes) => Packet::Binary(bytes),
            None => Packet::Message(told["data"].as_str().unwrap().to_owned()),
        },
        "upgrade" => Packet::Upgrade,
        "noop" => Packet::Noop,
        other => panic!("{other}"),
    }
}

/// Bytes out, placeholders in.
fn detach(data: &Value, attachments: &mut Vec<Bytes>) -> Value {
    if let Some(bytes) = bytes(data) {
        attachments.push(bytes);
        return json!({"_placeholder": true, "num": attachments.len() - 1});
    }
    match data {
        Value::Array(list) => list.iter().map(|part| detach(part, attachments)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, part)| (key.clone(), detach(part, attachments)))
            .collect(),
        other => other.clone(),
    }
}

/// Placeholders out, bytes in.
fn attach(data: Value, attachments: &[Bytes]) -> Value {
    if data["_placeholder"] == true
        && let Some(number) = data["num"].as_u64()
        && let Some(bytes) = attachments.get(usize::try_from(number).unwrap())
    {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        return json!({ "$bytes": hex });
    }
    match data {
        Value::Array(list) => list
            .into_iter()
            .map(|part| attach(part, attachments))
            .collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, part)| (key, attach(part, attachments)))
            .collect(),
        other => other,
    }
}

/// The bytes of `{"$bytes": hex}`.
fn bytes(value: &Value) -> Option<Bytes> {
    let hex = value.get("$bytes")?.as_str()?;
    let pairs = (0..hex.len()).step_by(2);
    let bytes = pairs.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    Some(bytes.collect())
}
