//! Our codecs beside socketioxide's published ones, on the same random packets and on texts that are nearly packets.
//!
//! Where both read a text they read the same, and what ours writes theirs writes too. Theirs differ on purpose or by
//! omission in what [`theirs_cannot`] and [`ours_refuses_more`] name, and in nothing else. Not here: theirs for polling
//! payloads, a stream over HTTP bodies, which the tests with the official client by polling go through.

#[path = "../shared/tests/wire/generate.rs"]
pub(crate) mod generate;
#[path = "../shared/tests/wire/golden.rs"]
#[allow(dead_code, reason = "the tests of `shared` use the rest")]
mod golden;

use crate::world::is_one_seed;
use arbtest::arbtest;
use bytes::Bytes;
use engineioxide_core::{OpenPacket, Packet as TheirEngine, ProtocolVersion};
use golden::Part;
use socketioxide_core::{
    Str, Value,
    packet::{Packet as Their, PacketData},
    parser::{Parse, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{
    args::Args,
    engine::{self, Ping},
    json::Json,
    socket::{DecodeError, Kind, Packet},
};

/// How long one test looks for a difference, in milliseconds.
const BUDGET_MS: u64 = 1_000;
/// The most random bytes that one input is made of.
const MOST_BYTES: u32 = 1_024;

/// Their decoder, from new: the packet, or the last error.
fn their_decode(parts: &[Part]) -> Result<Their, ParseError> {
    let (config, state) = (ParseConfig::default(), ParserState::default());
    let mut decoded = Err(ParseError::InvalidPacketType);
    for part in parts {
        decoded = match part {
            Part::Text(text) => CommonParser.decode_str(&config, &state, Str::from(text.clone())),
            Part::Binary(bytes) => CommonParser.decode_bin(&config, &state, bytes.clone()),
        };
    }
    decoded
}

/// Our packet as theirs; `None` where theirs has no place for it.
fn as_theirs(packet: &Packet) -> Option<Their> {
    let text = |json: &Json| Value::Str(Str::from(json.to_string()), None);
    let value = |args: &Args| {
        let attachments: VecDeque<Bytes> = args.attachments.iter().cloned().collect();
        let attachments = (!attachments.is_empty()).then_some(attachments);
        Value::Str(Str::from(args.json().to_string()), attachments)
    };
    let namespace = packet.namespace.clone();
    Some(match &packet.kind {
        Kind::Connect(body) => Their::connect(namespace, body.as_ref().map(text)),
        Kind::Disconnect => Their::disconnect(namespace),
        Kind::Event(id, args) => {
            let mut their = Their::event(namespace, value(args));
            if let Some(id) = id {
                their.inner.set_ack_id(i64::try_from(*id).ok()?);
            }
            their
        }
        Kind::Ack(id, args) => Their::ack(namespace, value(args), i64::try_from(*id).ok()?),
        // Theirs has room for a message, and for nothing that goes with it.
        Kind::ConnectError(_) => return None,
    })
}

/// What theirs cannot read or write though it is Socket.IO: CONNECT_ERROR, which only a client reads, and
/// acknowledgement ids of more than 63 bits.
fn theirs_cannot(packet: &Packet) -> bool {
    as_theirs(packet).is_none()
}

/// What ours refuses and theirs lets pass: theirs looks at the head only, and leaves the body to the listener.
fn ours_refuses_more(error: &DecodeError) -> bool {
    match error {
        // No JSON, JSON of another shape, a reserved or absent name, a DISCONNECT with a body.
        DecodeError::Json(_)
        | DecodeError::Shape(_)
        | DecodeError::Args(_)
        | DecodeError::Reserved(_)
        | DecodeError::Trailing(_)
        // Theirs takes up to 10,000 attachments by default, and 0 of them; an id out of range is no id to theirs.
        | DecodeError::TooManyAttachments { .. }
        | DecodeError::NoCount
        | DecodeError::AckIdRange => true,
        DecodeError::Empty
        | DecodeError::UnknownType(_)
        | DecodeError::NoAckId
        | DecodeError::AttachmentsOutstanding(_)
        | DecodeError::UnexpectedBinary(_) => false,
    }
}

fn their_parts(their: Their) -> Vec<Part> {
    let Value::Str(text, attachments) = CommonParser.encode(their) else {
        panic!("theirs gives a text");
    };
    let attachments = attachments.unwrap_or_default().into_iter();
    let mut parts = vec![Part::Text(text.to_string())];
    parts.extend(attachments.map(Part::Binary));
    parts
}

/// Holds ours to theirs on one packet; tells whether theirs could.
fn agrees(packet: &Packet) -> bool {
    let encoded = golden::encode(packet.clone());
    let Some(their) = as_theirs(packet) else {
        if let Ok(read) = their_decode(&encoded) {
            let lost_id = matches!(
                read.inner,
                PacketData::Event(_, None) | PacketData::BinaryEvent(_, None)
            );
            assert!(lost_id, "theirs can: {read:?}");
        }
        return false;
    };
    assert_eq!(their_decode(&encoded).unwrap(), their);
    assert_eq!(their_parts(their), encoded);
    true
}

#[test]
fn the_golden_socket_packets() {
    let vectors = golden::read("socket");
    let packets: Vec<_> = golden::list(&vectors, "packets")
        .iter()
        .map(|vector| golden::packet(&vector["packet"]))
        .collect();
    let agreed = packets.iter().filter(|packet| agrees(packet)).count();
    // All but three CONNECT_ERRORs.
    assert_eq!(agreed, packets.len() - 3);
}

#[test]
fn random_socket_packets() {
    let mut agreed = 0;
    arbtest(|u| {
        agreed += u32::from(agrees(&generate::socket_packet(u)?));
        Ok(())
    })
    .size_max(MOST_BYTES)
    .budget_ms(BUDGET_MS)
    .run();
    assert!(agreed > 100 || is_one_seed(), "{agreed} are too few");
}

#[test]
fn texts_that_are_nearly_socket_packets() {
    let vectors = golden::read("socket");
    let lists = ["packets", "decoded", "refused", "differ"];
    let vectors = lists.iter().flat_map(|name| golden::list(&vectors, name));
    let corpus: Vec<_> = vectors
        .filter_map(|vector| vector["encoded"][0].as_str().map(str::to_owned))
        .collect();
    let mut both = 0;
    arbtest(|u| {
        let text = generate::nearly(u, &corpus)?;
        let mut parts = vec![Part::Text(text.clone())];
        // As many attachments as it announces, where that is one digit.
        let announced = text
            .strip_prefix(['5', '6'])
            .and_then(|text| text.split_once('-'));
        let announced = announced.and_then(|(count, _)| count.parse::<u8>().ok());
        for number in 0..announced.unwrap_or(0).min(9) {
            parts.push(Part::Binary(vec![number].into()));
        }
        match (golden::decode(&parts), their_decode(&parts)) {
            (Ok(ours), Ok(theirs)) => {
                both += 1;
                let packet = ours.first().expect("theirs reads one");
                if !theirs_cannot(packet) {
                    assert_eq!(as_theirs(packet), Some(theirs), "{text}");
                }
            }
            // A head that waits for its attachments, or what theirs cannot.
            (Ok(ours), Err(error)) => {
                assert!(ours.iter().all(theirs_cannot), "{text}: {error}: {ours:?}")
            }
            (Err(error), Ok(theirs)) => {
                assert!(ours_refuses_more(&error), "{text}: {error}: {theirs:?}");
            }
            (Err(_), Err(_)) => {}
        }
        Ok(())
    })
    .size_max(MOST_BYTES)
    .budget_ms(BUDGET_MS)
    .run();
    assert!(both > 100 || is_one_seed(), "{both} are too few");
}

/// Our Engine.IO packet as theirs; `None` for a handshake: theirs only writes it.
fn engine_as_theirs(packet: &engine::Packet) -> Option<TheirEngine> {
    use engine::Packet as Ours;
    Some(match packet {
        Ours::Open(_) => return None,
        Ours::Close => TheirEngine::Close,
        Ours::Ping(Ping::Heartbeat) => TheirEngine::Ping,
        Ours::Ping(Ping::Probe) => TheirEngine::PingUpgrade,
        Ours::Pong(Ping::Heartbeat) => TheirEngine::Pong,
        Ours::Pong(Ping::Probe) => TheirEngine::PongUpgrade,
        Ours::Message(text) => TheirEngine::Message(Str::from(text.clone())),
        Ours::Binary(bytes) => TheirEngine::Binary(bytes.clone()),
        Ours::Upgrade => TheirEngine::Upgrade,
        Ours::Noop => TheirEngine::Noop,
    })
}

#[test]
fn engine_packets_and_texts_that_are_nearly_one() {
    let vectors = golden::read("engine");
    let lists = ["packets", "refused", "differ"];
    let vectors = lists.iter().flat_map(|name| golden::list(&vectors, name));
    let texts = vectors.map(|vector| vector["encoded"].as_str().unwrap().to_owned());
    let corpus: Vec<_> = texts.collect();
    let mut both = 0;
    arbtest(|u| {
        let packet = generate::engine_packet(u)?;
        if let Some(their) = engine_as_theirs(&packet) {
            assert_eq!(String::from(their), packet.to_text());
        }
        let text = if u.arbitrary()? {
            packet.to_text()
        } else {
            generate::nearly(u, &corpus)?
        };
        let theirs = TheirEngine::parse(ProtocolVersion::V4, Str::from(text.clone()));
        match (engine::Packet::from_text(&text), theirs) {
            (Ok(ours), Ok(theirs)) => {
                both += 1;
                assert_eq!(engine_as_theirs(&ours), Some(theirs), "{text}");
            }
            (Ok(ours), Err(error)) => assert!(
                matches!(ours, engine::Packet::Open(_)),
                "{text}: {error}: {ours:?}"
            ),
            // Theirs drops what comes after a type that carries nothing.
            (Err(error), Ok(theirs)) => assert!(
                matches!(
                    error,
                    engine::DecodeError::Trailing(..) | engine::DecodeError::Ping(_)
                ),
                "{text}: {error}: {theirs:?}"
            ),
            (Err(_), Err(_)) => {}
        }
        Ok(())
    })
    .size_max(MOST_BYTES)
    .budget_ms(BUDGET_MS)
    .run();
    assert!(both > 100 || is_one_seed(), "{both} are too few");
}

#[test]
fn the_handshake_that_theirs_writes() {
    let open = OpenPacket {
        ping_interval: Duration::from_millis(300),
        max_payload: 7,
        ..OpenPacket::default()
    };
    let sid = open.sid.to_string();
    let text = String::from(TheirEngine::Open(open));
    let expected = engine::Handshake {
        sid,
        upgrades: vec!["websocket".to_owned()],
        ping_interval: 300,
        ping_timeout: 20_000,
        max_payload: 7,
    };
    let packet = engine::Packet::from_text(&text).unwrap();
    assert_eq!(packet, engine::Packet::Open(expected));
}
