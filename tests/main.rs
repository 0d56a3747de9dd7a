//! Tertulia as its users meet it: the real server, real browsers, the official Socket.IO programs, mosquitto.
//!
//! Every test starts what it needs on free ports and ends only what it started.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accessibility;
mod architecture;
mod chat;
mod client_and_hub;
mod clock;
mod command_line;
mod contract;
mod crowd;
mod dashboard;
mod differential;
mod durable;
mod faults;
mod fences;
mod http_fuzz;
mod identity;
mod in_memory;
mod mqtt;
mod mqtt_users;
mod namesakes;
mod official_client;
mod official_server;
mod page;
mod proxied;
mod reference;
mod restart;
mod resume;
mod retained;
mod screens;
mod seen;
mod signin;
mod silence;
mod storage;
mod storm;
mod tls;
mod translation;
mod trunk_serve;
mod vectors;
mod world;
