//! The page: a chat room and a dashboard over typed events.
//!
//! [`model`] is what the page knows (pure, tested natively), [`text`] every text that it shows, `view` the Leptos
//! components, `browser` what they need of the browser, and `signals` turns a connection's streams into signals. Not here: sockets and JSON; the page sees typed events only.

#[cfg(target_arch = "wasm32")]
mod browser;
pub mod model;
#[cfg(target_arch = "wasm32")]
pub mod signals;
pub mod text;
#[cfg(target_arch = "wasm32")]
mod view;

#[cfg(target_arch = "wasm32")]
pub use view::mount;
