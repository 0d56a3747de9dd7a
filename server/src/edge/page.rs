//! The page: the files that trunk built, beside their compressed forms.
//!
//! Not here: building it (`xtask`).

use super::headers;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::{ops::RangeInclusive, path::Path};
use tower_http::services::ServeDir;

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");
/// The hash that trunk writes into a file's name, in hexadecimal digits: 16, without zeros before them.
const HASH_DIGITS: RangeInclusive<usize> = 12..=16;
/// The longest name of a file, in bytes: file systems take none that is longer.
const MAX_NAME_BYTES: usize = 255;

/// Serves the directory; while it has no `index.html`, `/` says how to build it.
pub fn routes(directory: &Path) -> Router {
    let index = directory.join("index.html");
    let files = ServeDir::new(directory)
        .precompressed_br()
        .precompressed_gzip();
    Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn(move |request, next| {
            answer(index.exists(), request, next)
        }))
}

async fn answer(built: bool, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = if !built && matches!(path.as_str(), "/" | "/index.html") {
        not_built()
    } else if !is_a_name(&path) {
        StatusCode::NOT_FOUND.into_response()
    } else {
        next.run(request).await
    };
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let caching = if found && is_hashed(&path) {
        FOREVER
    } else {
        ASK_FIRST
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, caching);
    headers.append(header::VARY, BY_ENCODING);
    headers::of_page(headers);
    response
}

fn not_built() -> Response {
    let text = "The page is not built yet. `cargo xtask serve` builds and serves it; for development run \
                `trunk serve` beside this server, or point --page to a directory that `trunk build` wrote.\n";
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

/// Whether a file may be called so: to look for one that may not is an error of the system, not of who asks.
fn is_a_name(path: &str) -> bool {
    let fits = |name: &str| name.len() <= MAX_NAME_BYTES;
    !path.contains("%00") && path.split('/').all(fits)
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
    use super::{is_a_name, is_hashed};

    #[test]
    fn what_no_file_is_called_is_not_looked_for() {
        assert!(is_a_name("/a/index.html") && is_a_name(&format!("/{}", "x".repeat(255))));
        assert!(!is_a_name("/%00") && !is_a_name(&format!("/{}/a", "x".repeat(256))));
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
