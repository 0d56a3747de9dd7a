//! Each decoder on random input, for a bounded time: nothing panics, memory stays in proportion to the input, and what
//! is encoded decodes to the same.
//!
//! Half of the input are packets that may be, half the golden vectors after some changes. A failure prints a seed:
//! `ARBTEST_SEED=0x… cargo test -p tertulia-shared --test wire <the test>` runs that input again.

use crate::{
    generate,
    golden::{self, Part, decode, encode, list, parts},
};
use allocation_counter::measure;
use arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use bytes::Bytes;
use serde_json::Value;
use tertulia_shared::{
    topic::{Filter, Topic},
    wire::{
        args::{Args, ArgsError},
        binary::Binary,
        engine::{DecodeError, Packet, SEPARATOR, decode_payload, encode_payload, payload_len},
        json::Json,
        socket::Decoder,
    },
};

/// How long one test looks for an input that fails, in milliseconds.
const BUDGET_MS: u64 = 1_000;
/// The most random bytes that one input is made of: more inputs find more than longer ones.
const MOST_BYTES: u32 = 1_024;
/// The least share of inputs that has to decode, in percent: else the test looks at the first byte only.
const LEAST_SHARE: u64 = 20;
/// What a decoder may take whatever the input, in bytes: errors, and the first allocation of a list.
const BASE: usize = 2_048;
/// What a packet takes as a value; the shortest one of a payload is 2 bytes with its separator.
const PACKET_BYTES: usize = size_of::<Packet>();

