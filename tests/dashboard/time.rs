//! What the dashboard says of time: clocks that are wrong, values of unknown age, values that were deleted, and history.

use super::{open, tile};
use crate::world::{
    browser::{Browser, DESK, test_id},
    mosquitto::{Broker, publish},
    server::Server,
    soon,
    wall::Wall,
};
use serde_json::json;
use std::time::Duration;

const HOUR: i64 = 60 * 60 * 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What a fresh value says of its age.
const FRESH: [&str; 2] = ["now", "s ago"];

/// Sets the browser's clock wrong by as many milliseconds as the page has noted, now or in the window before.
const SKEWED: &str = "
    window.skew = Number(localStorage.getItem('skew') ?? 0);
    const now = Date.now;
    Date.now = () => now() + window.skew;";

/// Waits until the tile of the kitchen's temperature is fresh; its value and age.
async fn fresh(page: &Browser, value: &str) {
    let selector = tile("kitchen", "temperature");
    let look = format!("return document.querySelector('{selector}').className.includes('stale')");
    page.shows(&format!("{selector} .value"), value).await;
    let mut seen = String::new();
    let becomes_fresh = async {
        loop {
            seen = page.texts(&selector).await.concat();
            let is_stale = page.run(&look, vec![]).await == json!(true);
            if !is_stale && FRESH.iter().any(|words| seen.contains(words)) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let became = tokio::time::timeout(Duration::from_secs(10), becomes_fresh).await;
    assert!(became.is_ok(), "{value}: {seen}");
}

/// Waits until the chart of the kitchen tells these values.
async fn charted(page: &Browser, words: &str) {
    let chart = format!("[data-device=kitchen] [data-testid=chart][aria-label*='{words}']");
    page.find(&chart).await;
}

/// Waits until nothing is found by the selector.
async fn gone(page: &Browser, selector: &str) {
    let is_gone = async {
        while !page.texts(selector).await.is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    soon(selector, is_gone).await;
}

async fn measure(port: &str, value: &str) {
    publish(port, "sensors/kitchen/temperature", value, &[]).await;
}

/// Breaks when: the stamp of a reading decides whether it is newer than the one shown, or how old it is.
#[tokio::test]
async fn a_server_clock_that_is_set_hides_and_ages_nothing() {
    let wall = Wall::new();
    let server = Server::in_environment(&["--no-host-metrics"], wall.environment()).await;
    let page = open(&server).await;
    measure(server.mqtt_port(), "20").await;
    fresh(&page, "20").await;
    for (hours, value) in [(-1, "21"), (2, "25"), (-3, "22")] {
        wall.set(hours * HOUR);
        measure(server.mqtt_port(), value).await;
        fresh(&page, value).await;
        // It has its place in the chart once the clocks are compared.
        charted(&page, &format!("latest {value},")).await;
        measure(server.mqtt_port(), value).await;
        fresh(&page, value).await;
    }
    charted(&page, "latest 22, lowest 20, highest 25").await;
}

/// Breaks when: an age or the place of a value in its chart depends on the browser's clock.
#[tokio::test]
async fn a_browser_clock_that_is_hours_off_ages_nothing() {
    let server = Server::start().await;
    for value in ["20", "25", "22"] {
        measure(server.mqtt_port(), value).await;
    }
    let page = Browser::open(&server.origin(), DESK).await;
    page.on_each_page(SKEWED).await;
    for hours in [5, -5] {
        let note = "localStorage.setItem('skew', arguments[0])";
        page.run(note, vec![json!(hours * HOUR)]).await;
        page.go(&server.origin()).await;
        let skew = page.run(
            "return Date.now() - performance.timeOrigin - performance.now()",
            vec![],
        );
        assert!((skew.await.as_f64().unwrap() - (hours * HOUR) as f64).abs() < 60_000.0);
        fresh(&page, "22").await;
        charted(&page, "latest 22, lowest 20, highest 25").await;
        // Somebody sets it while the page is open.
        page.run("window.skew = 0", vec![]).await;
        measure(server.mqtt_port(), "22").await;
        fresh(&page, "22").await;
        charted(&page, "latest 22, lowest 20, highest 25").await;
    }
}

/// Breaks when: the page does not ask for history, or does not put it where it belongs.
#[tokio::test]
async fn a_chart_is_full_at_load() {
    let server = Server::start().await;
    for value in ["20", "25", "22"] {
        measure(server.mqtt_port(), value).await;
    }
    let page = open(&server).await;
    charted(&page, "latest 22, lowest 20, highest 25").await;
    page.go(&server.origin()).await;
    charted(&page, "latest 22, lowest 20, highest 25").await;
}

/// Breaks when: what was already there when the server came looks as if it had just been measured.
#[tokio::test]
async fn a_retained_value_is_of_unknown_age() {
    let broker = Broker::keeping().await;
    let topic = "sensors/kitchen/temperature";
    let retain = ["-r", "-q", "1"];
    publish(&broker.port, topic, "20", &retain).await;
    let server = Server::with(&["--no-host-metrics", "--mqtt-url", &broker.url()]).await;
    let page = open(&server).await;
    let tile = tile("kitchen", "temperature");
    page.shows(&tile, "age unknown").await;
    page.shows(&tile, "20").await;
    page.find(&format!("{tile}.stale")).await;
    let later = open(&server).await;
    later.shows(&tile, "age unknown").await;
    publish(&broker.port, topic, "20", &retain).await;
    fresh(&page, "20").await;
    fresh(&later, "20").await;
    // The broker gives the same value again: it is neither new, nor is its age forgotten.
    page.shows(&tile, "s ago").await;
    let gone = broker.terminate().await;
    let light = |state| format!("{}[data-state={state}]", test_id("status-bridge"));
    page.find(&light("down")).await;
    let broker = gone.restart().await;
    page.find(&light("up")).await;
    publish(&broker.port, "sensors/kitchen/humidity", "40", &[]).await;
    page.shows(&super::tile("kitchen", "humidity"), "40").await;
    page.shows(&tile, " ago").await;
}

/// Breaks when: a value that was deleted stays on an open page, or history brings it to one that is opened later.
#[tokio::test]
async fn a_cleared_value_disappears_from_every_page() {
    let server = Server::start().await;
    let page = open(&server).await;
    let retain = async |topic: &str, payload: &str| {
        publish(server.mqtt_port(), topic, payload, &["-r", "-q", "1"]).await;
    };
    let card = |device: &str| format!("[data-testid=device][data-device={device}]");
    for value in ["20", "21"] {
        retain("sensors/kitchen/temperature", value).await;
    }
    retain("sensors/kitchen/humidity", "40").await;
    retain("sensors/cellar/humidity", "70").await;
    retain("devices/cellar/status", "online").await;
    page.shows(&tile("kitchen", "temperature"), "21").await;
    page.find(&format!("{} [data-status=online]", card("cellar")))
        .await;
    retain("sensors/kitchen/temperature", "").await;
    gone(&page, &tile("kitchen", "temperature")).await;
    retain("devices/cellar/status", "").await;
    gone(&page, &format!("{} [data-status=online]", card("cellar"))).await;
    retain("sensors/cellar/humidity", "").await;
    gone(&page, &card("cellar")).await;
    page.shows(&tile("kitchen", "humidity"), "40").await;
    let later = open(&server).await;
    later.shows(&tile("kitchen", "humidity"), "40").await;
    // All that history has came before this.
    retain("sensors/kitchen/light", "300").await;
    later.shows(&tile("kitchen", "light"), "300").await;
    gone(&later, &tile("kitchen", "temperature")).await;
    gone(&later, &card("cellar")).await;
    // What the device measures from then on is there again.
    retain("sensors/kitchen/temperature", "19").await;
    page.shows(&tile("kitchen", "temperature"), "19").await;
    later.shows(&tile("kitchen", "temperature"), "19").await;
}
