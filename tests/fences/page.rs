//! What the page may do in a browser: its policy holds, and the page lives within it.

use super::ask;
use crate::world::{
    browser::{Browser, DESK},
    client::{connected, enter, join, say},
    server::{Server, page},
};
use serde_json::json;

/// The violations of the policy since the page began, as the browser reports them.
async fn violations(browser: &Browser) -> Vec<String> {
    let script = "
        const observer = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true });
        observer.observe();
        await new Promise((done) => setTimeout(done, 200));
        const reports = observer.takeRecords().concat(window.reports ?? []);
        return reports.map(({ body }) => `${body.effectiveDirective} ${body.blockedURL}`);
    ";
    let script = format!("return (async () => {{ {script} }})()");
    serde_json::from_value(browser.run(&script, vec![]).await).unwrap()
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
        assert_eq!(violations(&browser).await, ["script-src-elem inline"]);
    }
}

#[test]
fn the_document_has_no_script_and_no_style_of_its_own() {
    let document = std::fs::read_to_string(page().join("index.html")).unwrap();
    for script in document.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains("src=\"/"), "{tag}");
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
