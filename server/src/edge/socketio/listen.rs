//! Typed listeners: synchronous, so that the events of one connection take effect in the order in which they came.
//!
//! socketioxide runs its own handlers each in a task of its own, in any order, and skips a handler without a word when
//! the payload has another shape. An own [`MessageHandler`] does neither.

use super::{
    connection::{Asked, Connection, Later},
    cut::Why,
    malformed,
};
use crate::app::{
    Answer, Answered, Session,
    policy::{shortened, shown},
};
use socketioxide::{
    adapter::Adapter,
    extract::SocketRef,
    handler::{MessageHandler, Value},
    socket::Socket,
};
use std::{future::Future, sync::Arc};
use tertulia_shared::{
    ClientToServer, Code, Event, Reject, Reply,
    wire::{args::Args, json::Json},
};
use tracing::Instrument;

/// How much of a decoder's reason is told: it repeats what the client sent. In characters.
const REASON_CHARS: usize = 200;

/// Acknowledgement ids as socketioxide has them.
pub(super) type AckId = i64;

/// Calls `act` for each `E` of this connection and acknowledges with what it returns.
pub(super) fn listen<E: ClientToServer>(
    socket: &SocketRef,
    connection: &Arc<Connection>,
    act: fn(&Session, E) -> Result<E::Ack, Reject>,
) {
    let connection = Arc::clone(connection);
    let take = move |value: &Value, id| {
        let Some((asked, _owed)) = connection.take(E::NAME, (value, id)) else {
            return;
        };
        let _inside = connection.span.enter();
        let result = payload::<E>(value).and_then(|event| act(&connection.session, event));
        connection.reply(asked, &Reply::from(result));
    };
    socket.on(E::NAME, Listener(take));
}

/// As [`listen`], where the acknowledgement goes out ahead of all that wait, and the event counts as a tenth of one: for what
/// every client asks now and then.
pub(super) fn listen_ahead<E: ClientToServer>(
    socket: &SocketRef,
    connection: &Arc<Connection>,
    act: fn(&Session, E) -> Result<E::Ack, Reject>,
) {
    let connection = Arc::clone(connection);
    let take = move |value: &Value, id| {
        let Some((asked, _owed)) = connection.take_small(E::NAME, (value, id)) else {
            return;
        };
        let _inside = connection.span.enter();
        let result = payload::<E>(value).and_then(|event| act(&connection.session, event));
        connection.reply_ahead(asked, &Reply::from(result));
    };
    socket.on(E::NAME, Listener(take));
}

/// As [`listen`], where the acknowledgement may wait for the disk, in order, and goes out before what `act` brings to the
/// connection's reader, and all that comes behind that.
pub(super) fn listen_first<E: ClientToServer<Ack: Send + 'static>>(
    socket: &SocketRef,
    connection: &Arc<Connection>,
    act: fn(&Session, E) -> Answered<E::Ack>,
) {
    let connection = Arc::clone(connection);
    let take = move |value: &Value, id| {
        let Some((asked, _owed)) = connection.take(E::NAME, (value, id)) else {
            return;
        };
        let _inside = connection.span.enter();
        let held = connection.session.reader().hold();
        let result = payload::<E>(value).and_then(|event| act(&connection.session, event));
        let result = match result {
            Ok(Answer::Now(ack)) => Ok(ack),
            Ok(Answer::Later(done)) => {
                let later = connection.later_in_order(asked);
                let answered = async move {
                    let reply = Reply::from(done.await);
                    later.reply_before(asked, &reply, Some(held));
                };
                tokio::spawn(answered.in_current_span());
                return;
            }
            Err(reject) => Err(reject),
        };
        connection.reply_before(asked, &Reply::from(result), Some(held));
    };
    socket.on(E::NAME, Listener(take));
}

/// As [`listen`], where the acknowledgement needs time: `act` runs in order, and the acknowledgement comes in order too.
///
/// What comes behind it waits for it: for what takes no longer than this server's own disk.
pub(super) fn listen_in_order<E: ClientToServer, P: Send + 'static, D>(
    socket: &SocketRef,
    connection: &Arc<Connection>,
    act: fn(&Session, E) -> Result<P, Reject>,
    done: fn(P) -> D,
) where
    D: Future<Output = Result<E::Ack, Reject>> + Send + 'static,
{
    answer_later(socket, connection, act, done, Connection::later_in_order);
}

