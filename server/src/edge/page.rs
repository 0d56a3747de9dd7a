//! The page: the files that trunk built, with their compressed forms, served from memory.
//!
//! An answer holds no open file, and answers of the same file share its bytes: a client that reads nothing costs little.
//! Not here: building the page (`xtask`), and reading the directory (`held`).

mod held;

use super::{
    body::{Shared, sliced},
    headers,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use held::{Form, Page};
use std::{ops::RangeInclusive, path::Path, sync::Arc};

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");
const READ_ONLY: HeaderValue = HeaderValue::from_static("GET, HEAD");
/// The document.
const INDEX: &str = "/index.html";
/// The hash that trunk writes into a file's name, in hexadecimal digits: 16, without zeros before them.
const HASH_DIGITS: RangeInclusive<usize> = 12..=16;

/// Serves the directory, which pages of these origins may show in a frame; while it has no `index.html`, `/` says how to build it.
pub fn routes(directory: &Path, embedding: &[String]) -> Router {
    let policy = headers::policy_of_page(embedding);
    Router::new()
        .fallback(answer)
        .with_state(Arc::new(Page::open(directory)))
        .layer(middleware::from_fn_with_state(policy, headed))
}

/// Adds the headers of the page.
async fn headed(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let is_hashed = is_hashed(request.uri().path());
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let caching = match found && is_hashed {
        true => FOREVER,
        false => ASK_FIRST,
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, caching);
    headers.append(header::VARY, BY_ENCODING);
    headers::of_page(headers, policy);
    response
}

async fn answer(State(page): State<Arc<Page>>, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let allow = [(header::ALLOW, READ_ONLY)];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let path = match request.uri().path() {
        "/" => INDEX,
        path => path,
    };
    match page.file(path) {
        Some(file) => {
            let form = file.form(accepted(request.headers()));
            let is_head = request.method() == Method::HEAD;
            send(form, file.kind.clone(), request.headers(), is_head)
        }
        None if path == INDEX => not_built(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send(form: &Form, kind: HeaderValue, asked: &HeaderMap, is_head: bool) -> Response {
    if is_known(asked, &form.tag) {
        let tag = [(header::ETAG, form.tag.clone())];
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    let body = match is_head {
        true => Body::empty(),
        false => sliced(form.bytes.clone()),
    };
    let mut response = body.into_response();
    response.extensions_mut().insert(Shared);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, form.bytes.len().into());
    headers.insert(header::ETAG, form.tag.clone());
    if let Some(encoding) = form.encoding {
        let encoding = HeaderValue::from_static(encoding);
        headers.insert(header::CONTENT_ENCODING, encoding);
    }
    response
}

/// Whether the browser has this form of the file (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|tags| tags.to_str().ok());
    let mut is = |known: &str| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes()
    };
    known.any(|tags| tags.split(',').any(&mut is))
}

/// Whether an encoding may be used (RFC 9110 §12.5.3); `*` counts for none, which is always right.
fn accepted(headers: &HeaderMap) -> impl Fn(&str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    let accepted = lines.join(",");
    move |encoding| {
        accepted.split(',').any(|entry| {
            let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let is_refused = weight.trim().parse() == Ok(0.0_f32);
            name.trim().eq_ignore_ascii_case(encoding) && !is_refused
        })
    }
}

fn not_built() -> Response {
    let text = "The page is not built yet. `cargo xtask serve` builds and serves it; for development run \
                `trunk serve` beside this server, or point --page to a directory that `trunk build` wrote.\n";
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

/// Whether the file's name carries the hash of its content: `tertulia-1a2b3c4d5e6f7a8b_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _)) = name.rsplit_once('.') else {
        return false;
    };
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        HASH_DIGITS.contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::{accepted, is_hashed, is_known};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn an_encoding_is_used_where_it_is_accepted() {
        for (line, br, gzip) in [
            ("gzip, deflate, br", true, true),
            ("gzip;q=1.0, BR;q=0", false, true),
            ("br; q=0.5", true, false),
            ("identity", false, false),
            ("*", false, false),
            ("", false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(line));
            let accepts = accepted(&headers);
            assert_eq!((accepts("br"), accepts("gzip")), (br, gzip), "{line}");
        }
    }

    #[test]
    fn a_form_that_the_browser_has_is_not_sent_again() {
        let tag = HeaderValue::from_static("\"1-br\"");
        for (line, known) in [
            ("\"1-br\"", true),
            ("W/\"1-br\"", true),
            ("\"2\", \"1-br\"", true),
            ("*", true),
            ("\"1\"", false),
        ] {
            let mut headers = HeaderMap::new();
            assert!(!is_known(&headers, &tag));
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(line));
            assert_eq!(is_known(&headers, &tag), known, "{line}");
        }
    }

    #[test]
    fn only_names_with_a_hash_are_kept_forever() {
        for hashed in [
            "/tertulia-1a2b3c4d5e6f7a8b.js",
            "/tertulia-client-1a2b3c4d5e6f7a8b_bg.wasm",
            "/assets/style-0123456789abcdef.css",
            "/icon-0123456789abcdef.svg",
            "/tertulia-client-cafbbd5d069e49a.js",
        ] {
            assert!(is_hashed(hashed), "{hashed}");
        }
        for plain in [
            "/",
            "/index.html",
            "/app.js",
            "/tertulia-client.js",
            "/icon-1a2b3c4d.svg",
        ] {
            assert!(!is_hashed(plain), "{plain}");
        }
    }
}
