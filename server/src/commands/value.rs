//! What stands on the command line: JSON, events' names, times, headers; each refused with a text that says what to write.

use humantime::parse_duration;
use std::time::Duration;
use tertulia_client::socketio::{Endpoint, Transport};
use tertulia_shared::{event::is_reserved, wire::json::Json};

/// The longest time that can be asked for, one day.
const MAX_TIME: Duration = Duration::from_secs(86_400);
/// One argument of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// This value.
    Json(Json),
    /// The values of each line of standard input.
    Lines,
}

/// A JSON value, or `-`.
pub(super) fn argument(text: &str) -> Result<Argument, String> {
    if text == "-" {
        return Ok(Argument::Lines);
    }
    let value = Json::parse(text).map(Argument::Json);
    value.map_err(|error| format!("{error}; text needs quotes of its own, such as '\"text\"'"))
}

/// What CONNECT carries.
pub(super) fn auth(text: &str) -> Result<Json, String> {
    let value = Json::parse(text).map_err(|error| error.to_string())?;
    if text.trim_start().starts_with('{') {
        return Ok(value);
    }
    Err("Socket.IO takes an object, such as '{\"token\":\"…\"}'".to_owned())
}

/// The name of an event that may be emitted.
pub(super) fn event(text: &str) -> Result<String, String> {
    if is_reserved(text) {
        return Err("Socket.IO keeps this name for itself".to_owned());
    }
    Ok(text.to_owned())
}

/// Seconds, or a time with a unit.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    let time = match seconds.map(Duration::try_from_secs_f64) {
        Some(time) => time.ok(),
        None => parse_duration(text).ok(),
    };
    time.filter(|time| !time.is_zero() && *time <= MAX_TIME)
        .ok_or_else(|| "write seconds, such as 10 or 0.5, up to a day".to_owned())
}

/// The URL of a server.
pub(super) fn url(text: &str) -> Result<String, String> {
    let parsed = Endpoint::parse(text, "/").map_err(|error| error.to_string());
    parsed.map(|_| text.to_owned())
}

/// The path of the endpoint, with both slashes.
pub(super) fn path(text: &str) -> Result<String, String> {
    if text.contains(['?', '#', ' ']) {
        return Err("write a path, such as /socket.io/".to_owned());
    }
    match text.trim_matches('/') {
        "" => Ok("/".to_owned()),
        path => Ok(format!("/{path}/")),
    }
}

/// A header, `Name: value`.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| "write 'Name: value'".to_owned())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// A transport by its name.
pub(super) fn transport(text: &str) -> Result<Transport, String> {
    match text {
        "polling" => Ok(Transport::Polling),
        "websocket" => Ok(Transport::WebSocket),
        _ => Err("write polling or websocket".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Argument, argument, auth, event, header, path, time};
    use std::time::Duration;

    #[test]
    fn an_argument_is_a_json_value_or_a_dash() {
        assert_eq!(argument("-").unwrap(), Argument::Lines);
        assert!(matches!(argument("-5").unwrap(), Argument::Json(_)));
        assert!(argument("hello").unwrap_err().contains("quotes"));
        assert!(argument("1 2").is_err());
        assert!(argument("").is_err());
    }

    #[test]
    fn an_auth_is_an_object() {
        auth(" {} ").unwrap();
        assert!(auth("\"token\"").unwrap_err().contains("object"));
        assert!(auth("{").is_err());
    }

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        assert_eq!(time("0.5").unwrap(), Duration::from_millis(500));
        assert_eq!(time("300ms").unwrap(), Duration::from_millis(300));
        for wrong in ["0", "-1", "NaN", "inf", "1e30", "soon", "2 days"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_headers_and_names() {
        assert_eq!(path("ws").unwrap(), "/ws/");
        assert_eq!(path("/").unwrap(), "/");
        assert!(path("/a?b").is_err());
        let pair = ("Cookie".to_owned(), "a=b:c".to_owned());
        assert_eq!(header("Cookie: a=b:c").unwrap(), pair);
        assert!(header("Cookie").is_err());
        assert!(event("disconnect").is_err());
        event("").unwrap();
    }
}
