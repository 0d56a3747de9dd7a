//! What a client says of itself when it connects: its token, as `{"token":"…"}`.

use serde::Deserialize;
use socketioxide::{
    adapter::LocalAdapter,
    handler::{FromConnectParts, Value},
    socket::Socket,
};
use std::{convert::Infallible, sync::Arc};
use tertulia_shared::{Code, Reject};

/// What came with the CONNECT packet.
#[derive(Clone, Debug)]
pub(super) struct Handshake(Result<Option<String>, Reject>);

#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

impl FromConnectParts<LocalAdapter> for Handshake {
    type Error = Infallible;

    fn from_connect_parts(_: &Arc<Socket>, auth: &Option<Value>) -> Result<Self, Infallible> {
        let text = auth.as_ref().and_then(Value::as_str);
        Ok(Self(text.map_or(Ok(None), |text| token(text))))
    }
}

impl Handshake {
    /// The token, where there is one.
    ///
    /// # Errors
    /// When the token is no text.
    pub(super) fn token(&self) -> Result<Option<&str>, Reject> {
        match &self.0 {
            Ok(token) => Ok(token.as_deref()),
            Err(reject) => Err(reject.clone()),
        }
    }
}

fn token(text: &str) -> Result<Option<String>, Reject> {
    let auth: Option<Auth> = serde_json::from_str(text).map_err(|_| {
        let problem = r#"the handshake's auth is no object such as {"token":"…"}"#;
        Reject::new(Code::BadToken, problem)
    })?;
    Ok(auth.and_then(|auth| auth.token))
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_token_is_a_text_or_not_there() {
        assert_eq!(token(r#"{"token":"abc","more":1}"#), Ok(Some("abc".into())));
        for without in ["{}", r#"{"token":null}"#, "null", r#"{"other":[]}"#] {
            assert_eq!(token(without), Ok(None), "{without}");
        }
        for bad in [r#"{"token":7}"#, r#""secret""#, "[", "7"] {
            let refused = token(bad).unwrap_err();
            assert!(!refused.message.contains("secret"));
        }
    }
}
