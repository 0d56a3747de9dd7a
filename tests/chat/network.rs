//! A page whose network the test takes away, inside of the browser.

use crate::world::browser::{Browser, DESK};

/// Behind an origin: the page is loaded, and has no link.
pub(crate) const CUT: &str = "/?cut";

/// `window.cut` lets no connection come up, `window.drop()` ends those that are there too, and `window.mute` swallows what
/// the page sends by WebSocket.
pub(crate) const NETWORK: &str = "
    const sockets = [];
    const NativeSocket = window.WebSocket, nativeFetch = window.fetch;
    window.cut = location.search.includes('cut');
    window.WebSocket = class extends NativeSocket {
        constructor(url, ...more) {
            super(window.cut ? 'ws://127.0.0.1:1/' : url, ...more);
            sockets.push(this);
        }
        send(data) {
            if (!window.mute) super.send(data);
        }
    };
    window.fetch = (asked, init) => {
        const isCut = window.cut && String(asked.url ?? asked).includes('socket.io');
        return isCut ? Promise.reject(new TypeError('cut')) : nativeFetch(asked, init);
    };
    window.drop = () => {
        window.cut = true;
        sockets.splice(0).forEach((socket) => socket.close());
    };";

/// A window at that address, in which each page has such a network.
pub(crate) async fn with_network(origin: &str) -> Browser {
    let page = Browser::open("about:blank", DESK).await;
    page.on_each_page(NETWORK).await;
    page.go(origin).await;
    page
}
