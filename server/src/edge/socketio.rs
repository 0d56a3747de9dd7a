//! The Socket.IO door: events in their order to `app`, acknowledgements and rooms back.
//!
//! Not here: what an event means (`app`).

mod acks;
mod beside;
mod boundary;
mod closing;
mod connection;
mod counts;
mod courier;
mod cut;
mod frames;
mod guard;
mod handshake;
mod item;
mod listen;
mod malformed;
mod outlet;
mod packet;
mod patience;
mod polls;
mod refusal;
mod slow;
mod stream;
mod way_out;
mod window;

pub(super) use guard::{begins, guard, is_at_door};
pub use polls::Gate;
pub use stream::{Stream, Switch, guarded};

use super::proxy::Here;
use crate::{
    app::{App, Session, chat, clock, device, presence, room},
    limits::{Admitted, Limits},
};
use axum::{Router, extract::Request, http::header};
use closing::Closing;
use connection::{Common, Connection, Wire};
pub use counts::Counts;
use cut::{Cut, Cuts};
use handshake::Handshake;
use listen::{Unknown, listen, listen_ahead, listen_first, listen_in_order, listen_later};
use socketioxide::{
    SocketIo, TransportType, extract::SocketRef, handler::ConnectHandler, service::SocketIoService,
    socket::DisconnectReason,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tertulia_shared::Reject;
use tokio_util::sync::CancellationToken;

/// The largest request body and the largest WebSocket message that a client may send, in bytes.
pub const MAX_PAYLOAD_BYTES: u32 = 1_000_000;
/// What a WebSocket holds for the next messages of its client, in bytes; longer ones take more while they come.
const READ_BUFFER_BYTES: usize = 512;
/// Between two looks at whether a connection has got all.
const LOOK: Duration = Duration::from_millis(10);
/// How long a session may do without a CONNECT. As long as a client waits for a connection: the library keeps its place until
/// then, also when it is over before.
const CONNECT: Duration = Duration::from_secs(20);
/// How long a client may take to poll why it is refused.
const REFUSAL_KEPT: Duration = CONNECT;
/// The path of Socket.IO.
pub const PATH: &str = "/socket.io";

/// The service that answers below [`PATH`].
pub type Service = SocketIoService<Router>;

/// How the heartbeat is set.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// Between two pings.
    pub interval: Duration,
    /// How long a ping may stay without its pong.
    pub timeout: Duration,
}

/// How the door closes.
#[derive(Clone, Debug)]
pub struct Farewell {
    /// Cancelled when the server begins to stop.
    pub began: CancellationToken,
    /// The time over which clients are told to come back.
    pub come_back_within: Duration,
}

/// The Socket.IO server.
#[derive(Clone, Debug)]
pub struct Door {
    io: SocketIo,
    counts: Arc<Counts>,
    cuts: Cuts,
    began_to_close: CancellationToken,
    closing: Arc<Closing>,
}

/// The connections of a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    /// Those that poll.
    pub polling: usize,
    /// Those over WebSocket.
    pub websocket: usize,
    /// The acknowledgements that wait for them.
    pub acks_waiting: usize,
    /// The texts of those that are answered, in bytes.
    pub ack_bytes_waiting: usize,
}

impl Door {
    /// The server, and the service that answers below [`PATH`].
    pub fn new(
        app: Arc<App>,
        heartbeat: Heartbeat,
        farewell: Farewell,
        limits: &Arc<Limits>,
    ) -> (Service, Self) {
        let (service, io) = SocketIo::builder()
            .req_path(PATH)
            .ping_interval(heartbeat.interval)
            .ping_timeout(heartbeat.timeout)
            .connect_timeout(CONNECT)
            .max_buffer_size(window::BUFFER_PACKETS)
            .max_payload(u64::from(MAX_PAYLOAD_BYTES))
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .ws_max_message_size(MAX_PAYLOAD_BYTES as usize)
            .ws_max_frame_size(MAX_PAYLOAD_BYTES as usize)
            .build_with_inner_svc(Router::new());
        let counts = Arc::<Counts>::default();
        let cuts = Cuts::default();
        let began_to_close = farewell.began.clone();
        let closing = Arc::new(Closing::new(farewell.began, farewell.come_back_within));
        let door_closing = Arc::clone(&closing);
        let common = Common::new(Arc::clone(&counts), closing);
        let register_cuts = cuts.clone();
        let limits = Arc::clone(limits);
        // Middleware runs before the CONNECT reply: what a client sends at once finds its listeners.
        let register = move |socket: SocketRef, handshake: Handshake| {
            let token = handshake.token();
            let is_here = socket.req_parts().extensions.get::<Here>().is_some();
            let admitted = token.and_then(|token| Session::begin(&app, token, is_here));
            let admitted = admitted.map(|session| {
                register(&socket, session, &common, &limits, &register_cuts);
            });
            std::future::ready(admitted.inspect_err(|reject| {
                common.counts.reject(reject.code);
                refuse(&socket, &register_cuts, reject);
            }))
        };
        io.ns("/", connected.with(register));
        let door = Self {
            io,
            counts,
            cuts,
            began_to_close,
            closing: door_closing,
        };
        (service, door)
    }

