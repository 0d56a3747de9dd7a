//! What the page says of messages that it does not show: those that it missed, and those that it dropped.

use super::network::with_network;
use crate::world::{
    browser::{Browser, test_id},
    client::{connected, enter, send},
    server::Server,
    soon,
};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::{ops::RangeInclusive, time::Duration};
use tertulia_client::connection::Connection;

const TEXT: &str = "[data-testid=message] .text";
const MISSED: &str = "[data-testid=missed]";

/// Says `number 7` and so on in the lobby, many at once.
async fn count(bob: &Connection, numbers: RangeInclusive<u32>) {
    let said = stream::iter(numbers).map(|number| {
        let text = format!("number {number}");
        let event = send("chat/lobby", &text, &format!("{text} of this test"));
        async move { bob.emit(&event).await.unwrap() }
    });
    soon("all is said", said.buffered(200).count()).await;
}

/// What the reader has in view: the first message that is not above the edge of the log.
async fn in_view(page: &Browser) -> String {
    let script = "const log = document.querySelector('[data-testid=messages]');
        const top = log.getBoundingClientRect().top;
        const texts = [...log.querySelectorAll('[data-testid=message] .text')];
        return texts.find((text) => text.getBoundingClientRect().top >= top).innerText";
    page.run(script, vec![]).await.as_str().unwrap().to_owned()
}

/// Breaks when: the line that tells a gap is dropped, what was missed counts as shown before, or lines go from under a
/// reader who scrolled up.
#[tokio::test]
async fn what_was_missed_is_told_and_nothing_goes_from_under_the_reader() {
    let server = Server::start().await;
    let page = with_network(&server.origin()).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    let bob = connected(&server.origin()).await;
    enter(&bob, "Bob").await;
    count(&bob, 1..=10).await;
    page.shows(TEXT, "number 10").await;
    page.run("window.drop()", vec![]).await;
    page.find(&test_id("banner")).await;
    count(&bob, 11..=3_010).await;
    page.run("window.cut = false", vec![]).await;
    page.shows(TEXT, "number 3010").await;
    // The server keeps 1,000 of a room, and the page 500 lines: 499 messages and the gap.
    let told = page.texts(MISSED).await;
    let expected = [
        "511 older messages are not shown",
        "2000 messages are missing",
    ];
    assert_eq!(told, expected);
    assert_eq!(page.texts(TEXT).await[0], "number 2512");

    let up = "document.querySelector('[data-testid=messages]').scrollTop = 400";
    page.run(up, vec![]).await;
    page.find(".log:not(.follows)").await;
    let (before, all) = (in_view(&page).await, page.texts(TEXT).await);
    count(&bob, 3_011..=3_710).await;
    page.shows(&test_id("new-messages"), "700 new messages")
        .await;
    assert_eq!(in_view(&page).await, before);
    assert_eq!(page.texts(TEXT).await[..all.len()], all);
    assert_eq!(page.texts(MISSED).await, expected);
    page.press("new-messages").await;
    let trimmed = async {
        while page.texts(TEXT).await.len() > 500 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the older ones go", trimmed).await;
    assert_eq!(page.texts(MISSED).await[1], expected[1]);
    assert_eq!(json!(page.texts(TEXT).await.last()), json!("number 3710"));
}
