//! What the door counts over all its connections.
//!
//! Not here: how it is shown (`edge/metrics`, `edge/health`).

use super::slow::TooSlow;
use crate::measure::{ByEvent, Histogram};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tertulia_shared::{Code, Direction};

/// What is counted over all connections since the server started.
#[derive(Debug)]
pub struct Counts {
    /// The connections now.
    pub connections: AtomicUsize,
    /// The connections that were begun.
    pub begun: AtomicU64,
    /// The connections that were closed for they took too little.
    pub too_slow: TooSlow,
    /// The connections that were closed for they sent on what was refused.
    pub floods: AtomicU64,
    /// The events of clients.
    pub events_in: ByEvent,
    /// The events to clients.
    pub events_out: ByEvent,
    /// The acknowledgements to clients.
    pub acks: AtomicU64,
    /// From an event of a client to its acknowledgement.
    pub ack_time: Histogram,
    /// From a publish to its emit, for each connection that reads it.
    pub delivery_time: Histogram,
    rejects: Mutex<BTreeMap<Code, u64>>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            connections: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            too_slow: TooSlow::default(),
            floods: AtomicU64::new(0),
            events_in: ByEvent::new(Direction::ClientToServer),
            events_out: ByEvent::new(Direction::ServerToClient),
            acks: AtomicU64::new(0),
            ack_time: Histogram::default(),
            delivery_time: Histogram::default(),
            rejects: Mutex::default(),
        }
    }
}

impl Counts {
    /// The refusals by their codes; a code that was never used is missing.
    pub fn rejects(&self) -> BTreeMap<Code, u64> {
        self.rejects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn reject(&self, code: Code) {
        let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        *rejects.entry(code).or_default() += 1;
    }

    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
