//! What a driver calls itself, in the order in which things happen: before any stream or future hears of them.
//!
//! Tasks hear of things in whatever order they are woken. What keeps the order of several kinds of things (events,
//! acknowledgements, losses) has to be called where they happen. A hook must not wait, and asks of its connection only
//! by what it was given for that.

use crate::socketio::Status;
use std::fmt;
use tertulia_shared::wire::args::Args;

/// What may go to where a driver runs: natively that may be another thread.
#[cfg(not(target_arch = "wasm32"))]
pub trait Movable: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send> Movable for T {}
#[cfg(not(target_arch = "wasm32"))]
type Passes = Box<dyn FnMut(Passing<'_>) -> bool + Send>;
#[cfg(not(target_arch = "wasm32"))]
type Then<T> = Box<dyn FnOnce(T) + Send>;

/// What may go to where a driver runs: a page has one thread.
#[cfg(target_arch = "wasm32")]
pub trait Movable {}
#[cfg(target_arch = "wasm32")]
impl<T> Movable for T {}
#[cfg(target_arch = "wasm32")]
type Passes = Box<dyn FnMut(Passing<'_>) -> bool>;
#[cfg(target_arch = "wasm32")]
type Then<T> = Box<dyn FnOnce(T)>;

/// What a [`Gate`] is told.
#[derive(Debug)]
pub enum Passing<'a> {
    /// An event came; the gate says whether it is handed over.
    Event(&'a Args),
    /// How the connection is doing, when the gate is set and at each change; what the gate says to it does not matter.
    Status(&'a Status),
}

/// Hears everything of a connection first, and says of each event whether it is handed over.
pub struct Gate(Passes);

impl Gate {
    pub(super) fn new(passes: impl FnMut(Passing<'_>) -> bool + Movable + 'static) -> Self {
        Self(Box::new(passes))
    }

    pub(super) fn passes(&mut self, passing: Passing<'_>) -> bool {
        (self.0)(passing)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gate")
    }
}

/// Called once with what was waited for; dropped where that never comes.
pub struct Hook<T>(Then<T>);

impl<T> Hook<T> {
    pub(super) fn new(then: impl FnOnce(T) + Movable + 'static) -> Self {
        Self(Box::new(then))
    }

    pub(super) fn call(self, value: T) {
        (self.0)(value);
    }
}

impl<T> fmt::Debug for Hook<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hook")
    }
}
