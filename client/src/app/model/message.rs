//! One line of a room's log: a message and what became of it, or a gap.
//!
//! Not here: the order of the lines (`chat_log`) and how they are grouped (`rows`).

use super::{failure::Failure, outbox::Waiting};
use std::sync::Arc;
use tertulia_shared::chat::{ChatMessage, Via};

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Waits until the link is there, the name is taken, and the server takes more.
    Queued,
    /// Sent, not yet answered.
    Sending,
    /// In the room.
    Sent,
    /// Refused; the person may try again or discard it.
    Failed(Failure),
}

/// A message as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id that its sender made; empty where it made none.
    pub id: Arc<str>,
    /// The public id of the sender's peer; empty for own messages that the room has not shown yet.
    pub peer: Arc<str>,
    /// The sender's name.
    pub name: Arc<str>,
    /// The tag that the sender had when it sent the message.
    pub tag: Option<Arc<str>>,
    /// Whether it came through an MQTT broker.
    pub by_broker: bool,
    /// The text.
    pub text: Arc<str>,
    /// When the server accepted it, or when it was written while that is not known, in milliseconds since 1970.
    pub at: u64,
    /// What became of it.
    pub delivery: Delivery,
    /// Its place in the room; 0 while nobody knows.
    pub(super) seq: u64,
    /// Whether the broadcast came.
    pub(super) settled: bool,
}

impl Message {
    /// Whether the reader wrote it: what was not broadcast yet, and what came from a peer that is the reader.
    pub fn is_own(&self, is_mine: impl Fn(&str) -> bool) -> bool {
        !self.settled || is_mine(&self.peer)
    }

    /// One that the room brought.
    pub(super) fn of_room(message: ChatMessage) -> Self {
        Self {
            id: message.id.unwrap_or_default().into(),
            peer: message.from.peer.into(),
            name: message.from.name.into(),
            tag: message.from.tag.map(Arc::from),
            by_broker: message.via == Some(Via::Mqtt),
            text: message.text.into(),
            at: message.at,
            delivery: Delivery::Sent,
            seq: message.seq,
            settled: true,
        }
    }

    /// One that waits to be sent.
    pub(super) fn waiting(waiting: &Waiting) -> Self {
        Self {
            id: waiting.id.as_str().into(),
            peer: "".into(),
            name: waiting.name.as_str().into(),
            tag: None,
            by_broker: false,
            text: waiting.text.as_str().into(),
            at: waiting.at,
            delivery: Delivery::Queued,
            seq: 0,
            settled: false,
        }
    }

    /// Whether it is yet to be sent or answered.
    pub(super) fn waits(&self) -> bool {
        matches!(self.delivery, Delivery::Queued | Delivery::Sending)
    }

    /// Whether it stays below the message with that number: it has no number yet, or a later one.
    pub(super) fn floats_over(&self, seq: u64) -> bool {
        self.waits() || (!self.settled && self.delivery == Delivery::Sent && self.seq > seq)
    }
}

/// What an entry shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A message.
    Message(Message),
    /// So many messages of the room did not reach this page; 0 where nobody knows how many.
    Missed(u64),
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stays the same for the life of the entry; no other entry of this log ever has it.
    pub key: u64,
    /// Grows with each change of the entry.
    pub revision: u32,
    /// What it shows.
    pub content: Content,
}

impl Entry {
    /// The message, where it is one.
    pub(super) fn message(&self) -> Option<&Message> {
        match &self.content {
            Content::Message(message) => Some(message),
            Content::Missed(_) => None,
        }
    }

    /// How many messages are missing here, where it is a gap.
    pub(super) fn gap(&self) -> Option<u64> {
        match &self.content {
            Content::Missed(count) => Some(*count),
            Content::Message(_) => None,
        }
    }

    /// Whether it is the own message `id`, which was not broadcast yet.
    pub(super) fn is_unsettled(&self, id: &str) -> bool {
        let message = self.message();
        message.is_some_and(|message| !message.settled && *message.id == *id)
    }

    /// Whether it is a message that is in the room.
    pub(super) fn is_sent(&self) -> bool {
        let message = self.message();
        message.is_some_and(|message| message.delivery == Delivery::Sent)
    }
}
