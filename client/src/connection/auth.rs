//! Where the payload of CONNECT comes from.

use crate::socketio::Auth;
use std::{fmt, future::Future, pin::Pin};
use tertulia_shared::wire::json::Json;

/// The answer of an asynchronous source; natively it moves between threads.
#[cfg(not(target_arch = "wasm32"))]
pub type Asked = Pin<Box<dyn Future<Output = Option<Json>> + Send>>;
/// The answer of an asynchronous source.
#[cfg(target_arch = "wasm32")]
pub type Asked = Pin<Box<dyn Future<Output = Option<Json>>>>;

#[cfg(not(target_arch = "wasm32"))]
type Source = Box<dyn Fn() -> Asked + Send>;
#[cfg(target_arch = "wasm32")]
type Source = Box<dyn Fn() -> Asked>;

/// What CONNECT carries: a value, or what a function says, asked again at each reconnect.
pub enum AuthSource {
    /// The same each time.
    Fixed(Auth),
    /// What the function says.
    Asked(Source),
}

impl AuthSource {
    /// Nothing.
    pub fn none() -> Self {
        Self::Fixed(Auth::None)
    }

    /// Asks `source` at each connect and reconnect.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn ask<F>(source: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Option<Json>> + Send + 'static,
    {
        Self::Asked(Box::new(move || Box::pin(source())))
    }

    /// Asks `source` at each connect and reconnect.
    #[cfg(target_arch = "wasm32")]
    pub fn ask<F>(source: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Option<Json>> + 'static,
    {
        Self::Asked(Box::new(move || Box::pin(source())))
    }
}

impl fmt::Debug for AuthSource {
    /// Without the value: it is a credential.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuthSource")
    }
}
