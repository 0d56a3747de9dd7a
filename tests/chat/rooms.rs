//! The rooms of one page: each shows its own messages and no others.

use crate::world::{
    browser::{Browser, DESK, test_id},
    server::Server,
    soon,
};
use std::time::Duration;

const TEXT: &str = "[data-testid=message] .text";

/// Goes to a room, and waits until the page is there.
async fn go(page: &Browser, room: &str) {
    page.fill("room-input", room).await;
    page.press("room-submit").await;
    page.find(&format!("[placeholder='Message #{room}']")).await;
}

/// Waits until the log shows these messages, in this order, and nothing else.
async fn shows_only(page: &Browser, expected: &[String]) {
    let same = async {
        while page.texts(TEXT).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(10), same)
        .await
        .is_err()
    {
        assert_eq!(page.texts(TEXT).await, expected);
    }
}

fn said(room: &str, count: usize) -> Vec<String> {
    let all = (1..=count).map(|number| format!("{room} {number}"));
    all.collect()
}

/// Breaks when: lines of a room stay in the next one, private ones too, or its own lines are missing.
#[tokio::test]
async fn each_room_shows_its_own_messages_back_and_forth() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    let rooms = [("lobby", 3), ("red", 2), ("blue", 4), ("private/tea", 3)];
    for (room, count) in rooms {
        go(&page, room).await;
        for text in said(room, count) {
            page.say(&text).await;
        }
        shows_only(&page, &said(room, count)).await;
    }
    // What is shown after a reload is history, numbered anew in each log.
    page.go(&server.origin()).await;
    page.find(&test_id("message-input")).await;
    for at in [3, 0, 1, 2, 1, 0, 3, 2, 3, 0] {
        let (room, count) = rooms[at];
        go(&page, room).await;
        soon(room, shows_only(&page, &said(room, count))).await;
    }
}
