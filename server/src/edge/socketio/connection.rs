//! One connection's way out: acknowledgements and messages through one task, in order, never more than fits.

use super::{cut::Cut, listen::AckId, window::Window};
use crate::{
    app::Session,
    hub::{Delivery, Reader},
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{
    SendError, SocketError,
    adapter::LocalAdapter,
    extract::AckSender,
    handler::{FromConnectParts, FromMessageParts, Value},
    socket::Socket,
};
use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tertulia_shared::{Event, Reply, stream::StreamMissed};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The acknowledgements that wait for a client which takes none; one more closes the connection.
const MAX_ACKS_WAITING: usize = 10_000;

/// What is counted over all connections.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The connections now.
    pub(super) connections: AtomicUsize,
    /// The refusals, since the server started.
    pub(super) refused: AtomicU64,
}

/// A connection and what is on its way out.
pub(super) struct Connection {
    pub(super) session: Arc<Session>,
    acks: mpsc::Sender<Ack>,
    /// Taken by the task that sends.
    waiting: Mutex<Option<mpsc::Receiver<Ack>>>,
    ended: CancellationToken,
    counts: Arc<Counts>,
    cut: Cut,
}

/// A socket as the sending task holds it.
pub(super) struct Wire(Arc<Socket>);

impl FromConnectParts<LocalAdapter> for Wire {
    type Error = Infallible;

    fn from_connect_parts(socket: &Arc<Socket>, _: &Option<Value>) -> Result<Self, Infallible> {
        Ok(Self(Arc::clone(socket)))
    }
}

struct Ack {
    id: AckId,
    body: Box<RawValue>,
}

impl Connection {
    pub(super) fn new(session: Arc<Session>, counts: Arc<Counts>, cut: Cut) -> Arc<Self> {
        let (acks, waiting) = mpsc::channel(MAX_ACKS_WAITING);
        Arc::new(Self {
            session,
            acks,
            waiting: Mutex::new(Some(waiting)),
            ended: CancellationToken::new(),
            counts,
            cut,
        })
    }

    /// Acknowledges an event, where its sender asked for it; every refusal is counted and logged.
    pub(super) fn reply<T: Serialize>(&self, event: &str, id: Option<AckId>, reply: &Reply<T>) {
        let peer = self.session.peer();
        if let Reply::Error(reject) = reply {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            let asked = id.is_some();
            tracing::debug!(peer, event, code = ?reject.code, %reject, asked, "refused");
        }
        let Some(id) = id else {
            return;
        };
        let body = match to_raw_value(reply) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(event, %error, "acknowledgement does not encode");
                return;
            }
        };
        if self.acks.try_send(Ack { id, body }).is_err() && !self.ended.is_cancelled() {
            tracing::warn!(
                peer,
                "{MAX_ACKS_WAITING} acknowledgements wait and none is taken"
            );
            self.ended.cancel();
        }
    }

    /// Starts to send; a second time does nothing.
    pub(super) fn start(self: Arc<Self>, Wire(socket): Wire) {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(waiting) = waiting else {
            return;
        };
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let mut way_out = WayOut {
                reader: self.session.reader(),
                waiting,
                window: Window::default(),
            };
            self.ended
                .run_until_cancelled(way_out.send_all(&socket))
                .await;
            self.session.end();
            self.counts.connections.fetch_sub(1, Ordering::Relaxed);
            // Still connected means that the client takes too little. It comes back by itself.
            if socket.connected() {
                tracing::warn!(
                    peer = self.session.peer(),
                    "closed: too slow for what it asked for"
                );
                self.cut.cancel();
            }
        });
    }

    /// Stops sending and leaves all rooms.
    pub(super) fn end(&self) {
        self.ended.cancel();
        self.session.end();
    }
}

struct WayOut {
    reader: Arc<Reader>,
    waiting: mpsc::Receiver<Ack>,
    window: Window,
}

enum Item {
    Ack(Ack),
    Delivery(Delivery),
}

impl WayOut {
    /// Sends until the connection closes or the reader is cut off.
    async fn send_all(&mut self, socket: &Arc<Socket>) {
        loop {
            let item = tokio::select! {
                biased;
                Some(ack) = self.waiting.recv() => Item::Ack(ack),
                delivery = self.reader.next() => match delivery {
                    Some(delivery) => Item::Delivery(delivery),
                    None => return,
                },
            };
            if !self.send(socket, &item).await {
                return;
            }
        }
    }

    /// Sends one item, however long the client takes for it; false once the connection is closed.
    async fn send(&mut self, socket: &Arc<Socket>, item: &Item) -> bool {
        while self.window.place(socket).await {
            match item.emit(socket) {
                Ok(()) => return true,
                Err(SendError::Socket(SocketError::InternalChannelFull)) => self.window.reset(),
                Err(SendError::Socket(SocketError::Closed)) => return false,
                Err(SendError::Serialize(error)) => {
                    tracing::error!(%error, "an encoded message does not encode");
                    return true;
                }
            }
        }
        false
    }
}

impl Item {
    fn emit(&self, socket: &Arc<Socket>) -> Result<(), SendError> {
        match self {
            Self::Ack(ack) => acknowledge(socket, ack),
            Self::Delivery(Delivery::Message(message)) => socket.emit(message.event, &message.body),
            Self::Delivery(Delivery::Missed { topic, from, to }) => {
                let missed = StreamMissed {
                    topic: topic.clone(),
                    from: *from,
                    to: *to,
                };
                socket.emit(StreamMissed::NAME, &missed)
            }
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
