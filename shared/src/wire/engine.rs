//! Engine.IO protocol version 4: packets, and the payloads in which HTTP polling carries several of them.
//!
//! Source: the Engine.IO protocol document, revision 4, sections "Packet encoding". Not here: sessions and timers.

use super::base64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The protocol version, the query parameter `EIO`.
pub const PROTOCOL: u8 = 4;
/// What stands between two packets of a polling payload (record separator).
pub const SEPARATOR: char = '\u{1e}';

/// One unit of Engine.IO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `0`: the server opens the session.
    Open(Handshake),
    /// `1`: the other side closes the session.
    Close,
    /// `2`: a heartbeat, or with `probe` the test of a new transport.
    Ping(Ping),
    /// `3`: the answer to a ping.
    Pong(Ping),
    /// `4`: a text for the layer above.
    Message(String),
    /// A binary for the layer above: `b` and base64 in polling, a binary frame in WebSocket.
    Binary(Bytes),
    /// `5`: the client asks to go on over the new transport.
    Upgrade,
    /// `6`: nothing; ends a poll that waits.
    Noop,
}

/// What a ping or pong carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// Nothing: a heartbeat.
    Heartbeat,
    /// `probe`: the test of a new transport.
    Probe,
}

/// What the server says when it opens a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    /// The session id: a credential, never to be shown.
    pub sid: String,
    /// The transports to which the session can be upgraded.
    pub upgrades: Vec<String>,
    /// Milliseconds between two pings of the server.
    pub ping_interval: u64,
    /// Milliseconds within which a ping is to be answered.
    pub ping_timeout: u64,
    /// The longest polling payload that the server takes, in bytes; [`u64::MAX`] where it does not say (servers before
    /// Socket.IO 4.5).
    #[serde(default = "unlimited")]
    pub max_payload: u64,
}

fn unlimited() -> u64 {
    u64::MAX
}

/// Why bytes are not Engine.IO.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A packet has no type.
    #[error("empty packet")]
    Empty,
    /// The type is none of 0 to 6 and `b`.
    #[error("unknown packet type `{0}`")]
    UnknownType(char),
    /// The open packet is no handshake.
    #[error("handshake: {0}")]
    Handshake(serde_json::Error),
    /// A ping or pong carries something else than nothing or `probe`.
    #[error("ping or pong with {0} unexpected bytes")]
    Ping(usize),
    /// A close, upgrade or noop packet carries something.
    #[error("packet `{0}` with {1} unexpected bytes")]
    Trailing(char, usize),
    /// A binary packet is no base64.
    #[error("binary of {0} characters is no base64")]
    Base64(usize),
    /// The payload is longer than the limit of the reader.
    #[error("payload has {actual} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl Packet {
    /// Encodes as text: what polling carries, and WebSocket for all but [`Packet::Binary`].
    pub fn to_text(&self) -> String {
        match self {
            Self::Open(handshake) => {
                let json = serde_json::to_string(handshake).unwrap_or_default();
                format!("0{json}")
            }
            Self::Close => "1".to_owned(),
            Self::Ping(ping) => format!("2{}", ping.text()),
            Self::Pong(ping) => format!("3{}", ping.text()),
            Self::Message(_) | Self::Binary(_) => {
                let mut text = String::with_capacity(self.text_len());
                self.append(&mut text);
                text
            }
            Self::Upgrade => "5".to_owned(),
            Self::Noop => "6".to_owned(),
        }
    }

    /// Decodes one packet from text.
    ///
    /// # Errors
    /// When the text is empty, its type is unknown, or what follows does not fit the type.
    pub fn from_text(text: &str) -> Result<Self, DecodeError> {
        let mut characters = text.chars();
        let kind = characters.next().ok_or(DecodeError::Empty)?;
        let rest = characters.as_str();
        match kind {
            '0' => serde_json::from_str(rest)
                .map(Self::Open)
                .map_err(DecodeError::Handshake),
            '2' => Ping::parse(rest).map(Self::Ping),
            '3' => Ping::parse(rest).map(Self::Pong),
            '4' => Ok(Self::Message(rest.to_owned())),
            'b' => match base64::decode(rest) {
                Some(bytes) => Ok(Self::Binary(bytes.into())),
                None => Err(DecodeError::Base64(rest.len())),
            },
            '1' | '5' | '6' if !rest.is_empty() => Err(DecodeError::Trailing(kind, rest.len())),
            '1' => Ok(Self::Close),
            '5' => Ok(Self::Upgrade),
            '6' => Ok(Self::Noop),
            other => Err(DecodeError::UnknownType(other)),
        }
    }

    /// The length of [`Packet::to_text`], in bytes, without encoding.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Message(text) => 1 + text.len(),
            Self::Binary(bytes) => 1 + base64::encoded_len(bytes.len()),
            other => other.to_text().len(),
        }
    }

    /// Appends [`Packet::to_text`] to a text.
    fn append(&self, text: &mut String) {
        match self {
            Self::Message(message) => {
                text.push('4');
                text.push_str(message);
            }
            Self::Binary(bytes) => {
                text.push('b');
                base64::encode(bytes, text);
            }
            other => text.push_str(&other.to_text()),
        }
    }
}

