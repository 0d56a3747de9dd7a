//! `POST /session` gives a session token, `DELETE /session` takes it back.
//!
//! Not here: what a token is (`identity`), and which pages may ask (`origin`).

use super::proxy::Here;
use crate::app::{App, account_needed};
use crate::identity::Issued;
use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use std::sync::Arc;
use tertulia_shared::{Code, Reject, Reply};

/// Where sessions are.
pub(super) const PATH: &str = "/session";
/// The largest request, in bytes: a name, a password, a token.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024;
/// Nobody between keeps a secret.
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// The routes.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route(PATH, post(open).delete(close))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(app)
}

/// What is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) name: Option<String>,
    pub(super) password: Option<String>,
}

async fn open(
    State(app): State<Arc<App>>,
    here: Option<Extension<Here>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match issue(&app, here.is_some(), &headers, &body).await {
        Ok(issued) => {
            tracing::debug!(
                peer = issued.peer,
                registered = issued.registered,
                "a session"
            );
            ([(header::CACHE_CONTROL, NEVER_KEPT)], Json(issued)).into_response()
        }
        Err(reject) => refused(reject),
    }
}

async fn issue(
    app: &App,
    is_here: bool,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Issued, Reject> {
    let asked = asked(body)?;
    let (name, identity) = (asked.name.as_deref(), &app.identity);
    if let Some(password) = asked.password {
        let name = name.unwrap_or_default();
        return identity.login(name, password).await;
    }
    if let Some(token) = bearer(headers)? {
        let user = app.admit(Some(token), is_here)?;
        return identity.renew(&user, name);
    }
    if !app.lets_guests_in(is_here) {
        return Err(account_needed());
    }
    identity.guest(name)
}

async fn close(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let revoked = match bearer(&headers) {
        Ok(Some(token)) => app.identity.revoke(token).await,
        Ok(None) => Err(no_token("the request has no bearer token")),
        Err(reject) => Err(reject),
    };
    match revoked {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reject) => refused(reject),
    }
}

/// Without a body nothing is asked for in particular.
///
/// # Errors
/// When it is no such request; the refusal does not repeat it.
pub(super) fn asked(body: &[u8]) -> Result<Asked, Reject> {
    let body = match body {
        [] => b"{}",
        body => body,
    };
    // A decoder's reason repeats what was sent, which may be a password.
    serde_json::from_slice(body).map_err(|_| {
        let problem = r#"write an object such as {"name":"Ada"} or {"name":"Ada","password":"…"}"#;
        Reject::new(Code::BadPayload, problem)
    })
}

/// The token of the `Authorization` header (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Reject> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let value = value.to_str().ok().and_then(|value| value.split_once(' '));
    let token = value.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token {
        Some((_, token)) => Ok(Some(token.trim())),
        None => Err(no_token("the authorization is no bearer token")),
    }
}

fn no_token(problem: &str) -> Reject {
    Reject::new(Code::BadToken, problem)
}

fn refused(reject: Reject) -> Response {
    let status = match reject.code {
        Code::BadToken | Code::BadPassword => StatusCode::UNAUTHORIZED,
        Code::AccountNeeded => StatusCode::FORBIDDEN,
        Code::NameTaken | Code::NameReserved => StatusCode::CONFLICT,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::StorageFailed | Code::StorageFull | Code::ServerBusy | Code::ServerFull => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_REQUEST,
    };
    tracing::debug!(code = ?reject.code, %reject, "no session");
    let mut response = (status, Json(Reply::<()>::Error(reject.clone()))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NEVER_KEPT);
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    if let Some(wait) = reject.retry_after {
        headers.insert(header::RETRY_AFTER, wait.div_ceil(1_000).into());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{asked, bearer};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn a_request_is_read_and_never_repeated() {
        assert!(asked(b"").unwrap().name.is_none());
        let full = asked(br#"{"name":"Ada","password":"p","else":1}"#).unwrap();
        assert_eq!(
            (full.name.as_deref(), full.password.as_deref()),
            (Some("Ada"), Some("p"))
        );
        for bad in [&b"\"secret\""[..], b"secret", br#"{"password":["secret"]}"#] {
            let refused = asked(bad).err().unwrap();
            assert!(!refused.message.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn only_a_bearer_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), Ok(None));
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("Basic YTpi", None),
            ("abc", None),
        ] {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers).ok().flatten(), token, "{value}");
        }
    }
}
