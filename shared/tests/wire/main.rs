//! The codecs as their users meet them: golden vectors and a bounded fuzz of every decoder.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod fuzz;
mod generate;
mod golden;
mod vectors;
