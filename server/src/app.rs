//! Our features: one synchronous function an event, which accepts with an acknowledgement or refuses with a reason.
//!
//! Not here: how events come and go (`edge`, `bridge`) and how messages are numbered (`hub`).

pub mod chat;
pub mod device;
pub mod policy;
pub mod presence;
mod receipts;
pub mod room;
pub mod sensor;
mod session;
#[cfg(test)]
mod tests;
mod visible;

pub use session::Session;

use crate::hub::{Hub, Origin};
use std::sync::{Arc, atomic::AtomicU64};
use tertulia_shared::{Code, Reject};

/// The origin of what browsers and other Socket.IO clients publish.
pub const CLIENT: Origin = Origin("client");
/// The origin of what comes through a broker.
pub const MQTT: Origin = Origin("mqtt");
/// The origin of what the server says of itself.
pub const SERVER: Origin = Origin("server");

/// What went wrong between the hub and the broker since the server started.
#[derive(Debug, Default)]
pub struct Counts {
    /// The publishes that said nothing that could be taken.
    pub faults: AtomicU64,
    /// The chat messages that did not fit into the way to the broker.
    pub unsent: AtomicU64,
}

/// What all connections share.
#[derive(Debug)]
pub struct App {
    /// The hub.
    pub hub: Arc<Hub>,
    /// What went wrong since the start.
    pub counts: Counts,
    presence: presence::Presence,
    receipts: receipts::Receipts,
    commands: device::Commands,
}

impl App {
    /// The features on a hub; device commands go to `commands`.
    pub fn new(hub: Arc<Hub>, commands: device::Commands) -> Arc<Self> {
        Arc::new(Self {
            hub,
            counts: Counts::default(),
            presence: presence::Presence::default(),
            receipts: receipts::Receipts::default(),
            commands,
        })
    }
}

/// A refusal because the hub could not take a message.
fn not_published(error: crate::hub::PublishError) -> Reject {
    Reject::new(Code::ServerFull, error.to_string())
}
