//! The doors that accept clients: Socket.IO, the page, the health check and the metrics.
//!
//! Not here: what dials a broker (`bridge`), and what events mean (`app`).

pub mod base;
mod body;
pub mod fence;
pub mod headers;
pub mod health;
pub mod host;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod proxy;
pub mod session;
pub mod socketio;
mod trace;

pub use body::Shared;
