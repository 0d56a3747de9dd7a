//! What one connection sends: acknowledgements, messages, and that the server is closing.
//!
//! Not here: how it goes out (`way_out`, `outlet`).

use super::{
    acks::{Ack, InOrder},
    connection::Connection,
    packet,
};
use crate::hub::{Delivery, Reader};
use bytes::Bytes;
use socketioxide::{
    SendError,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};
use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Instant,
};
use tertulia_shared::{Event, Topic, server::ServerClosing, stream::StreamMissed};

/// One thing to be sent.
pub(super) enum Item {
    /// An acknowledgement.
    Ack(Ack),
    /// A message or what was missed, with when it was published where that is to be measured.
    Delivery(Delivery, Option<Instant>),
    /// When to come back.
    Closing(ServerClosing),
}

/// Where the items of one connection come from.
pub(super) struct Source {
    pub(super) connection: Arc<Connection>,
    reader: Arc<Reader>,
    waiting: InOrder,
}

impl Source {
    pub(super) fn new(connection: Arc<Connection>, waiting: InOrder) -> Self {
        Self {
            reader: connection.session.reader(),
            connection,
            waiting,
        }
    }

    /// The next item, acknowledgements first; `None` where the client missed too much.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Item>> {
        if let Poll::Ready(Some(ack)) = self.waiting.poll_next(context) {
            return Poll::Ready(Some(Item::Ack(ack)));
        }
        let delivery = ready!(self.reader.poll_next_measured(context));
        Poll::Ready(delivery.map(|(delivery, since)| Item::Delivery(delivery, since)))
    }

    /// As [`Self::poll_next`]. A cancelled wait loses nothing.
    pub(super) async fn next(&mut self) -> Option<Item> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Whether nothing is left to be sent, and nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        !self.connection.owes() && self.waiting.is_empty() && self.reader.is_empty()
    }
}

impl Item {
    /// It as a frame of a WebSocket.
    pub(super) fn frame(&self, connection: &Connection) -> Bytes {
        let encoded = match self {
            Self::Ack(ack) => Ok(packet::ack(ack.id, &ack.body)),
            Self::Delivery(Delivery::Message(message), _) => {
                return connection.common.encoded.frame(message);
            }
            Self::Delivery(Delivery::Missed { topic, from, to }, _) => {
                packet::encode(StreamMissed::NAME, &missed(topic, *from, *to))
            }
            Self::Closing(closing) => packet::encode(ServerClosing::NAME, closing),
        };
        encoded.map(Bytes::from).unwrap_or_else(|error| {
            tracing::error!(parent: &connection.span, %error, "a packet does not encode");
            Bytes::new()
        })
    }

    /// Hands it to socketioxide.
    pub(super) fn emit(&self, socket: &Arc<Socket>) -> Result<(), SendError> {
        match self {
            Self::Ack(ack) => acknowledge(socket, ack),
            Self::Delivery(Delivery::Message(message), _) => {
                socket.emit(message.event, &message.body)
            }
            Self::Delivery(Delivery::Missed { topic, from, to }, _) => {
                socket.emit(StreamMissed::NAME, &missed(topic, *from, *to))
            }
            Self::Closing(closing) => socket.emit(ServerClosing::NAME, closing),
        }
    }

    /// Counts it as sent.
    pub(super) fn count(&self, connection: &Connection, now: Instant) {
        let counts = &connection.common.counts;
        match self {
            Self::Ack(ack) => {
                counts.acks.fetch_add(1, Ordering::Relaxed);
                counts
                    .ack_time
                    .add(now.saturating_duration_since(ack.since));
            }
            Self::Delivery(delivery, since) => {
                counts.events_out.add(name(delivery));
                if let Some(since) = since {
                    counts
                        .delivery_time
                        .add(now.saturating_duration_since(*since));
                }
            }
            Self::Closing(_) => counts.events_out.add(ServerClosing::NAME),
        }
    }
}

fn missed(topic: &Topic, from: u64, to: u64) -> StreamMissed {
    let topic = topic.clone();
    StreamMissed { topic, from, to }
}

fn name(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Message(message) => message.event,
        Delivery::Missed { .. } => StreamMissed::NAME,
    }
}

/// socketioxide makes acknowledgements only as an extractor, and consumes one even where it does not fit.
fn acknowledge(socket: &Arc<Socket>, ack: &Ack) -> Result<(), SendError> {
    let mut none = Value::Str("".into(), None);
    match AckSender::from_message_parts(socket, &mut none, &Some(ack.id)) {
        Ok(sender) => sender.send(&ack.body),
        Err(never) => match never {},
    }
}
