//! Which rooms are wanted, how far they were read, and which join is to be made next: pure bookkeeping, no connection.
//!
//! All of it happens in the order in which the connection's driver sees it: events, answers to joins, losses.

use super::{Positions, Resumed};
use crate::connection::{EmitError, Link, Status};
use futures_channel::mpsc;
use std::time::Duration;
use tertulia_shared::room::{Joined, RoomJoin};

/// How long after a join that was not answered, or refused by what passes, it is made again where the server does not
/// say; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest and the longest of these pauses, whatever the server says.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// After so many doublings the pause is the longest one.
const DOUBLINGS: u32 = 6;

/// A join to be made, at once or later.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) room: String,
    /// How long to wait, and which join is waited after: it is not made again where there was another one since.
    pub(super) after: Option<(Duration, u64)>,
}

/// A room that is wanted.
#[derive(Debug)]
struct Wanted {
    room: String,
    /// How many of the newest messages the first join asks for.
    history: u32,
    /// The number of its last join.
    join: u64,
    /// Whether that join is not answered yet.
    waits: bool,
    /// How many in a row were not answered, or refused by what passes.
    failures: u32,
}

/// The rooms of a connection.
#[derive(Debug)]
pub(super) struct State {
    pub(super) positions: Positions,
    wanted: Vec<Wanted>,
    is_up: bool,
    joins: u64,
    wishes: mpsc::UnboundedSender<Wish>,
    resumes: Vec<mpsc::UnboundedSender<Resumed>>,
}

impl State {
    /// No rooms yet; wishes go to whoever has the connection.
    pub(super) fn new(wishes: mpsc::UnboundedSender<Wish>) -> Self {
        Self {
            positions: Positions::default(),
            wanted: Vec::new(),
            is_up: false,
            joins: 0,
            wishes,
            resumes: Vec::new(),
        }
    }

    /// A room is wanted from now on.
    pub(super) fn want(&mut self, room: &str, history: u32) {
        self.unwant(room);
        self.wanted.push(Wanted {
            room: room.to_owned(),
            history,
            join: 0,
            waits: false,
            failures: 0,
        });
    }

    /// A room is not wanted any more.
    pub(super) fn unwant(&mut self, room: &str) {
        self.wanted.retain(|wanted| wanted.room != room);
    }

    /// Joins a room as soon as there is a connection.
    pub(super) fn wish(&mut self, room: &str) {
        if self.is_up {
            self.send(room, None);
        }
    }

    /// What becomes of the joins that are made by themselves, from now on.
    pub(super) fn resumes(&mut self) -> mpsc::UnboundedReceiver<Resumed> {
        let (sender, receiver) = mpsc::unbounded();
        self.resumes.push(sender);
        receiver
    }

    /// The connection changed: with a new one all rooms are joined again, but for those whose join is on its way.
    pub(super) fn changed(&mut self, status: &Status) {
        let was_up = std::mem::replace(&mut self.is_up, status.link == Link::Connected);
        if !self.is_up {
            self.positions.lost();
        } else if !was_up {
            for wanted in self.wanted.iter().filter(|wanted| !wanted.waits) {
                self.send(&wanted.room, None);
            }
        }
    }

    /// The join of a room, and its number; `None` where it is not wanted any more.
    pub(super) fn join(&mut self, room: &str) -> Option<(RoomJoin, u64)> {
        let wanted = self.wanted.iter_mut().find(|wanted| wanted.room == room)?;
        self.joins += 1;
        (wanted.join, wanted.waits) = (self.joins, true);
        let join = self.positions.join(room, wanted.history);
        Some((join, self.joins))
    }

    /// It is time to make a join again, unless there was another one of the room since; without a connection the next one
    /// makes it.
    pub(super) fn again(&mut self, room: &str, join: u64) {
        let is_last = |wanted: &Wanted| wanted.room == room && wanted.join == join;
        if self.wanted.iter().any(is_last) {
            self.wish(room);
        }
    }

    /// What became of a join: keeps the room unless it was refused for good, and makes the join again where that helps.
    pub(super) fn answered(&mut self, room: &str, join: u64, joined: &Result<Joined, EmitError>) {
        if let Ok(joined) = joined {
            self.positions.joined(room, joined);
        }
        let is_last = |wanted: &&mut Wanted| wanted.room == room && wanted.join == join;
        let Some(wanted) = self.wanted.iter_mut().find(is_last) else {
            return;
        };
        wanted.waits = false;
        match joined {
            Err(EmitError::Rejected(reject)) if !reject.code.passes() => self.unwant(room),
            Err(EmitError::Rejected(_) | EmitError::Timeout(_) | EmitError::BufferFull(_)) => {
                let pause = pause(joined, wanted.failures);
                wanted.failures += 1;
                self.send(room, Some((pause, join)));
            }
            Ok(_) => wanted.failures = 0,
            // With the next connection.
            Err(_) => {}
        }
    }

    /// Tells what became of a join that was made by itself.
    pub(super) fn tell(&mut self, resumed: &Resumed) {
        self.resumes
            .retain(|resumes| resumes.unbounded_send(resumed.clone()).is_ok());
    }

    fn send(&self, room: &str, after: Option<(Duration, u64)>) {
        let room = room.to_owned();
        // Where nobody takes it, the future of the rooms was dropped.
        let _ = self.wishes.unbounded_send(Wish { room, after });
    }
}

/// How long to wait: as long as the server says, otherwise longer with each failure.
fn pause(joined: &Result<Joined, EmitError>, failures: u32) -> Duration {
    let asked = match joined {
        Err(EmitError::Rejected(reject)) => reject.retry_after.map(Duration::from_millis),
        _ => None,
    };
    let (shortest, longest) = PAUSES;
    asked
        .unwrap_or(FIRST_PAUSE * (1 << failures.min(DOUBLINGS)))
        .clamp(shortest, longest)
}
