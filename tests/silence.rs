//! A network that is gone without a word: the page finds it out within 5 s, and what was written meanwhile goes out by itself,
//! once.

use crate::world::{
    browser::{Browser, DESK, test_id},
    client::{connected, join, next},
    proxy::Proxy,
    random::Random,
    server::Server,
    soon,
};
use std::time::{Duration, Instant};
use tertulia_client::connection::{Connection, Listener};
use tertulia_shared::chat::ChatMessage;

const LOBBY: &str = "chat/lobby";
const MESSAGE: &str = "[data-testid=message]";
/// How long a person may be left in the belief that there is a link.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// How long after the network is back everything may take: the longest delay before an attempt, and the attempt.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// A page whose network can fail, and somebody who reads along.
struct World {
    _server: Server,
    proxy: Proxy,
    page: Browser,
    _reader: Connection,
    heard: Listener<ChatMessage>,
}

impl World {
    /// `host` is a name of this machine.
    async fn new(options: &[&str], host: &str) -> Self {
        let options = [&["--no-host-metrics"], options].concat();
        let server = Server::with(&options).await;
        let proxy = Proxy::start(&server.address, Random::seeded("silence")).await;
        let origin = proxy.origin().replace("127.0.0.1", host);
        let page = Browser::open(&origin, DESK).await;
        page.enter("Ada").await;
        let reader = connected(&server.origin()).await;
        let heard = reader.listen();
        join(&reader, LOBBY).await;
        Self {
            _server: server,
            proxy,
            page,
            _reader: reader,
            heard,
        }
    }

    /// Waits for the banner, and says how long that took.
    async fn banner(&self, since: Instant) {
        self.page.find(&test_id("banner")).await;
        let told = since.elapsed();
        println!("banner after {told:?}");
        assert!(told <= TOLD_WITHIN, "the banner came after {told:?}");
    }

    /// Waits until there is no banner any more.
    async fn no_banner(&self) {
        let gone = async { while !self.page.texts(&test_id("banner")).await.is_empty() {} };
        tokio::time::timeout(BACK_WITHIN, gone).await.unwrap();
    }

    /// Waits until the page tries to connect anew, where something waits to be sent.
    async fn given_up(&self) {
        let link = test_id("status-link");
        let id = format!("{link}[data-link=connecting],{link}[data-link=waiting]");
        self.page.find(&id).await;
    }

    async fn pending(&self, count: usize) {
        let pending = format!("{MESSAGE}[data-state=pending]");
        let shown = async { while self.page.texts(&pending).await.len() != count {} };
        soon("what waits to be sent", shown).await;
    }

    /// All these are heard, once and in order, and the page knows of it.
    async fn heard(&mut self, texts: &[&str]) {
        for text in texts {
            assert_eq!(next(&mut self.heard).await.text, *text);
        }
        let sent = format!("{MESSAGE}[data-state=sent]");
        let all = async { while self.page.texts(&sent).await.len() < texts.len() {} };
        soon("all as sent", all).await;
        self.page.say("the end").await;
        assert_eq!(next(&mut self.heard).await.text, "the end", "heard twice");
        let all = async { while self.page.texts(MESSAGE).await.len() != texts.len() + 1 {} };
        soon("each of them once", all).await;
    }
}

/// Breaks when: silence is found out by the heartbeat only, or by the next message only; what waits is given up, lost, or sent
/// twice.
async fn lives_through_silence(options: &[&str], transport: &str) {
    let mut world = World::new(options, "127.0.0.1").await;
    world.page.linked(transport).await;
    tokio::time::sleep(TOLD_WITHIN).await;
    world.page.hides(&test_id("banner"), "").await;
    // Nothing is sent, and nothing says that the network is gone.
    let frozen = Instant::now();
    world.proxy.freeze();
    world.banner(frozen).await;
    world
        .page
        .shows(&test_id("banner"), "isn’t responding")
        .await;
    world.proxy.thaw();
    world.no_banner().await;
    let frozen = Instant::now();
    world.proxy.freeze();
    world.page.say("in silence").await;
    world.banner(frozen).await;
    world.given_up().await;
    world.pending(1).await;
    world.page.say("without a link").await;
    // Longer than an acknowledgement is waited for.
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.pending(2).await;
    world.proxy.thaw();
    world.no_banner().await;
    world.heard(&["in silence", "without a link"]).await;
    world.page.linked(transport).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_is_told_and_lived_through_by_websocket() {
    lives_through_silence(&[], "websocket").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_is_told_and_lived_through_by_polling() {
    lives_through_silence(&["--refuse-upgrade"], "polling").await;
}

/// Breaks when: what the browser knows of the network is not used: the link is gone at once, and tried at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_is_offline_is_told_and_back_at_once() {
    let host = "tertulia.localhost";
    let mut world = World::new(&["--allow-host", host], host).await;
    world.page.linked("websocket").await;
    let offline = Instant::now();
    world.page.set_offline(true).await;
    world.given_up().await;
    let given_up = offline.elapsed();
    assert!(given_up < Duration::from_secs(1), "{given_up:?}");
    world.banner(offline).await;
    world.page.say("offline").await;
    world.pending(1).await;
    // Long enough for the delays between attempts to have grown.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let online = Instant::now();
    world.page.set_offline(false).await;
    world.heard(&["offline"]).await;
    let back = online.elapsed();
    println!("back after {back:?}");
    assert!(back < Duration::from_secs(2), "{back:?}");
}
