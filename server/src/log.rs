//! Lines of the log: one for each event, whatever the values in it are and whoever's code logs them.
//!
//! What others chose (a client's id, a topic) comes into lines of ours and of the crates that we use. A line break in it
//! would begin a line that nobody logged. Not here: what is logged, and in which form (`main`).

mod seldom;

pub use seldom::Seldom;

use crate::{config::LogFormat, identity::visible::is_hidden};
use serde_json::Value;
use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

/// The longest line, in bytes; of longer ones the rest is only counted.
pub const MAX_LINE_BYTES: usize = 8_192;
/// How much stays of each text in an object that is longer, in characters.
const SHORT_CHARS: usize = 512;
/// What begins a colour: the log's own, which takes others' out.
const COLOUR: char = '\u{1b}';
/// What ends all colours.
const NO_COLOUR: &str = "\u{1b}[0m";

/// Writes events as lines, each whole and at once.
#[derive(Debug)]
pub struct Lines<W> {
    inner: W,
    format: LogFormat,
    coloured: bool,
}

impl<W> Lines<W> {
    /// Lines for `inner`; `coloured` where the log's own colours are to stay.
    pub fn new(inner: W, format: LogFormat, coloured: bool) -> Self {
        Self {
            inner,
            format,
            coloured,
        }
    }

    fn line<'a>(&self, event: &'a str) -> Cow<'a, str> {
        match self.format {
            LogFormat::Text => text(event, self.coloured),
            LogFormat::Json => object(event),
        }
    }
}

impl<W: Write> Write for Lines<W> {
    /// Takes one event, as `tracing-subscriber` gives it: with the line break at its end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let whole = text.strip_suffix('\n').unwrap_or(&text);
        let line = format!("{}\n", self.line(whole));
        self.inner.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// An event on one line, in which all characters show.
fn text(event: &str, coloured: bool) -> Cow<'_, str> {
    let breaks = |character: char| is_hidden(character) && !(coloured && character == COLOUR);
    if event.len() <= MAX_LINE_BYTES && !event.contains(breaks) {
        return Cow::Borrowed(event);
    }
    let mut line = String::with_capacity(event.len().min(MAX_LINE_BYTES));
    for (at, character) in event.char_indices() {
        if line.len() >= MAX_LINE_BYTES {
            cut(&mut line, event.len() - at, coloured);
            break;
        }
        match character {
            breaking if breaks(breaking) => line.extend(breaking.escape_default()),
            plain => line.push(plain),
        }
    }
    Cow::Owned(line)
}

fn cut(line: &mut String, left: usize, coloured: bool) {
    let end = if coloured { NO_COLOUR } else { "" };
    // A text takes whatever is written to it.
    let _ = write!(line, "{end}… ({left} bytes more)");
}

/// An event as an object, in which all characters show; its texts are shortened where it is too long.
fn object(event: &str) -> Cow<'_, str> {
    let line = shown(event);
    if line.len() <= MAX_LINE_BYTES {
        return line;
    }
    match serde_json::from_str(event) {
        Ok(mut value) => {
            shorten(&mut value);
            Cow::Owned(shown(&value.to_string()).into_owned())
        }
        Err(_) => text(event, false),
    }
}

/// An object whose hidden characters are escaped: the format leaves all but the first 32 as they are, and they are nowhere
/// but in its texts.
fn shown(object: &str) -> Cow<'_, str> {
    if !object.contains(is_hidden) {
        return Cow::Borrowed(object);
    }
    let mut line = String::with_capacity(object.len());
    for character in object.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // A text takes whatever is written to it.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(SHORT_CHARS) {
                let left = text.len() - end;
                text.truncate(end);
                cut(text, left, false);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(values) => values.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, MAX_LINE_BYTES};
    use crate::config::LogFormat;
    use serde_json::{Value, json};
    use std::io::Write;

    fn logged(format: LogFormat, coloured: bool, event: &str) -> String {
        let mut written = Vec::new();
        let mut lines = Lines::new(&mut written, format, coloured);
        lines.write_all(format!("{event}\n").as_bytes()).unwrap();
        String::from_utf8(written).unwrap()
    }

    /// Breaks when: a value begins a line of its own, or turns its neighbours around.
    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let text = |event| logged(LogFormat::Text, false, event);
        assert_eq!(text("Zoë is here"), "Zoë is here\n");
        assert_eq!(
            text("x\n2026 INFO stopping\r\t\u{85}\u{2028}\u{202e}\u{1b}[2J"),
            "x\\n2026 INFO stopping\\r\\t\\u{85}\\u{2028}\\u{202e}\\u{1b}[2J\n"
        );
        let coloured = logged(LogFormat::Text, true, "\u{1b}[32mINFO\u{1b}[0m x\ny");
        assert_eq!(coloured, "\u{1b}[32mINFO\u{1b}[0m x\\ny\n");
    }

    /// Breaks when: a character that ends lines, or shows nothing, is in an object as it is.
    #[test]
    fn an_object_shows_all_its_characters() {
        let hidden = "x\n\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{e0041} Zoë";
        let event = json!({"message": hidden});
        let line = logged(LogFormat::Json, false, &event.to_string());
        let expected = r#"{"message":"x\n\u007f\u0085\u009b\u2028\u2029\u202e\udb40\udc41 Zoë"}"#;
        assert_eq!(line, format!("{expected}\n"));
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), event);
        let long = json!({"message": "\u{9b}".repeat(MAX_LINE_BYTES)});
        let line = logged(LogFormat::Json, false, &long.to_string());
        assert!(
            line.len() < MAX_LINE_BYTES && !line.contains('\u{9b}'),
            "{}",
            line.len()
        );
    }

    /// Breaks when: a value fills the log, or what is left of a line is no line.
    #[test]
    fn a_line_has_an_end() {
        let long = "é".repeat(MAX_LINE_BYTES);
        let line = logged(LogFormat::Text, false, &long);
        assert!(line.ends_with("é… (8192 bytes more)\n"), "{}", line.len());
        assert!(line.len() < MAX_LINE_BYTES + 100);
        let event = json!({"level": "WARN", "span": {"id": 7}, "message": long});
        let line = logged(LogFormat::Json, false, &event.to_string());
        assert!(line.len() < MAX_LINE_BYTES);
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&object["level"], &object["span"]["id"]),
            (&json!("WARN"), &json!(7))
        );
    }
}
