//! Our features: one synchronous function an event, which accepts with an acknowledgement or refuses with a reason.
//!
//! Not here: how events come and go (`edge`, `bridge`) and how messages are numbered (`hub`).

pub mod chat;
pub mod device;
pub mod policy;
pub mod presence;
mod recall;
pub mod room;
pub mod sensor;
mod session;
#[cfg(test)]
mod tests;

pub use session::Session;

use crate::{
    hub::{Durable, Hub, Origin},
    store::{Archive, Store, StoreError},
};
use std::sync::{Arc, atomic::AtomicU64};
use tertulia_shared::room::CHAT;

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
    /// What is kept.
    pub store: Store,
    /// What went wrong since the start.
    pub counts: Arc<Counts>,
    presence: presence::Presence,
    commands: device::Commands,
}

impl App {
    /// The features on what is stored; device commands go to `commands`.
    ///
    /// # Errors
    /// When the thread that stores does not start.
    pub fn new(archive: Archive, commands: device::Commands) -> Result<Arc<Self>, StoreError> {
        let chat = Durable {
            level: CHAT,
            epoch: archive.epoch(),
        };
        let hub = Hub::with_durable(archive.clock(), chat);
        let store = Store::start(archive, chat::publisher(Arc::clone(&hub)))?;
        Ok(Arc::new(Self {
            hub,
            store,
            counts: Arc::default(),
            presence: presence::Presence::default(),
            commands,
        }))
    }
}
