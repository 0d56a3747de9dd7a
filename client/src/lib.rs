//! A Socket.IO client in Rust, and Tertulia's page on top of it.
//!
//! [`socketio`] is the pure machine; `web` and `native` drive it; [`connection`] is the typed handle that both give
//! out, and [`connect`] the way to it; [`rooms`] outlive a connection; [`app`] is the page.
//!
//! What follows is the crate's README.
#![cfg_attr(feature = "native", doc = "")]
#![cfg_attr(feature = "native", doc = include_str!("../README.md"))]

pub mod app;
#[cfg(any(test, target_arch = "wasm32", feature = "native"))]
mod clock;
#[cfg(any(target_arch = "wasm32", feature = "native"))]
pub mod connect;
pub mod connection;
mod fields;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod native;
mod ordered;
pub mod rooms;
pub mod sign_in;
pub mod socketio;
#[cfg(any(target_arch = "wasm32", feature = "native"))]
mod under_way;
#[cfg(target_arch = "wasm32")]
pub mod web;
