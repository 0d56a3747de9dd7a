//! What the page needs of the browser: clock, storage, language, media queries, random ids, `Intl`.
//!
//! Not here: sockets (the client's `web`) and anything that knows the page's state.

mod intl;
pub(crate) mod storage;

use super::{
    model::{
        clock::Now,
        origin::{self, Location},
    },
    text::Lang,
};
pub(crate) use intl::{Intl, time_zone};
use js_sys::{JsString, RegExp};
use leptos::prelude::*;
use std::fmt::Write as _;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};

thread_local! {
    /// Matches a text of which nothing shows; the server has the same list (`identity::visible`).
    static SHOWS_NOTHING: RegExp = RegExp::new(
        r"^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800\uFFFC\u{16FE4}\u{1D159}\u{13441}\u{13442}]*$",
        "u",
    );
}

/// Whether a text has a character that shows.
pub(crate) fn shows(text: &str) -> bool {
    !SHOWS_NOTHING.with(|nothing| nothing.test(text))
}

/// The browser's clock, in milliseconds since 1970.
pub(crate) fn now() -> f64 {
    js_sys::Date::now()
}

/// The browser's two clocks.
pub(crate) fn clocks() -> Now {
    let date = now();
    let performance = window().performance();
    Now {
        monotonic: performance.map_or(date, |performance| performance.now()),
        date,
    }
}

/// Whether there is an element that `selector` finds.
pub(crate) fn finds(selector: &str) -> bool {
    document()
        .query_selector(selector)
        .is_ok_and(|found| found.is_some())
}

/// An id that nobody else makes: 128 random bits in hexadecimal. Works without a secure context too.
pub(crate) fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes.iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Copies the text that an element shows; returns whether that worked. It uses the selection, because the clipboard interface
/// exists only over TLS or on this machine.
pub(crate) fn copy(shown: &web_sys::Element) -> bool {
    let done = || -> Result<bool, JsValue> {
        let selection = window().get_selection()?.ok_or(JsValue::NULL)?;
        selection.select_all_children(shown)?;
        let document = document().unchecked_into::<web_sys::HtmlDocument>();
        let is_copied = document.exec_command("copy")?;
        selection.remove_all_ranges()?;
        Ok(is_copied)
    };
    done().unwrap_or_default()
}

/// The name of the host in an origin, without the brackets of IPv6.
pub(crate) fn server_host() -> String {
    origin::host(&server_origin()).to_owned()
}

/// A text in lower case.
pub(crate) fn lowercase(text: &str) -> String {
    JsString::from(text).to_lower_case().into()
}

/// The language that the browser asks for.
pub(crate) fn language() -> Lang {
    let tags: Vec<String> = window()
        .navigator()
        .languages()
        .iter()
        .filter_map(|tag| JsValue::as_string(&tag))
        .collect();
    Lang::choose(tags.iter().map(String::as_str))
}

/// The origin of the server to talk to.
pub(crate) fn server_origin() -> String {
    at(|location| origin::server_origin(location, cfg!(debug_assertions)))
}

/// The path below which it is, without a slash at its end.
pub(crate) fn server_path() -> String {
    at(|location| origin::server_path(location, cfg!(debug_assertions)).to_owned())
}

/// Origin and path of the server.
pub(crate) fn server() -> String {
    [server_origin(), server_path()].concat()
}

fn at(find: fn(Location<'_>) -> String) -> String {
    let location = window().location();
    let search = location.search().unwrap_or_default();
    let server = web_sys::UrlSearchParams::new_with_str(&search)
        .ok()
        .and_then(|query| query.get("server"));
    find(Location {
        origin: &location.origin().unwrap_or_default(),
        hostname: &location.hostname().unwrap_or_default(),
        pathname: &location.pathname().unwrap_or_default(),
        server: server.as_deref(),
    })
}

/// What stands after the `#` of the address: a link to a room.
pub(crate) fn fragment() -> Option<String> {
    let hash = window().location().hash().ok()?;
    let fragment = js_sys::decode_uri_component(&hash).ok()?;
    Some(String::from(fragment)).filter(|fragment| !fragment.is_empty())
}

/// Tells `take` whether a media query matches: now, and at each change for the life of the page.
pub(crate) fn media(query: &str, take: Box<dyn Fn(bool)>) {
    let Ok(Some(list)) = window().match_media(query) else {
        return;
    };
    take(list.matches());
    let follow = Closure::<dyn Fn(web_sys::Event)>::new({
        let list = list.clone();
        move |_| take(list.matches())
    });
    let _ = list.add_event_listener_with_callback("change", follow.as_ref().unchecked_ref());
    follow.forget();
}

/// Runs `act` now and when the size of `element` changes, for the life of the page.
pub(crate) fn on_resize(element: &web_sys::Element, act: Box<dyn Fn()>) {
    let act = Closure::<dyn Fn()>::new(act);
    if let Ok(observer) = web_sys::ResizeObserver::new(act.as_ref().unchecked_ref()) {
        observer.observe(element);
    }
    act.forget();
}

/// Sets or removes an attribute of `<html>`.
pub(crate) fn set_root_attribute(name: &str, value: Option<&str>) {
    let Some(root) = document().document_element() else {
        return;
    };
    let _ = match value {
        Some(value) => root.set_attribute(name, value),
        None => root.remove_attribute(name),
    };
}

/// Moves the focus to the element that `selector` finds, in the next frame.
pub(crate) fn focus(selector: &'static str) {
    request_animation_frame(move || {
        let found = document().query_selector(selector).ok().flatten();
        if let Some(element) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok())
        {
            let _ = element.focus();
        }
    });
}

/// Closes the `<details>` that listens for `event`, and moves the focus to what opens it.
pub(crate) fn fold(event: &web_sys::Event) {
    let details = event.current_target();
    let details = details.and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(details) = details.filter(|details| details.has_attribute("open")) else {
        return;
    };
    let _ = details.remove_attribute("open");
    let summary = details.query_selector("summary").ok().flatten();
    if let Some(summary) = summary.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = summary.focus();
    }
}
