//! The page while the browser translates it: each text node is replaced by elements of the translation's own.

use crate::world::{
    browser::{Browser, DESK, test_id},
    client::{connected, enter, join, say},
    mosquitto::publish,
    server::Server,
    soon,
};
use serde_json::json;
use std::time::Duration;

const LOBBY: &str = "chat/lobby";

/// Puts each text into nested `<font>` elements, as Chromium's translation does, and gives how many there were. What must
/// not be translated is not spared: other browsers know less about that.
const TRANSLATE: &str = "
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    const font = () => {
        const font = document.createElement('font');
        font.style.verticalAlign = 'inherit';
        return font;
    };
    const taken = texts.filter((text) =>
        text.data.trim() && !text.parentElement.closest('font, script, style, textarea'));
    for (const text of taken) {
        const [outer, inner] = [font(), font()];
        inner.textContent = text.data;
        outer.append(inner);
        text.replaceWith(outer);
    }
    return taken.length;";

/// Keeps what is thrown.
const WATCH: &str = "
    window.thrown = [];
    addEventListener('error', (event) => thrown.push(event.message));
    addEventListener('unhandledrejection', (event) => thrown.push(String(event.reason)));";

async fn translate(page: &Browser) {
    let texts = page.run(TRANSLATE, vec![]).await;
    assert!(texts.as_u64().unwrap() > 0, "nothing to translate");
}

async fn nothing_is_thrown(page: &Browser) {
    assert_eq!(page.run("return thrown", vec![]).await, json!([]));
    let lines = page.log().await;
    let broken: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("panicked") || line.contains("Uncaught"))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

fn tile(metric: &str, part: &str) -> String {
    format!("[data-device=kitchen] [data-metric={metric}] {part}")
}

/// Breaks when: a text that changes is a node that the page keeps hold of.
#[tokio::test]
async fn a_translated_dashboard_goes_on_changing() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.run(WATCH, vec![]).await;
    page.find(&format!("{}[data-state=up]", test_id("status-bridge")))
        .await;
    let send = async |topic: &str, payload: &str| {
        publish(server.mqtt_port(), topic, payload, &[]).await;
    };
    send("sensors/kitchen/power", r#"{"value":21.5,"unit":"W"}"#).await;
    send("sensors/kitchen/door", "open").await;
    send("sensors/kitchen/broken", "{broken").await;
    send("devices/kitchen/status", "online").await;
    send("devices/kitchen/state/lamp", "on").await;
    send("devices/kitchen/state/level", "3").await;
    let control = |target: &str| format!("[data-device=kitchen] [data-target={target}] .state");
    page.shows(&control("level"), "3").await;
    translate(&page).await;
    send("sensors/kitchen/power", r#"{"value":32,"unit":"VA"}"#).await;
    send("sensors/kitchen/door", "closed").await;
    send("sensors/kitchen/broken", "{broken").await;
    send("devices/kitchen/status", "offline").await;
    send("devices/kitchen/state/lamp", "off").await;
    send("devices/kitchen/state/level", "4").await;
    page.shows(&tile("power", ".value"), "32").await;
    page.shows(&tile("power", ".unit"), "VA").await;
    page.shows(&tile("door", ".value"), "closed").await;
    page.shows("[data-device=kitchen] [data-testid=fault]", "2")
        .await;
    page.shows(&test_id("device-status"), "offline").await;
    page.shows(&control("lamp"), "off").await;
    page.shows(&control("level"), "4").await;
    page.shows(&test_id("status-devices"), "0 of 1").await;
    page.shows(&tile("power", ".age"), "s ago").await;
    translate(&page).await;
    page.find("[data-testid=switch]")
        .await
        .click()
        .await
        .unwrap();
    page.shows("[data-device=kitchen] .progress", "the device")
        .await;
    translate(&page).await;
    page.shows("[data-device=kitchen] .progress", "5 s").await;
    for number in 1..=7 {
        send(&format!("sensors/room-{number}/light"), "300").await;
    }
    page.shows(&test_id("devices-all"), "All: 8").await;
    translate(&page).await;
    send("sensors/room-8/light", "300").await;
    page.shows(&test_id("devices-all"), "All: 9").await;
    let power = page.texts(&tile("power", ".value")).await;
    assert_eq!(power.len(), 1);
    assert_eq!(power[0].matches("VA").count(), 1, "{power:?}");
    nothing_is_thrown(&page).await;
}

#[tokio::test]
async fn a_translated_chat_goes_on_changing() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.run(WATCH, vec![]).await;
    page.shows(".empty", "lobby").await;
    page.enter("Ada").await;
    page.shows(".people .count", "1").await;
    translate(&page).await;
    let bob = connected(&server.origin()).await;
    enter(&bob, "Bob").await;
    join(&bob, LOBBY).await;
    page.shows(".people .count", "2").await;
    for number in 0..40 {
        say(
            &bob,
            LOBBY,
            &format!("number {number}"),
            &format!("{number}"),
        )
        .await;
    }
    page.shows(&test_id("message"), "number 39").await;
    translate(&page).await;
    page.say("from Ada").await;
    page.find("[data-testid=message][data-state=sent].own")
        .await;
    page.run(
        "document.querySelector('[data-testid=messages]').scrollTop = 0",
        vec![],
    )
    .await;
    say(&bob, LOBBY, "one more", "40").await;
    page.shows(&test_id("new-messages"), "1 new message").await;
    translate(&page).await;
    say(&bob, LOBBY, "and one more", "41").await;
    page.shows(&test_id("new-messages"), "2 new messages").await;
    page.fill("message-input", &"x".repeat(3_990)).await;
    page.shows(&test_id("counter"), "10 ").await;
    translate(&page).await;
    page.fill("message-input", &"x".repeat(3_991)).await;
    page.shows(&test_id("counter"), "9 ").await;
    page.fill("message-input", " ").await;
    page.press("name-change").await;
    translate(&page).await;
    page.fill("name-input", "Ada Lovelace").await;
    page.press("name-submit").await;
    page.shows(&test_id("own-name"), "Ada Lovelace").await;
    page.press("lang-switch").await;
    page.shows(&test_id("name-change"), "Cambiar").await;
    nothing_is_thrown(&page).await;
}

#[tokio::test]
async fn a_translated_frame_tells_a_lost_link_and_its_return() {
    let mut server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.run(WATCH, vec![]).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    page.say("before").await;
    page.find("[data-testid=message][data-state=sent]").await;
    translate(&page).await;
    server.kill().await;
    page.say("meanwhile").await;
    let own = "[data-testid=message][data-state=pending]";
    page.find(own).await;
    let banner = test_id("banner");
    page.find(&banner).await;
    let words = async || page.texts(&banner).await.concat();
    translate(&page).await;
    let before = words().await;
    let changes = async {
        while words().await == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("another banner", changes).await;
    page.hides(&test_id("status-link"), "connected").await;
    translate(&page).await;
    let _server = server.restart().await;
    page.linked("websocket").await;
    page.shows(&test_id("status-link"), "connected").await;
    page.hides(&test_id("status-link"), "no connection").await;
    let gone = async { while !page.texts(&banner).await.is_empty() {} };
    soon("the banner's end", gone).await;
    let sent = async { while !page.texts(own).await.is_empty() {} };
    soon("what waited", sent).await;
    nothing_is_thrown(&page).await;
}
