//! The page in browsers that do not let it store anything.

use crate::world::{
    browser::{Browser, DESK, test_id},
    server::Server,
};

const SENT: &str = "[data-testid=message][data-state=sent] .text";

/// By the address: storage that is denied, is not there, or is full.
const STORAGE: &str = "
    const how = location.search.slice(1);
    const refuse = () => { throw new DOMException('no', 'SecurityError') };
    if (how === 'denied') Object.defineProperty(window, 'localStorage', { get: refuse });
    if (how === 'absent') Object.defineProperty(window, 'localStorage', { value: null });
    if (how === 'full') Storage.prototype.setItem = refuse;
    if (how === 'broken') {
        for (const name of ['getItem', 'setItem', 'removeItem', 'key']) Storage.prototype[name] = refuse;
    }";

/// Breaks when: a name cannot be taken, a room cannot be changed or nothing can be said where nothing is stored, or nobody
/// says what a reload loses.
#[tokio::test]
async fn the_page_works_without_storage_and_says_so_once() {
    let server = Server::start().await;
    let page = Browser::open("about:blank", DESK).await;
    page.on_each_page(STORAGE).await;
    for how in ["denied", "absent", "full", "broken"] {
        page.go(&format!("{}/?{how}", server.origin())).await;
        page.shows(&test_id("nothing-kept"), "If you reload, you’ll lose")
            .await;
        page.press("nothing-kept-close").await;
        page.enter("Ada").await;
        page.fill("message-input", "half").await;
        page.fill("room-input", how).await;
        page.press("room-submit").await;
        page.find(&format!("[placeholder='Message #{how}']")).await;
        page.say("said").await;
        page.shows(SENT, "said").await;
        page.press("recent-room").await;
        page.find("[placeholder='Message #lobby']").await;
        let draft = page.find(&test_id("message-input")).await;
        assert_eq!(draft.prop("value").await.unwrap().unwrap(), "half", "{how}");
        page.press("name-change").await;
        page.fill("name-input", "Bea").await;
        page.press("name-submit").await;
        page.shows(&test_id("own-name"), "Bea").await;
        page.hides(&test_id("nothing-kept"), "").await;
    }
    // Where all is stored there is nothing to say.
    page.go(&server.origin()).await;
    page.enter("Ada").await;
    page.hides(&test_id("nothing-kept"), "").await;
}
