//! The typed handle of a connection: emit, listen, answer, watch. It is the same for the browser and for tokio.
//!
//! Not here: what drives the connection (`web`, `native`). A handle sends requests to its driver over a channel; the
//! driver stops when the last handle is dropped.

mod answer;
mod dispatch;
mod emit;
mod hook;
mod line;
mod listener;

use crate::socketio::Settled;
pub use crate::socketio::{
    Auth, Delivery, Link, Options, Reason, Refusal, ReplyTo, Status, Transport,
};
pub use answer::{Answers, Responder};
pub use dispatch::{AuthRequest, Dispatcher};
pub use emit::{EmitError, Emitted};
use futures_channel::{mpsc, oneshot};
pub use hook::{Gate, Hook, Movable, Passing};
pub(crate) use line::WeakConnection;
use line::{Counted, Line};
pub use listener::{Listener, Once, Tap, Tapped, Watcher};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tertulia_shared::{
    ClientToServer, ServerToClient,
    wire::{args::Args, json::Json, socket::MAIN},
};

/// What a handle asks of its driver, which hands it to its [`Dispatcher`]; each about one namespace.
#[derive(Debug)]
pub struct Request {
    /// The namespace, with its leading slash.
    pub namespace: Arc<str>,
    /// What is asked.
    pub ask: Ask,
}

/// What a handle asks of its driver.
#[derive(Debug)]
pub enum Ask {
    /// Say from now on what CONNECT carries.
    Auth(Auth),
    /// Connect, or while the next attempt is waited for make it at once.
    Connect,
    /// Disconnect.
    Disconnect,
    /// What CONNECT carries this time: the answer to the [`AuthRequest`] of that number.
    Authorize(u32, Option<Json>),
    /// Emit an event and tell what became of it.
    Emit {
        /// The event's name and payload.
        args: Args,
        /// How it is to be delivered.
        delivery: Delivery,
        /// Told what became of it.
        settled: Hook<Settled>,
    },
    /// Acknowledge an event of the server and tell whether it was sent.
    Reply {
        /// Which event.
        to: ReplyTo,
        /// What it is acknowledged with.
        args: Args,
        /// Told what became of it.
        settled: Hook<Settled>,
    },
    /// Hand over the events of that name, with what acknowledges them.
    Listen(String, mpsc::UnboundedSender<(Args, Option<ReplyTo>)>),
    /// Hand over every event, in and out.
    Tap(mpsc::UnboundedSender<Tapped>),
    /// Hand over only the events that this lets pass.
    Gate(Gate),
    /// Call this after a while, by the driver's clock.
    After(Duration, Hook<()>),
    /// Tell the status, now and at each change.
    Watch(mpsc::UnboundedSender<Status>),
    /// Drop this when the driver has ended.
    Keep(oneshot::Sender<Infallible>),
}

/// An event's arguments, or why there are none.
pub(crate) type Encoded = Result<Args, serde_json::Error>;

/// Events as they come, with what acknowledges them.
pub type Received = mpsc::UnboundedReceiver<(Args, Option<ReplyTo>)>;

/// A connection to a namespace; clones are the same connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Shared by all handles, so that a [`WeakConnection`] does not keep the driver running.
    line: Counted<Line>,
    namespace: Arc<str>,
    delivery: Delivery,
    plain_acks: bool,
}

impl Connection {
    /// The handle of the main namespace, and where its driver gets the requests: for a driver on a runtime of your own.
    pub fn new(options: &Options) -> (Self, mpsc::UnboundedReceiver<Request>) {
        let (requests, receiver) = mpsc::unbounded();
        let namespace = named(&options.namespace);
        let line = Line::new(requests, &namespace);
        let connection = Self::on(Counted::new(line), namespace, options);
        (connection, receiver)
    }

    /// A handle on a driver that runs already.
    fn on(line: Counted<Line>, namespace: Arc<str>, options: &Options) -> Self {
        let connection = Self {
            line,
            namespace,
            delivery: Delivery {
                ack_within: Some(options.ack_timeout),
                volatile: false,
                retries: options.retries,
            },
            plain_acks: false,
        };
        connection.ask(Ask::Auth(options.auth.clone()));
        if options.auto_connect {
            connection.open();
        }
        connection
    }

