//! A page's network that the test plays: what was asked is written down, what comes is said by the test.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/tests/network/network.js")]
extern "C" {
    /// Replaces `fetch` and `WebSocket` of the page.
    pub fn script();
    /// Puts them back.
    pub fn restore();
    /// What was asked of `fetch`: method, URL, body.
    pub fn requests() -> Vec<String>;
    /// A header of the request of that number; empty where it is absent.
    pub fn header(request: u32, name: &str) -> String;
    /// Which cookies the request of that number carries.
    pub fn credentials(request: u32) -> String;
    fn answer(method: &str, status: u16, body: &str) -> js_sys::Promise;
    fn open(socket: u32) -> js_sys::Promise;
    /// A text comes on a WebSocket.
    pub fn receive(socket: u32, text: &str);
    fn receive_bytes(socket: u32, bytes: &[u8]);
    /// A WebSocket is closed by the other side.
    pub fn closed(socket: u32, code: u16);
    /// What was sent on a WebSocket: a text as it is, a binary as `bytes 1,2`.
    pub fn sent(socket: u32) -> Vec<String>;
    /// How many WebSockets were asked for.
    pub fn socket_count() -> u32;
    /// Whether a WebSocket was closed by this side.
    pub fn is_closed(socket: u32) -> bool;
    /// From now on no timer fires, until `restore`.
    pub fn stop_timers();
    /// So much time passes without any timer firing, in milliseconds: the machine sleeps. Until `restore`.
    pub fn sleep(ms: f64);
    /// The document gets an event.
    pub fn tell_document(event: &str);
    /// The page gets an event.
    pub fn tell_page(event: &str);
}

/// Answers the oldest open request of that method, as soon as there is one.
pub(crate) async fn respond(method: &str, status: u16, body: &str) {
    JsFuture::from(answer(method, status, body)).await.unwrap();
}

/// Opens the WebSocket of that number, as soon as it was asked for.
pub(crate) async fn open_socket(socket: u32) {
    JsFuture::from(open(socket)).await.unwrap();
}

/// A binary comes on a WebSocket.
pub(crate) fn receive_binary(socket: u32, bytes: &[u8]) {
    receive_bytes(socket, bytes);
}

/// Lets everything run that waits for no timer and no network.
pub(crate) async fn microtasks() {
    for _ in 0..50 {
        JsFuture::from(js_sys::Promise::resolve(&wasm_bindgen::JsValue::NULL))
            .await
            .unwrap();
    }
}