impl Ping {
    fn text(self) -> &'static str {
        match self {
            Self::Heartbeat => "",
            Self::Probe => "probe",
        }
    }

    fn parse(text: &str) -> Result<Self, DecodeError> {
        match text {
            "" => Ok(Self::Heartbeat),
            "probe" => Ok(Self::Probe),
            other => Err(DecodeError::Ping(other.len())),
        }
    }
}

/// Encodes packets as one polling payload.
pub fn encode_payload(packets: &[Packet]) -> String {
    let mut payload = String::with_capacity(payload_len(packets));
    for (index, packet) in packets.iter().enumerate() {
        if index > 0 {
            payload.push(SEPARATOR);
        }
        packet.append(&mut payload);
    }
    payload
}

/// The length of [`encode_payload`], in bytes, without encoding.
pub fn payload_len(packets: &[Packet]) -> usize {
    let separators = packets.len().saturating_sub(1);
    packets.iter().map(Packet::text_len).sum::<usize>() + separators
}

/// Decodes a polling payload of at most `limit` bytes.
///
/// # Errors
/// When the payload is longer than `limit`, or one of its packets does not decode.
pub fn decode_payload(payload: &str, limit: usize) -> Result<Vec<Packet>, DecodeError> {
    if payload.len() > limit {
        return Err(DecodeError::TooLong {
            actual: payload.len(),
            limit,
        });
    }
    payload.split(SEPARATOR).map(Packet::from_text).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        DecodeError, Handshake, Packet, Ping, decode_payload, encode_payload, payload_len,
    };

    const NO_LIMIT: usize = usize::MAX;

    #[track_caller]
    fn check(packet: Packet, text: &str) {
        assert_eq!(packet.to_text(), text);
        assert_eq!(packet.text_len(), text.len());
        assert_eq!(Packet::from_text(text).unwrap(), packet);
    }

    fn handshake() -> Handshake {
        Handshake {
            sid: "lv_VI97HAXpY6yYWAAAC".to_owned(),
            upgrades: vec!["websocket".to_owned()],
            ping_interval: 25_000,
            ping_timeout: 20_000,
            max_payload: 1_000_000,
        }
    }

    #[test]
    fn packets_of_the_protocol_document() {
        check(
            Packet::Open(handshake()),
            r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
        );
        check(Packet::Close, "1");
        check(Packet::Ping(Ping::Heartbeat), "2");
        check(Packet::Ping(Ping::Probe), "2probe");
        check(Packet::Pong(Ping::Heartbeat), "3");
        check(Packet::Pong(Ping::Probe), "3probe");
        check(Packet::Message("hello €".to_owned()), "4hello €");
        check(Packet::Binary(vec![1, 2, 3, 4].into()), "bAQIDBA==");
        check(Packet::Upgrade, "5");
        check(Packet::Noop, "6");
    }

    #[test]
    fn a_server_that_does_not_say_what_it_takes_takes_all() {
        let text = r#"0{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":2}"#;
        let Packet::Open(handshake) = Packet::from_text(text).unwrap() else {
            panic!("no handshake");
        };
        assert_eq!(handshake.max_payload, u64::MAX);
    }

    #[test]
    fn a_payload_is_packets_between_record_separators() {
        let packets = [
            Packet::Message("hello".to_owned()),
            Packet::Ping(Ping::Heartbeat),
            Packet::Message(String::new()),
            Packet::Binary(vec![1, 2, 3].into()),
        ];
        let payload = encode_payload(&packets);
        assert_eq!(payload, "4hello\u{1e}2\u{1e}4\u{1e}bAQID");
        assert_eq!(payload_len(&packets), payload.len());
        assert_eq!(decode_payload(&payload, NO_LIMIT).unwrap(), packets);
    }

    #[test]
    fn what_is_no_packet_is_refused_with_a_reason() {
        let refused = |text: &str| Packet::from_text(text).unwrap_err();
        assert!(matches!(refused(""), DecodeError::Empty));
        assert!(matches!(refused("9"), DecodeError::UnknownType('9')));
        assert!(matches!(refused("é"), DecodeError::UnknownType('é')));
        assert!(matches!(refused("0{}"), DecodeError::Handshake(_)));
        assert!(matches!(refused("2hello"), DecodeError::Ping(5)));
        assert!(matches!(refused("1x"), DecodeError::Trailing('1', 1)));
        assert!(matches!(refused("b***"), DecodeError::Base64(_)));
    }

    #[test]
    fn an_empty_packet_in_a_payload_is_refused() {
        for payload in ["", "\u{1e}", "4a\u{1e}", "4a\u{1e}\u{1e}4b"] {
            let error = decode_payload(payload, NO_LIMIT).unwrap_err();
            assert!(matches!(error, DecodeError::Empty), "{payload:?}");
        }
    }

    #[test]
    fn a_payload_over_the_limit_is_refused_before_it_is_read() {
        assert!(decode_payload("4abc", 4).is_ok());
        let error = decode_payload("4abcd", 4).unwrap_err();
        assert!(matches!(
            error,
            DecodeError::TooLong {
                actual: 5,
                limit: 4
            }
        ));
    }
}
