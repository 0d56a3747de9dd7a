//! Session tokens: signed, expiring, of a family by which they are revoked: the first one's id, in all that renew it.
//!
//! JSON Web Tokens (RFC 7519) with one header only, HS256 (RFC 7515, RFC 7518 §3.2): which algorithm it is is never read
//! from a token. Not here: whether a token was revoked (`identity`).

use super::{
    key::Key,
    user::{Pass, Standing},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tertulia_shared::{Code, Reject};

/// The longest token, in bytes.
pub(super) const MAX_TOKEN_BYTES: usize = 2_048;
/// The one header: `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What a token says. Whoever holds it can read this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The public id of the user.
    pub(super) sub: String,
    /// The token's own id.
    pub(super) jti: String,
    /// The id of the first token, of which this one is a renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<String>,
    /// The longest that one of those before it was good from its issue on, in seconds, where that is longer than this one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) longest: Option<u64>,
    /// When it was issued, in seconds since 1970-01-01 UTC.
    pub(super) iat: u64,
    /// From when on it is no longer good, in seconds since 1970-01-01 UTC.
    pub(super) exp: u64,
    /// The name that a guest had then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Of a registered user: which of its passwords was the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u64>,
}

impl Claims {
    /// What its holder is.
    pub(super) fn standing(&self) -> Standing {
        match self.generation {
            Some(_) => Standing::Registered,
            None => Standing::Guest,
        }
    }

    /// How long it or one of those before it is good from its issue on, in seconds.
    pub(super) fn life(&self) -> u64 {
        let own = self.exp.saturating_sub(self.iat);
        own.max(self.longest.unwrap_or_default())
    }

    /// What lets its holder in.
    pub(super) fn pass(&self) -> Pass {
        Pass {
            family: self.family.as_ref().unwrap_or(&self.jti).clone(),
            life: self.life(),
            expires: self.exp.saturating_mul(1_000),
            generation: self.generation.unwrap_or(0),
        }
    }
}

/// Writes a token.
///
/// # Errors
/// When the claims do not encode.
pub(super) fn sign(key: &Key, claims: &Claims) -> Result<String, serde_json::Error> {
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
    let signed = format!("{HEADER}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(&signed));
    Ok(format!("{signed}.{signature}"))
}

/// Reads a token at the time `now`, in milliseconds since 1970-01-01 UTC.
///
/// # Errors
/// When this key did not sign it or it is expired.
pub(super) fn read(key: &Key, token: &str, now: u64) -> Result<Claims, Reject> {
    let claims = signed(key, token).ok_or_else(forged)?;
    if claims.exp <= now / 1_000 {
        return Err(refused("the session token is expired; ask for another one"));
    }
    Ok(claims)
}

/// Whether a text has the shape of a token.
pub fn is_like(text: &str) -> bool {
    text.starts_with(HEADER)
}

fn signed(key: &Key, token: &str) -> Option<Claims> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if header != HEADER || !key.has_signed(signed, &signature) {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

fn forged() -> Reject {
    refused("the session token is none of this server; ask for another one")
}

/// The refusal of a token.
pub(super) fn refused(why: &str) -> Reject {
    Reject::new(Code::BadToken, why)
}

#[cfg(test)]
mod tests {
    use super::{Claims, HEADER, is_like, read, sign};
    use crate::identity::key::Key;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use tertulia_shared::Code;

    fn claims() -> Claims {
        Claims {
            sub: "peer".into(),
            jti: "id".into(),
            family: None,
            longest: None,
            iat: 1,
            exp: 100,
            name: Some("Zoë".into()),
            generation: None,
        }
    }

    #[track_caller]
    fn refused(key: &Key, token: &str, now: u64, why: &str) {
        let reject = read(key, token, now).unwrap_err();
        assert_eq!(reject.code, Code::BadToken);
        assert!(reject.message.contains(why), "{reject}");
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let key = Key::random();
        let token = sign(&key, &claims()).unwrap();
        assert!(is_like(&token) && !is_like("correct horse battery staple"));
        assert_eq!(read(&key, &token, 99_999), Ok(claims()));
        refused(&key, &token, 100_000, "expired");
        // One that was written before there were families is the first of its own.
        let renewed = Claims {
            jti: "other".into(),
            family: Some("id".into()),
            ..claims()
        };
        for claims in [claims(), renewed] {
            assert_eq!(claims.pass().family, "id");
        }
        refused(&Key::random(), &token, 0, "none of this server");
    }

    #[test]
    fn the_header_is_what_it_says() {
        let header = URL_SAFE_NO_PAD.decode(HEADER).unwrap();
        assert_eq!(header, br#"{"alg":"HS256","typ":"JWT"}"#);
    }

    #[test]
    fn what_was_changed_in_any_place_is_refused() {
        let key = Key::random();
        let token = sign(&key, &claims()).unwrap();
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            refused(&key, &String::from_utf8(other).unwrap(), 0, "none");
        }
        for at in 0..token.len() {
            refused(&key, &token[..at], 0, "none");
        }
        refused(&key, &format!("{token}A"), 0, "none");
        refused(&key, &token.repeat(20), 0, "none");
    }

    #[test]
    fn no_other_algorithm_is_taken() {
        let key = Key::random();
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).unwrap());
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"alg":"HS512","typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"HS256"}"#,
        ] {
            let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
            refused(&key, &format!("{signed}."), 0, "none");
            let signature = URL_SAFE_NO_PAD.encode(key.sign(&signed));
            refused(&key, &format!("{signed}.{signature}"), 0, "none");
        }
    }
}
