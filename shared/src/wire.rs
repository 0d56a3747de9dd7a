//! What travels: the Engine.IO and Socket.IO codecs, pure functions over bytes and text.

pub mod args;
mod base64;
pub mod binary;
pub mod engine;
pub mod json;
pub mod number;
mod objects;
pub mod socket;
