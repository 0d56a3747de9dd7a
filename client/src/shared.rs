//! Drivers that can be shared: namespaces of one origin travel over one connection.

use crate::{
    connection::{Connection, WeakConnection},
    socketio::{Endpoint, Options},
};
use std::sync::{Mutex, PoisonError};

/// The drivers that run, by where they connect to.
pub(crate) struct Shared(Mutex<Vec<Entry>>);

/// One driver; it is kept alive by its handles only.
struct Entry {
    endpoint: Endpoint,
    handle: WeakConnection,
    namespaces: Vec<String>,
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A handle on a driver that runs, for a namespace that is not in use there.
    pub(crate) fn join(&self, endpoint: &Endpoint, options: &Options) -> Option<Connection> {
        if options.force_new {
            return None;
        }
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.handle.is_alive());
        let fits = |entry: &&mut Entry| {
            entry.endpoint == *endpoint && !entry.namespaces.contains(&options.namespace)
        };
        let entry = entries.iter_mut().find(fits)?;
        let connection = entry.handle.connect(options)?;
        entry.namespaces.push(options.namespace.clone());
        Some(connection)
    }

    /// Lets later connections share this one.
    pub(crate) fn offer(&self, endpoint: &Endpoint, connection: &Connection, options: &Options) {
        if options.force_new {
            return;
        }
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry {
            endpoint: endpoint.clone(),
            handle: connection.downgrade(),
            namespaces: vec![options.namespace.clone()],
        });
    }
}
