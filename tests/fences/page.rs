//! What the page may do in a browser: its policy holds, and the page lives within it.

use super::ask;
use crate::world::{
    browser::{Browser, DESK},
    client::{connected, enter, join, say},
    prometheus::Metrics,
    server::{Server, page},
    soon,
};
use serde_json::json;

/// What the browser has said of violations of the policy since it was asked last, from the page's first byte on.
async fn violations(browser: &Browser) -> Vec<String> {
    let log = browser.log().await;
    let is_violation = |line: &String| line.contains("Content Security Policy");
    log.into_iter().filter(is_violation).collect()
}

/// Breaks when: the policy forbids what the page needs, or the page has what the policy forbids.
#[tokio::test]
async fn the_page_lives_within_its_policy() {
    for (options, transport) in [
        (&["--no-host-metrics"][..], "websocket"),
        (&["--no-host-metrics", "--refuse-upgrade"], "polling"),
    ] {
        let server = Server::with(options).await;
        let browser = Browser::open(&server.origin(), DESK).await;
        browser.enter("Ada").await;
        browser.linked(transport).await;
        let bob = connected(&server.origin()).await;
        enter(&bob, "Bob").await;
        join(&bob, "chat/lobby").await;
        say(&bob, "chat/lobby", "within", "1").await;
        browser.shows("[data-testid=message]", "within").await;
        browser.say("and back").await;
        browser.find("[data-testid=message][data-state=sent]").await;
        assert_eq!(violations(&browser).await, [""; 0]);
        // The same eyes see one.
        let inline = "const script = document.createElement('script'); script.textContent = 'window.bad = 1';
                      document.head.append(script); return window.bad ?? null";
        assert_eq!(browser.run(inline, vec![]).await, json!(null));
        let seen = violations(&browser).await;
        assert!(
            seen.len() == 1 && seen[0].contains("script-src"),
            "{seen:?}"
        );
    }
}

/// Breaks when: a link can make the page talk to a stranger's server, to whom it would give names and passwords.
#[tokio::test]
async fn the_page_talks_to_its_own_server_only() {
    let (server, stranger) = (Server::start().await, Server::start().await);
    let url = format!("{}/?server={}", server.origin(), stranger.origin());
    let browser = Browser::open(&url, DESK).await;
    let blocked = async {
        while !violations(&browser)
            .await
            .iter()
            .any(|line| line.contains("connect-src"))
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("a violation", blocked).await;
    let metrics = Metrics::of(&stranger.origin()).await;
    assert_eq!(metrics.get("tertulia_connections_begun_total"), 0.0);
}

#[test]
fn the_document_has_no_script_and_no_style_of_its_own() {
    let document = std::fs::read_to_string(page().join("index.html")).unwrap();
    for script in document.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        // In quotes or, minified, without.
        let from_here = tag.replace('"', "").contains(" src=./");
        assert!(from_here, "{tag}");
        assert!(script[tag.len() + 1..].starts_with("</script>"), "{script}");
    }
    for inline in ["<style", " style=", "javascript:", " onload", " onclick"] {
        assert!(!document.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn every_answer_has_the_usual_headers() {
    let server = Server::start().await;
    for path in [
        "/",
        "/no/such/file",
        "/healthz",
        "/metrics",
        "/socket.io/?EIO=4&transport=polling",
    ] {
        let answer = ask(&server.address, &format!("GET {path} HTTP/1.1\r\n"), "").await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        for (name, expected) in [
            ("x-content-type-options", Some("nosniff")),
            ("referrer-policy", Some("no-referrer")),
            ("cross-origin-resource-policy", Some("same-origin")),
            ("strict-transport-security", None),
        ] {
            assert_eq!(answer.header(name), expected, "{path}");
        }
    }
    let page = ask(&server.address, "GET / HTTP/1.1\r\n", "").await;
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        Some("same-origin")
    );
    assert!(
        page.header("permissions-policy")
            .unwrap()
            .contains("camera=()")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
}
