//! A person's browser: Chromium, headless, driven through its driver.

use super::{PATIENCE, process::Process, soon};
use axum::http::Method;
use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

/// How often a page is looked at while something is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A browser window with a profile of its own: one person.
pub(crate) struct Browser {
    page: Client,
    profile: TempDir,
    _driver: Process,
}

/// How a person's browser is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// The language that the person prefers.
    pub(crate) language: &'static str,
    /// Whether dark is preferred.
    pub(crate) dark: bool,
    /// Width and height in CSS pixels.
    pub(crate) size: (u32, u32),
}

/// A wide window in English, light.
pub(crate) const DESK: Setup = Setup {
    language: "en-GB",
    dark: false,
    size: (1_280, 800),
};

/// A phone in Spanish.
pub(crate) const PHONE: Setup = Setup {
    language: "es-AR",
    dark: false,
    size: (390, 844),
};

impl Browser {
    /// Opens a window at that address.
    pub(crate) async fn open(url: &str, setup: Setup) -> Self {
        let (driver, port) = driver().await;
        let profile = TempDir::new().unwrap();
        let capabilities = capabilities(&profile, setup);
        let builder = ClientBuilder::new(HttpConnector::new())
            .capabilities(serde_json::from_value(capabilities).unwrap())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let page = builder.unwrap();
        let browser = Self {
            page,
            profile,
            _driver: driver,
        };
        browser.go(url).await;
        browser
    }

    /// Has each page that is opened from now on run a script before its own.
    pub(crate) async fn on_each_page(&self, script: &'static str) {
        self.page.issue_cmd(BeforeEachPage(script)).await.unwrap();
    }

    /// Opens another window of this browser and looks at that one from now on; gives the one before.
    pub(crate) async fn open_window(&self) -> WindowHandle {
        let before = self.page.window().await.unwrap();
        let opened = self.page.new_window(false).await.unwrap();
        self.look_at(opened.handle).await;
        before
    }

    /// Looks at another window of this browser.
    pub(crate) async fn look_at(&self, window: WindowHandle) {
        self.page.switch_to_window(window).await.unwrap();
    }

    /// Closes all other windows of this browser.
    pub(crate) async fn close_others(&self) {
        let here = self.page.window().await.unwrap();
        for window in self.page.windows().await.unwrap() {
            if window != here {
                self.page.switch_to_window(window).await.unwrap();
                self.page.close_window().await.unwrap();
            }
        }
        self.page.switch_to_window(here).await.unwrap();
    }

    /// Goes to an address.
    pub(crate) async fn go(&self, url: &str) {
        soon("the page", self.page.goto(url)).await.unwrap();
    }

    /// Waits for an element and gives it.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let wait = self.page.wait().at_most(PATIENCE).every(LOOK_EVERY);
        match wait.for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("{selector}: {error}: {}", self.text().await),
        }
    }

    /// Types a text into a field, in place of what it holds.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.find(&test_id(id)).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a button.
    pub(crate) async fn press(&self, id: &str) {
        self.find(&test_id(id)).await.click().await.unwrap();
    }

    /// Waits until an element of that selector shows that text.
    pub(crate) async fn shows(&self, selector: &str, text: &str) {
        self.until(selector, text, true).await;
    }

    /// Waits until no element of that selector shows that text any more.
    pub(crate) async fn hides(&self, selector: &str, text: &str) {
        self.until(selector, text, false).await;
    }

    async fn until(&self, selector: &str, text: &str, shown: bool) {
        let shows = async || {
            let texts = self.texts(selector).await;
            texts.iter().any(|one| one.contains(text))
        };
        let changed = async {
            while shows().await != shown {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(PATIENCE, changed).await.is_err() {
            let texts = self.texts(selector).await;
            panic!("`{text}` shown by {selector}: not {shown}, for it shows {texts:?}");
        }
    }

    /// What the elements of that selector show, in order.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)";
        let texts = self.run(script, vec![json!(selector)]).await;
        serde_json::from_value(texts).unwrap()
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.page.execute(script, arguments).await.unwrap()
    }

    /// What the browser has written to its console since it was asked last.
    pub(crate) async fn log(&self) -> Vec<String> {
        let lines = self.page.issue_cmd(ConsoleLog).await.unwrap();
        let lines = lines.as_array().unwrap().iter();
        lines
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Shows the page in the few colours of a reader's own, as in Windows' contrast themes.
    pub(crate) async fn force_colors(&self) {
        let forced = self.page.issue_cmd(ForcedColors).await;
        forced.unwrap();
    }

    /// Takes the network away from the browser, or gives it back; it knows of it.
    pub(crate) async fn set_offline(&self, offline: bool) {
        self.page.issue_cmd(Offline(offline)).await.unwrap();
    }

    /// Takes a name in the page's form, and waits until the page can send.
    pub(crate) async fn enter(&self, name: &str) {
        self.fill("name-input", name).await;
        self.press("name-submit").await;
        self.find(&test_id("message-input")).await;
    }

    /// Looks into the frame of the page, until another page is opened.
    pub(crate) async fn enter_frame(&self) {
        self.find("iframe").await.enter_frame().await.unwrap();
    }

    /// Says something in the room.
    pub(crate) async fn say(&self, text: &str) {
        self.fill("message-input", text).await;
        self.press("message-send").await;
    }

    /// Waits until the link is connected by that transport.
    pub(crate) async fn linked(&self, transport: &str) {
        let id = test_id("status-link");
        self.find(&format!(
            "{id}[data-link=connected][data-transport={transport}]"
        ))
        .await;
    }

    /// What the page shows.
    pub(crate) async fn text(&self) -> String {
        self.texts("body").await.concat()
    }
}

/// A driver and its port. It takes a free one for IPv4 and then the same for IPv6, which somebody else may have.
async fn driver() -> (Process, String) {
    loop {
        let mut driver =
            Process::start(Command::new(tool("CHROMEDRIVER", "chromedriver")).arg("--port=0"));
        let line = driver.line_or_end("started successfully on port").await;
        if let Some(line) = line {
            let port = line.trim_end_matches('.').rsplit(' ').next();
            return (driver, port.unwrap().to_owned());
        }
        let errors = driver.rest().await;
        assert!(errors.contains("already in use"), "{errors}");
    }
}

/// Tells Chromium's driver whether there is a network.
#[derive(Debug)]
struct Offline(bool);

impl WebDriverCompatibleCommand for Offline {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/chromium/network_conditions"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let conditions = json!({
            "offline": self.0, "latency": 0, "download_throughput": -1, "upload_throughput": -1,
        });
        let body = json!({ "network_conditions": conditions });
        (Method::POST, Some(body.to_string()))
    }
}

