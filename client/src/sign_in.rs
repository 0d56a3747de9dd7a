//! Session tokens: what is asked of a server at `POST /session`, and what it answers.
//!
//! Pure: `web` and `native` carry it. Not here: keeping a token, and giving it in the handshake.

use crate::{fields::Fields, socketio::Refusal};
use serde::Serialize;
use std::fmt;
use tertulia_shared::{Reject, wire::json::Json};

/// Where tokens are asked for and given back, on the server's origin.
pub const PATH: &str = "/session";

/// Who wants a token; nothing of it where one that is still good is renewed.
#[derive(Clone, Default, Serialize)]
pub struct SignIn {
    /// The name to have, 1 to 40 characters.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: String,
    /// The password, where the name is registered; empty for a guest.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub password: String,
}

impl SignIn {
    /// What is posted.
    pub fn to_body(&self) -> String {
        // Two texts always encode.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Debug for SignIn {
    /// Without the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SignIn({})", self.name)
    }
}

/// A token was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// The token, a credential.
    pub token: String,
    /// The public id of whom it stands for.
    pub peer: String,
    /// The name.
    pub name: String,
    /// Whether the name is registered.
    pub registered: bool,
    /// Until when it is good, in milliseconds since 1970-01-01 UTC.
    pub expires: u64,
}

impl fmt::Debug for Granted {
    /// Without the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Granted({})", self.peer)
    }
}

/// Why no token was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The server refused.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// The server gives no tokens; and the HTTP status that it answered with.
    #[error("the server gives no session tokens: HTTP status {0}")]
    NoSessions(u16),
    /// The server cannot be reached, and why.
    #[error("no session token: {0}")]
    Unreachable(String),
}

/// What a server answered to `POST /session`.
///
/// # Errors
/// When it refused, or the answer is none of Tertulia's.
pub fn granted(status: u16, body: &str) -> Result<Granted, SignInError> {
    let fields = Fields::of(body);
    if let Some(reject) = fields.get("error") {
        return Err(SignInError::Rejected(reject));
    }
    let granted = || {
        Some(Granted {
            token: fields.get("token")?,
            peer: fields.get("peer")?,
            name: fields.get("name")?,
            registered: fields.get("registered").unwrap_or_default(),
            expires: fields.get("expires")?,
        })
    };
    granted().ok_or(SignInError::NoSessions(status))
}

/// Why a handshake was refused, where the server is Tertulia.
pub fn reject(refusal: &Refusal) -> Option<Reject> {
    Fields::of(refusal.0.as_str()).get("data")
}

/// What a handshake carries with a token.
pub fn auth(token: &str) -> Option<Json> {
    #[derive(Serialize)]
    struct Auth<'a> {
        token: &'a str,
    }
    Json::encode(&Auth { token }).ok()
}

#[cfg(test)]
mod tests {
    use super::{Granted, SignIn, SignInError, auth, granted};
    use tertulia_shared::{Code, Reject};

    #[test]
    fn an_answer_is_a_token_a_refusal_or_another_servers() {
        let body = r#"{"token":"t","peer":"p","name":"Ana","registered":true,"expires":7}"#;
        let expected = Granted {
            token: "t".to_owned(),
            peer: "p".to_owned(),
            name: "Ana".to_owned(),
            registered: true,
            expires: 7,
        };
        assert_eq!(granted(200, body), Ok(expected));
        let body = r#"{"error":{"code":"name-taken","message":"no"}}"#;
        let reject = Reject::new(Code::NameTaken, "no");
        assert_eq!(granted(409, body), Err(SignInError::Rejected(reject)));
        for (status, body) in [
            (404, ""),
            (405, "no"),
            (200, "<!doctype html>"),
            (200, "{}"),
        ] {
            let answered = granted(status, body);
            assert!(
                matches!(answered, Err(SignInError::NoSessions(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_not_said_is_left_out_and_secrets_are_not_shown() {
        assert_eq!(SignIn::default().to_body(), "{}");
        let ana = SignIn {
            name: "Ana".to_owned(),
            password: "secret".to_owned(),
        };
        assert_eq!(ana.to_body(), r#"{"name":"Ana","password":"secret"}"#);
        assert_eq!(format!("{ana:?}"), "SignIn(Ana)");
        assert_eq!(auth(r#"a"b"#).unwrap().as_str(), r#"{"token":"a\"b"}"#);
    }
}
