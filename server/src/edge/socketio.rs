//! The Socket.IO door: events in their order to `app`, acknowledgements and rooms back.
//!
//! Not here: what an event means (`app`).

mod connection;
mod cut;
mod frames;
mod guard;
mod listen;
mod malformed;
mod window;

pub use cut::Cuts;
pub use guard::{Guarded, Switch, guard};

use crate::app::{App, Session, chat, device, presence, room};
use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use connection::{Connection, Counts, Wire};
use cut::Cut;
use listen::{Unknown, listen, listen_later};
use socketioxide::{
    SocketIo, extract::SocketRef, handler::ConnectHandler, layer::SocketIoLayer,
    socket::DisconnectReason,
};
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// The largest request body and the largest WebSocket message that a client may send, in bytes.
pub const MAX_PAYLOAD_BYTES: u32 = 1_000_000;
/// The path of Socket.IO.
pub const PATH: &str = "/socket.io";

/// How the heartbeat is set.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// Between two pings.
    pub interval: Duration,
    /// How long a ping may stay without its pong.
    pub timeout: Duration,
}

/// The Socket.IO server.
#[derive(Clone, Debug)]
pub struct Door {
    io: SocketIo,
    counts: Arc<Counts>,
    cuts: Cuts,
}

impl Door {
    /// The server, and the layer that answers below [`PATH`].
    pub fn new(app: Arc<App>, heartbeat: Heartbeat) -> (SocketIoLayer, Self) {
        let (layer, io) = SocketIo::builder()
            .req_path(PATH)
            .ping_interval(heartbeat.interval)
            .ping_timeout(heartbeat.timeout)
            .max_buffer_size(window::BUFFER_PACKETS)
            .max_payload(u64::from(MAX_PAYLOAD_BYTES))
            .ws_max_message_size(MAX_PAYLOAD_BYTES as usize)
            .ws_max_frame_size(MAX_PAYLOAD_BYTES as usize)
            .build_layer();
        let counts = Arc::<Counts>::default();
        let cuts = Cuts::default();
        let shared = (Arc::clone(&counts), cuts.clone());
        // Middleware runs before the CONNECT reply: what a client sends at once finds its listeners.
        let register = move |socket: SocketRef| {
            register(&socket, &app, &shared.0, &shared.1);
            std::future::ready(Ok::<(), Infallible>(()))
        };
        io.ns("/", connected.with(register));
        (layer, Self { io, counts, cuts })
    }

    /// What the [`guard`] needs to close single connections.
    pub fn cuts(&self) -> Cuts {
        self.cuts.clone()
    }

    /// How many clients are connected now.
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// How many events were refused since the start.
    pub fn refused(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed)
    }

    /// Closes every connection such that official clients come back: their reason is "transport close".
    pub async fn close(&self) {
        self.io.close().await;
    }
}

/// One line an event: its name and direction stand in its table, its meaning in `app`.
fn register(socket: &SocketRef, app: &Arc<App>, counts: &Arc<Counts>, cuts: &Cuts) {
    let session = Session::new(Arc::clone(app));
    let begun = socket.req_parts().extensions.get::<Cut>().cloned();
    let cut = begun.unwrap_or_else(|| cuts.of(socket.id.as_str()));
    let connection = Connection::new(session, Arc::clone(counts), cut);
    listen(socket, &connection, room::join);
    listen(socket, &connection, room::leave);
    listen(socket, &connection, chat::enter);
    listen(socket, &connection, chat::send);
    listen(socket, &connection, presence::list);
    listen_later(socket, &connection, device::command, device::Pending::done);
    socket.on_fallback(Unknown::new(&connection));
    socket.extensions.insert(connection);
}

async fn connected(socket: SocketRef, wire: Wire) {
    let Some(connection) = socket.extensions.get::<Arc<Connection>>() else {
        return;
    };
    tracing::debug!(peer = connection.session.peer(), "connected");
    socket.on_disconnect(|socket: SocketRef, reason: DisconnectReason| {
        if let Some(connection) = socket.extensions.get::<Arc<Connection>>() {
            tracing::debug!(peer = connection.session.peer(), %reason, "disconnected");
            connection.end();
        }
        std::future::ready(())
    });
    connection.start(wire);
}

/// Answers WebSocket upgrades with 403, as some networks do; polling goes on.
pub async fn refuse_upgrade(request: Request, next: Next) -> Response {
    let upgrade = request.headers().get(header::UPGRADE);
    if upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return (StatusCode::FORBIDDEN, "WebSocket is refused here\n").into_response();
    }
    next.run(request).await
}
