//! Rooms that outlive their connection: joined again after each loss, from where they were read to.
//!
//! [`Positions`] is the bookkeeping, for who joins by hand; [`Rooms`] does it all on a [`Connection`]. Not here: what
//! travels in a room. An event of a room is told by its payload: it has a `seq`, and a `topic` or a `room`.

#[cfg(test)]
mod life;
mod place;
mod positions;

pub use positions::{MAX_BYTES, Positions};

use crate::connection::{Connection, EmitError, Link, Watcher, WeakConnection};
use futures_channel::mpsc;
use futures_util::StreamExt;
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tertulia_shared::{
    room::{Joined, RoomJoin, RoomLeave},
    wire::args::Args,
};

/// What became of a join that was made by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The room.
    pub room: String,
    /// The server's answer. A refused room is given up; after any other error it is joined again with the next
    /// connection.
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

#[derive(Debug, Default)]
struct State {
    positions: Positions,
    /// The rooms that are wanted, and how many of the newest messages the first join asks for.
    wanted: Vec<(String, u32)>,
    resumes: Vec<mpsc::UnboundedSender<Resumed>>,
}

impl Rooms {
    /// Watches over the rooms of a connection: one at a time for each namespace of a connection.
    ///
    /// Gives what has to run for as long as there are rooms: hand it to the runtime. It ends when the rooms are dropped
    /// and the connection changes, or the driver has stopped.
    pub fn new(connection: &Connection) -> (Self, impl Future<Output = ()> + use<>) {
        let state = Arc::<Mutex<State>>::default();
        let seen = Arc::downgrade(&state);
        connection.gate(move |args| seen.upgrade().is_none_or(|state| is_new(&state, args)));
        let weak = (connection.downgrade(), Arc::downgrade(&state));
        let follow = follow(connection.watch(), weak);
        let connection = connection.clone();
        (Self { connection, state }, follow)
    }

    /// Joins a room: from where it was read to, or with so many of its newest messages where it never was.
    ///
    /// # Errors
    /// As [`Connection::emit`]. A refused room is given up; after any other error it is joined with the next connection.
    pub fn join(
        &self,
        room: &str,
        history: u32,
    ) -> impl Future<Output = Result<Joined, EmitError>> + use<> {
        self.want(room, history);
        join(&self.connection, &self.state, room, history)
    }

    /// Joins a room with the next connection, as if it had been joined before; what becomes of it comes by
    /// [`Rooms::resumes`].
    pub fn want(&self, room: &str, history: u32) {
        let mut state = lock(&self.state);
        state.wanted.retain(|(other, _)| other != room);
        state.wanted.push((room.to_owned(), history));
    }

    /// Leaves a room. Where it is joined later, it goes on where it was left.
    ///
    /// # Errors
    /// As [`Connection::emit`]; it is not joined again in any case.
    pub fn leave(&self, room: &str) -> impl Future<Output = Result<(), EmitError>> + use<> {
        lock(&self.state).wanted.retain(|(other, _)| other != room);
        let room = room.to_owned();
        self.connection.emit(&RoomLeave { room })
    }

    /// How many messages came that were seen before; they were not handed over.
    pub fn duplicates(&self) -> u64 {
        lock(&self.state).positions.duplicates()
    }

    /// What becomes of the joins that are made by themselves, from now on.
    pub fn resumes(&self) -> mpsc::UnboundedReceiver<Resumed> {
        let (sender, receiver) = mpsc::unbounded();
        lock(&self.state).resumes.push(sender);
        receiver
    }
}

fn join(
    connection: &Connection,
    state: &Arc<Mutex<State>>,
    room: &str,
    history: u32,
) -> impl Future<Output = Result<Joined, EmitError>> + use<> {
    let request: RoomJoin = lock(state).positions.join(room, history);
    let joined = connection.emit(&request);
    let state = Arc::clone(state);
    async move {
        let joined = joined.await;
        let mut state = lock(&state);
        match &joined {
            Ok(joined) => state.positions.joined(&request.room, joined),
            Err(EmitError::Rejected(_)) => {
                state.wanted.retain(|(room, _)| *room != request.room);
            }
            Err(_) => {}
        }
        joined
    }
}

/// Joins all rooms again; where no answer comes, once more.
async fn resume(connection: &Connection, state: &Arc<Mutex<State>>) {
    let wanted = {
        let mut state = lock(state);
        state.positions.lost();
        state.wanted.clone()
    };
    let join = |room: &str, history: u32| join(connection, state, room, history);
    let joins: Vec<_> = wanted
        .iter()
        .map(|(room, history)| join(room, *history))
        .collect();
    for ((room, history), joining) in wanted.into_iter().zip(joins) {
        let mut joined = joining.await;
        if matches!(joined, Err(EmitError::Timeout(_))) {
            joined = join(&room, history).await;
        }
        let resumed = Resumed { room, joined };
        let mut state = lock(state);
        state
            .resumes
            .retain(|resumes| resumes.unbounded_send(resumed.clone()).is_ok());
    }
}

async fn follow(mut statuses: Watcher, (connection, state): (WeakConnection, Weak<Mutex<State>>)) {
    let mut was_up = false;
    while let Some(status) = statuses.next().await {
        let (Some(connection), Some(state)) = (connection.upgrade(), state.upgrade()) else {
            return;
        };
        let is_up = status.link == Link::Connected;
        if is_up && !was_up {
            resume(&connection, &state).await;
        }
        was_up = is_up;
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
