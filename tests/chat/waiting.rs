//! What waits to be sent: over a gap in the link, a reload, another tab, a sign-out; in order, and each message once.

use super::network::{CUT, NETWORK, with_network};
use crate::world::{
    browser::{Browser, test_id},
    client::connected,
    server::Server,
    soon,
};
use futures_util::StreamExt;
use serde_json::json;
use std::time::Duration;
use tertulia_shared::{chat::ChatMessage, room::RoomJoin};

const MESSAGE: &str = "[data-testid=message]";
const PENDING: &str = "[data-testid=message][data-state=pending] .text";
const SENT: &str = "[data-testid=message][data-state=sent] .text";
/// What the page has stored of what waits.
const KEPT: &str =
    "return Object.keys(localStorage).filter((key) => key.includes('outbox')).length";

async fn go(page: &Browser, room: &str) {
    page.fill("room-input", room).await;
    page.press("room-submit").await;
    page.find(&format!("[placeholder='Message #{room}']")).await;
}

/// Waits until the elements of that selector show these texts and no others.
async fn shows_only(page: &Browser, selector: &str, expected: &[&str]) {
    let same = async {
        while page.texts(selector).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), same)
        .await
        .is_err()
    {
        assert_eq!(
            page.texts(selector).await,
            expected,
            "{}",
            page.text().await
        );
    }
}

/// The texts that a room has, as somebody finds them who comes now.
async fn said(server: &Server, room: &str, count: usize) -> Vec<String> {
    let reader = connected(&server.origin()).await;
    let messages = reader.listen::<ChatMessage>();
    let mut join = RoomJoin::new(room);
    join.history = 50;
    let joined = soon("the room", reader.emit(&join)).await.unwrap();
    assert_eq!(joined.seq, Some(0), "all of it comes");
    let texts = messages.map(|message| message.unwrap().text);
    soon("its messages", texts.take(count).collect()).await
}

/// Breaks when: what waits is lost with the page, swapped, doubled, or waits for its room to be opened.
#[tokio::test]
async fn what_waits_survives_reloads_and_goes_out_once_and_in_order() {
    let server = Server::start().await;
    let (here, cut) = (server.origin(), server.origin() + CUT);
    let page = with_network(&here).await;
    page.enter("Ada").await;
    page.say("before").await;
    shows_only(&page, SENT, &["before"]).await;
    page.go(&cut).await;
    for text in ["one", "two"] {
        page.say(text).await;
    }
    go(&page, "red").await;
    page.say("three").await;
    shows_only(&page, PENDING, &["three"]).await;
    page.go(&cut).await;
    shows_only(&page, PENDING, &["three"]).await;
    page.say("four").await;
    go(&page, "lobby").await;
    shows_only(&page, PENDING, &["one", "two"]).await;
    // Only the room that is open is joined; the other one's go out too.
    page.go(&here).await;
    shows_only(&page, SENT, &["before", "one", "two"]).await;
    let mine = page.texts(&format!("{MESSAGE}.own")).await;
    assert_eq!(mine.len(), 3, "also what an earlier load of the page wrote");
    let nothing_kept = async { while page.run(KEPT, vec![]).await != json!(0) {} };
    soon("all is sent", nothing_kept).await;
    page.go(&here).await;
    go(&page, "red").await;
    shows_only(&page, SENT, &["three", "four"]).await;
    assert_eq!(
        said(&server, "chat/lobby", 3).await,
        ["before", "one", "two"]
    );
    assert_eq!(said(&server, "chat/red", 2).await, ["three", "four"]);
}

/// Breaks when: two tabs send one message, or nobody sends what a closed tab left. What one tab says is mine in the other.
#[tokio::test]
async fn another_tab_sends_what_a_closed_tab_left_and_nothing_else() {
    let server = Server::start().await;
    let page = with_network(&server.origin()).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    let first = page.open_window().await;
    page.on_each_page(NETWORK).await;
    page.go(&(server.origin() + CUT)).await;
    page.say("from the other").await;
    shows_only(&page, PENDING, &["from the other"]).await;
    // The first one loads again, and calls the roll: the other one is still there.
    page.look_at(first).await;
    page.go(&server.origin()).await;
    page.say("from here").await;
    shows_only(&page, SENT, &["from here"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(page.run(KEPT, vec![]).await, json!(1), "the other one's");
    page.close_others().await;
    page.go(&server.origin()).await;
    shows_only(&page, SENT, &["from here", "from the other"]).await;
    assert_eq!(page.texts(&format!("{MESSAGE}.own")).await.len(), 2);
    let said = said(&server, "chat/lobby", 2).await;
    assert_eq!(said, ["from here", "from the other"]);
}

/// Breaks when: what one person left goes out in the name of the next one on this machine.
#[tokio::test]
async fn nobody_sends_what_somebody_else_left() {
    let server = Server::start().await;
    let page = with_network(&server.origin()).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    page.run("window.drop()", vec![]).await;
    page.say("of Ada").await;
    page.fill("message-input", "a draft of Ada").await;
    page.press("name-change").await;
    page.press("sign-out").await;
    page.go(&server.origin()).await;
    page.enter("Bob").await;
    let draft = page.find(&test_id("message-input")).await;
    assert_eq!(draft.prop("value").await.unwrap().unwrap(), "");
    page.say("of Bob").await;
    shows_only(&page, SENT, &["of Bob"]).await;
    // Longer than a roll call takes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    shows_only(&page, &format!("{MESSAGE} .text"), &["of Bob"]).await;
    assert_eq!(said(&server, "chat/lobby", 1).await, ["of Bob"]);
}

/// Breaks when: a message that the network swallowed is given up, though nobody refused it.
#[tokio::test]
async fn a_message_that_nobody_answered_goes_out_by_itself() {
    let server = Server::start().await;
    let page = with_network(&server.origin()).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    page.run("window.mute = true", vec![]).await;
    page.say("swallowed").await;
    shows_only(&page, PENDING, &["swallowed"]).await;
    // An acknowledgement is waited for 10 s.
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    shows_only(&page, PENDING, &["swallowed"]).await;
    page.run("window.mute = false", vec![]).await;
    shows_only(&page, SENT, &["swallowed"]).await;
    assert_eq!(said(&server, "chat/lobby", 1).await, ["swallowed"]);
}

/// Breaks when: more is kept than may, or what is too much is thrown away without a word.
#[tokio::test]
async fn when_too_much_waits_the_text_stays_in_the_composer() {
    let server = Server::start().await;
    let page = with_network(&server.origin()).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    page.run("window.drop()", vec![]).await;
    let fill = "const field = document.querySelector('[data-testid=message-input]');
                const button = document.querySelector('[data-testid=message-send]');
                for (let number = 1; number <= 101; number++) {
                    field.value = `number ${number}`;
                    field.dispatchEvent(new Event('input'));
                    await new Promise((next) => setTimeout(next));
                    button.click();
                    await new Promise((next) => setTimeout(next));
                }";
    page.run(&format!("return (async () => {{ {fill} }})()"), vec![])
        .await;
    page.shows(&test_id("notice"), "100 messages are waiting")
        .await;
    let field = page.find(&test_id("message-input")).await;
    assert_eq!(field.prop("value").await.unwrap().unwrap(), "number 101");
    assert_eq!(page.run(KEPT, vec![]).await, json!(100));
    page.run("window.cut = false", vec![]).await;
    page.shows(SENT, "number 100").await;
    page.press("message-send").await;
    page.shows(SENT, "number 101").await;
    let all: Vec<String> = (1..=101).map(|number| format!("number {number}")).collect();
    assert_eq!(page.texts(SENT).await, all);
}
