//! Random input: packets as they may be, and texts that are nearly right.
//!
//! The tests of the package `tests` use it too. Not here: what is to hold (`fuzz`).

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tertulia_shared::wire::{
    args::Args,
    engine::{self, Handshake, Ping, SEPARATOR},
    json::Json,
    socket::{Kind, MAIN, Packet},
};

/// How deep a generated JSON goes.
const DEPTH: usize = 4;

/// What texts are put together from: where decoders branch.
const PIECES: &[&str] = &[
    "a",
    "é",
    "🦀",
    "\"",
    "\\",
    "\\u0041",
    "\\ud83e\\udd80",
    "\\ud800",
    "\u{0}",
    "\u{1e}",
    "\n",
    " ",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "/",
    "-",
    "+",
    "#",
    "$",
    "0",
    "1",
    "5",
    "6",
    "99999999999999999999",
    "1e999",
    "null",
    "true",
    "b",
    "=",
    "probe",
    "connect",
    "[[[[[[[[",
    "{\"_placeholder\":true,\"num\":0}",
    "\u{1e}4",
];

/// A text of up to 8 pieces.
pub(crate) fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let count = u.int_in_range(0..=8)?;
    (0..count).map(|_| u.choose(PIECES).copied()).collect()
}

/// A text that is nearly one of `corpus`: as it is, or after up to 4 changes.
pub(crate) fn nearly(u: &mut Unstructured<'_>, corpus: &[String]) -> Result<String> {
    let mut text = u.choose(corpus)?.clone();
    for _ in 0..u.int_in_range(0..=4)? {
        let (from, to) = (place(u, &text)?, place(u, &text)?);
        let (from, to) = (from.min(to), from.max(to));
        match u.int_in_range(0..=5)? {
            0 => text.insert_str(from, u.choose(PIECES)?),
            1 => text.replace_range(from..to, ""),
            2 => {
                let copy = text[from..to].to_owned();
                text.insert_str(to, &copy);
            }
            3 => text.truncate(from),
            4 => text.replace_range(from..to, u.choose(PIECES)?),
            _ => {
                let other = u.choose(corpus)?;
                let part = &other[place(u, other)?..];
                text.replace_range(from.., part);
            }
        }
    }
    Ok(text)
}

/// The place of a character, or the end.
fn place(u: &mut Unstructured<'_>, text: &str) -> Result<usize> {
    let mut at = u.int_in_range(0..=text.len())?;
    while !text.is_char_boundary(at) {
        at += 1;
    }
    Ok(at)
}

/// A Socket.IO packet that an encoder may be given.
pub(crate) fn socket_packet(u: &mut Unstructured<'_>) -> Result<Packet> {
    let id = u.arbitrary::<u64>()? >> u.int_in_range(0..=63)?;
    let kind = match u.int_in_range(0..=9)? {
        0 => Kind::Connect(None),
        1 => Kind::Connect(Some(json(&object(u)?))),
        2 => Kind::Disconnect,
        3 => Kind::ConnectError(json(&object(u)?)),
        4 => Kind::ConnectError(json(&Value::String(text(u)?))),
        5..=7 => {
            let id = u.arbitrary::<bool>()?.then_some(id);
            Kind::Event(id, args(u, true)?)
        }
        _ => Kind::Ack(id, args(u, false)?),
    };
    let namespace = match u.int_in_range(0..=2)? {
        0 => format!("/{}", text(u)?.replace(',', ".")),
        _ => MAIN.to_owned(),
    };
    Ok(Packet::new(namespace, kind))
}

/// The arguments of an event, or of an acknowledgement.
fn args(u: &mut Unstructured<'_>, of_event: bool) -> Result<Args> {
    let mut attachments = Vec::new();
    let mut values = Vec::new();
    if of_event {
        // No name that Socket.IO keeps for itself.
        values.push(match u.int_in_range(0..=3)? {
            0 => json!(u.arbitrary::<u32>()?),
            _ => json!(format!("x{}", text(u)?)),
        });
    }
    let mut with = u.arbitrary::<bool>()?.then_some(&mut attachments);
    for _ in 0..u.int_in_range(0..=4)? {
        values.push(value(u, DEPTH, &mut with)?);
    }
    Ok(Args::new(json(&Value::Array(values)), attachments).unwrap())
}

fn value(
    u: &mut Unstructured<'_>,
    depth: usize,
    attachments: &mut Option<&mut Vec<Bytes>>,
) -> Result<Value> {
    let kinds = if depth == 0 { 5 } else { 8 };
    Ok(match u.int_in_range(0..=kinds)? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(u.arbitrary::<i64>()?),
        3 => json!(f64::from(u.arbitrary::<i32>()?) / 256.0),
        4 => Value::String(text(u)?),
        5 | 6 => match attachments {
            Some(attachments) => {
                attachments.push(Bytes::copy_from_slice(&u.arbitrary::<Vec<u8>>()?));
                json!({"_placeholder": true, "num": attachments.len() - 1})
            }
            None => json!(u.arbitrary::<u8>()?),
        },
        7 => {
            let count = u.int_in_range(0..=3)?;
            let values = (0..count).map(|_| value(u, depth - 1, attachments));
            Value::Array(values.collect::<Result<_>>()?)
        }
        _ => {
            let count = u.int_in_range(0..=3)?;
            let pairs = (0..count).map(|_| Ok((text(u)?, value(u, depth - 1, attachments)?)));
            Value::Object(pairs.collect::<Result<Map<_, _>>>()?)
        }
    })
}

fn object(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(json!({ text(u)?: value(u, DEPTH, &mut None)?, "message": text(u)? }))
}

fn json(value: &Value) -> Json {
    Json::encode(value).unwrap()
}

/// An Engine.IO packet that an encoder may be given; a message of polling carries no record separator.
pub(crate) fn engine_packet(u: &mut Unstructured<'_>) -> Result<engine::Packet> {
    use engine::Packet as Engine;
    let ping = [Ping::Heartbeat, Ping::Probe];
    Ok(match u.int_in_range(0..=9)? {
        0 => Engine::Open(Handshake {
            sid: text(u)?,
            upgrades: (0..u.int_in_range(0..=2)?)
                .map(|_| text(u))
                .collect::<Result<_>>()?,
            ping_interval: u.arbitrary()?,
            ping_timeout: u.arbitrary()?,
            max_payload: u.arbitrary()?,
        }),
        1 => Engine::Close,
        2 => Engine::Ping(*u.choose(&ping)?),
        3 => Engine::Pong(*u.choose(&ping)?),
        4 => Engine::Upgrade,
        5 => Engine::Noop,
        6 | 7 => Engine::Binary(u.arbitrary::<Vec<u8>>()?.into()),
        _ => Engine::Message(text(u)?.replace(SEPARATOR, "|")),
    })
}
