//! Socket.IO protocol version 5: packets, and the attachments that follow a packet as binaries.
//!
//! Source: the Socket.IO protocol document, revision 5, "Packet encoding". Not here: acknowledgement bookkeeping and
//! how packets travel (`engine`).

use super::{
    args::{Args, ArgsError},
    json::Json,
};
use bytes::Bytes;

/// The default namespace.
pub const MAIN: &str = "/";
/// The attachments of one packet that a [`Decoder`] takes by default.
pub const MAX_ATTACHMENTS: usize = 128;

/// Pairs an event with its acknowledgement, within one namespace of one connection.
pub type AckId = u64;

/// One unit of Socket.IO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The namespace, with its leading slash.
    pub namespace: String,
    /// What it says.
    pub kind: Kind,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `0`: asks to connect (client: an auth object) or confirms it (server: an object with `sid`).
    Connect(Option<Json>),
    /// `1`: leaves the namespace.
    Disconnect,
    /// `2`, or `5` with attachments: an event, with an id where an acknowledgement is expected.
    Event(Option<AckId>, Args),
    /// `3`, or `6` with attachments: acknowledges the event of that id.
    Ack(AckId, Args),
    /// `4`: the connection to the namespace was refused.
    ConnectError(Json),
}

/// Why text or binaries are not Socket.IO.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A packet has no type.
    #[error("empty packet")]
    Empty,
    /// The type is none of 0 to 6.
    #[error("unknown packet type `{0}`")]
    UnknownType(char),
    /// A type 5 or 6 has no count of attachments.
    #[error("packet has no attachment count")]
    NoCount,
    /// More attachments are announced than the reader takes.
    #[error("packet announces {announced} attachments, at most {limit} are allowed")]
    TooManyAttachments {
        /// The announced count.
        announced: usize,
        /// The limit.
        limit: usize,
    },
    /// An acknowledgement has no id.
    #[error("acknowledgement without id")]
    NoAckId,
    /// An id is not a number of 64 bits.
    #[error("acknowledgement id out of range")]
    AckIdRange,
    /// The body is absent or no JSON.
    #[error("body: {0}")]
    Json(#[from] serde_json::Error),
    /// The arguments are no array, or an event has no name.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// A packet came while attachments of the one before are outstanding.
    #[error("a packet came where {0} attachments were expected")]
    AttachmentsOutstanding(usize),
    /// A binary came that no packet announced.
    #[error("an unannounced binary of {0} bytes")]
    UnexpectedBinary(usize),
    /// A packet that needs no body has one.
    #[error("disconnect with a body of {0} bytes")]
    Trailing(usize),
}

impl Packet {
    /// A packet of the namespace.
    pub fn new(namespace: impl Into<String>, kind: Kind) -> Self {
        Self {
            namespace: namespace.into(),
            kind,
        }
    }

    /// Encodes the packet: its text, after which its attachments are sent in order.
    pub fn encode(self) -> (String, Vec<Bytes>) {
        let mut text = String::new();
        text.push(self.kind.digit());
        if let Some(args) = self.kind.args().filter(|args| !args.attachments.is_empty()) {
            text.push_str(&format!("{}-", args.attachments.len()));
        }
        if self.namespace != MAIN {
            text.push_str(&self.namespace);
            text.push(',');
        }
        match self.kind {
            Kind::Connect(body) => {
                text.push_str(body.as_ref().map_or("", Json::as_str));
                (text, Vec::new())
            }
            Kind::Disconnect => (text, Vec::new()),
            Kind::ConnectError(body) => (text + body.as_str(), Vec::new()),
            Kind::Event(id, args) => {
                let id = id.map(|id| id.to_string()).unwrap_or_default();
                (text + &id + args.json().as_str(), args.attachments)
            }
            Kind::Ack(id, args) => (
                text + &id.to_string() + args.json().as_str(),
                args.attachments,
            ),
        }
    }
}

impl Kind {
    fn args(&self) -> Option<&Args> {
        match self {
            Self::Event(_, args) | Self::Ack(_, args) => Some(args),
            _ => None,
        }
    }

    fn digit(&self) -> char {
        match self {
            Self::Connect(_) => '0',
            Self::Disconnect => '1',
            Self::Event(_, args) if args.attachments.is_empty() => '2',
            Self::Ack(_, args) if args.attachments.is_empty() => '3',
            Self::ConnectError(_) => '4',
            Self::Event(..) => '5',
            Self::Ack(..) => '6',
        }
    }
}

