//! What both sides of a Tertulia conversation must agree on: events, topics, replies and the wire codecs.
//!
//! Not here: I/O, tasks, clocks and randomness. The crate builds on every target.

pub mod bridge;
pub mod catalogue;
pub mod chat;
pub mod device;
pub mod event;
pub mod presence;
pub mod reply;
pub mod room;
pub mod sensor;
pub mod server;
pub mod stream;
pub mod topic;
pub mod wire;

pub use event::{ClientToServer, Direction, Entry, Event, NoAck, ServerToClient};
pub use reply::{Code, Reject, Reply};
pub use topic::{Filter, Topic, TopicError};
