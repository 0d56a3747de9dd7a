//! How the built page is served, how it caches, and how small it is.

use crate::world::{
    http::http,
    server::{Server, page},
};
use std::fs;

/// The most that the page's wasm, JS and CSS may weigh together, compressed with brotli, in bytes.
const MAX_BROTLI: u64 = 250_000;

/// The names of the built files with that ending.
fn built(ending: &str) -> Vec<String> {
    let folder = fs::read_dir(page()).expect("no built page: `cargo xtask test` builds it");
    folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending))
        .collect()
}

fn header(response: &reqwest::Response, name: &str) -> String {
    let value = response.headers().get(name);
    value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

async fn get(url: &str, encodings: &str) -> reqwest::Response {
    let request = http().get(url).header("accept-encoding", encodings);
    request.send().await.unwrap()
}

#[test]
fn the_page_is_small() {
    let mut total = 0;
    for ending in [".wasm", ".js", ".css"] {
        for name in built(ending) {
            let bytes = fs::metadata(page().join(format!("{name}.br")))
                .unwrap()
                .len();
            println!("{name}: {bytes} bytes brotli");
            total += bytes;
        }
    }
    println!("wasm + JS + CSS: {total} bytes brotli of {MAX_BROTLI}");
    assert!(total > 10_000 && total <= MAX_BROTLI, "{total}");
}

#[tokio::test]
async fn the_document_is_asked_for_again_and_its_parts_never() {
    let server = Server::start().await;
    let document = get(&server.origin(), "identity").await;
    assert_eq!(document.status(), 200);
    assert_eq!(header(&document, "cache-control"), "no-cache");
    assert!(header(&document, "content-type").starts_with("text/html"));
    for ending in [".wasm", ".js", ".css"] {
        let url = format!("{}/{}", server.origin(), built(ending)[0]);
        let part = get(&url, "identity").await;
        assert_eq!(part.status(), 200, "{url}");
        let cache = "public, max-age=31536000, immutable";
        assert_eq!(header(&part, "cache-control"), cache, "{url}");
        assert_eq!(header(&part, "x-content-type-options"), "nosniff");
    }
    let wasm = format!("{}/{}", server.origin(), built(".wasm")[0]);
    assert_eq!(
        header(&get(&wasm, "identity").await, "content-type"),
        "application/wasm"
    );
}

#[tokio::test]
async fn parts_come_compressed_as_the_browser_likes() {
    let server = Server::start().await;
    let url = format!("{}/{}", server.origin(), built(".wasm")[0]);
    for (accepted, expected) in [("gzip, br", "br"), ("gzip", "gzip"), ("identity", "")] {
        let response = get(&url, accepted).await;
        assert_eq!(header(&response, "content-encoding"), expected);
        if !expected.is_empty() {
            assert!(
                header(&response, "vary")
                    .to_lowercase()
                    .contains("accept-encoding")
            );
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    for path in ["nothing.js", "../Cargo.toml", "..%2fCargo.toml"] {
        let response = get(&format!("{}/{path}", server.origin()), "identity").await;
        assert_eq!(response.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn other_origins_are_not_let_in_but_the_development_page_is() {
    let server = Server::start().await;
    let url = format!("{}/socket.io/?EIO=4&transport=polling", server.origin());
    for (origin, allowed) in [
        ("http://127.0.0.1:8080", true),
        ("http://localhost:8080", true),
        ("http://evil.example", false),
    ] {
        let request = http().get(&url).header("origin", origin);
        let response = request.send().await.unwrap();
        let allow = header(&response, "access-control-allow-origin");
        assert_eq!(allow == origin, allowed, "{origin}: {allow}");
        assert_ne!(allow, "*");
    }
}
