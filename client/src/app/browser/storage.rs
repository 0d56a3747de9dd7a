//! What the page remembers in the browser between two visits; plain texts under `tertulia.…`.
//!
//! A browser that refuses storage only forgets.

use leptos::prelude::window;

/// The remembered text of that name; `None` when there is none.
pub(crate) fn get(name: &str) -> Option<String> {
    store()?.get_item(&key(name)).ok().flatten()
}

/// Remembers `text`; an empty one is forgotten.
pub(crate) fn set(name: &str, text: &str) {
    let Some(store) = store() else { return };
    let _ = if text.is_empty() {
        store.remove_item(&key(name))
    } else {
        store.set_item(&key(name), text)
    };
}

fn store() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn key(name: &str) -> String {
    format!("tertulia.{name}")
}
