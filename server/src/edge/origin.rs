//! Which pages may talk to this server: its own, those on this machine, and those that were allowed by name.
//!
//! Programs that are no browser send no `Origin` and are not concerned.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{net::IpAddr, sync::Arc};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use url::{Host, Url};

/// The origins that were allowed by name, `https://chat.example`.
pub type Allowed = Arc<[String]>;

/// Lets allowed pages of other origins read the answers.
pub fn cors(allowed: &Allowed) -> CorsLayer {
    let allowed = Arc::clone(allowed);
    let may_read = move |origin: &HeaderValue, request: &Parts| {
        origin
            .to_str()
            .is_ok_and(|origin| is_allowed(origin, &request.headers, &allowed))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(Any)
}

/// Refuses what pages of other origins send: CORS keeps them from reading, not from sending or from a WebSocket.
pub async fn refuse_strangers(
    State(allowed): State<Allowed>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    let stranger = origin.is_some_and(|origin| {
        !origin
            .to_str()
            .is_ok_and(|origin| is_allowed(origin, request.headers(), &allowed))
    });
    if stranger {
        let reason = "this page may not talk to this server; allow it with --allow-origin\n";
        return (StatusCode::FORBIDDEN, reason).into_response();
    }
    next.run(request).await
}

fn is_allowed(origin: &str, headers: &HeaderMap, allowed: &[String]) -> bool {
    if allowed.iter().any(|known| known == origin) {
        return true;
    }
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    is_loopback(&url) || is_own(origin, headers)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// Whether the page came from the host that the request names.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    host.is_some() && authority == host
}

#[cfg(test)]
mod tests {
    use super::is_allowed;
    use axum::http::{HeaderMap, HeaderValue, header};

    #[track_caller]
    fn check(origin: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("house.example:3000"));
        let allowed = ["https://chat.example".to_owned()];
        assert_eq!(is_allowed(origin, &headers, &allowed), expected, "{origin}");
    }

    #[test]
    fn pages_of_this_machine_and_this_host_are_allowed() {
        for origin in [
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "http://app.localhost",
            "http://[::1]:8080",
            "http://house.example:3000",
            "https://chat.example",
        ] {
            check(origin, true);
        }
    }

    #[test]
    fn other_pages_are_not() {
        for origin in [
            "null",
            "https://evil.example",
            "https://localhost.evil.example",
            "https://chat.example.evil",
            "http://house.example",
        ] {
            check(origin, false);
        }
    }
}
