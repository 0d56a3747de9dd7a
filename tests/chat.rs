//! The chat as two people see it in two real browsers.

mod missed;
mod network;
mod rooms;
mod storage;
mod typing;
mod waiting;

use crate::world::{
    browser::{Browser, DESK, PHONE, test_id},
    mosquitto::{publish, subscribe},
    server::Server,
    soon,
};
use serde_json::json;
use std::time::Duration;

const MESSAGE: &str = "[data-testid=message]";
const PERSON: &str = "[data-testid=person]";

#[tokio::test]
async fn two_windows_chat() {
    let server = Server::start().await;
    let ada = Browser::open(&server.origin(), DESK).await;
    let bob = Browser::open(&server.origin(), DESK).await;
    ada.enter("Ada").await;
    bob.enter("Bob").await;
    ada.shows(PERSON, "Bob").await;
    bob.shows(PERSON, "Ada").await;
    ada.say("hola, ¿qué tal?").await;
    bob.shows(MESSAGE, "hola, ¿qué tal?").await;
    bob.say("<b>fine</b>").await;
    ada.shows(MESSAGE, "<b>fine</b>").await;
    ada.linked("websocket").await;
    ada.find(&format!("{MESSAGE}[data-state=sent]")).await;
    assert_eq!(bob.texts(MESSAGE).await.len(), 2, "each message once");
    drop(bob);
    ada.hides(PERSON, "Bob").await;
}

#[tokio::test]
async fn a_killed_and_restarted_server_is_found_again_without_a_reload() {
    let mut server = Server::start().await;
    let ada = Browser::open(&server.origin(), DESK).await;
    let bob = Browser::open(&server.origin(), DESK).await;
    ada.enter("Ada").await;
    bob.enter("Bob").await;
    for person in [&ada, &bob] {
        person.run("window.untouched = true", vec![]).await;
    }
    ada.say("before").await;
    bob.shows(MESSAGE, "before").await;
    server.kill().await;
    ada.find(&test_id("banner")).await;
    let _server = server.restart().await;
    for person in [&ada, &bob] {
        person.linked("websocket").await;
    }
    ada.shows(PERSON, "Bob").await;
    bob.say("after").await;
    ada.shows(MESSAGE, "after").await;
    ada.say("me too").await;
    bob.shows(MESSAGE, "me too").await;
    for person in [&ada, &bob] {
        let untouched = person.run("return window.untouched", vec![]).await;
        assert_eq!(untouched, json!(true), "the page was reloaded");
    }
}

#[tokio::test]
async fn with_websocket_blocked_chat_works_by_polling() {
    let server = Server::with(&["--no-host-metrics", "--refuse-upgrade"]).await;
    let ada = Browser::open(&server.origin(), DESK).await;
    let bob = Browser::open(&server.origin(), DESK).await;
    ada.enter("Ada").await;
    bob.enter("Bob").await;
    ada.shows(PERSON, "Bob").await;
    ada.say("slow but sure").await;
    bob.shows(MESSAGE, "slow but sure").await;
    ada.linked("polling").await;
}

#[tokio::test]
async fn mosquitto_and_the_page_talk_to_each_other() {
    let server = Server::start().await;
    let ada = Browser::open(&server.origin(), DESK).await;
    ada.enter("Ada").await;
    ada.find(&format!("{}[data-state=up]", test_id("status-bridge")))
        .await;
    publish(server.mqtt_port(), "chat/lobby", "hello", &[]).await;
    ada.shows(MESSAGE, "hello").await;
    let mut lobby = subscribe(server.mqtt_port(), "chat/lobby").await;
    ada.say("from the browser").await;
    let line = lobby.line_with("chat/lobby ").await;
    assert_eq!(line, "chat/lobby from the browser");
}

#[tokio::test]
async fn name_room_and_draft_survive_a_reload() {
    let server = Server::start().await;
    let ada = Browser::open(&server.origin(), DESK).await;
    ada.enter("Ada").await;
    ada.fill("room-input", "kitchen").await;
    ada.press("room-submit").await;
    ada.shows(PERSON, "Ada").await;
    ada.fill("message-input", "half a sent").await;
    ada.go(&server.origin()).await;
    ada.shows(PERSON, "Ada").await;
    let draft = ada.find(&test_id("message-input")).await;
    assert_eq!(draft.prop("value").await.unwrap().unwrap(), "half a sent");
    draft.send_keys("ence").await.unwrap();
    ada.press("message-send").await;
    ada.shows(MESSAGE, "half a sentence").await;
}

#[tokio::test]
async fn a_bad_name_is_refused_in_place_and_the_page_lives_on() {
    let server = Server::start().await;
    let ada = Browser::open(&server.origin(), DESK).await;
    ada.find(&test_id("name-input")).await;
    // Past what the form itself prevents: the limit of the server is what counts.
    let lift = "document.querySelector('[data-testid=name-input]').removeAttribute('maxlength')";
    ada.run(lift, vec![]).await;
    ada.fill("name-input", &"x".repeat(41)).await;
    ada.press("name-submit").await;
    ada.shows(&test_id("name-failure"), "40").await;
    ada.enter("Ada").await;
}

#[tokio::test]
async fn the_page_speaks_the_browsers_language_and_can_be_told_another() {
    let server = Server::start().await;
    let phone = Browser::open(&server.origin(), PHONE).await;
    let english = Browser::open(&server.origin(), DESK).await;
    phone.find(&test_id("name-input")).await;
    english.find(&test_id("name-input")).await;
    let language = "return document.documentElement.lang";
    assert_eq!(phone.run(language, vec![]).await, json!("es"));
    assert_eq!(english.run(language, vec![]).await, json!("en"));
    phone.press("lang-switch").await;
    phone.find("html[lang=en]").await;
}

/// Breaks when: what takes of the log's place, as a form or a keyboard does, hides its end from who follows it.
#[tokio::test]
async fn the_end_of_the_log_stays_in_view() {
    let server = Server::start().await;
    let phone = Browser::open(&server.origin(), PHONE).await;
    phone.enter("Ada").await;
    for number in 0..20 {
        phone.say(&format!("number {number}")).await;
    }
    phone.shows(MESSAGE, "number 19").await;
    let below = "const log = document.querySelector('[data-testid=messages]');
        return Math.round(log.scrollHeight - log.scrollTop - log.clientHeight)";
    let height = "return document.querySelector('[data-testid=messages]').clientHeight";
    let is_at_end = async || {
        while phone.run(below, vec![]).await != json!(0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the end", is_at_end()).await;
    let before = phone.run(height, vec![]).await;
    phone.press("name-change").await;
    phone.find(&test_id("name-cancel")).await;
    let after = phone.run(height, vec![]).await;
    assert!(after.as_f64() < before.as_f64(), "{after} of {before}");
    soon("the end above the form", is_at_end()).await;
}

#[tokio::test]
async fn a_phone_has_tabs() {
    let server = Server::with(&[]).await;
    let phone = Browser::open(&server.origin(), PHONE).await;
    phone.enter("Ada").await;
    phone.press("tab-dashboard").await;
    phone.shows(&test_id("device"), "host-").await;
    phone.press("tab-chat").await;
    phone.say("from a phone").await;
    phone.shows(MESSAGE, "from a phone").await;
    let overflow = "return document.documentElement.scrollWidth - window.innerWidth";
    assert_eq!(
        phone.run(overflow, vec![]).await,
        json!(0),
        "no sideways scroll"
    );
}