    /// What the [`guard`] needs to close single connections of `service`, and to let no new ones in at the end.
    pub fn gate(&self, service: Service) -> Gate {
        Gate::new(self.cuts.clone(), self.began_to_close.clone(), service)
    }

    /// What was counted since the start.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The connections by transport, and what waits for them.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for socket in self.sockets() {
            match socket.transport_type() {
                TransportType::Polling => snapshot.polling += 1,
                TransportType::Websocket => snapshot.websocket += 1,
            }
            if let Some(connection) = socket.extensions.get::<Arc<Connection>>() {
                let (acks, bytes) = connection.acks_waiting();
                snapshot.acks_waiting += acks;
                snapshot.ack_bytes_waiting += bytes;
            }
        }
        snapshot
    }

    fn sockets(&self) -> Vec<SocketRef> {
        // Once it is closed it has no namespace any more.
        let sockets = self.io.of("/").map(|namespace| namespace.sockets());
        sockets.unwrap_or_default()
    }

    /// Waits until every connection was told that the server closes and has got all that was accepted; false where that
    /// took too long.
    pub async fn drain(&self) -> bool {
        let mut all = true;
        for (step, patience) in (1..).zip(closing::STEPS) {
            self.closing.go_to(step);
            let drained = tokio::time::timeout(patience, self.drained(step));
            all &= drained.await.is_ok();
        }
        all
    }

    async fn drained(&self, step: usize) {
        let is_left = |socket: &SocketRef| {
            let connection = socket.extensions.get::<Arc<Connection>>();
            connection.is_some_and(|connection| connection.drained.load(Ordering::Relaxed) != step)
        };
        while self.sockets().iter().any(is_left) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many clients are connected now.
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// How many events were refused since the start.
    pub fn refused(&self) -> u64 {
        self.counts.rejects().values().sum()
    }

    /// Closes every connection such that official clients come back: their reason is "transport close".
    pub async fn close(&self) {
        self.io.close().await;
    }
}

/// Has the guard tell why a connection is refused.
fn refuse(socket: &SocketRef, cuts: &Cuts, reject: &Reject) {
    tracing::debug!(code = ?reject.code, %reject, "not connected");
    let line = cut(socket, cuts);
    line.refusal.set(reject);
    // Between two polls nobody else holds it.
    tokio::spawn(async move {
        tokio::time::sleep(REFUSAL_KEPT).await;
        drop(line);
    });
}

/// What the transports of a connection share.
fn cut(socket: &SocketRef, cuts: &Cuts) -> Cut {
    let begun = socket.req_parts().extensions.get::<Cut>().cloned();
    begun.unwrap_or_else(|| cuts.of(socket.id.as_str()))
}

/// One line an event: its name and direction stand in its table, its meaning in `app`.
fn register(
    socket: &SocketRef,
    session: Arc<Session>,
    common: &Arc<Common>,
    limits: &Limits,
    cuts: &Cuts,
) {
    let cut = cut(socket, cuts);
    let admitted = socket.req_parts().extensions.get::<Arc<Admitted>>();
    let allowance = limits.allowance(session.sender(), admitted);
    let connection = Connection::new(session, Arc::clone(common), cut, allowance);
    listen_first(socket, &connection, room::join);
    listen(socket, &connection, room::leave);
    listen_later(socket, &connection, room::invite, room::Inviting::done);
    listen(socket, &connection, chat::enter);
    listen_in_order(socket, &connection, chat::send, chat::Sent::done);
    listen(socket, &connection, presence::list);
    listen_ahead(socket, &connection, clock::time);
    listen_later(socket, &connection, device::command, device::Pending::done);
    socket.on_fallback(Unknown::new(&connection));
    socket.extensions.insert(connection);
}

async fn connected(socket: SocketRef, wire: Wire) {
    let Some(connection) = socket.extensions.get::<Arc<Connection>>() else {
        return;
    };
    tracing::debug!(parent: &connection.span, peer = connection.session.peer(), "connected");
    socket.on_disconnect(|socket: SocketRef, reason: DisconnectReason| {
        if let Some(connection) = socket.extensions.get::<Arc<Connection>>() {
            tracing::debug!(parent: &connection.span, peer = connection.session.peer(), %reason, "disconnected");
            connection.end();
        }
        std::future::ready(())
    });
    connection.start(wire);
}

/// Whether a request is to become a WebSocket.
pub(super) fn is_upgrade(request: &Request) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
