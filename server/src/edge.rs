//! The doors that accept clients: Socket.IO, the page and the health check.
//!
//! Not here: what dials a broker (`bridge`), and what events mean (`app`).

pub mod health;
pub mod origin;
pub mod page;
pub mod socketio;
