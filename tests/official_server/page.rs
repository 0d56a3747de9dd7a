//! The real page, in a browser, chats over an official server with an official client.

use crate::world::{
    browser::{Browser, DESK},
    files::served,
    peer::Peer,
};
use serde_json::json;

const MESSAGE: &str = "[data-testid=message]";

#[tokio::test]
async fn the_page_chats_over_an_official_server() {
    let mut hub = Peer::start("hub.mjs", &[]);
    let port = hub.says().await["value"].clone();
    let origin = format!("http://127.0.0.1:{port}");
    let page = Browser::open(&format!("{}/?server={origin}", served().await), DESK).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    let _friend = Peer::start("friend.mjs", &[&origin]);
    page.shows("[data-testid=person]", "Node").await;
    page.say("hola ñ €").await;
    page.shows(MESSAGE, "you said: hola ñ €").await;
    page.find(&format!("{MESSAGE}[data-state=sent]")).await;
    page.say("again").await;
    page.shows(MESSAGE, "you said: again").await;
    assert_eq!(page.texts(MESSAGE).await.len(), 4, "each message once");
    let transports: Vec<_> = [hub.says().await, hub.says().await]
        .into_iter()
        .map(|said| said["value"].clone())
        .collect();
    assert_eq!(
        transports,
        [json!("polling"), json!("websocket")],
        "the page's"
    );
}
