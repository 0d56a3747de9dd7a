//! Screens with little: a phone's height above its keyboard, and a reader's few colours.

use crate::world::{
    browser::{Browser, DESK, PHONE, Setup, test_id},
    client::{connected, enter, join, say},
    mosquitto::publish,
    server::Server,
};
use serde_json::json;

/// Small and usual phones, with about as much of their height as a keyboard leaves.
const ABOVE_A_KEYBOARD: [(u32, u32); 2] = [(320, 270), (390, 420)];

/// How much of the window's height is the log's, and what is cut off at the side.
const SHARE: &str = "
    const log = document.querySelector('[data-testid=messages]').getBoundingClientRect();
    const end = document.querySelector('.composer').getBoundingClientRect().bottom;
    return [log.height / innerHeight, document.documentElement.scrollWidth - innerWidth, end <= innerHeight]";

async fn messages_have_their_share(page: &Browser, when: &str) {
    let share = page.run(SHARE, vec![]).await;
    let (height, aside, is_whole): (f64, i64, bool) = serde_json::from_value(share).unwrap();
    println!("{when}: {:.0} % of the height", height * 100.0);
    assert!(height >= 0.4, "{when}: {height}");
    assert_eq!(aside, 0, "{when}");
    assert!(is_whole, "{when}: the composer is cut off");
}

#[tokio::test]
async fn two_fifths_of_the_height_above_a_keyboard_are_messages() {
    for size in ABOVE_A_KEYBOARD {
        let mut server = Server::start().await;
        let page = Browser::open(&server.origin(), Setup { size, ..PHONE }).await;
        page.linked("websocket").await;
        page.enter("Ada").await;
        let bob = connected(&server.origin()).await;
        enter(&bob, "Bob").await;
        join(&bob, "chat/lobby").await;
        for number in 0..20 {
            let text = format!("number {number}");
            say(&bob, "chat/lobby", &text, &number.to_string()).await;
        }
        page.shows(&test_id("message"), "number 19").await;
        page.fill("message-input", "hola").await;
        messages_have_their_share(&page, &format!("{size:?}")).await;
        server.kill().await;
        page.find(&test_id("banner")).await;
        messages_have_their_share(&page, &format!("{size:?} without a link")).await;
    }
}

#[tokio::test]
async fn a_phones_one_light_says_what_all_three_do() {
    let server = Server::start().await;
    let size = (320, 568);
    let page = Browser::open(&server.origin(), Setup { size, ..PHONE }).await;
    page.find(&format!("{}[data-state=up]", test_id("status-bridge")))
        .await;
    page.linked("websocket").await;
    let name =
        "return document.querySelector('[data-testid=status-all]').getAttribute('aria-label')";
    let name = page.run(name, vec![]).await;
    for part in ["Servidor: conectado", "Broker: conectado", "Dispositivos: "] {
        assert!(name.as_str().unwrap().contains(part), "{name}");
    }
    let seen = "return [...document.querySelectorAll('.light')].filter((one) => one.checkVisibility()).length";
    assert_eq!(page.run(seen, vec![]).await, json!(0));
    page.press("status-all").await;
    assert_eq!(page.run(seen, vec![]).await, json!(3));
    page.find(&test_id("status-all"))
        .await
        .send_keys("\u{e00c}")
        .await
        .unwrap();
    assert_eq!(page.run(seen, vec![]).await, json!(0));
}

/// Breaks when: a switch is drawn by its ground alone, which a reader's own colours take away.
#[tokio::test]
async fn a_switch_is_seen_in_forced_colours() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    publish(server.mqtt_port(), "devices/kitchen/state/lamp", "on", &[]).await;
    publish(server.mqtt_port(), "devices/kitchen/state/fan", "off", &[]).await;
    for state in [
        "[data-target=lamp][aria-checked=true]",
        "[data-target=fan][aria-checked=false]",
    ] {
        page.find(state).await;
    }
    page.force_colors().await;
    let looks = "return ['lamp', 'fan'].map((name) => {
        const track = document.querySelector(`[data-target=${name}] .track`);
        const { borderTopWidth, borderTopColor } = getComputedStyle(track);
        const { backgroundColor } = getComputedStyle(document.body);
        const knob = getComputedStyle(track.firstElementChild).backgroundColor;
        const ground = getComputedStyle(track).backgroundColor;
        return [parseFloat(borderTopWidth) > 0, borderTopColor !== backgroundColor, knob !== ground];
    })";
    let seen = json!([true, true, true]);
    assert_eq!(page.run(looks, vec![]).await, json!([seen, seen]));
}
