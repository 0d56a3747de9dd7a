//! Which rooms are wanted, how far they were read, and which join is to be made when: pure bookkeeping, no connection.

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
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) positions: Positions,
    wanted: Vec<Wanted>,
    is_up: bool,
    joins: u64,
    resumes: Vec<mpsc::UnboundedSender<Resumed>>,
}

impl State {
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

    /// Whether there is a connection to join on.
    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    /// What becomes of the joins that are made by themselves, from now on.
    pub(super) fn resumes(&mut self) -> mpsc::UnboundedReceiver<Resumed> {
        let (sender, receiver) = mpsc::unbounded();
        self.resumes.push(sender);
        receiver
    }

    /// The connection changed. With a new one these are to be joined: all rooms but those whose join is on its way.
    pub(super) fn changed(&mut self, status: &Status) -> Vec<String> {
        let was_up = std::mem::replace(&mut self.is_up, status.link == Link::Connected);
        if !self.is_up {
            self.positions.lost();
        }
        let is_new = self.is_up && !was_up;
        let wanted = self.wanted.iter().filter(|it| is_new && !it.waits);
        wanted.map(|wanted| wanted.room.clone()).collect()
    }

    /// The join of a room, and its number; `None` where it is not wanted any more.
    pub(super) fn join(&mut self, room: &str) -> Option<(RoomJoin, u64)> {
        let wanted = self.wanted.iter_mut().find(|wanted| wanted.room == room)?;
        self.joins += 1;
        (wanted.join, wanted.waits) = (self.joins, true);
        let join = self.positions.join(room, wanted.history);
        Some((join, self.joins))
    }

    /// Whether it is time to make a join again: the room is wanted, there was no other join of it since, and there is a
    /// connection; the next one makes it otherwise.
    pub(super) fn is_due(&self, room: &str, join: u64) -> bool {
        let mut wanted = self.wanted.iter();
        self.is_up && wanted.any(|wanted| wanted.room == room && wanted.join == join)
    }

    /// What became of a join: keeps the room unless no other join can help, and says after which time to make the join again
    /// where that helps.
    pub(super) fn answered(
        &mut self,
        room: &str,
        join: u64,
        joined: &Result<Joined, EmitError>,
    ) -> Option<Duration> {
        if let Ok(joined) = joined {
            self.positions.joined(room, joined);
        }
        let is_last = |wanted: &&mut Wanted| wanted.room == room && wanted.join == join;
        let wanted = self.wanted.iter_mut().find(is_last)?;
        wanted.waits = false;
        match joined {
            Err(EmitError::Rejected(reject)) if !reject.code.passes() => self.unwant(room),
            Err(EmitError::TooLarge { .. }) => self.unwant(room),
            Err(EmitError::Rejected(_) | EmitError::Timeout(_) | EmitError::BufferFull(_)) => {
                wanted.failures += 1;
                return Some(pause(joined, wanted.failures));
            }
            Ok(_) => wanted.failures = 0,
            // With the next connection.
            Err(_) => {}
        }
        None
    }

    /// Tells what became of a join that was made by itself.
    pub(super) fn tell(&mut self, resumed: &Resumed) {
        self.resumes
            .retain(|resumes| resumes.unbounded_send(resumed.clone()).is_ok());
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
        .unwrap_or(FIRST_PAUSE * (1 << (failures - 1).min(DOUBLINGS)))
        .clamp(shortest, longest)
}
