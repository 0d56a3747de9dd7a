//! One connection's way out: acknowledgements and messages through one task, in order, never more than fits.

use super::{
    acks::{Ack, InOrder},
    beside::{Beside, MARK},
    connection::Connection,
    packet,
    rarely::{Rarely, rarely},
    slow::Slow,
    window::{self, NoPlace, PATIENCE, Window},
};
use crate::hub::{Delivery, Reader};
use bytes::Bytes;
use socketioxide::{
    SendError, SocketError, TransportType,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tertulia_shared::{Event, Topic, server::ServerClosing, stream::StreamMissed};

/// The bytes from which on nothing more is put into one write.
const BATCH_BYTES: usize = 16 * 1024;
/// Between two looks at whether all has gone out, while the server is closing.
const LOOK: Duration = Duration::from_millis(20);

/// What one task sends to one client.
pub(super) struct WayOut {
    connection: Arc<Connection>,
    reader: Arc<Reader>,
    waiting: InOrder,
    window: Window,
    /// Once it is a WebSocket.
    beside: Option<Arc<dyn Beside>>,
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
            beside: None,
            told: false,
        }
    }

    /// Sends until the connection closes, or gives why it is to be closed.
    pub(super) async fn send_all(&mut self, socket: &Arc<Socket>) -> Option<Slow> {
        let connection = Arc::clone(&self.connection);
        let mut closing = rarely(connection.closing.began());
        loop {
            let told = self.told;
            let next = poll_fn(|context| self.poll_next(&mut closing, context));
            let next = match told {
                false => next.await,
                true => match tokio::time::timeout(LOOK, next).await {
                    Ok(next) => next,
                    Err(_) => {
                        let step = connection.closing.step();
                        let drained = !connection.owes() && window::is_empty(socket);
                        connection
                            .drained
                            .store(if drained { step } else { 0 }, Ordering::Relaxed);
                        continue;
                    }
                },
            };
            let Some(item) = next else {
                return Some(Slow::Missed);
            };
            connection.drained.store(0, Ordering::Relaxed);
            match self.send(socket, item).await {
                Ok(()) => {}
                Err(NoPlace::Closed) => return None,
                Err(NoPlace::Stalled) => return Some(Slow::Stalled),
            }
        }
    }

    /// The next item; `None` where the client missed too much.
    fn poll_next(
        &mut self,
        closing: &mut Rarely<impl Future<Output = ()>>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Item>> {
        if !self.told && Pin::new(closing).poll(context).is_ready() {
            self.told = true;
            let come_back = self.connection.closing.come_back();
            return Poll::Ready(Some(Item::Closing(come_back)));
        }
        // Mostly there is something: only where not, who is to be woken has to be known.
        if let Some(item) = self.ready() {
            return Poll::Ready(Some(item));
        }
        if let Poll::Ready(Some(ack)) = self.waiting.poll_next(context) {
            return Poll::Ready(Some(Item::Ack(ack)));
        }
        let delivery = ready!(self.reader.poll_next_measured(context));
        Poll::Ready(delivery.map(|(delivery, since)| Item::Delivery(delivery, since)))
    }

    /// Sends one item, as soon as the client has room for it; by WebSocket what is ready behind it too.
    async fn send(&mut self, socket: &Arc<Socket>, item: Item) -> Result<(), NoPlace> {
        if self.beside.is_none() && socket.transport_type() == TransportType::Websocket {
            self.change_over(socket).await?;
        }
        match self.beside.clone() {
            Some(beside) => self.write(&*beside, item).await,
            None => self.emit(socket, item).await,
        }
    }

    /// From now on all goes beside socketioxide, behind what it has still to send.
    async fn change_over(&mut self, socket: &Arc<Socket>) -> Result<(), NoPlace> {
        let Some(beside) = self.connection.cut.beside().map(Arc::clone) else {
            return Ok(());
        };
        beside.expect_mark();
        self.window.place(socket).await?;
        if socket.emit(MARK, &()).is_err() {
            return Err(NoPlace::Closed);
        }
        patiently(|context| beside.poll_marked(context)).await?;
        self.beside = Some(beside);
        Ok(())
    }

    /// Writes an item and what is ready behind it, and waits until it is out.
    async fn write(&mut self, beside: &dyn Beside, item: Item) -> Result<(), NoPlace> {
        let (frames, more) = self.gather(&item);
        let mut is_out = patiently(|context| beside.poll_write(context, &frames)).await?;
        let now = Instant::now();
        self.count(&item, now);
        more.iter().for_each(|item| self.count(item, now));
        while !is_out {
            is_out = patiently(|context| beside.poll_out(context)).await?;
        }
        Ok(())
    }

    /// The frames of an item and of what is ready behind it, and the latter.
    fn gather(&mut self, item: &Item) -> (Bytes, Vec<Item>) {
        let (first, mut more) = (self.frame(item), Vec::new());
        let Some(mut next) = self.ready() else {
            return (first, more);
        };
        let mut frames = Vec::from(first);
        loop {
            frames.extend_from_slice(&self.frame(&next));
            more.push(next);
            if frames.len() >= BATCH_BYTES {
                break;
            }
            match self.ready() {
                Some(another) => next = another,
                None => break,
            }
        }
        (frames.into(), more)
    }

    /// What is to be sent and is there already.
    fn ready(&mut self) -> Option<Item> {
        if let Some(ack) = self.waiting.try_next() {
            return Some(Item::Ack(ack));
        }
        let (delivery, since) = self.reader.try_next_measured()?;
        Some(Item::Delivery(delivery, since))
    }

    fn frame(&self, item: &Item) -> Bytes {
        let encoded = match item {
            Item::Ack(ack) => Ok(packet::ack(ack.id, &ack.body)),
            Item::Delivery(Delivery::Message(message), _) => {
                return self.connection.encoded.frame(message);
            }
            Item::Delivery(Delivery::Missed { topic, from, to }, _) => {
                packet::encode(StreamMissed::NAME, &missed(topic, *from, *to))
            }
            Item::Closing(closing) => packet::encode(ServerClosing::NAME, closing),
        };
        encoded.map(Bytes::from).unwrap_or_else(|error| {
            tracing::error!(parent: &self.connection.span, %error, "a packet does not encode");
            Bytes::new()
        })
    }

    /// Hands one item to socketioxide.
    async fn emit(&mut self, socket: &Arc<Socket>, item: Item) -> Result<(), NoPlace> {
        loop {
            self.window.place(socket).await?;
            match item.emit(socket) {
                Ok(()) => break,
                Err(SendError::Socket(SocketError::InternalChannelFull)) => self.window.reset(),
                Err(SendError::Socket(SocketError::Closed)) => return Err(NoPlace::Closed),
                Err(SendError::Serialize(error)) => {
                    tracing::error!(parent: &self.connection.span, %error, "an encoded message does not encode");
                    break;
                }
            }
        }
        self.count(&item, Instant::now());
        Ok(())
    }

    fn count(&self, item: &Item, now: Instant) {
        let counts = &self.connection.counts;
        match item {
            Item::Ack(ack) => {
                counts.acks.fetch_add(1, Ordering::Relaxed);
                counts
                    .ack_time
                    .add(now.saturating_duration_since(ack.since));
            }
            Item::Delivery(delivery, since) => {
                counts.events_out.add(name(delivery));
                if let Some(since) = since {
                    counts
                        .delivery_time
                        .add(now.saturating_duration_since(*since));
                }
            }
            Item::Closing(_) => counts.events_out.add(ServerClosing::NAME),
        }
    }
}

/// Waits for the stream of a client, as long as one may take nothing.
async fn patiently<T>(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> Result<T, NoPlace> {
    let ready = poll_fn(|context| Poll::Ready(poll(context))).await;
    let result = match ready {
        Poll::Ready(result) => result,
        Poll::Pending => match tokio::time::timeout(PATIENCE, poll_fn(poll)).await {
            Ok(result) => result,
            Err(_) => return Err(NoPlace::Stalled),
        },
    };
    result.map_err(|_| NoPlace::Closed)
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

impl Item {
    fn emit(&self, socket: &Arc<Socket>) -> Result<(), SendError> {
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
}

/// socketioxide makes acknowledgements only as an extractor, and consumes one even where it does not fit.
fn acknowledge(socket: &Arc<Socket>, ack: &Ack) -> Result<(), SendError> {
    let mut none = Value::Str("".into(), None);
    match AckSender::from_message_parts(socket, &mut none, &Some(ack.id)) {
        Ok(sender) => sender.send(&ack.body),
        Err(never) => match never {},
    }
}
