//! Streams of a connection as Leptos signals, for the life of the component that asks. `examples/client_page.rs` is a whole
//! page that compiles.
//!
//! ```ignore
//! let connection = Connection::connect("https://example.org")?;
//! let status = signals::latest(connection.watch());
//! let message = signals::latest(connection.listen::<ChatMessage>());
//! view! { <p>{move || message.get().and_then(Result::ok).map(|message| message.text)}</p> }
//! ```

use futures_util::{
    StreamExt,
    future::ready,
    stream::{AbortHandle, Abortable, Stream},
};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// The last item of a stream; `None` before the first one. It ends, and with it the listening, when the owner of this
/// call (the component) is gone.
pub fn latest<T: 'static>(
    stream: impl Stream<Item = T> + 'static,
) -> ReadSignal<Option<T>, LocalStorage> {
    let (last, set_last) = signal_local(None);
    for_each(stream, move |item| set_last.set(Some(item)));
    last
}

/// Does something with each item of a stream, until the owner of this call (the component) is gone: for what must see
/// every item, where a signal shows only the last one of those that come together.
pub fn for_each<T: 'static>(
    stream: impl Stream<Item = T> + 'static,
    mut act: impl FnMut(T) + 'static,
) {
    let (abort, registration) = AbortHandle::new_pair();
    let items = Abortable::new(stream, registration);
    spawn_local(items.for_each(move |item| {
        act(item);
        ready(())
    }));
    Owner::on_cleanup(move || abort.abort());
}
