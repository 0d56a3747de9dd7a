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
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tertulia_shared::{
    room::{Joined, RoomLeave},
    wire::args::Args,
};
use wanted::State;

/// What became of a join that was made by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The room.
    pub room: String,
    /// The server's answer. A room that is refused for good, or whose join is larger than the server takes, is given up;
    /// after what passes it is joined again after a while ([`Code::passes`](tertulia_shared::Code::passes)), after any other
    /// error with the next connection.
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
    pub fn new(connection: &Connection) -> Self {
        let state = Arc::<Mutex<State>>::default();
        // Each join is made anew, with what was read meanwhile: sent again as it was, it would bring that a second time.
        let connection = connection.retries(0);
        let rooms = Self { connection, state };
        let weak = rooms.downgrade();
        rooms.connection.gate(move |passing| weak.passes(&passing));
        rooms
    }

    /// Joins a room: from where it was read to, or with so many of its newest messages where it never was.
    ///
    /// # Errors
    /// As [`Connection::emit`]. A room that is refused for good, or whose join is larger than the server takes, is given up;
    /// after any other error it is joined again, and what becomes of that comes by [`Rooms::resumes`].
    pub fn join(
        &self,
        room: &str,
        history: u32,
    ) -> impl Future<Output = Result<Joined, EmitError>> + use<> {
        lock(&self.state).want(room, history);
        let (sender, receiver) = oneshot::channel();
        self.send(room, Some(sender));
        async move { receiver.await.unwrap_or(Err(EmitError::Stopped)) }
    }

    /// Joins a room at once, or with the next connection where there is none; what becomes of it comes by
    /// [`Rooms::resumes`].
    pub fn want(&self, room: &str, history: u32) {
        let mut state = lock(&self.state);
        state.want(room, history);
        if state.is_up() {
            drop(state);
            self.send(room, None);
        }
    }

    /// Leaves a room. Where it is joined later, it goes on where it was left; a topic of it that another room brings by then
    /// goes on where it stands there.
    ///
    /// # Errors
    /// As [`Connection::emit`]; it is not joined again in any case.
    pub fn leave(&self, room: &str) -> impl Future<Output = Result<(), EmitError>> + use<> {
        lock(&self.state).unwant(room);
        let room = room.to_owned();
        self.connection.emit(&RoomLeave { room })
    }

    /// Forgets how far a room was read: with the next connection it is joined as one that never was, with its history. What
    /// came of it before may come again.
    pub fn forget(&self, room: &str) {
        lock(&self.state).positions.forget(room);
    }

    /// How many messages came that were seen before; they were not handed over.
    pub fn duplicates(&self) -> u64 {
        lock(&self.state).positions.duplicates()
    }

    /// How many messages came of more topics than can be remembered ([`MAX_BYTES`]): after a loss these may come again.
    pub fn unremembered(&self) -> u64 {
        lock(&self.state).positions.unremembered()
    }

    /// What becomes of the joins that are made by themselves, from now on.
    pub fn resumes(&self) -> mpsc::UnboundedReceiver<Resumed> {
        lock(&self.state).resumes()
    }

    /// Joins a room that is wanted, and tells who waits for it, or else everybody.
    fn send(&self, room: &str, waits: Option<oneshot::Sender<Result<Joined, EmitError>>>) {
        let Some((request, number)) = lock(&self.state).join(room) else {
            return;
        };
        let (weak, room) = (self.downgrade(), room.to_owned());
        self.connection.emit_then(&request, move |joined| {
            if let Some(rooms) = weak.upgrade() {
                rooms.answered(&room, number, &joined, waits.is_none());
            }
            if let Some(waits) = waits {
                // Who joined may not wait for it.
                let _ = waits.send(joined);
            }
        });
    }

    fn answered(&self, room: &str, number: u64, joined: &Result<Joined, EmitError>, is_told: bool) {
        let mut state = lock(&self.state);
        let pause = state.answered(room, number, joined);
        let room = room.to_owned();
        if is_told {
            state.tell(&Resumed {
                room: room.clone(),
                joined: joined.clone(),
            });
        }
        drop(state);
        if let Some(pause) = pause {
            let weak = self.downgrade();
            self.connection.after(pause, move |()| {
                if let Some(rooms) = weak.upgrade()
                    && lock(&rooms.state).is_due(&room, number)
                {
                    rooms.send(&room, None);
                }
            });
        }
    }

    fn downgrade(&self) -> WeakRooms {
        WeakRooms {
            connection: self.connection.downgrade(),
            state: Arc::downgrade(&self.state),
        }
    }
}

/// What finds the rooms again as long as they are there.
struct WeakRooms {
    connection: WeakConnection,
    state: Weak<Mutex<State>>,
}

impl WeakRooms {
    fn upgrade(&self) -> Option<Rooms> {
        Some(Rooms {
            connection: self.connection.upgrade()?,
            state: self.state.upgrade()?,
        })
    }

    /// Takes in what happens, and says of an event whether it was not seen before.
    fn passes(&self, passing: &Passing<'_>) -> bool {
        let Some(rooms) = self.upgrade() else {
            return true;
        };
        match passing {
            Passing::Event(args) => is_new(&rooms.state, args),
            Passing::Status(status) => {
                let wanted = lock(&rooms.state).changed(status);
                wanted.iter().for_each(|room| rooms.send(room, None));
                true
            }
        }
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