/// Asks Chromium's driver for the console; WebDriver itself knows none.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A script that each new page runs first, by Chromium's own protocol.
#[derive(Debug)]
struct BeforeEachPage(&'static str);

impl WebDriverCompatibleCommand for BeforeEachPage {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let command = "Page.addScriptToEvaluateOnNewDocument";
        let body = json!({ "cmd": command, "params": { "source": self.0 } });
        (Method::POST, Some(body.to_string()))
    }
}

/// Asks Chromium's driver for forced colours; WebDriver itself knows none.
#[derive(Debug)]
struct ForcedColors;

impl WebDriverCompatibleCommand for ForcedColors {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let features = json!([{ "name": "forced-colors", "value": "active" }]);
        let command = json!({
            "cmd": "Emulation.setEmulatedMedia",
            "params": { "features": features },
        });
        (Method::POST, Some(command.to_string()))
    }
}

impl Drop for Browser {
    /// The driver is killed without a word to its browser: ends the browser that has this profile.
    fn drop(&mut self) {
        let profile = self.profile.path().to_string_lossy().into_owned();
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let id = process.file_name().to_string_lossy().into_owned();
            let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let is_ours = String::from_utf8_lossy(&arguments).contains(&profile);
            if is_ours && id.bytes().all(|byte| byte.is_ascii_digit()) {
                let _ = super::process::signal("KILL", &id).status();
            }
        }
    }
}

/// The selector of an element by its `data-testid`.
pub(crate) fn test_id(id: &str) -> String {
    format!("[data-testid={id}]")
}

fn capabilities(profile: &TempDir, setup: Setup) -> Value {
    let (width, height) = setup.size;
    let mut arguments: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    .map(str::to_owned)
    .into();
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    arguments.push(format!("--window-size={width},{height}"));
    if setup.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let mut options = json!({
        "args": arguments,
        "prefs": { "intl.accept_languages": setup.language },
    });
    // Without it the driver looks for the browser itself.
    if let Some(binary) = std::env::var_os("TERTULIA_TEST_CHROMIUM") {
        options["binary"] = json!(binary.to_string_lossy());
    }
    // A window cannot be as narrow as a phone; an emulated device can.
    if width < 500 {
        options["mobileEmulation"] = json!({
            "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0, "touch": true },
        });
    }
    // A server of a test has a certificate that nobody else knows.
    json!({
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
        "acceptInsecureCerts": true,
    })
}

/// A tool as `cargo xtask test` found it, or by its name on the path.
pub(crate) fn tool(variable: &str, name: &str) -> PathBuf {
    std::env::var_os(format!("TERTULIA_TEST_{variable}")).map_or_else(|| name.into(), PathBuf::from)
}
