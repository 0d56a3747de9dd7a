//! Asking a server for a session token, before a connection is made with it.

use super::{Transport, http::described};
use crate::{
    sign_in::{Granted, PATH, SignIn, SignInError, granted},
    socketio::Options,
};

/// Asks the server of that URL, met as the options say, for a session token.
///
/// # Errors
/// When the server cannot be reached, gives no tokens, or refuses.
pub async fn sign_in(url: &str, options: &Options, who: &SignIn) -> Result<Granted, SignInError> {
    let transport =
        Transport::new(options).map_err(|error| SignInError::Unreachable(error.to_string()))?;
    let request = transport
        .http
        .post(origin(url) + PATH)
        .headers(transport.headers())
        .header("content-type", "application/json")
        .body(who.to_body());
    let unreachable = |error: reqwest::Error| SignInError::Unreachable(described(&error));
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    granted(status, &response.text().await.map_err(unreachable)?)
}

/// Scheme and authority of a URL of Socket.IO, in HTTP's words.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        scheme => scheme,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{authority}")
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn tokens_are_asked_for_at_the_origin() {
        for (url, expected) in [
            ("http://h:1", "http://h:1"),
            ("https://h/admin?x=/", "https://h"),
            ("ws://h:1/a", "http://h:1"),
            ("wss://h?x", "https://h"),
            ("h:1/a", "http://h:1"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
