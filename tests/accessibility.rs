//! The page for people who see, hear or move little: axe-core finds nothing on any screen, and what it cannot see.

use crate::world::{
    browser::{Browser, DESK, PHONE, Setup, test_id},
    client::{connected, enter, join, say},
    mosquitto::publish,
    server::Server,
    soon,
};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;
use tertulia_client::connection::Connection;

const LOBBY: &str = "chat/lobby";
/// How many more people are in the room.
const CROWD: usize = 24;

/// Nobody says anything in one room.
const QUIET: &str = r#"
[[rule]]
who = "everybody"
may = "publish"
topic = "chat/quiet"
allow = false
"#;

/// Gives what is wrong in a theme, an entry for each rule and element. What moves is looked at where it comes to rest.
const AUDIT: &str = "
    document.documentElement.dataset.theme = arguments[0];
    for (const animation of document.getAnimations()) {
        const endless = animation.effect.getComputedTiming().iterations === Infinity;
        endless ? animation.cancel() : animation.finish();
    }
    const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] }).then(
        ({ violations, passes }) => [
            passes.length,
            violations.flatMap(({ id, nodes }) =>
                nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`)),
        ],
    );";

/// A person with a page that is looked at screen by screen.
struct Inspected {
    page: Browser,
    found: Vec<String>,
}

impl Inspected {
    async fn open(server: &Server, setup: Setup) -> Self {
        let page = Browser::open(&server.origin(), setup).await;
        page.linked("websocket").await;
        Self {
            page,
            found: Vec::new(),
        }
    }

    async fn go(&self, server: &Server) {
        self.page.go(&server.origin()).await;
    }

    /// Notes what is wrong with what is on the screen, in both themes.
    async fn look(&mut self, screen: &str) {
        let axe = "return typeof axe === 'object'";
        if self.page.run(axe, vec![]).await == json!(false) {
            let file = Path::new(env!("CARGO_MANIFEST_DIR"));
            let file = file.join("peers/node_modules/axe-core/axe.min.js");
            let axe = fs::read_to_string(file).expect("`cargo xtask test` installs axe-core");
            self.page.run(&axe, vec![]).await;
        }
        for theme in ["light", "dark"] {
            let audit = self.page.run(AUDIT, vec![json!(theme)]).await;
            let (passed, wrong): (u64, Vec<String>) = serde_json::from_value(audit).unwrap();
            assert!(passed > 10, "{screen}: axe-core looked at nothing");
            let wrong = wrong.into_iter();
            self.found
                .extend(wrong.map(|what| format!("{screen}, {theme}: {what}")));
        }
    }

    async fn tab(&self, tab: &str, setup: Setup) {
        if setup.size.0 < 500 {
            self.page.press(tab).await;
        }
    }

    async fn room(&self, name: &str) {
        self.page.fill("room-input", name).await;
        self.page.press("room-submit").await;
        let here = format!("#{name}");
        self.page.shows(".empty .title", &here).await;
    }
}

async fn crowd(server: &Server) -> Vec<Connection> {
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        let person = connected(&server.origin()).await;
        enter(&person, &format!("Person number {number}")).await;
        join(&person, LOBBY).await;
        crowd.push(person);
    }
    crowd
}

/// Values, a chart, a fault, a switch and a field of one device, and another one that is away.
async fn devices(server: &Server, page: &Browser) {
    let port = server.mqtt_port();
    for value in ["20", "25", "22"] {
        publish(port, "sensors/kitchen/temperature", value, &[]).await;
        page.shows("[data-metric=temperature]", value).await;
    }
    for (topic, payload) in [
        ("sensors/kitchen/door", "open"),
        ("sensors/kitchen/power", r#"{"value":2150,"unit":"W"}"#),
        ("sensors/kitchen/broken", "{broken"),
        ("devices/kitchen/status", "online"),
        ("devices/kitchen/state/lamp", "on"),
        ("devices/kitchen/state/fan", "off"),
        ("devices/kitchen/state/level", "3"),
        ("sensors/cellar/humidity", "70"),
        ("devices/cellar/status", "offline"),
    ] {
        publish(port, topic, payload, &[]).await;
    }
    // So many that there is a search.
    for room in ["attic", "bath", "garage", "garden", "hall"] {
        let topic = format!("sensors/{room}/light");
        publish(port, &topic, "300", &["-r"]).await;
    }
    page.shows(&test_id("devices-problems"), "2").await;
}

/// Every screen of the page, one after the other.
async fn inspect(setup: Setup) {
    let folder = TempDir::new().unwrap();
    let rules = folder.path().join("policy.toml");
    fs::write(&rules, QUIET).unwrap();
    let options = ["--no-host-metrics", "--policy", rules.to_str().unwrap()];
    let closed = Server::with(&["--no-host-metrics", "--guests", "nowhere"]).await;
    let mut server = Server::with(&options).await;
    let mut ada = Inspected::open(&server, setup).await;
    ada.look("first visit").await;
    ada.tab("tab-dashboard", setup).await;
    ada.look("no devices").await;
    ada.tab("tab-chat", setup).await;
    ada.go(&closed).await;
    ada.page.find(&test_id("password-input")).await;
    ada.look("password").await;
    ada.go(&server).await;
    ada.page.enter("Ada").await;
    let crowd = crowd(&server).await;
    let last = format!("Person number {}", CROWD - 1);
    ada.page.shows("[data-testid=person]", &last).await;
    for (number, text) in ["hello", "a <b>word</b>", "https://example.org"]
        .iter()
        .enumerate()
    {
        say(&crowd[0], LOBBY, text, &number.to_string()).await;
    }
    ada.page.say("hello to all").await;
    ada.page
        .find("[data-testid=message][data-state=sent].own")
        .await;
    ada.look("chat").await;
    ada.page.press("name-change").await;
    ada.look("another name").await;
    ada.page.press("name-cancel").await;
    if setup.size.0 < 500 {
        ada.page.press("status-all").await;
        ada.look("status").await;
        ada.page.press("status-all").await;
    }
    ada.room("private/tea").await;
    ada.look("private room").await;
    ada.tab("tab-dashboard", setup).await;
    devices(&server, &ada.page).await;
    ada.look("devices").await;
    ada.page
        .find("[data-testid=command] summary")
        .await
        .click()
        .await
        .unwrap();
    ada.page
        .find("[data-testid=switch]")
        .await
        .click()
        .await
        .unwrap();
    ada.look("command").await;
    ada.tab("tab-chat", setup).await;
    ada.room("quiet").await;
    ada.page.say("nobody may").await;
    ada.page.find(&test_id("retry")).await;
    server.kill().await;
    ada.page.say("later").await;
    ada.page
        .find("[data-testid=message][data-state=pending]")
        .await;
    ada.page.find(&test_id("banner")).await;
    ada.look("failed, pending, no link").await;
    ada.tab("tab-dashboard", setup).await;
    ada.look("devices, no link").await;
    assert!(ada.found.is_empty(), "{:#?}", ada.found);
}

#[tokio::test]
async fn axe_finds_nothing_on_any_screen_of_a_desk() {
    inspect(DESK).await;
}

#[tokio::test]
async fn axe_finds_nothing_on_any_screen_of_a_phone() {
    inspect(PHONE).await;
}

/// Breaks when: a form drops the focus, or Esc does not close what is open.
#[tokio::test]
async fn esc_closes_what_is_open_and_the_focus_goes_back() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    let focus = "const { id, dataset, tagName } = document.activeElement;
        return dataset.testid ?? (id || tagName)";
    let focused = async |what: &str| {
        let moved = async {
            while page.run(focus, vec![]).await != json!(what) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon(what, moved).await;
    };
    focused("message-input").await;
    let esc = async |selector: &str| {
        page.find(selector)
            .await
            .send_keys("\u{e00c}")
            .await
            .unwrap()
    };
    page.press("name-change").await;
    focused("name-input").await;
    esc("#name-input").await;
    focused("name-change").await;
    page.press("name-change").await;
    page.fill("name-input", "Ada Lovelace").await;
    page.press("name-submit").await;
    page.shows(&test_id("own-name"), "Ada Lovelace").await;
    focused("name-change").await;
    page.fill("room-input", "elsewhere").await;
    esc("#room-input").await;
    let room = page.find("#room-input").await;
    assert_eq!(room.prop("value").await.unwrap().unwrap(), "lobby");
    publish(server.mqtt_port(), "sensors/kitchen/temperature", "20", &[]).await;
    page.find("[data-testid=command] summary")
        .await
        .click()
        .await
        .unwrap();
    esc("[data-testid=command-target]").await;
    focused("SUMMARY").await;
    let open = page.run("return document.querySelector('details').open", vec![]);
    assert_eq!(open.await, json!(false));
}

/// Breaks when: history, or what a room held before, is read aloud; or what is new is not.
#[tokio::test]
async fn only_new_messages_are_read_aloud() {
    let server = Server::start().await;
    let bob = connected(&server.origin()).await;
    enter(&bob, "Bob").await;
    for room in [LOBBY, "chat/red"] {
        join(&bob, room).await;
        for number in 0..50 {
            say(
                &bob,
                room,
                &format!("old {number}"),
                &format!("{room}{number}"),
            )
            .await;
        }
    }
    let page = Browser::open(&server.origin(), DESK).await;
    page.run(READ_ALOUD, vec![]).await;
    page.enter("Ada").await;
    let message = test_id("message");
    page.shows(&message, "old 49").await;
    page.shows("[data-testid=person]", "Ada (you)").await;
    say(&bob, LOBBY, "new here", "new").await;
    let heard = async || page.run("return window.heard", vec![]).await;
    let hears = async |words: &str| {
        let said = async {
            while !heard().await.to_string().contains(words) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon(words, said).await;
    };
    hears("Bob: new here").await;
    page.say("my own").await;
    page.fill("room-input", "red").await;
    page.press("room-submit").await;
    page.shows(&test_id("own-name"), "Ada").await;
    page.hides(&message, "new here").await;
    page.shows("[data-testid=person]", "Ada (you)").await;
    say(&bob, "chat/red", "new there", "there").await;
    hears("Bob: new there").await;
    let heard = heard().await.to_string();
    assert!(!heard.contains("old"), "{heard}");
    assert!(!heard.contains("my own"), "{heard}");
}

/// Keeps what is added to a region that is read aloud.
const READ_ALOUD: &str = "
    window.heard = [];
    new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
            const place = target.closest?.('[aria-live], [role=log], [role=status], [role=alert]');
            if (!place || place.getAttribute('aria-live') === 'off') continue;
            for (const node of addedNodes) window.heard.push(node.textContent);
        }
    }).observe(document.body, { childList: true, subtree: true });";

/// Breaks when: a button's name does not have the words that stand on it, for who speaks to a computer.
#[tokio::test]
async fn a_control_is_called_what_stands_on_it() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), PHONE).await;
    page.enter("Ada").await;
    let odd =
        "return [...document.querySelectorAll('button, summary, [role=tab]')].filter((one) => {
        const name = one.getAttribute('aria-label');
        return name !== null && !name.includes(one.innerText.trim());
    }).map((one) => one.outerHTML)";
    assert_eq!(page.run(odd, vec![]).await, json!([]));
}

/// Breaks when: a size is fixed in pixels, and who reads large letters gets small ones.
#[tokio::test]
async fn all_text_grows_with_the_readers_size() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    publish(server.mqtt_port(), "sensors/kitchen/temperature", "20", &[]).await;
    page.find("[data-testid=chart]").await;
    let sizes = "document.documentElement.style.fontSize = arguments[0];
        const shown = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility());
        return Object.fromEntries(shown.map((one, index) => {
            const size = parseFloat(getComputedStyle(one).fontSize);
            return [`${index} ${one.tagName} ${one.className}`, size];
        }))";
    let usual = page.run(sizes, vec![json!("16px")]).await;
    let large = page.run(sizes, vec![json!("32px")]).await;
    let size = |sizes: &Value, of: &str| sizes[of].as_f64().unwrap_or_default();
    let usual_of = usual.as_object().unwrap();
    let kept: Vec<_> = usual_of
        .keys()
        .filter(|one| size(&large, one) < 1.99 * size(&usual, one))
        .collect();
    assert!(usual_of.len() > 50 && kept.is_empty(), "{kept:?}");
}

/// Breaks when: a chart is a picture alone.
#[tokio::test]
async fn a_chart_is_told_in_words() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    for value in ["20", "25", "22"] {
        let payload = format!(r#"{{"value":{value},"unit":"°C"}}"#);
        publish(
            server.mqtt_port(),
            "sensors/kitchen/temperature",
            &payload,
            &[],
        )
        .await;
        page.shows("[data-metric=temperature]", value).await;
    }
    let words = "temperature: latest 22 °C, lowest 20 °C, highest 25 °C.";
    page.find(&format!("[data-testid=chart][aria-label*='{words}']"))
        .await;
}
