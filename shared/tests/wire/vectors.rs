//! Our codecs on the golden vectors; the official parsers read the same files in `tests/peers/vectors.mjs`.

use crate::golden::{self, decode, encode, engine_packet, list, parts};
use serde_json::Value;
use tertulia_shared::wire::engine::{Packet, decode_payload, encode_payload, payload_len};

#[test]
fn socket_packets_encode_and_decode() {
    let vectors = golden::read("socket");
    for vector in list(&vectors, "packets") {
        let packet = golden::packet(&vector["packet"]);
        let encoded = parts(&vector["encoded"]);
        assert_eq!(encode(packet.clone()), encoded, "{}", vector["name"]);
        assert_eq!(decode(&encoded).unwrap(), [packet], "{}", vector["name"]);
    }
}

#[test]
fn what_we_would_write_otherwise_decodes_too() {
    let vectors = golden::read("socket");
    for vector in list(&vectors, "decoded") {
        let packets = decode(&parts(&vector["encoded"])).unwrap();
        let told: Vec<_> = packets.iter().map(golden::tell).collect();
        assert_eq!(told, [vector["packet"].clone()], "{}", vector["name"]);
    }
}

#[test]
fn what_is_no_socket_packet_is_refused() {
    let vectors = golden::read("socket");
    for vector in list(&vectors, "refused") {
        let decoded = decode(&parts(&vector["encoded"]));
        assert!(decoded.is_err(), "{vector} gives {decoded:?}");
    }
}

#[test]
fn where_we_differ_from_the_official_parser_is_written_down() {
    let vectors = golden::read("socket");
    for vector in list(&vectors, "differ") {
        assert_ne!(vector["ours"], vector["official"], "{vector}");
        match decode(&parts(&vector["encoded"])) {
            Err(error) => assert_eq!(vector["ours"], "refused", "{vector}: {error}"),
            Ok(_) if vector["ours"] == "accepted" => {}
            Ok(packets) => {
                let told: Vec<_> = packets.iter().map(golden::tell).collect();
                assert_eq!(told, [vector["ours"].clone()], "{vector}");
            }
        }
    }
}

#[test]
fn engine_packets_encode_and_decode() {
    let vectors = golden::read("engine");
    for vector in list(&vectors, "packets") {
        let (packet, text) = (engine_packet(&vector["packet"]), text(vector));
        assert_eq!(packet.to_text(), text, "{}", vector["name"]);
        assert_eq!(packet.text_len(), text.len(), "{}", vector["name"]);
        assert_eq!(Packet::from_text(text).unwrap(), packet, "{vector}");
    }
    for vector in list(&vectors, "decoded") {
        let packet = engine_packet(&vector["packet"]);
        assert_eq!(Packet::from_text(text(vector)).unwrap(), packet, "{vector}");
    }
}

#[test]
fn payloads_encode_and_decode() {
    let vectors = golden::read("engine");
    for vector in list(&vectors, "payloads") {
        let packets: Vec<_> = list(vector, "packets").iter().map(engine_packet).collect();
        let text = text(vector);
        assert_eq!(encode_payload(&packets), text, "{}", vector["name"]);
        assert_eq!(payload_len(&packets), text.len(), "{}", vector["name"]);
        let decoded = decode_payload(text, text.len()).unwrap();
        assert_eq!(decoded, packets, "{}", vector["name"]);
    }
}

#[test]
fn what_is_no_engine_packet_is_refused() {
    let vectors = golden::read("engine");
    for vector in list(&vectors, "refused") {
        assert!(Packet::from_text(text(vector)).is_err(), "{vector}");
    }
    for vector in list(&vectors, "refused_payloads") {
        let decoded = decode_payload(text(vector), usize::MAX);
        assert!(decoded.is_err(), "{vector}");
    }
    for vector in list(&vectors, "differ") {
        assert_eq!(vector["ours"], "refused", "{vector}");
        assert!(Packet::from_text(text(vector)).is_err(), "{vector}");
    }
}

fn text(vector: &Value) -> &str {
    vector["encoded"].as_str().unwrap()
}
