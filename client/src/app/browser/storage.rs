//! What the page remembers in the browser between two visits; plain texts under `tertulia.…`.
//!
//! A browser may refuse to store: storage is blocked, full, or throws. Then the page keeps the texts in memory until it is
//! closed, and [`is_refused`] says so.

use crate::app::model::table::Table;
use leptos::prelude::*;
use std::cell::RefCell;

/// The prefix of every name.
const PREFIX: &str = "tertulia.";

thread_local! {
    /// The texts that storage did not take. They replace the stored ones; an empty text means forgotten.
    static HERE: RefCell<Table<String>> = RefCell::default();
    /// Whether there is any such text.
    static REFUSED: ArcRwSignal<bool> = ArcRwSignal::new(false);
}

/// The remembered text of that name; `None` when there is none.
pub(crate) fn get(name: &str) -> Option<String> {
    let here = HERE.with_borrow(|here| here.get(name).cloned());
    let text = here.or_else(|| store()?.get_item(&key(name)).ok().flatten());
    text.filter(|text| !text.is_empty())
}

/// Remembers `text`; an empty one is forgotten.
pub(crate) fn set(name: &str, text: &str) {
    let is_stored = try_set(name, text).is_some();
    HERE.with_borrow_mut(|here| {
        if is_stored {
            here.retain(|known, _| known != name);
        } else {
            here.insert(name.to_owned(), text.to_owned());
        }
    });
    if !is_stored && !text.is_empty() && !REFUSED.with(ArcRwSignal::get_untracked) {
        REFUSED.with(|refused| refused.set(true));
    }
}

/// Whether the page has something to remember that the browser does not store.
pub(crate) fn is_refused() -> bool {
    REFUSED.with(ArcRwSignal::get)
}

/// The names that begin with `prefix`, of what the browser has stored.
pub(crate) fn names(prefix: &str) -> Vec<String> {
    let Some(store) = store() else {
        return Vec::new();
    };
    let keys = (0..store.length().unwrap_or_default()).filter_map(|at| store.key(at).ok()?);
    let names = keys.filter_map(|key| key.strip_prefix(PREFIX).map(str::to_owned));
    names.filter(|name| name.starts_with(prefix)).collect()
}

/// Tells `take` the name of each text that another tab changes, for the life of the page.
pub(crate) fn on_change(take: impl Fn(&str) + 'static) {
    let _ = window_event_listener(leptos::ev::storage, move |event| {
        let key = event.key().unwrap_or_default();
        if let Some(name) = key.strip_prefix(PREFIX) {
            take(name);
        }
    });
}

fn try_set(name: &str, text: &str) -> Option<()> {
    let (store, key) = (store()?, key(name));
    let done = if text.is_empty() {
        store.remove_item(&key)
    } else {
        store.set_item(&key, text)
    };
    done.ok()
}

fn store() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn key(name: &str) -> String {
    [PREFIX, name].concat()
}
