//! The codecs: Socket.IO events from a typed payload to text and back, Engine.IO packets and payloads.

use crate::{
    Case,
    packets::{bytes, chat, encode, files, small, table, tell, tell_bytes},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::hint::black_box;
use tertulia_shared::wire::{
    engine::{self, decode_payload, encode_payload},
    socket::{Decoder, Kind, Packet},
};

/// The packets of one polling payload.
const PAYLOAD_PACKETS: usize = 50;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(event("small event: encode", "small event: decode", small()));
    cases.extend(event(
        "chat message: encode",
        "chat message: decode",
        chat(),
    ));
    cases.extend(event("10 kB event: encode", "10 kB event: decode", table()));
    let (encode, decode) = (
        "event with 2 attachments: encode",
        "event with 2 attachments: decode",
    );
    cases.extend(event(encode, decode, files()));
    cases.extend(engine_packets());
    cases.extend(payload());
    cases
}

/// Ours reads into the type, theirs into objects.
fn event<T: Serialize + DeserializeOwned + 'static>(
    encoding: &'static str,
    decoding: &'static str,
    payload: T,
) -> [Case; 2] {
    let told = tell(&payload);
    let (text, attachments) = encode(&payload);
    let mut parts = vec![Value::String(text.clone())];
    parts.extend(attachments.iter().map(tell_bytes));
    let mut decoder = Decoder::default();
    [
        Case {
            name: encoding,
            node: json!({ "kind": "encode event", "data": told }),
            ours: Box::new(move || {
                black_box(encode(black_box(&payload)));
            }),
        },
        Case {
            name: decoding,
            node: json!({ "kind": "decode event", "encoded": parts }),
            ours: Box::new(move || {
                let mut packet = decoder.text(black_box(&text)).unwrap();
                for bytes in &attachments {
                    packet = decoder.binary(bytes.clone()).unwrap();
                }
                black_box(read::<T>(&packet.unwrap()));
            }),
        },
    ]
}

fn engine_packets() -> [Case; 4] {
    let (message, _) = encode(&chat());
    let binary = bytes(4_096);
    let told = [Value::String(message.clone()), tell_bytes(&binary)];
    let packets = [
        engine::Packet::Message(message),
        engine::Packet::Binary(binary),
    ];
    let texts = packets.each_ref().map(engine::Packet::to_text);
    let encode = |name, index: usize| {
        let packet = packets[index].clone();
        Case {
            name,
            node: json!({ "kind": "encode packet", "data": told[index] }),
            ours: Box::new(move || {
                black_box(black_box(&packet).to_text());
            }),
        }
    };
    let decode = |name, index: usize| {
        let text = texts[index].clone();
        Case {
            name,
            node: json!({ "kind": "decode packet", "encoded": text }),
            ours: Box::new(move || {
                black_box(engine::Packet::from_text(black_box(&text)).unwrap());
            }),
        }
    };
    [
        encode("Engine.IO message: encode", 0),
        decode("Engine.IO message: decode", 0),
        encode("Engine.IO 4 kB as base64: encode", 1),
        decode("Engine.IO 4 kB as base64: decode", 1),
    ]
}

fn payload() -> [Case; 2] {
    let (message, _) = encode(&chat());
    let packets = vec![engine::Packet::Message(message.clone()); PAYLOAD_PACKETS];
    let text = encode_payload(&packets);
    let node = json!({ "kind": "decode payload", "encoded": text });
    [
        Case {
            name: "polling payload of 50: encode",
            node: json!({ "kind": "encode payload", "data": vec![message; PAYLOAD_PACKETS] }),
            ours: Box::new(move || {
                black_box(encode_payload(black_box(&packets)));
            }),
        },
        Case {
            name: "polling payload of 50: decode",
            node,
            ours: Box::new(move || {
                black_box(decode_payload(black_box(&text), usize::MAX).unwrap());
            }),
        },
    ]
}

/// The name and the payload of an event.
fn read<T: DeserializeOwned>(packet: &Packet) -> (String, T) {
    let Kind::Event(_, args) = &packet.kind else {
        panic!("no event");
    };
    (args.name().unwrap(), args.at(1).unwrap())
}
