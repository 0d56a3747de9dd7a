//! What wakes the driver: the page's own events beside those of requests, sockets and the timer.

use crate::{connection::Request, socketio::Input};
use futures_channel::mpsc;
use gloo::events::EventListener;

/// What wakes the driver.
#[derive(Debug)]
pub(super) enum Wake {
    /// A handle asks for something.
    Request(Request),
    /// The last handle is gone.
    Stop,
    /// Something happened to a request or a WebSocket.
    Input(Input),
    /// The timer fired: look at the time.
    Tick,
    /// The page woke up, is shown, or is hidden.
    Seen,
    /// The browser believes that there is a network again.
    Online,
    /// The browser knows that there is no network.
    Offline,
}

/// Tells the driver; where it is gone, nobody is left to tell.
pub(super) fn wake(wakes: &mpsc::UnboundedSender<Wake>, input: Input) {
    let _ = wakes.unbounded_send(Wake::Input(input));
}

/// Whether the page is shown.
pub(super) fn is_shown() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_none_or(|document| !document.hidden())
}

/// Wakes the driver when the page is shown again, and when the network goes or is back, for as long as what it gives lives.
pub(super) fn listen_to_page(wakes: &mpsc::UnboundedSender<Wake>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let on = |target: &web_sys::EventTarget, name: &'static str, make: fn() -> Wake| {
        let wakes = wakes.clone();
        EventListener::new(target, name, move |_| {
            let _ = wakes.unbounded_send(make());
        })
    };
    let mut listeners = vec![
        on(&window, "online", || Wake::Online),
        on(&window, "offline", || Wake::Offline),
        on(&window, "pageshow", || Wake::Seen),
    ];
    if let Some(document) = window.document() {
        listeners.push(on(&document, "visibilitychange", || Wake::Seen));
    }
    listeners
}
