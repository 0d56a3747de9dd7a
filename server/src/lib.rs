//! The Tertulia server: a topic hub with a Socket.IO door, an MQTT bridge and the page.
//!
//! [`build`] binds, [`Server::run`] serves until it is told to stop: what the program and the tests share. [`commands`]
//! are no part of the server.

pub mod app;
pub mod bridge;
pub mod broker;
pub mod cli;
pub mod commands;
pub mod config;
pub mod edge;
pub mod host;
pub mod hub;
pub mod identity;
pub mod limits;
pub mod log;
pub mod measure;
mod server;
pub mod store;

pub use config::Config;
pub use server::{RunError, Server, StartError, build};