/// As [`listen`], where the acknowledgement needs another machine's time: `act` runs in order, `done` beside what follows.
pub(super) fn listen_later<E: ClientToServer, P: Send + 'static, D>(
    socket: &SocketRef,
    connection: &Arc<Connection>,
    act: fn(&Session, E) -> Result<P, Reject>,
    done: fn(P) -> D,
) where
    D: Future<Output = Result<E::Ack, Reject>> + Send + 'static,
{
    answer_later(socket, connection, act, done, |connection, _| {
        connection.later()
    });
}

fn answer_later<E: ClientToServer, P: Send + 'static, D>(
    socket: &SocketRef,
    connection: &Arc<Connection>,
    act: fn(&Session, E) -> Result<P, Reject>,
    done: fn(P) -> D,
    later: fn(&Arc<Connection>, Asked) -> Later,
) where
    D: Future<Output = Result<E::Ack, Reject>> + Send + 'static,
{
    let connection = Arc::clone(connection);
    let take = move |value: &Value, id| {
        let Some((asked, _owed)) = connection.take(E::NAME, (value, id)) else {
            return;
        };
        let _inside = connection.span.enter();
        match payload::<E>(value).and_then(|event| act(&connection.session, event)) {
            Ok(pending) => {
                let (later, done) = (later(&connection, asked), done(pending));
                let answered = async move {
                    let reply = Reply::from(done.await);
                    later.reply(asked, &reply);
                };
                tokio::spawn(answered.in_current_span());
            }
            Err(reject) => connection.reply(asked, &Reply::<E::Ack>::Error(reject)),
        }
    };
    socket.on(E::NAME, Listener(take));
}

struct Listener<F>(F);

/// Tells this implementation from socketioxide's own ones for closures.
pub(super) struct InOrder;

impl<A: Adapter, F> MessageHandler<A, InOrder> for Listener<F>
where
    F: Fn(&Value, Option<AckId>) + Send + Sync + 'static,
{
    fn call(&self, _socket: Arc<Socket<A>>, value: Value, id: Option<AckId>) {
        (self.0)(&value, id);
    }
}

/// Refuses what no listener takes.
pub(super) struct Unknown {
    connection: Arc<Connection>,
}

impl Unknown {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        Self {
            connection: Arc::clone(connection),
        }
    }
}

impl<A: Adapter> MessageHandler<A, InOrder> for Unknown {
    fn call(&self, _socket: Arc<Socket<A>>, value: Value, id: Option<AckId>) {
        let Some((asked, _owed)) = self.connection.take("unknown", (&value, id)) else {
            return;
        };
        let _inside = self.connection.span.enter();
        let reject = refusal(&value).unwrap_or_else(|reject| reject);
        if is_unanswerable(&value) {
            self.connection.cut.end(Why::AckId);
        }
        self.connection.reply(asked, &Reply::<()>::Error(reject));
    }
}

/// Whether an event stands for one whose acknowledgement id cannot be answered.
fn is_unanswerable(value: &Value) -> bool {
    let args = args(value);
    args.is_ok_and(|args| {
        args.name()
            .is_ok_and(|name| name == malformed::UNANSWERABLE)
    })
}

/// Why an event that no listener takes is refused.
fn refusal(value: &Value) -> Result<Reject, Reject> {
    let args = args(value)?;
    let name = args.name().map_err(|error| bad_payload(&error))?;
    if name == malformed::EVENT {
        let reason: String = args.at(1).unwrap_or_default();
        return Ok(Reject::new(
            Code::BadPayload,
            format!(
                "the packet is malformed: {}",
                shortened(&reason, REASON_CHARS)
            ),
        ));
    }
    if name == malformed::UNANSWERABLE {
        return Ok(Reject::new(Code::BadPayload, Why::AckId.to_string()));
    }
    let shown = shown(&name);
    Ok(Reject::new(
        Code::UnknownEvent,
        format!("no event is called `{shown}`"),
    ))
}

fn payload<E: Event>(value: &Value) -> Result<E, Reject> {
    E::from_args(&args(value)?).map_err(|error| {
        let reason = shortened(&error.to_string(), REASON_CHARS);
        Reject::new(
            Code::BadPayload,
            format!("payload of `{}`: {reason}", E::NAME),
        )
    })
}

fn args(value: &Value) -> Result<Args, Reject> {
    let (text, attachments) = match value {
        Value::Str(text, attachments) => (text.as_str(), attachments.clone()),
        Value::Bytes(_) => ("", None),
    };
    let json = Json::parse(text).map_err(|error| bad_payload(&error))?;
    Args::new(json, attachments.unwrap_or_default().into()).map_err(|error| bad_payload(&error))
}

fn bad_payload(error: &dyn std::error::Error) -> Reject {
    Reject::new(
        Code::BadPayload,
        shortened(&error.to_string(), REASON_CHARS),
    )
}
