//! Our own client, natively, connected to a server.

use super::soon;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use std::fmt::Debug;
use tertulia_client::connection::{Connection, EmitError, Link, Options, Transport};
use tertulia_shared::{
    ClientToServer,
    chat::{ChatEnter, ChatSend, LONG_ID_CHARS, Receipt},
    room::{Joined, RoomJoin},
};

/// Connects with the default options, and waits until it is connected.
pub(crate) async fn connected(origin: &str) -> Connection {
    connected_with(origin, Options::default()).await
}

/// Connects, and waits until it is connected.
pub(crate) async fn connected_with(origin: &str, options: Options) -> Connection {
    let connection = Connection::connect_with(origin, options).unwrap();
    until_connected(&connection).await;
    connection
}

/// Waits until it is connected.
pub(crate) async fn until_connected(connection: &Connection) {
    let mut statuses = connection.watch();
    let connected = async {
        while let Some(status) = statuses.next().await {
            if status.link == Link::Connected {
                return;
            }
        }
        panic!("the driver has stopped");
    };
    soon("connected", connected).await;
}

/// Waits until packets travel by that transport.
pub(crate) async fn until_transport(connection: &Connection, transport: Transport) {
    let mut statuses = connection.watch();
    let switched = async {
        while let Some(status) = statuses.next().await {
            if status.link == Link::Connected && status.transport == Some(transport) {
                return;
            }
        }
        panic!("the driver has stopped");
    };
    soon("the transport", switched).await;
}

/// The next item that was decoded.
pub(crate) async fn next<T, E: Debug>(
    stream: &mut (impl Stream<Item = Result<T, E>> + Unpin),
) -> T {
    soon("an event", stream.next()).await.unwrap().unwrap()
}

/// Emits and waits for the acknowledgement.
pub(crate) async fn emit<E: ClientToServer>(
    connection: &Connection,
    event: &E,
) -> Result<E::Ack, EmitError> {
    soon(E::NAME, connection.emit(event)).await
}

/// Takes a name; gives the public peer id.
pub(crate) async fn enter(connection: &Connection, name: &str) -> String {
    let name = name.to_owned();
    emit(connection, &ChatEnter { name }).await.unwrap().peer
}

/// Joins a room.
pub(crate) async fn join(connection: &Connection, room: &str) -> Joined {
    let room = room.to_owned();
    emit(connection, &RoomJoin::new(room)).await.unwrap()
}

/// Sends a text.
pub(crate) async fn say(connection: &Connection, room: &str, text: &str, id: &str) -> Receipt {
    emit(connection, &send(room, text, id)).await.unwrap()
}

/// A text to send, with an id that counts across reconnects.
pub(crate) fn send(room: &str, text: &str, id: &str) -> ChatSend {
    ChatSend {
        room: room.to_owned(),
        text: text.to_owned(),
        id: Some(long_id(id)),
    }
}

/// An id as long as those that count across reconnects.
pub(crate) fn long_id(id: &str) -> String {
    format!("{id:0>LONG_ID_CHARS$}")
}

/// The code of a reject, as it stands in the acknowledgement.
pub(crate) fn code<T: Debug>(result: Result<T, EmitError>) -> Value {
    match result {
        Err(EmitError::Rejected(reject)) => serde_json::to_value(reject.code).unwrap(),
        other => panic!("not rejected but: {other:?}"),
    }
}