    /// A handle on another namespace over the same connection, `/admin`; it is connected at once. It stays connected when
    /// this handle is dropped, until [`Connection::disconnect`] or the end of the driver.
    #[must_use]
    pub fn of(&self, namespace: &str, auth: Auth) -> Self {
        let other = Self {
            namespace: named(namespace),
            ..self.clone()
        };
        other.line.takes(&other.namespace);
        other.ask(Ask::Auth(auth));
        other.open();
        other
    }

    /// The same connection, its emits waiting that long for their acknowledgement. The default is 10 s.
    #[must_use]
    pub fn timeout(&self, ack_within: Duration) -> Self {
        self.with(|delivery| delivery.ack_within = Some(ack_within))
    }

    /// The same connection, its emits dropped where there is no connection now, instead of waiting for one.
    #[must_use]
    pub fn volatile(&self) -> Self {
        self.with(|delivery| delivery.volatile = true)
    }

    /// The same connection, its emits sent again that often when no acknowledgement came: at least once each, one after
    /// the other.
    #[must_use]
    pub fn retries(&self, retries: u32) -> Self {
        self.with(|delivery| delivery.retries = retries)
    }

    /// The same connection, its acknowledgements carrying the value itself, instead of Tertulia's reply with `ok` or
    /// `error`: for typed events with other servers. The server then has no typed way to refuse.
    #[must_use]
    pub fn plain_acks(&self) -> Self {
        let mut other = self.clone();
        other.plain_acks = true;
        other
    }

    fn with(&self, change: impl FnOnce(&mut Delivery)) -> Self {
        let mut other = self.clone();
        change(&mut other.delivery);
        other
    }

    /// Emits an event and gives what the server acknowledges it with.
    ///
    /// It is emitted by the call, not by the first `await`, so that calls go out in their order. While there is no
    /// connection it waits in the buffer, the waiting counted in the time for the acknowledgement (but with retries it waits
    /// for a connection without end).
    ///
    /// # Errors
    /// When the server refuses it, no acknowledgement comes in time, the connection is lost meanwhile, the buffer is
    /// full, or the event is longer than the server takes.
    pub fn emit<E: ClientToServer>(&self, event: &E) -> Emitted<E::Ack> {
        Emitted::new(self.accepted(event.to_args()))
    }

    /// The part of [`Connection::emit`] that is the same for every event: compiled once.
    pub(crate) fn accepted(
        &self,
        args: Encoded,
    ) -> impl Future<Output = Result<Args, EmitError>> + use<> {
        let ack_within = self.delivery.ack_within;
        let plain = self.plain_acks;
        let settles = args.map(|args| self.send(args, self.delivery));
        async move {
            let settles = settles.map_err(|error| EmitError::Encode(error.to_string()))?;
            emit::accepted(settles.await?, ack_within, plain)
        }
    }

