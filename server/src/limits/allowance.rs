//! What one connection may send: of its own, of its user's and of its address's share.

use super::{
    Address, Permit, Shared,
    bucket::{Bucket, Rate},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tertulia_shared::{Code, Reject};

/// What an event takes of what its sender may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    /// 1 for most of them.
    pub(crate) events: f64,
    /// Its length.
    pub(crate) bytes: f64,
}

impl Weight {
    /// One event of so many bytes.
    pub(super) fn event(bytes: f64) -> Self {
        let events = 1.0;
        Self { events, bytes }
    }
}

/// Events and bytes that are left.
#[derive(Debug)]
pub(super) struct Budget {
    events: Bucket,
    bytes: Bucket,
}

impl Budget {
    pub(super) fn new((events, bytes): (Rate, Rate), now: Instant) -> Self {
        Self {
            events: Bucket::new(events, now),
            bytes: Bucket::new(bytes, now),
        }
    }

    fn wait(&mut self, now: Instant) -> Duration {
        self.events.wait(now).max(self.bytes.wait(now))
    }

    fn spend(&mut self, weight: Weight) {
        self.events.spend(weight.events);
        self.bytes.spend(weight.bytes);
    }

    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.events.is_full(now) && self.bytes.is_full(now)
    }
}

/// A Socket.IO connection that was let in: it goes through its requests, and has its place as long as anything holds it.
#[derive(Debug)]
pub(crate) struct Admitted {
    _permit: Permit,
    /// What may come over it; for guests, who are somebody else at each CONNECT.
    own: Option<Shared<Budget>>,
    address: Option<Shared<Address>>,
}

impl Admitted {
    pub(super) fn new(
        permit: Permit,
        own: Option<Shared<Budget>>,
        address: Option<Shared<Address>>,
    ) -> Self {
        Self {
            _permit: permit,
            own,
            address,
        }
    }

    pub(super) fn allowance(
        &self,
        of_user: Option<Shared<Budget>>,
        (events, _): (Rate, Rate),
    ) -> Option<Allowance> {
        Some(Allowance {
            user: of_user.or_else(|| self.own.clone())?,
            address: self.address.clone(),
            refused: Mutex::new(Bucket::new(events, Instant::now())),
        })
    }
}

/// What a connection may send.
#[derive(Debug)]
pub(crate) struct Allowance {
    user: Shared<Budget>,
    address: Option<Shared<Address>>,
    /// What may still be refused: as much as may be accepted.
    refused: Mutex<Bucket>,
}

/// Why an event is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// What its sender is told.
    pub(crate) reject: Reject,
    /// Whether the sender goes on as if it had not been told.
    pub(crate) is_flood: bool,
}

impl Allowance {
    /// Takes an event of that weight.
    ///
    /// # Errors
    /// When it is too much.
    pub(crate) fn take(&self, weight: Weight, now: Instant) -> Result<(), Refused> {
        let taken = take(&self.user, self.address.as_ref(), (weight, now));
        taken.map_err(|waits| {
            let is_flood = locked(&self.refused).take(1.0, now).is_err();
            let reject = waits.reject();
            Refused { reject, is_flood }
        })
    }
}

/// How long an event has to wait.
#[derive(Debug)]
pub(super) struct Waits {
    user: Duration,
    address: Duration,
}

/// Takes an event of that weight from what is left of a user and of its address: of both or of none.
///
/// # Errors
/// How long to wait.
pub(super) fn take(
    user: &Mutex<Budget>,
    address: Option<&Shared<Address>>,
    (weight, now): (Weight, Instant),
) -> Result<(), Waits> {
    let mut user = locked(user);
    let mut address = address.map(|kept| locked(kept));
    let of_address = address.as_mut().map(|address| address.events.wait(now));
    let waits = Waits {
        user: user.wait(now),
        address: of_address.unwrap_or_default(),
    };
    if !waits.longest().is_zero() {
        return Err(waits);
    }
    user.spend(weight);
    if let Some(address) = &mut address {
        address.events.spend(weight);
    }
    Ok(())
}

impl Waits {
    pub(super) fn longest(&self) -> Duration {
        self.user.max(self.address)
    }

    /// The refusal that says how long to wait, in whole milliseconds.
    fn reject(&self) -> Reject {
        let whose = match self.user >= self.address {
            true => "you",
            false => "your address",
        };
        let wait = u64::try_from(self.longest().as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        let text = format!("too much comes from {whose}; wait {wait} ms");
        Reject::new(Code::RateLimited, text).retry_after(wait)
    }
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
