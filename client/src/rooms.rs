//! Rooms that outlive their connection: joined again after each loss, from where they were read to.
//!
//! [`Positions`] is the bookkeeping, for who joins by hand; [`Rooms`] does it all on a [`Connection`]. Not here: what
//! travels in a room. An event of a room is told by its payload: it has a `seq`, and a `topic` or a `room`.

#[cfg(test)]
mod life;
mod place;
mod positions;
#[cfg(test)]
mod tests;
mod wanted;

pub use positions::{MAX_BYTES, Positions};

use crate::connection::{Connection, EmitError, Passing, WeakConnection};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tertulia_shared::{
    room::{Joined, RoomLeave},
    wire::args::Args,
};
use wanted::{State, Wish};

/// What became of a join that was made by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The room.
    pub room: String,
    /// The server's answer. A room that is refused for good is given up; after what passes it is joined again after a
    /// while ([`Code::passes`](tertulia_shared::Code::passes)), after any other error with the next connection.
    pub joined: Result<Joined, EmitError>,
}

/// The rooms of a connection. While it is there, each room that was joined through it is joined again after each
/// reconnect, whatever the transport and also after a restart of the server, and what was seen before is not handed over
/// again. What could not be brought any more comes as `stream:missed`. Dropping it ends that.
#[derive(Debug)]
pub struct Rooms {
    connection: Connection,
    state: Arc<Mutex<State>>,
}

impl Rooms {
    /// Watches over the rooms of a connection: one at a time for each namespace of a connection.
    ///
    /// Gives what has to run for as long as there are rooms: hand it to the runtime. It ends when the rooms are dropped.
    pub fn new(connection: &Connection) -> (Self, impl Future<Output = ()> + use<>) {
        let (wishes, wished) = mpsc::unbounded();
        let state = Arc::new(Mutex::new(State::new(wishes)));
        let seen = Arc::downgrade(&state);
        connection.gate(move |passing| match (seen.upgrade(), passing) {
            (None, _) => true,
            (Some(state), Passing::Event(args)) => is_new(&state, args),
            (Some(state), Passing::Status(status)) => {
                lock(&state).changed(status);
                true
            }
        });
        let follow = follow(wished, connection.downgrade(), Arc::downgrade(&state));
        let connection = connection.clone();
        (Self { connection, state }, follow)
    }

    /// Joins a room: from where it was read to, or with so many of its newest messages where it never was.
    ///
    /// # Errors
    /// As [`Connection::emit`]. A room that is refused for good is given up; after any other error it is joined again, and
    /// what becomes of that comes by [`Rooms::resumes`].
    pub fn join(
        &self,
        room: &str,
        history: u32,
    ) -> impl Future<Output = Result<Joined, EmitError>> + use<> {
        lock(&self.state).want(room, history);
        let (sender, receiver) = oneshot::channel();
        join(&self.connection, &self.state, room, Some(sender));
        async move { receiver.await.unwrap_or(Err(EmitError::Stopped)) }
    }

    /// Joins a room at once, or with the next connection where there is none; what becomes of it comes by
    /// [`Rooms::resumes`].
    pub fn want(&self, room: &str, history: u32) {
        let mut state = lock(&self.state);
        state.want(room, history);
        state.wish(room);
    }

    /// Leaves a room. Where it is joined later, it goes on where it was left.
    ///
    /// # Errors
    /// As [`Connection::emit`]; it is not joined again in any case.
    pub fn leave(&self, room: &str) -> impl Future<Output = Result<(), EmitError>> + use<> {
        lock(&self.state).unwant(room);
        let room = room.to_owned();
        self.connection.emit(&RoomLeave { room })
    }

    /// How many messages came that were seen before; they were not handed over.
    pub fn duplicates(&self) -> u64 {
        lock(&self.state).positions.duplicates()
    }

    /// What becomes of the joins that are made by themselves, from now on.
    pub fn resumes(&self) -> mpsc::UnboundedReceiver<Resumed> {
        lock(&self.state).resumes()
    }
}

/// Joins a room that is wanted, and tells who waits for it, or else everybody.
fn join(
    connection: &Connection,
    state: &Arc<Mutex<State>>,
    room: &str,
    waits: Option<oneshot::Sender<Result<Joined, EmitError>>>,
) {
    let Some((request, number)) = lock(state).join(room) else {
        return;
    };
    let (state, room) = (Arc::downgrade(state), room.to_owned());
    connection.emit_then(&request, move |joined| {
        if let Some(state) = state.upgrade() {
            let mut state = lock(&state);
            state.answered(&room, number, &joined);
            if waits.is_none() {
                let joined = joined.clone();
                state.tell(&Resumed { room, joined });
            }
        }
        if let Some(waits) = waits {
            // Who joined may not wait for it.
            let _ = waits.send(joined);
        }
    });
}

/// Makes the joins that are wished for.
async fn follow(
    mut wishes: mpsc::UnboundedReceiver<Wish>,
    connection: WeakConnection,
    state: Weak<Mutex<State>>,
) {
    while let Some(Wish { room, after }) = wishes.next().await {
        let (Some(connection), Some(rooms)) = (connection.upgrade(), state.upgrade()) else {
            return;
        };
        let Some((pause, number)) = after else {
            join(&connection, &rooms, &room, None);
            continue;
        };
        let state = state.clone();
        connection.after(pause, move |()| {
            if let Some(state) = state.upgrade() {
                lock(&state).again(&room, number);
            }
        });
    }
}

/// Whether an event is none of a room, or one that was not seen before.
fn is_new(state: &Mutex<State>, args: &Args) -> bool {
    match place::of(args) {
        Some((topic, seq)) => lock(state).positions.see(&topic, seq),
        None => true,
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
