//! The doors that accept clients: Socket.IO, the page, the health check and the metrics.
//!
//! Not here: what dials a broker (`bridge`), and what events mean (`app`).

pub mod health;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod socketio;
pub mod trace;
