//! JSON objects and arrays: each good part is a reading by its path, each bad one is told by its path.
//!
//! Numbers are taken as they are written: what holds them before is the JSON text, not an `f64`.

use super::{
    Fault, MAX_METRIC_BYTES, MAX_METRICS, MAX_VALUE_BYTES,
    fault::{Bad, BadParts},
    number::exact,
    text::{Measured, short},
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};
use tertulia_shared::sensor::Value;

/// The most objects and arrays within each other.
pub(super) const MAX_DEPTH: usize = 8;
/// The most members of one object or array that are looked at.
const MAX_MEMBERS: usize = 1_024;

/// What an object or an array says.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The good parts by path, in their order.
    pub(super) good: Vec<(String, Measured)>,
    /// The others.
    pub(super) bad: BadParts,
}

impl Parts {
    /// Reads an object or an array that stands at `path`, which may be empty.
    pub(super) fn of(path: &str, text: &str) -> Result<Self, Fault> {
        let text = readable(text)?;
        let mut parts = Self::default();
        parts.node(path, &text, 0);
        Ok(parts)
    }

    fn node(&mut self, path: &str, text: &str, depth: usize) {
        match text.as_bytes().first() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => self.bad.add(path, Bad::Deep),
            Some(b'{' | b'[') => self.members(path, text, depth),
            _ => match scalar(text) {
                Ok(Some(value)) => self.good(path, value.into()),
                Ok(None) => {}
                Err(bad) => self.bad.add(path, bad),
            },
        }
    }

    fn members(&mut self, path: &str, text: &str, depth: usize) {
        let Ok(members) = serde_json::from_str::<Members<'_>>(text) else {
            return self.bad.add(path, Bad::Text);
        };
        self.bad.add_over(members.over);
        // `{"value":20.6,"unit":"°C"}` is one reading, and what stands beside those two are others.
        let measured = members.measured().filter(|_| !path.is_empty());
        if let Some(mut measured) = measured.clone() {
            self.unit(path, &members, &mut measured);
            self.good(path, measured);
        }
        for (key, member) in &members.list {
            if measured.is_some() && matches!(&**key, "value" | "unit") {
                continue;
            }
            self.member(path, key, member.get(), depth + 1);
        }
    }

    fn member(&mut self, path: &str, key: &str, text: &str, depth: usize) {
        let inner = match path {
            "" => Cow::Borrowed(key),
            _ => Cow::Owned(format!("{path}/{key}")),
        };
        match name(key, &inner) {
            // What is not there needs no name.
            Err(_) if text == "null" => {}
            Err(bad) => self.bad.add(&inner, bad),
            Ok(()) => self.node(&inner, text, depth),
        }
    }

    /// The unit that stands beside a value, which says more than one in its text.
    fn unit(&mut self, path: &str, members: &Members<'_>, measured: &mut Measured) {
        match members.get("unit").map(scalar) {
            None | Some(Ok(None)) => {}
            Some(Ok(Some(Value::Text(unit)))) => measured.unit = Some(unit),
            Some(_) => self.bad.add(&format!("{path}/unit"), Bad::Unit),
        }
    }

    fn good(&mut self, path: &str, measured: Measured) {
        if self.good.len() < MAX_METRICS {
            self.good.push((path.to_owned(), measured));
        } else {
            self.bad.add_over(1);
        }
    }
}

/// The value of an object that stands for one: its `value` or its `state`. `None` where that is `null`.
pub(super) fn single(text: &str) -> Result<Option<Value>, Fault> {
    let text = readable(text)?;
    let members: Members<'_> = serde_json::from_str(&text).map_err(|error| no_json(&error))?;
    let inner = members.get("value").or_else(|| members.get("state"));
    let value = scalar(inner.ok_or(Fault::State)?).map_err(|_| Fault::State)?;
    Ok(value.map(|value| match Measured::from(value.clone()) {
        Measured { value, unit: None } => value,
        _ => value,
    }))
}

