//! What CONNECT carries, and where it comes from.

use std::{fmt, future::Future, pin::Pin};
use tertulia_shared::wire::json::Json;

/// What a function answers when it is asked; natively it moves between threads.
#[cfg(not(target_arch = "wasm32"))]
pub type Asked = Pin<Box<dyn Future<Output = Option<Json>> + Send>>;
/// What a function answers when it is asked.
#[cfg(target_arch = "wasm32")]
pub type Asked = Pin<Box<dyn Future<Output = Option<Json>>>>;

/// A function to ask; natively it is shared between threads.
#[cfg(not(target_arch = "wasm32"))]
pub type AskAuth = std::sync::Arc<dyn Fn() -> Asked + Send + Sync>;
/// A function to ask.
#[cfg(target_arch = "wasm32")]
pub type AskAuth = std::rc::Rc<dyn Fn() -> Asked>;

/// What the CONNECT packet of a namespace carries.
#[derive(Clone, Default)]
pub enum Auth {
    /// Nothing.
    #[default]
    None,
    /// This value, each time.
    Value(Json),
    /// What the function says, asked at each connect and reconnect. The machine only says that it is time to ask.
    Ask(AskAuth),
}

impl Auth {
    /// Asks `source` at each connect and reconnect; `None` is nothing.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn ask<F>(source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<Json>> + Send + 'static,
    {
        Self::Ask(std::sync::Arc::new(move || Box::pin(source())))
    }

    /// Asks `source` at each connect and reconnect; `None` is nothing.
    #[cfg(target_arch = "wasm32")]
    pub fn ask<F>(source: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Option<Json>> + 'static,
    {
        Self::Ask(std::rc::Rc::new(move || Box::pin(source())))
    }
}

impl fmt::Debug for Auth {
    /// Without the value: it is a credential.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "Auth::None",
            Self::Value(_) => "Auth::Value",
            Self::Ask(_) => "Auth::Ask",
        })
    }
}
