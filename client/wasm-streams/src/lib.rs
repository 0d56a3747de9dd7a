//! Stands in for the crate `wasm-streams` 0.5, of which the page uses nothing.
//!
//! Leptos depends on its server functions, those on `wasm-streams`, and that exports JavaScript classes; an export is
//! never removed by the linker, so that every Leptos page carries them: 4.6 kB of ours in brotli. The page has no server
//! function: a table of typed events is its contract. Here is what `server_fn` 0.8 needs to compile, and what would be
//! sent or read with it is an empty stream.
//!
//! It goes when Leptos lets a page leave server functions out. The root `Cargo.toml` puts it in the place of the crate.

use futures_util::stream::{self, Empty, Stream};
use wasm_bindgen::{JsValue, UnwrapThrowExt};

/// The raw types.
pub mod readable {
    /// The browser's own.
    pub mod sys {
        pub use web_sys::ReadableStream;
    }
}

/// A `ReadableStream` of the browser.
#[derive(Debug)]
pub struct ReadableStream(web_sys::ReadableStream);

impl ReadableStream {
    /// Takes the browser's own.
    pub fn from_raw(raw: web_sys::ReadableStream) -> Self {
        Self(raw)
    }

    /// Gives the browser's own.
    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// Reads nothing of it.
    pub fn into_stream(self) -> Empty<Result<JsValue, JsValue>> {
        stream::empty()
    }

    /// An empty one, whatever is given.
    ///
    /// # Panics
    /// Where the browser has no streams.
    pub fn from_stream(_: impl Stream<Item = Result<JsValue, JsValue>> + 'static) -> Self {
        Self(web_sys::ReadableStream::new().unwrap_throw())
    }
}
