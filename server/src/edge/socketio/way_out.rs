//! One connection's way out: acknowledgements and messages in order, never more than fits. It begins with what socketioxide
//! sends; a WebSocket is then written beside it.

use super::{
    beside::{Beside, MARK},
    connection::Connection,
    item::{Item, Source},
    outlet::{Outlet, State, Used},
    slow::Slow,
    window::{self, NoPlace, PATIENCE, Window},
};
use socketioxide::{SendError, SocketError, TransportType, socket::Socket};
use std::{
    future::{pending, poll_fn},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Between two looks at whether all has gone out, while the server is closing.
const LOOK: Duration = Duration::from_millis(20);

/// What one task sends to one client.
pub(super) struct WayOut {
    socket: Arc<Socket>,
    connection: Arc<Connection>,
    window: Window,
    /// Whether the client knows that the server is closing.
    told: bool,
}

/// Why nothing more is sent: the connection is closed, or is to be.
type End = Option<Slow>;

impl WayOut {
    pub(super) fn new(socket: Arc<Socket>, connection: Arc<Connection>) -> Self {
        Self {
            socket,
            connection,
            window: Window::default(),
            told: false,
        }
    }

    /// Sends until the connection closes, or gives why it is to be closed.
    pub(super) async fn send_all(mut self, source: Source) -> Option<Slow> {
        match self.emit_all(source).await {
            Ok(outlet) => self.watch(&outlet).await,
            Err(end) => end,
        }
    }

    /// Sends by socketioxide until it is a WebSocket.
    async fn emit_all(&mut self, mut source: Source) -> Result<Used, End> {
        loop {
            let item = self.next(&mut source).await?;
            self.connection.drained.store(0, Ordering::Relaxed);
            if self.socket.transport_type() == TransportType::Websocket
                && let Some(beside) = self.connection.cut.beside().map(Arc::clone)
            {
                self.change_over(&*beside).await?;
                let courier = self.connection.common.couriers().assign();
                return Ok(Outlet::begin(courier, source, beside, item));
            }
            self.emit(&item).await?;
            item.count(&self.connection, Instant::now());
        }
    }

    async fn next(&mut self, source: &mut Source) -> Result<Item, End> {
        if !self.told {
            tokio::select! {
                biased;
                () = self.connection.common.closing.began() => return Ok(self.closing()),
                item = source.next() => return item.ok_or(Some(Slow::Missed)),
            }
        }
        loop {
            match tokio::time::timeout(LOOK, source.next()).await {
                Ok(item) => return item.ok_or(Some(Slow::Missed)),
                Err(_) => self.look(|| source.is_empty()),
            }
        }
    }

    /// What tells the client that the server is closing.
    fn closing(&mut self) -> Item {
        self.told = true;
        Item::Closing(self.connection.common.closing.come_back())
    }

    /// Notes whether all has gone out, while the server is closing: in the step in which it began to look.
    fn look(&self, is_empty: impl FnOnce() -> bool) {
        let step = self.connection.common.closing.step();
        let drained = match is_empty() && window::is_empty(&self.socket) {
            true => step,
            false => 0,
        };
        self.connection.drained.store(drained, Ordering::Relaxed);
    }

    /// Hands one item to socketioxide, as soon as the client has room for it.
    async fn emit(&mut self, item: &Item) -> Result<(), NoPlace> {
        loop {
            self.window.place(&self.socket).await?;
            match item.emit(&self.socket) {
                Ok(()) => return Ok(()),
                Err(SendError::Socket(SocketError::InternalChannelFull)) => self.window.reset(),
                Err(SendError::Socket(SocketError::Closed)) => return Err(NoPlace::Closed),
                Err(SendError::Serialize(error)) => {
                    let span = &self.connection.span;
                    tracing::error!(parent: span, %error, "an encoded message does not encode");
                    return Ok(());
                }
            }
        }
    }

    /// From now on all goes beside socketioxide, behind what it has still to send.
    async fn change_over(&mut self, beside: &dyn Beside) -> Result<(), NoPlace> {
        beside.expect_mark();
        self.window.place(&self.socket).await?;
        if self.socket.emit(MARK, &()).is_err() {
            return Err(NoPlace::Closed);
        }
        let marked = poll_fn(|context| beside.poll_marked(context));
        match tokio::time::timeout(PATIENCE, marked).await {
            Ok(marked) => marked.map_err(|_| NoPlace::Closed),
            Err(_) => Err(NoPlace::Stalled),
        }
    }

    /// Waits until a WebSocket is closed, or is to be.
    async fn watch(&mut self, outlet: &Used) -> Option<Slow> {
        let mut state = State::Open;
        loop {
            let stalled = async {
                match state {
                    State::Blocked(since) => tokio::time::sleep_until(since + PATIENCE).await,
                    _ => pending().await,
                }
            };
            let look = async {
                match self.told {
                    true => tokio::time::sleep(LOOK).await,
                    false => self.connection.common.closing.began().await,
                }
            };
            tokio::select! {
                biased;
                changed = outlet.changed(state) => match changed {
                    State::Closed => return None,
                    State::Missed => return Some(Slow::Missed),
                    changed => state = changed,
                },
                () = stalled => return Some(Slow::Stalled),
                () = look => match self.told {
                    true => self.look(|| outlet.is_empty()),
                    false => outlet.send(self.closing()),
                },
            }
        }
    }
}

impl From<NoPlace> for End {
    fn from(no_place: NoPlace) -> Self {
        match no_place {
            NoPlace::Closed => None,
            NoPlace::Stalled => Some(Slow::Stalled),
        }
    }
}
