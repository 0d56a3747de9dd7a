//! One connection's way out: acknowledgements and messages through one task, in order, never more than fits.

use super::{
    acks::{Ack, InOrder},
    connection::Connection,
    slow::Slow,
    window::{self, NoPlace, Window},
};
use crate::hub::{Delivery, Reader};
use socketioxide::{
    SendError, SocketError,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tertulia_shared::{Event, server::ServerClosing, stream::StreamMissed};

/// Between two looks at whether all has gone out, while the server is closing.
const LOOK: Duration = Duration::from_millis(20);

/// What one task sends to one client.
pub(super) struct WayOut {
    connection: Arc<Connection>,
    reader: Arc<Reader>,
    waiting: InOrder,
    window: Window,
    /// Whether the client knows that the server is closing.
    told: bool,
}

enum Item {
    Ack(Ack),
    /// With when it was published, where that is to be measured.
    Delivery(Delivery, Option<Instant>),
    Closing(ServerClosing),
}

impl WayOut {
    pub(super) fn new(connection: Arc<Connection>, waiting: InOrder) -> Self {
        Self {
            reader: connection.session.reader(),
            connection,
            waiting,
            window: Window::default(),
            told: false,
        }
    }

    /// Sends until the connection closes, or gives why it is to be closed.
    pub(super) async fn send_all(&mut self, socket: &Arc<Socket>) -> Option<Slow> {
        let connection = Arc::clone(&self.connection);
        let mut closing = std::pin::pin!(connection.closing.began());
        loop {
            let item = tokio::select! {
                biased;
                () = &mut closing, if !self.told => {
                    self.told = true;
                    Item::Closing(connection.closing.come_back())
                }
                Some(ack) = self.waiting.next() => Item::Ack(ack),
                delivery = self.reader.next_measured() => match delivery {
                    Some((delivery, since)) => Item::Delivery(delivery, since),
                    None => return Some(Slow::Missed),
                },
                () = tokio::time::sleep(LOOK), if self.told => {
                    let step = connection.closing.step();
                    let drained = !connection.owes() && window::is_empty(socket);
                    connection.drained.store(if drained { step } else { 0 }, Ordering::Relaxed);
                    continue;
                }
            };
            connection.drained.store(0, Ordering::Relaxed);
            match self.send(socket, &item).await {
                Ok(()) => {}
                Err(NoPlace::Closed) => return None,
                Err(NoPlace::Stalled) => return Some(Slow::Stalled),
            }
            self.count(&item);
        }
    }

    /// Sends one item, as soon as the client has room for it.
    async fn send(&mut self, socket: &Arc<Socket>, item: &Item) -> Result<(), NoPlace> {
        loop {
            self.window.place(socket).await?;
            match item.emit(socket) {
                Ok(()) => return Ok(()),
                Err(SendError::Socket(SocketError::InternalChannelFull)) => self.window.reset(),
                Err(SendError::Socket(SocketError::Closed)) => return Err(NoPlace::Closed),
                Err(SendError::Serialize(error)) => {
                    tracing::error!(parent: &self.connection.span, %error, "an encoded message does not encode");
                    return Ok(());
                }
            }
        }
    }

    fn count(&self, item: &Item) {
        let counts = &self.connection.counts;
        match item {
            Item::Ack(ack) => {
                counts.acks.fetch_add(1, Ordering::Relaxed);
                counts.ack_time.add(ack.since.elapsed());
            }
            Item::Delivery(delivery, since) => {
                counts.events_out.add(name(delivery));
                if let Some(since) = since {
                    counts.delivery_time.add(since.elapsed());
                }
            }
            Item::Closing(_) => counts.events_out.add(ServerClosing::NAME),
        }
    }
}

fn name(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Message(message) => message.event,
        Delivery::Missed { .. } => StreamMissed::NAME,
    }
}

impl Item {
    fn emit(&self, socket: &Arc<Socket>) -> Result<(), SendError> {
        match self {
            Self::Ack(ack) => acknowledge(socket, ack),
            Self::Delivery(Delivery::Message(message), _) => {
                socket.emit(message.event, &message.body)
            }
            Self::Delivery(Delivery::Missed { topic, from, to }, _) => {
                let missed = StreamMissed {
                    topic: topic.clone(),
                    from: *from,
                    to: *to,
                };
                socket.emit(StreamMissed::NAME, &missed)
            }
            Self::Closing(closing) => socket.emit(ServerClosing::NAME, closing),
        }
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
