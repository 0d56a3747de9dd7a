//! What a browser is told about this server beside the content: what a page may load, and who may hold it.
//!
//! Source: Content Security Policy 3; `connect-src 'self'` covers WebSockets to the same host and port.

use super::{host::Host, trace};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;

/// What the page may do: nothing but run its own files, talk to its own server and show images made on the spot.
const PAGE: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; \
                    img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors";
/// What everything else may do, should a browser show it as a document.
const ELSE: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// For how long a browser comes by TLS only, a year; not this machine, where other servers have the same name.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

const ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
const OF_PAGE: [(HeaderName, &str); 2] = [
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// The policy of the page, which pages of these origins may show in a frame.
pub(super) fn policy_of_page(embedding: &[String]) -> HeaderValue {
    let embedding = match embedding {
        [] => "'none'".to_owned(),
        origins => origins.join(" "),
    };
    // An origin has visible ASCII only.
    HeaderValue::try_from(format!("{PAGE} {embedding}")).unwrap_or(HeaderValue::from_static(ELSE))
}

/// Adds the headers of the page.
pub(super) fn of_page(headers: &mut HeaderMap, policy: HeaderValue) {
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in OF_PAGE {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Has a request answered in its span, and adds the headers of every answer; `is_secure` where this server has TLS.
pub fn usual(
    State(is_secure): State<bool>,
    request: Request,
    next: Next,
) -> impl Future<Output = Response> {
    let host = Host::of(request.uri(), request.headers()).ok().flatten();
    let is_named = host.is_some_and(|host| !host.is_localhost());
    trace::request(request, next).map(move |mut response| {
        add(response.headers_mut(), is_secure && is_named);
        response
    })
}

fn add(headers: &mut HeaderMap, by_tls_only: bool) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(ELSE),
        );
    }
    if by_tls_only {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
