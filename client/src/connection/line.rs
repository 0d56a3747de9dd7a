//! What the handles of one driver share: the way to it, and which namespaces are in use.
//!
//! Not here: the handle itself. The driver stops when the last handle is gone; a weak one does not count.

#[cfg(any(target_arch = "wasm32", feature = "native"))]
use super::Options;
use super::{Connection, Delivery, Request};
use futures_channel::mpsc;
#[cfg(target_arch = "wasm32")]
pub(super) use std::rc::Rc as Counted;
#[cfg(target_arch = "wasm32")]
use std::rc::Weak;
#[cfg(not(target_arch = "wasm32"))]
pub(super) use std::sync::Arc as Counted;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::Weak;
use std::sync::{Arc, Mutex, PoisonError};

/// What all handles of a driver share; it is gone with the last of them, and the driver stops.
#[derive(Debug)]
pub(super) struct Line {
    requests: mpsc::UnboundedSender<Request>,
    /// The namespaces that were asked for so far.
    namespaces: Mutex<Vec<Arc<str>>>,
}

impl Line {
    /// What is shared by the handles of a new driver, the first one on that namespace.
    pub(super) fn new(requests: mpsc::UnboundedSender<Request>, namespace: &Arc<str>) -> Self {
        Self {
            requests,
            namespaces: Mutex::new(vec![Arc::clone(namespace)]),
        }
    }

    /// A driver that has stopped drops the request, and with it the channel on which the answer is awaited.
    pub(super) fn ask(&self, request: Request) {
        let _ = self.requests.unbounded_send(request);
    }

    /// Whether a namespace was not in use before; from now on it is.
    pub(super) fn takes(&self, namespace: &Arc<str>) -> bool {
        let mut namespaces = self
            .namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_new = !namespaces.contains(namespace);
        if is_new {
            namespaces.push(Arc::clone(namespace));
        }
        is_new
    }
}

/// What finds the connection again as long as another handle lives.
#[derive(Clone, Debug)]
pub(crate) struct WeakConnection {
    line: Weak<Line>,
    namespace: Arc<str>,
    delivery: Delivery,
    pub(super) plain_acks: bool,
}

impl WeakConnection {
    /// Whether a handle is left and the driver still takes its requests.
    #[cfg(any(target_arch = "wasm32", feature = "native"))]
    pub(crate) fn is_alive(&self) -> bool {
        self.line
            .upgrade()
            .is_some_and(|line| !line.requests.is_closed())
    }

    /// A handle on the namespace of the options, where the driver still runs and that namespace is not in use there.
    #[cfg(any(target_arch = "wasm32", feature = "native"))]
    pub(crate) fn join(&self, options: &Options) -> Option<Connection> {
        let line = self.line.upgrade()?;
        let namespace = super::named(&options.namespace);
        let is_free = line.takes(&namespace);
        is_free.then(|| Connection::on(line, namespace, options))
    }

    /// The same connection, where a handle is left.
    pub(crate) fn upgrade(&self) -> Option<Connection> {
        Some(Connection {
            line: self.line.upgrade()?,
            namespace: Arc::clone(&self.namespace),
            delivery: self.delivery,
            plain_acks: self.plain_acks,
        })
    }
}

impl Connection {
    /// The same connection, which this does not keep alive.
    pub(crate) fn downgrade(&self) -> WeakConnection {
        WeakConnection {
            line: Counted::downgrade(&self.line),
            namespace: Arc::clone(&self.namespace),
            delivery: self.delivery,
            plain_acks: self.plain_acks,
        }
    }
}