/// A JSON number, string or flag; `None` for `null`.
fn scalar(text: &str) -> Result<Option<Value>, Bad> {
    Ok(Some(match text.as_bytes().first() {
        Some(b'"') => {
            let text = serde_json::from_str(text).map_err(|_| Bad::Text)?;
            short(text).map_err(|_| Bad::Long)?
        }
        Some(b't') => Value::Flag(true),
        Some(b'f') => Value::Flag(false),
        Some(b'n') => return Ok(None),
        Some(b'-' | b'0'..=b'9') if text.len() > MAX_VALUE_BYTES => return Err(Bad::Long),
        Some(b'-' | b'0'..=b'9') => match exact(text) {
            Some(number) => Value::Number(number),
            None => Value::Text(text.to_owned()),
        },
        _ => return Err(Bad::Text),
    }))
}

/// Whether a key can stand in a topic, as one level or several, at the end of this path.
fn name(key: &str, path: &str) -> Result<(), Bad> {
    let is_bad = |character: char| matches!(character, '+' | '#') || character.is_control();
    if key.split('/').any(str::is_empty) || key.contains(is_bad) {
        return Err(Bad::Name);
    }
    if path.len() > MAX_METRIC_BYTES {
        return Err(Bad::LongName);
    }
    Ok(())
}

/// The text as JSON: as it is, or with each `NaN` and `inf`, which some firmwares write, as a text.
fn readable(text: &str) -> Result<Cow<'_, str>, Fault> {
    let Err(error) = serde_json::from_str::<&RawValue>(text) else {
        return Ok(Cow::Borrowed(text.trim()));
    };
    let mended = with_words_quoted(text);
    match serde_json::from_str::<&RawValue>(&mended) {
        Ok(_) => Ok(Cow::Owned(mended.trim().to_owned())),
        Err(_) => Err(no_json(&error)),
    }
}

fn no_json(error: &serde_json::Error) -> Fault {
    Fault::Json(error.to_string())
}

/// Puts quotes round `nan`, `inf` and `infinity`, in any case and with any sign, outside of strings.
fn with_words_quoted(text: &str) -> String {
    let mut mended = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '"' => string_len(rest),
            '-' | '+' => 1 + letters_len(&rest[1..]),
            _ if next.is_ascii_alphabetic() => letters_len(rest),
            _ => next.len_utf8(),
        };
        let (token, after) = rest.split_at(taken);
        let word = token.trim_start_matches(['-', '+']);
        let words = ["nan", "inf", "infinity"];
        if words.iter().any(|it| it.eq_ignore_ascii_case(word)) {
            mended.extend(["\"", token, "\""]);
        } else {
            mended.push_str(token);
        }
        rest = after;
    }
    mended
}

fn letters_len(text: &str) -> usize {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    text.bytes().take_while(|byte| is_letter(byte)).count()
}

/// How long the JSON string is with which a text begins.
fn string_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The members of an object by key, or of an array by index from 0.
struct Members<'a> {
    list: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// How many more there are than are looked at.
    over: usize,
}

impl Members<'_> {
    /// The last member of that key, as of most JSON readers.
    fn get(&self, key: &str) -> Option<&str> {
        let mut members = self.list.iter().rev();
        let (_, member) = members.find(|(name, _)| name == key)?;
        Some(member.get())
    }

    /// The `value` of a reading as an object.
    fn measured(&self) -> Option<Measured> {
        let value = scalar(self.get("value")?).ok().flatten();
        value.map(Measured::from)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut list, mut over) = (Vec::new(), 0);
                while list.len() < MAX_MEMBERS {
                    let Some((key, value)) = map.next_entry::<String, _>()? else {
                        return Ok(Members { list, over });
                    };
                    list.push((Cow::Owned(key), value));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    over += 1;
                }
                Ok(Members { list, over })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let (mut list, mut over) = (Vec::new(), 0);
                while list.len() < MAX_MEMBERS {
                    let Some(value) = seq.next_element()? else {
                        return Ok(Members { list, over });
                    };
                    list.push((Cow::Owned(list.len().to_string()), value));
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    over += 1;
                }
                Ok(Members { list, over })
            }
        }
        deserializer.deserialize_any(Any)
    }
}
