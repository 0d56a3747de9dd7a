//! What is typed: input methods, writing from right to left, what shows nothing, and commands.

use crate::world::{
    browser::{Browser, DESK, test_id},
    server::Server,
};
use serde_json::json;
use tokio::process::Command;

const TEXT: &str = "[data-testid=message] .text";
const SENT: &str = "[data-testid=message][data-state=sent] .text";

async fn composer(page: &Browser) -> String {
    let field = page.find(&test_id("message-input")).await;
    field.prop("value").await.unwrap().unwrap()
}

/// Breaks when: the Enter that ends a composition sends (in Safari it comes after the end, told apart by its code), or one
/// after it does not.
#[tokio::test]
async fn enter_sends_but_not_the_one_that_ends_a_composition() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    page.fill("message-input", "にほん").await;
    let press = "const [keyCode, isComposing] = arguments;
        const field = document.querySelector('[data-testid=message-input]');
        field.dispatchEvent(new CompositionEvent('compositionend', { data: 'にほん', bubbles: true }));
        const how = { key: 'Enter', keyCode, isComposing, bubbles: true, cancelable: true };
        return field.dispatchEvent(new KeyboardEvent('keydown', how))";
    for (code, composing) in [(229, false), (229, true), (13, true)] {
        let goes_on = page.run(press, vec![json!(code), json!(composing)]).await;
        assert_eq!(goes_on, json!(true), "the input method has it");
        assert_eq!(composer(&page).await, "にほん");
    }
    assert!(page.texts(TEXT).await.is_empty());
    page.run(press, vec![json!(13), json!(false)]).await;
    page.shows(SENT, "にほん").await;
}

/// Breaks when: Hebrew or Arabic stands from left to right, or what is beside it follows it.
#[tokio::test]
async fn each_text_and_name_has_its_own_direction() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("דנה").await;
    let direction = async |selector: &str| {
        let script = "return getComputedStyle(document.querySelector(arguments[0])).direction";
        page.run(script, vec![json!(selector)]).await
    };
    page.fill("message-input", "שלום!").await;
    assert_eq!(direction(&test_id("message-input")).await, json!("rtl"));
    page.press("message-send").await;
    page.shows(SENT, "שלום").await;
    for selector in [TEXT, &test_id("person"), &test_id("own-name")] {
        assert_eq!(direction(selector).await, json!("rtl"), "{selector}");
    }
    page.fill("message-input", "hello").await;
    assert_eq!(direction(&test_id("message-input")).await, json!("ltr"));
    page.press("message-send").await;
    page.shows(SENT, "hello").await;
    let last = "[data-testid=message]:last-child .text";
    assert_eq!(direction(last).await, json!("ltr"));
    assert_eq!(direction("[data-testid=messages]").await, json!("ltr"));
}

/// Breaks when: a message of which nothing shows can be sent, or one that shows cannot.
#[tokio::test]
async fn what_shows_nothing_is_not_sent() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    let set = "const field = document.querySelector('[data-testid=message-input]');
        field.value = arguments[0];
        field.dispatchEvent(new Event('input'))";
    for blank in [
        " \n",
        "\u{200b}",
        "\u{ad}\u{2800}",
        "\u{3164} \u{fe0f}\u{e0041}",
    ] {
        page.run(set, vec![json!(blank)]).await;
        page.find("[data-testid=message-send][aria-disabled=true]")
            .await;
        page.press("message-send").await;
    }
    for text in ["❤\u{fe0f}", "a\u{200b}"] {
        page.run(set, vec![json!(text)]).await;
        page.find("[data-testid=message-send][aria-disabled=false]")
            .await;
        page.press("message-send").await;
        page.shows(SENT, text.trim_end_matches('\u{200b}')).await;
    }
    assert_eq!(page.texts(TEXT).await.len(), 2);
}

/// Breaks when: a command is posted for all to read.
#[tokio::test]
async fn commands_are_done_and_unknown_ones_are_never_sent() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    let notice = test_id("notice");
    page.enter("Ada").await;
    page.say("/help").await;
    for command in ["/join ROOM", "/invite NAME", "//text"] {
        page.shows(&notice, command).await;
    }
    assert_eq!(composer(&page).await, "");
    page.say("/me waves").await;
    page.shows(&notice, "no /me command").await;
    page.shows(&notice, "/join ROOM").await;
    assert_eq!(composer(&page).await, "/me waves", "not lost either");
    page.say("/invite Bob").await;
    page.shows(&notice, "Anyone can join #lobby").await;
    page.say("/join").await;
    page.shows(&notice, "/join ROOM").await;
    page.say("//join").await;
    page.shows(SENT, "/join").await;
    page.say("/join #kitchen").await;
    page.find("[placeholder='Message #kitchen']").await;
    assert_eq!(composer(&page).await, "");
    page.say("/join private/tea").await;
    page.find("[placeholder='Message #private/tea']").await;
    page.say("/invite").await;
    page.shows(&notice, "Type a name").await;
    page.say("/invite Nobody").await;
    page.shows(&notice, "nobody with that name").await;
    page.say("/join lobby").await;
    page.shows(TEXT, "/join").await;
    assert_eq!(page.texts(TEXT).await, ["/join"]);
    assert_eq!(
        composer(&page).await,
        "",
        "no draft of a command comes back"
    );
}

/// Breaks when: the hint names another host or port than the broker's, or its button copies something else.
#[tokio::test]
async fn the_command_of_the_hint_works_as_it_stands() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    page.say("/join it's here").await;
    let command = test_id("command");
    page.shows(
        &format!(".log {command}"),
        &format!("-p {}", server.mqtt_port()),
    )
    .await;
    let listen = "document.addEventListener('copy', () => window.copied = String(getSelection()))";
    page.run(listen, vec![]).await;
    for (panel, shown, text) in [
        (".log", TEXT, "¡Hola!"),
        (".dashboard", "[data-testid=device]", "kitchen"),
    ] {
        let line = &page.texts(&format!("{panel} {command}")).await[0];
        page.find(&format!("{panel} {}", test_id("copy")))
            .await
            .click()
            .await
            .unwrap();
        page.shows(&format!("{panel} {}", test_id("copy")), "Copied")
            .await;
        assert_eq!(page.run("return window.copied", vec![]).await, json!(line));
        let published = Command::new("sh").args(["-c", line]).status().await;
        assert!(published.unwrap().success(), "{line}");
        page.shows(shown, text).await;
    }
}