    /// Emits any event, for which there need not be a type, and gives the arguments of its acknowledgement; `None` where
    /// `delivery` expects none. With that it settles as soon as the event was handed to the transport.
    ///
    /// # Errors
    /// As [`Connection::emit`], but for refusals, which only typed events have.
    pub fn emit_args(
        &self,
        args: Args,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Option<Args>, EmitError>> + use<> {
        let settles = self.send(args, delivery);
        async move { emit::unsettled(settles.await?, delivery.ack_within) }
    }

    fn send(
        &self,
        args: Args,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Settled, EmitError>> + use<> {
        let (settled, settles) = sending();
        self.ask(Ask::Emit {
            args,
            delivery,
            settled,
        });
        async move { settles.await.map_err(|_| EmitError::Stopped) }
    }

    /// Emits an event, and has the driver itself call `then` with what the server acknowledges it with: in the order of all
    /// that comes. Where the driver has stopped it is dropped.
    pub(crate) fn emit_then<E: ClientToServer>(
        &self,
        event: &E,
        then: impl FnOnce(Result<E::Ack, EmitError>) + Movable + 'static,
    ) {
        let args = match event.to_args() {
            Ok(args) => args,
            Err(error) => return then(Err(EmitError::Encode(error.to_string()))),
        };
        let (delivery, plain) = (self.delivery, self.plain_acks);
        let settled = Hook::new(move |settled| {
            let accepted = emit::accepted(settled, delivery.ack_within, plain);
            then(accepted.and_then(|args| emit::decoded(&args)));
        });
        self.ask(Ask::Emit {
            args,
            delivery,
            settled,
        });
    }

    /// Has the driver call `then` after a while, by its clock. Where the driver has stopped it is dropped.
    pub(crate) fn after(&self, wait: Duration, then: impl FnOnce(()) + Movable + 'static) {
        self.ask(Ask::After(wait, Hook::new(then)));
    }

    /// Acknowledges an event of [`Connection::listen_to`] with these arguments.
    ///
    /// # Errors
    /// When they are longer than the server takes, or the connection that brought the event is gone.
    pub fn reply(
        &self,
        to: ReplyTo,
        args: Args,
    ) -> impl Future<Output = Result<(), EmitError>> + use<> {
        let (settled, settles) = sending();
        self.ask(Ask::Reply { to, args, settled });
        async move {
            let settled = settles.await.map_err(|_| EmitError::Stopped)?;
            emit::unsettled(settled, None).map(|_| ())
        }
    }

    /// The events of a kind, from now on, until the listener is dropped.
    pub fn listen<E: ServerToClient>(&self) -> Listener<E> {
        Listener::new(self.listen_to(E::NAME))
    }

    /// The next event of a kind.
    pub fn once<E: ServerToClient>(&self) -> Once<E> {
        Once::new(self.listen())
    }

    /// The events of a kind with what answers them: for events that the server emits with acknowledgement. It keeps no
    /// connection alive; without any other handle an answer fails with [`EmitError::Stopped`].
    pub fn answer<E: ServerToClient>(&self) -> Answers<E> {
        Answers::new(self.listen_to(E::NAME), self.downgrade())
    }

    /// The events of any name, with what acknowledges them, from now on, until the receiver is dropped.
    pub fn listen_to(&self, name: &str) -> Received {
        let (sender, receiver) = mpsc::unbounded();
        self.ask(Ask::Listen(name.to_owned(), sender));
        receiver
    }

    /// Every event, in and out, from now on, until the tap is dropped.
    pub fn tap(&self) -> Tap {
        let (sender, receiver) = mpsc::unbounded();
        self.ask(Ask::Tap(sender));
        Tap::new(receiver)
    }

    /// How the connection is doing: now, and at each change.
    pub fn watch(&self) -> Watcher {
        let (sender, receiver) = mpsc::unbounded();
        self.ask(Ask::Watch(sender));
        Watcher::new(receiver)
    }

    /// Asks `passes` of each event that comes from now on, before anybody hears of it: what it refuses is dropped. It is
    /// told of each change of the connection too, in the order in which all that happens. A later one replaces it.
    pub fn gate(&self, passes: impl FnMut(Passing<'_>) -> bool + Movable + 'static) {
        self.ask(Ask::Gate(Gate::new(passes)));
    }

    /// Connects by hand: the first time with [`Options::auto_connect`] off, or again after a disconnect; while the next
    /// attempt is waited for, it is made at once.
    pub fn open(&self) {
        self.ask(Ask::Connect);
    }

    /// Disconnects; nothing is tried by itself after that.
    pub fn disconnect(&self) {
        self.ask(Ask::Disconnect);
    }

    /// Gives this handle back and waits until the driver has ended: once all other handles are gone too, and what was sent
    /// has gone out. A program that ends earlier may take the last packets with it.
    pub fn close(self) -> impl Future<Output = ()> {
        let (keep, ended) = oneshot::channel();
        self.ask(Ask::Keep(keep));
        drop(self);
        async move {
            // It only ever ends by being dropped.
            let _ = ended.await;
        }
    }

    fn ask(&self, ask: Ask) {
        let namespace = Arc::clone(&self.namespace);
        self.line.ask(Request { namespace, ask });
    }
}

/// A hook that sends on, and where that arrives.
fn sending() -> (Hook<Settled>, oneshot::Receiver<Settled>) {
    let (sender, receiver) = oneshot::channel();
    // Nobody waits any more where the future of the emit was dropped.
    let hook = Hook::new(move |settled| drop(sender.send(settled)));
    (hook, receiver)
}

/// The name of a namespace as it travels: with its slash; nothing is the main one.
fn named(namespace: &str) -> Arc<str> {
    match namespace {
        "" => MAIN.into(),
        name if name.starts_with('/') => name.into(),
        name => format!("/{name}").into(),
    }
}

#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod tests;
