//! Putting Socket.IO packets together from the texts and binaries that come.

use super::{AckId, Kind, MAIN, Packet};
use crate::{
    event::RESERVED,
    wire::{
        args::{Args, ArgsError},
        json::Json,
    },
};
use bytes::Bytes;

/// The attachments of one packet that a [`Decoder`] takes by default.
pub const MAX_ATTACHMENTS: usize = 128;

/// Why text or binaries are not Socket.IO.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A packet has no type.
    #[error("empty packet")]
    Empty,
    /// The type is none of 0 to 6.
    #[error("unknown packet type `{0}`")]
    UnknownType(char),
    /// A type 5 or 6 has no count of attachments, or the count is 0.
    #[error("packet has no attachment count of at least 1")]
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
    /// The body is JSON of another shape than its type carries.
    #[error("body is not {0}")]
    Shape(&'static str),
    /// The arguments are no array, or an event has no name.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// An event has a name that Socket.IO keeps for itself.
    #[error("event name `{0}` is reserved")]
    Reserved(String),
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
        '0' if rest.is_empty() => Kind::Connect(None),
        '0' => Kind::Connect(Some(take_json(rest, &['{'], "an object")?)),
        '1' if rest.is_empty() => Kind::Disconnect,
        '1' => return Err(DecodeError::Trailing(rest.len())),
        '2' | '5' => {
            let (id, body) = take_ack_id(rest)?;
            Kind::Event(id, take_event(body)?)
        }
        '3' | '6' => {
            let (id, body) = take_ack_id(rest)?;
            let args = take_args(body)?;
            Kind::Ack(id.ok_or(DecodeError::NoAckId)?, args)
        }
        '4' => Kind::ConnectError(take_json(rest, &['{', '"'], "an object or a text")?),
        other => return Err(DecodeError::UnknownType(other)),
    };
    Ok((Packet::new(namespace, kind), attachments))
}

/// `<count>-`
fn take_count(text: &str, limit: usize) -> Result<(usize, &str), DecodeError> {
    let (count, rest) = text.split_once('-').ok_or(DecodeError::NoCount)?;
    // `parse` alone would take `+1`.
    let digits = count.bytes().all(|byte| byte.is_ascii_digit());
    let announced = count.parse().ok().filter(|count| digits && *count > 0);
    let announced = announced.ok_or(DecodeError::NoCount)?;
    if announced > limit {
        return Err(DecodeError::TooManyAttachments { announced, limit });
    }
    Ok((announced, rest))
}

/// `</namespace>,`, or nothing for the main one
fn take_namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return (MAIN, text);
    }
    text.split_once(',').unwrap_or((text, ""))
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

/// The arguments of an event, the first of which is a name that may be used.
fn take_event(body: &str) -> Result<Args, DecodeError> {
    let args = take_args(body)?;
    let name = args.name()?;
    if RESERVED.contains(&name.as_str()) {
        return Err(DecodeError::Reserved(name));
    }
    Ok(args)
}

fn take_args(body: &str) -> Result<Args, DecodeError> {
    Ok(Args::new(take_json(body, &['['], "an array")?, Vec::new())?)
}

/// One JSON value that begins with one of the characters: where the official decoder finds a blank it reads an
/// acknowledgement id of 0, so no body begins with one.
fn take_json(text: &str, begin: &[char], shape: &'static str) -> Result<Json, DecodeError> {
    let json = Json::parse(text)?;
    if !text.starts_with(begin) {
        return Err(DecodeError::Shape(shape));
    }
    Ok(json)
}