/// Puts packets together from texts and binaries, in the order in which they come.
#[derive(Debug)]
pub struct Decoder {
    max_attachments: usize,
    partial: Option<Partial>,
}

/// A packet whose attachments are not all there.
#[derive(Debug)]
struct Partial {
    packet: Packet,
    outstanding: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(MAX_ATTACHMENTS)
    }
}

impl Decoder {
    /// A decoder that takes at most `max_attachments` attachments a packet.
    pub fn new(max_attachments: usize) -> Self {
        Self {
            max_attachments,
            partial: None,
        }
    }

    /// Takes a text; gives the packet, or `None` where attachments are to follow.
    ///
    /// # Errors
    /// When the text is no packet, announces too many attachments, or comes where attachments are outstanding.
    pub fn text(&mut self, text: &str) -> Result<Option<Packet>, DecodeError> {
        if let Some(partial) = self.partial.take() {
            return Err(DecodeError::AttachmentsOutstanding(partial.outstanding));
        }
        let (packet, outstanding) = parse(text, self.max_attachments)?;
        if outstanding == 0 {
            return Ok(Some(packet));
        }
        self.partial = Some(Partial {
            packet,
            outstanding,
        });
        Ok(None)
    }

    /// Takes a binary; gives the packet where it was the last attachment.
    ///
    /// # Errors
    /// When no packet announced it.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Option<Packet>, DecodeError> {
        let Some(mut partial) = self.partial.take() else {
            return Err(DecodeError::UnexpectedBinary(bytes.len()));
        };
        if let Kind::Event(_, args) | Kind::Ack(_, args) = &mut partial.packet.kind {
            args.attachments.push(bytes);
        }
        partial.outstanding -= 1;
        if partial.outstanding == 0 {
            return Ok(Some(partial.packet));
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

/// Parses the text of a packet; gives it with the count of attachments that are to follow.
fn parse(text: &str, max_attachments: usize) -> Result<(Packet, usize), DecodeError> {
    let mut characters = text.chars();
    let digit = characters.next().ok_or(DecodeError::Empty)?;
    let rest = characters.as_str();
    let (attachments, rest) = match digit {
        '5' | '6' => take_count(rest, max_attachments)?,
        _ => (0, rest),
    };
    let (namespace, rest) = take_namespace(rest);
    let kind = match digit {
        '0' => Kind::Connect((!rest.is_empty()).then(|| Json::parse(rest)).transpose()?),
        '1' if rest.is_empty() => Kind::Disconnect,
        '1' => return Err(DecodeError::Trailing(rest.len())),
        '2' | '5' => {
            let (id, body) = take_ack_id(rest)?;
            let args = Args::new(Json::parse(body)?, Vec::new())?;
            args.name()?;
            Kind::Event(id, args)
        }
        '3' | '6' => {
            let (id, body) = take_ack_id(rest)?;
            let args = Args::new(Json::parse(body)?, Vec::new())?;
            Kind::Ack(id.ok_or(DecodeError::NoAckId)?, args)
        }
        '4' => Kind::ConnectError(Json::parse(rest)?),
        other => return Err(DecodeError::UnknownType(other)),
    };
    Ok((Packet::new(namespace, kind), attachments))
}

/// `<count>-`
fn take_count(text: &str, limit: usize) -> Result<(usize, &str), DecodeError> {
    let (count, rest) = text.split_once('-').ok_or(DecodeError::NoCount)?;
    let announced = count.parse().map_err(|_| DecodeError::NoCount)?;
    if announced > limit {
        return Err(DecodeError::TooManyAttachments { announced, limit });
    }
    Ok((announced, rest))
}

/// `</namespace>,`, or nothing for the main one; a query after `?` is no part of the name.
fn take_namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return (MAIN, text);
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    let name = namespace.split('?').next().unwrap_or(namespace);
    (name, rest)
}

/// `<digits>`, or nothing
fn take_ack_id(text: &str) -> Result<(Option<AckId>, &str), DecodeError> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let id = digits.parse().map_err(|_| DecodeError::AckIdRange)?;
    Ok((Some(id), rest))
}

#[cfg(test)]
mod tests {
    use super::{Args, DecodeError, Decoder, Json, Kind, MAIN, Packet};
    use bytes::Bytes;

