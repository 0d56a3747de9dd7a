//! What an acknowledgement carries: `{"ok":…}` or `{"error":{"code":"…","message":"…"}}`.
//!
//! Not here: acknowledgement ids and timeouts (the client machine's business).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to an event: accepted with a value, or refused with a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reply<T> {
    /// Accepted.
    Ok(T),
    /// Refused; nothing was changed.
    Error(Reject),
}

impl<T> From<Result<T, Reject>> for Reply<T> {
    fn from(result: Result<T, Reject>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(reject) => Self::Error(reject),
        }
    }
}

impl<T> From<Reply<T>> for Result<T, Reject> {
    fn from(reply: Reply<T>) -> Self {
        match reply {
            Reply::Ok(value) => Ok(value),
            Reply::Error(reject) => Err(reject),
        }
    }
}

/// Why an event was refused: a code for programs and a text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Reject {
    /// The machine-readable reason.
    pub code: Code,
    /// The reason for a person: names the offending value and the limit.
    pub message: String,
    /// After how many milliseconds the same may be asked again; absent where that depends on something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// For [`Code::AmbiguousName`]: the names, each with its tag, of which one may be asked for instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

impl Reject {
    /// A refusal with `code` and a text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
            choices: Vec::new(),
        }
    }

    /// The same, to be asked again after so many milliseconds.
    #[must_use]
    pub fn retry_after(self, milliseconds: u64) -> Self {
        Self {
            retry_after: Some(milliseconds),
            ..self
        }
    }

    /// The same, with what may be asked for instead.
    #[must_use]
    pub fn choices(self, choices: Vec<String>) -> Self {
        Self { choices, ..self }
    }
}

/// The reasons for which an event is refused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// No table has an event of this name that a client emits.
    UnknownEvent,
    /// The payload is not what the event's table says.
    BadPayload,
    /// The name is empty, too long, has characters that do not show, or ends like a tag.
    BadName,
    /// The text is empty or too long.
    BadText,
    /// The client-made id is empty or too long.
    BadId,
    /// The room is not a valid topic filter.
    BadRoom,
    /// The room is valid but outside what may be joined or published to.
    RoomNotAllowed,
    /// The device or the target cannot stand in a topic.
    BadDevice,
    /// Too many rooms are joined by this connection.
    TooManyRooms,
    /// A new room does not fit: the server, or what this connection may begin, is full.
    ServerFull,
    /// The server has no room left to keep it: try again later with the same id.
    StorageFull,
    /// The server could not keep it: try again later with the same id.
    StorageFailed,
    /// The server has more to do than it can: try again later with the same id.
    ServerBusy,
    /// The broker cannot be reached now: try again later.
    BridgeDown,
    /// The broker refused the command.
    BrokerRefused,
    /// The session token is forged, expired or revoked: the message says which. Ask for another one.
    BadToken,
    /// The name or the password is wrong.
    BadPassword,
    /// Nobody is let in here without an account.
    AccountNeeded,
    /// The name belongs to a registered user, or looks like one that does.
    NameTaken,
    /// The name is kept for registered users, or looks like one that is.
    NameReserved,
    /// Several guests have names that look like this one: `choices` tells them apart.
    AmbiguousName,
    /// More came from this user or this address than may: try again after `retry_after`.
    RateLimited,
    /// A code of a newer server that this build does not know.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// Whether the reason passes by itself, so that asking the same again later can help.
    pub fn passes(self) -> bool {
        matches!(
            self,
            Self::StorageFull
                | Self::StorageFailed
                | Self::ServerBusy
                | Self::BridgeDown
                | Self::RateLimited
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Reject, Reply};

    /// Breaks when: a client gives up what it should ask again, or asks for ever what nobody grants.
    #[test]
    fn what_passes_is_what_the_text_says_to_try_again() {
        for (code, passes) in [
            (Code::StorageFull, true),
            (Code::StorageFailed, true),
            (Code::ServerBusy, true),
            (Code::BridgeDown, true),
            (Code::RateLimited, true),
            (Code::RoomNotAllowed, false),
            (Code::TooManyRooms, false),
            (Code::ServerFull, false),
            (Code::BadToken, false),
            (Code::Unknown, false),
        ] {
            assert_eq!(code.passes(), passes, "{code:?}");
        }
    }

    #[test]
    fn ok_is_an_object_with_the_value() {
        let text = serde_json::to_string(&Reply::Ok(7)).unwrap();
        assert_eq!(text, r#"{"ok":7}"#);
    }

    #[test]
    fn error_is_an_object_with_code_and_message() {
        let reply = Reply::<()>::Error(Reject::new(Code::BadRoom, "no"));
        let text = serde_json::to_string(&reply).unwrap();
        assert_eq!(text, r#"{"error":{"code":"bad-room","message":"no"}}"#);
    }

    #[test]
    fn a_refusal_says_when_to_ask_again_only_where_that_is_known() {
        let reject = Reject::new(Code::RateLimited, "slower").retry_after(250);
        let text = serde_json::to_string(&reject).unwrap();
        let expected = r#"{"code":"rate-limited","message":"slower","retry_after":250}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Reject>(&text).unwrap(), reject);
    }

    #[test]
    fn a_code_of_a_newer_server_is_kept_readable() {
        let text = r#"{"error":{"code":"on-strike","message":"back at nine"}}"#;
        let reply: Reply<()> = serde_json::from_str(text).unwrap();
        assert_eq!(
            reply,
            Reply::Error(Reject::new(Code::Unknown, "back at nine"))
        );
    }
}
