//! Arguments as text: always one line, and nothing in it that a terminal would obey.
//!
//! The JSON stays the text that travelled, so that neither the order of keys nor a long number changes.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::fmt::Write;
use tertulia_shared::wire::args::Args;

/// What no JSON has in front of its own, but terminals obey: DEL and the C1 controls.
const OBEYED: std::ops::RangeInclusive<char> = '\u{7f}'..='\u{9f}';

/// An event as `name value value`; a name that would not be told from a value stands in quotes.
pub(super) fn line(args: &Args) -> String {
    let mut words = values(args);
    if let (Some(first), Ok(name)) = (words.first_mut(), args.name()) {
        let tells = |character: char| !character.is_whitespace() && !character.is_control();
        if !name.is_empty() && !name.starts_with('"') && name.chars().all(tells) {
            *first = name;
        }
    }
    words.join(" ")
}

/// An event as a JSON object; `at` in milliseconds since 1970-01-01 UTC, `ack` whether the server waits for one.
pub(super) fn object(args: &Args, at: u128, ack: bool) -> String {
    let values = values(args);
    let (name, payload) = match values.split_first() {
        Some((name, payload)) => (name.as_str(), payload.join(",")),
        None => ("null", String::new()),
    };
    // The official one takes numbers as names too, and gives them out as text.
    let quote = if name.starts_with('"') { "" } else { "\"" };
    format!(r#"{{"at":{at},"event":{quote}{name}{quote},"args":[{payload}],"ack":{ack}}}"#)
}

/// An acknowledgement: its value; where there is not exactly one, the array of them.
pub(super) fn acknowledgement(args: &Args) -> String {
    match values(args).as_slice() {
        [value] => value.clone(),
        values => format!("[{}]", values.join(",")),
    }
}

/// Whether an acknowledgement is the refusal that Tertulia and many other servers give: an object with `error`.
pub(super) fn is_refusal(args: &Args) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: Option<IgnoredAny>,
    }
    let is_object = |value: &String| value.starts_with('{');
    let refusal = args.at::<Refusal>(0);
    values(args).first().is_some_and(is_object) && refusal.is_ok_and(|it| it.error.is_some())
}

/// A text of somebody else as a part of one line.
pub(super) fn shown(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn values(args: &Args) -> Vec<String> {
    let raw: Vec<&RawValue> = serde_json::from_str(args.json().as_str()).unwrap_or_default();
    let compact = raw.into_iter().map(|value| compact(value.get()));
    if args.attachments.is_empty() {
        return compact.collect();
    }
    compact
        .map(|value| with_binaries(&value, &args.attachments))
        .collect()
}

/// JSON without the white space between its parts.
fn compact(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for character in json.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' | '\n' | '\r' if !quoted => continue,
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        if OBEYED.contains(&character) {
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
    text
}

/// Compact JSON, its placeholders replaced by `{"base64":"…"}`. Inside of a text no `{"` can stand: there it is `{\"`.
fn with_binaries(json: &str, attachments: &[Bytes]) -> String {
    let mut text = String::new();
    let mut rest = json;
    while let Some((before, object)) = rest.find('{').map(|at| rest.split_at(at)) {
        text.push_str(before);
        let found = placeholder(object);
        let found = found.and_then(|(number, after)| Some((attachments.get(number)?, after)));
        rest = match found {
            Some((bytes, after)) => {
                let _ = write!(text, r#"{{"base64":"{}"}}"#, BASE64_STANDARD.encode(bytes));
                after
            }
            None => {
                text.push('{');
                &object[1..]
            }
        };
    }
    text + rest
}

/// The number of the placeholder that the text begins with, and what comes after it.
fn placeholder(json: &str) -> Option<(usize, &str)> {
    let forms = [
        (r#"{"_placeholder":true,"num":"#, "}"),
        (r#"{"num":"#, r#","_placeholder":true}"#),
    ];
    forms.into_iter().find_map(|(start, end)| {
        let rest = json.strip_prefix(start)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = rest.split_at(digits);
        Some((number.parse().ok()?, rest.strip_prefix(end)?))
    })
}

#[cfg(test)]
mod tests {
    use super::{acknowledgement, is_refusal, line, object};
    use tertulia_shared::wire::{args::Args, json::Json};

    fn args(json: &str) -> Args {
        Args::new(
            Json::parse(json).unwrap(),
            vec![vec![1, 2].into(), vec![].into()],
        )
        .unwrap()
    }

    #[test]
    fn an_event_is_one_line_of_the_text_that_came() {
        let event = args("[\"a:b\",\n {\"z\": 1 , \"a\" : \"x \\\" y\"}, 12345678901234567890123]");
        assert_eq!(
            line(&event),
            r#"a:b {"z":1,"a":"x \" y"} 12345678901234567890123"#
        );
        assert_eq!(line(&args(r#"["a b",1]"#)), r#""a b" 1"#);
        assert_eq!(line(&args(r#"["a\nb"]"#)), r#""a\nb""#);
        assert_eq!(line(&args(r#"["",null]"#)), r#""" null"#);
        assert_eq!(line(&args("[\"e\",\"\u{9b}31m\"]")), r#"e "\u009b31m""#);
    }

    #[test]
    fn an_event_is_an_object() {
        let event = r#"{"at":7,"event":"a","args":[1,[]],"ack":true}"#;
        assert_eq!(object(&args(r#"["a", 1, [ ]]"#), 7, true), event);
        assert!(object(&args("[12]"), 7, false).contains(r#""event":"12","args":[]"#));
    }

    #[test]
    fn binaries_are_base64() {
        let event = args(
            r#"["f", {"a": {"_placeholder": true, "num": 0}}, {"num":1,"_placeholder":true}, {"_placeholder":true,"num":2}]"#,
        );
        assert_eq!(
            line(&event),
            r#"f {"a":{"base64":"AQI="}} {"base64":""} {"_placeholder":true,"num":2}"#
        );
        let quoted = r#"["f","{\"_placeholder\":true,\"num\":0}"]"#;
        assert_eq!(
            line(&args(quoted)),
            r#"f "{\"_placeholder\":true,\"num\":0}""#
        );
    }

    #[test]
    fn an_acknowledgement_is_its_value() {
        for (json, text) in [
            ("[]", "[]"),
            ("[ 1 ]", "1"),
            ("[1, 2]", "[1,2]"),
            ("[[]]", "[]"),
        ] {
            assert_eq!(acknowledgement(&args(json)), text);
        }
    }

    #[test]
    fn a_refusal_is_an_object_with_an_error() {
        for (json, refused) in [
            (r#"[{"error":{"code":"x"}}]"#, true),
            (r#"[{"error":"no"}]"#, true),
            (r#"[{"error":null,"data":1}]"#, false),
            (r#"[{"ok":{"error":1}}]"#, false),
            (r#"["error"]"#, false),
            (r#"[["error"]]"#, false),
            ("[]", false),
        ] {
            assert_eq!(is_refusal(&args(json)), refused, "{json}");
        }
    }

    #[test]
    fn no_depth_is_too_deep() {
        let deep = format!(r#"["e",{}{}]"#, "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(line(&args(&deep)).len(), 400_002);
    }
}