    fn args(json: &str, attachments: &[&'static [u8]]) -> Args {
        let attachments = attachments.iter().copied().map(Bytes::from_static);
        Args::new(Json::parse(json).unwrap(), attachments.collect()).unwrap()
    }

    fn json(text: &str) -> Json {
        Json::parse(text).unwrap()
    }

    #[track_caller]
    fn check(namespace: &str, kind: Kind, text: &str) {
        let packet = Packet::new(namespace, kind);
        let mut decoder = Decoder::default();
        let mut decoded = decoder.text(text).unwrap();
        let (encoded, attachments) = packet.clone().encode();
        assert_eq!(encoded, text);
        for attachment in attachments {
            assert_eq!(decoded, None, "not before the last attachment");
            decoded = decoder.binary(attachment).unwrap();
        }
        assert_eq!(decoded, Some(packet));
    }

    #[track_caller]
    fn refused(text: &str) -> DecodeError {
        Decoder::default().text(text).unwrap_err()
    }

    #[test]
    fn packets_of_the_protocol_document() {
        check(MAIN, Kind::Connect(None), "0");
        check(
            MAIN,
            Kind::Connect(Some(json(r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#))),
            r#"0{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
        );
        check(
            "/admin",
            Kind::ConnectError(json(r#"{"message":"Not authorized"}"#)),
            r#"4/admin,{"message":"Not authorized"}"#,
        );
        check(
            MAIN,
            Kind::Event(None, args(r#"["foo"]"#, &[])),
            r#"2["foo"]"#,
        );
        check(
            "/admin",
            Kind::Event(None, args(r#"["bar"]"#, &[])),
            r#"2/admin,["bar"]"#,
        );
        check(
            MAIN,
            Kind::Event(Some(12), args(r#"["foo"]"#, &[])),
            r#"212["foo"]"#,
        );
        check(
            "/admin",
            Kind::Ack(13, args(r#"["bar"]"#, &[])),
            r#"3/admin,13["bar"]"#,
        );
        check("/admin", Kind::Disconnect, "1/admin,");
    }

    #[test]
    fn attachments_follow_in_order() {
        let body = r#"["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        check(
            MAIN,
            Kind::Event(None, args(body, &[&[1, 2], &[3, 4]])),
            &format!("52-{body}"),
        );
        check(
            "/admin",
            Kind::Ack(15, args(r#"[{"_placeholder":true,"num":0}]"#, &[&[1]])),
            r#"61-/admin,15[{"_placeholder":true,"num":0}]"#,
        );
    }

    #[test]
    fn the_namespace_goes_without_its_query() {
        let packet = Decoder::default().text("0/admin?token=1,{}").unwrap();
        assert_eq!(packet.unwrap().namespace, "/admin");
    }

    #[test]
    fn what_is_no_packet_is_refused_with_a_reason() {
        assert!(matches!(refused(""), DecodeError::Empty));
        assert!(matches!(refused("7"), DecodeError::UnknownType('7')));
        assert!(matches!(refused("2"), DecodeError::Json(_)));
        assert!(matches!(refused(r#"2{"a":1}"#), DecodeError::Args(_)));
        assert!(matches!(refused("2[]"), DecodeError::Args(_)));
        assert!(matches!(refused("2[1]"), DecodeError::Args(_)));
        assert!(matches!(refused(r#"2["a"] x"#), DecodeError::Json(_)));
        assert!(matches!(refused("3[]"), DecodeError::NoAckId));
        assert!(matches!(
            refused("399999999999999999999[]"),
            DecodeError::AckIdRange
        ));
        assert!(matches!(refused(r#"5["a"]"#), DecodeError::NoCount));
        assert!(matches!(refused("1x"), DecodeError::Trailing(1)));
    }

    #[test]
    fn announced_attachments_are_bounded() {
        assert!(matches!(
            refused(r#"5999999999999-["a"]"#),
            DecodeError::TooManyAttachments {
                announced: 999_999_999_999,
                limit: 128
            }
        ));
    }

    #[test]
    fn binaries_come_where_they_are_announced_and_nowhere_else() {
        let mut decoder = Decoder::default();
        assert!(matches!(
            decoder.binary(Bytes::from_static(&[1])),
            Err(DecodeError::UnexpectedBinary(1))
        ));
        assert!(decoder.text(r#"51-["a"]"#).unwrap().is_none());
        assert!(matches!(
            decoder.text(r#"2["b"]"#),
            Err(DecodeError::AttachmentsOutstanding(1))
        ));
    }

    #[test]
    fn arguments_decode_one_by_one() {
        let args = args(r#"["foo",{"a":1},[2]]"#, &[]);
        assert_eq!(args.name().unwrap(), "foo");
        assert_eq!(args.at::<[u8; 1]>(2).unwrap(), [2]);
        assert!(args.at::<u8>(1).is_err());
        assert!(args.at::<u8>(3).is_err());
    }
}