/// Runs `property`, which tells whether its input decoded.
fn search(property: impl Fn(&mut Unstructured<'_>) -> Result<bool>) {
    let (mut tried, mut decoded) = (0_u64, 0_u64);
    arbtest(|u| {
        let is_decoded = property(u)?;
        tried += 1;
        decoded += u64::from(is_decoded);
        Ok(())
    })
    .size_max(MOST_BYTES)
    .budget_ms(BUDGET_MS)
    .run();
    println!("{tried} inputs, {decoded} decoded");
    if std::env::var_os("ARBTEST_SEED").is_none() {
        assert!(tried > 300, "{tried} inputs are too few");
        assert!(
            decoded * 100 >= tried * LEAST_SHARE,
            "{decoded} of {tried} inputs decode"
        );
    }
}

/// Runs `decode`, and holds it to at most `factor` bytes of memory at once for each byte of the input, and the base.
#[track_caller]
fn bounded<T>(length: usize, factor: usize, decode: impl FnOnce() -> T) -> T {
    let mut decoded = None;
    let memory = measure(|| decoded = Some(decode()));
    let most = (length * factor + BASE) as u64;
    let taken = memory.bytes_max;
    assert!(taken <= most, "{taken} bytes of memory for {length}");
    decoded.unwrap()
}

fn texts(vectors: &str, lists: &[&str]) -> Vec<String> {
    let vectors = golden::read(vectors);
    let vectors = lists.iter().flat_map(|name| list(&vectors, name));
    let texts = vectors.flat_map(|vector| match &vector["encoded"] {
        Value::String(text) => vec![text.clone()],
        encoded => parts(encoded)
            .into_iter()
            .filter_map(|part| match part {
                Part::Text(text) => Some(text),
                Part::Binary(_) => None,
            })
            .collect(),
    });
    texts.collect()
}

#[test]
fn engine_packets() {
    let corpus = texts("engine", &["packets", "decoded", "refused", "differ"]);
    search(|u| {
        let text = if u.arbitrary()? {
            let packet = generate::engine_packet(u)?;
            let text = packet.to_text();
            assert_eq!(Packet::from_text(&text).unwrap(), packet);
            text
        } else {
            generate::nearly(u, &corpus)?
        };
        // A handshake is read into lists that grow by doubling.
        let Ok(packet) = bounded(text.len(), 32, || Packet::from_text(&text)) else {
            return Ok(false);
        };
        assert_eq!(packet.text_len(), packet.to_text().len());
        assert_eq!(Packet::from_text(&packet.to_text()).unwrap(), packet);
        Ok(true)
    });
}

#[test]
fn engine_payloads() {
    let corpus = texts("engine", &["packets", "payloads", "refused_payloads"]);
    search(|u| {
        let text = if u.arbitrary()? {
            let count = u.int_in_range(1..=8)?;
            let packets: Vec<_> = (0..count)
                .map(|_| generate::engine_packet(u))
                .collect::<Result<_>>()?;
            let text = encode_payload(&packets);
            assert_eq!(payload_len(&packets), text.len());
            assert_eq!(decode_payload(&text, text.len()).unwrap(), packets);
            text
        } else {
            generate::nearly(u, &corpus)?
        };
        let limit = u.int_in_range(0..=text.len() * 4)?;
        // A list that doubles holds its old and its new half for a moment.
        let decoded = bounded(text.len(), 2 * PACKET_BYTES, || {
            decode_payload(&text, limit)
        });
        let is_too_long = matches!(decoded, Err(DecodeError::TooLong { .. }));
        assert_eq!(is_too_long, text.len() > limit);
        let Ok(packets) = decoded else {
            return Ok(false);
        };
        assert_eq!(packets.len(), text.split(SEPARATOR).count());
        let again = encode_payload(&packets);
        assert_eq!(decode_payload(&again, again.len()).unwrap(), packets);
        Ok(true)
    });
}

#[test]
fn socket_packets_in_sequence() {
    let corpus = texts("socket", &["packets", "decoded", "refused", "differ"]);
    search(|u| {
        let mut decoder = Decoder::default();
        let (mut decoded, mut held) = (0, 0);
        for part in sequence(u, &corpus)? {
            let length = match &part {
                Part::Text(text) => text.len(),
                Part::Binary(bytes) => bytes.len(),
            };
            held += length;
            let packet = bounded(held, 8, || match part {
                Part::Text(text) => decoder.text(&text),
                Part::Binary(bytes) => decoder.binary(bytes),
            });
            if let Ok(Some(packet)) = packet {
                decoded += 1;
                assert_eq!(decode(&encode(packet.clone())).unwrap(), [packet]);
            }
        }
        // Whatever came: after at most one refusal it reads on.
        let read = decoder.text("1").or_else(|_| decoder.text("1"));
        assert!(read.unwrap().is_some());
        Ok(decoded > 0)
    });
}

/// Texts and binaries: packets that may be, some with a part lost or swapped, and what is nearly a packet.
fn sequence(u: &mut Unstructured<'_>, corpus: &[String]) -> Result<Vec<Part>> {
    let mut sequence = Vec::new();
    for _ in 0..u.int_in_range(1..=4)? {
        if u.arbitrary()? {
            let packet = generate::socket_packet(u)?;
            let encoded = encode(packet.clone());
            assert_eq!(decode(&encoded).unwrap(), [packet]);
            sequence.extend(encoded);
        } else {
            sequence.push(Part::Text(generate::nearly(u, corpus)?));
            for _ in 0..u.int_in_range(0..=2)? {
                sequence.push(Part::Binary(Bytes::from(u.arbitrary::<Vec<u8>>()?)));
            }
        }
    }
    if u.ratio(1, 4)? {
        let (one, other) = (
            u.choose_index(sequence.len())?,
            u.choose_index(sequence.len())?,
        );
        sequence.swap(one, other);
    }
    if u.ratio(1, 4)? {
        sequence.remove(u.choose_index(sequence.len())?);
    }
    Ok(sequence)
}

#[test]
fn arguments() {
    let arrays = texts("socket", &["packets", "decoded"]);
    let arrays = arrays
        .iter()
        .filter_map(|text| text.find('[').map(|at| &text[at..]));
    let corpus: Vec<_> = arrays.map(str::to_owned).collect();
    search(|u| {
        let text = generate::nearly(u, &corpus)?;
        let values = serde_json::from_str::<Vec<Value>>(&text);
        let args = bounded(text.len(), 4, || {
            let json = Json::parse(&text).map_err(ArgsError::Shape)?;
            Args::new(json, Vec::new())
        });
        let Ok(args) = args else {
            assert!(values.is_err(), "{text}");
            return Ok(false);
        };
        let name = bounded(text.len(), 4, || args.name());
        // A list of all arguments that grows by doubling: 16 bytes for one of 2.
        let last = bounded(text.len(), 32, || args.last::<Value>());
        // No attachment is there.
        assert!(args.at::<Binary>(1).is_err(), "{text}");
        // The tree is deeper or its texts are stranger than the whole may be: no panic is all that is asked.
        let Ok(values) = values else {
            return Ok(false);
        };
        assert_eq!(last.ok().as_ref(), values.last(), "{text}");
        for (index, value) in values.iter().enumerate() {
            assert_eq!(args.at::<Value>(index).unwrap(), *value, "{text}");
        }
        let rest = bounded(text.len(), 64, || args.rest::<Vec<Value>>());
        assert_eq!(rest.unwrap(), values.get(1..).unwrap_or_default(), "{text}");
        let beyond = args.at::<Value>(values.len());
        assert!(matches!(beyond, Err(ArgsError::Absent(_))), "{text}");
        match values.first() {
            Some(Value::String(text)) => assert_eq!(name.unwrap(), *text),
            Some(Value::Number(_)) => assert!(name.is_ok(), "{text}"),
            _ => assert!(name.is_err(), "{text}"),
        }
        Ok(true)
    });
}

#[test]
fn topics_and_filters() {
    let corpus = ["a/b/c", "a/+/c", "a/#", "#", "+/+", "/", "$SYS/a", "é//🦀"].map(str::to_owned);
    search(|u| {
        let topic = generate::nearly(u, &corpus)?;
        let filter = generate::nearly(u, &corpus)?;
        let topic = bounded(topic.len(), 4, || Topic::new(topic.as_str()));
        let filter = bounded(filter.len(), 4, || Filter::new(filter.as_str()));
        if let Ok(topic) = &topic {
            assert_eq!(Topic::new(topic.as_str()).as_ref(), Ok(topic));
            assert!(Filter::from(topic.clone()).matches(topic));
        }
        let (Ok(topic), Ok(filter)) = (topic, filter) else {
            return Ok(false);
        };
        let patterns: Vec<_> = filter.levels().collect();
        let levels: Vec<_> = topic.levels().collect();
        let is_hidden = topic.as_str().starts_with('$') && matches!(patterns[0], "+" | "#");
        let expected = !is_hidden && matches(&patterns, &levels);
        assert_eq!(filter.matches(&topic), expected, "{filter} on {topic}");
        Ok(true)
    });
}

/// MQTT 5 §4.7.1, word by word.
fn matches(patterns: &[&str], levels: &[&str]) -> bool {
    match (patterns, levels) {
        (["#"], _) => true,
        ([], []) => true,
        ([pattern, patterns @ ..], [level, levels @ ..]) => {
            (*pattern == "+" || pattern == level) && matches(patterns, levels)
        }
        _ => false,
    }
}
