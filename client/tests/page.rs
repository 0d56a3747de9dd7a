//! The page itself in a real Chromium, against a scripted network: what it shows of what comes in one moment.

#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the network is shared with other tests"
)]

mod network;

use network::{respond, restore, script};
use serde_json::{Value, json};
use tertulia_client::app;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const HANDSHAKE: &str =
    r#"0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// How often the document is looked at, in milliseconds, and how many times.
const LOOK_MS: i32 = 20;
const LOOKS: usize = 1_500;

fn reading(device: &str, seq: u64) -> String {
    let topic = format!("sensors/{device}/n");
    let reading = json!({"topic": topic, "device": device, "metric": "n", "value": seq, "seq": seq,
        "at": 1_000 + seq});
    event("sensor:reading", &reading)
}

fn fault(device: &str, seq: u64) -> String {
    let topic = format!("sensors/{device}/n");
    let fault = json!({"topic": topic, "device": device, "reason": "no number", "count": seq, "seq": seq,
        "at": 1_000 + seq});
    event("sensor:fault", &fault)
}

fn event(name: &str, payload: &Value) -> String {
    format!("42{}", json!([name, payload]))
}

/// Waits until the document has such an element.
async fn shows(selector: &str) {
    let window = web_sys::window().unwrap();
    let document = window.document().unwrap();
    for _ in 0..LOOKS {
        if document.query_selector(selector).unwrap().is_some() {
            return;
        }
        let pause = js_sys::Promise::new(&mut |resolve, _| {
            let timer =
                window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, LOOK_MS);
            timer.unwrap();
        });
        JsFuture::from(pause).await.unwrap();
    }
    panic!("no {selector}: {}", document.body().unwrap().inner_html());
}

/// Breaks when: events of several kinds are taken in kind by kind: what is older than the last one of another kind would
/// count as seen before.
#[wasm_bindgen_test]
async fn what_comes_in_one_payload_is_taken_in_in_its_order() {
    script();
    app::mount();
    respond("GET", 200, HANDSHAKE).await;
    respond("POST", 200, "ok").await;
    respond("GET", 200, r#"40{"sid":"x"}"#).await;
    let payload = [reading("a", 1), fault("a", 2), reading("a", 3)].join("\u{1e}");
    respond("GET", 200, &payload).await;
    shows("[data-device=a] [data-testid=tile]").await;
    shows("[data-device=a] [data-testid=fault][data-count=\"2\"]").await;
    let payload = [fault("b", 1), reading("b", 2), fault("b", 3)].join("\u{1e}");
    respond("GET", 200, &payload).await;
    shows("[data-device=b] [data-testid=fault][data-count=\"3\"]").await;
    shows("[data-device=b] [data-testid=tile]").await;
    restore();
}
