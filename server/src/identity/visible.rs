//! Which characters show: a name must not hide characters or turn its neighbours around.
//!
//! Source: Unicode 16, the general category Cf and the letters that are drawn as nothing.

use std::ops::RangeInclusive;

/// How much of an offending value is repeated in a refusal, in characters.
const SHOWN_CHARS: usize = 40;

/// Zero-width, directional and other format characters, and fillers.
const HIDDEN: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
];
/// Shorthand and musical format characters, and tags.
const HIDDEN_ABOVE: [RangeInclusive<char>; 3] = [
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];
/// They choose how the character before them is drawn: nothing without one.
const SELECTORS: RangeInclusive<char> = '\u{fe00}'..='\u{fe0f}';

/// Whether a character is a control character, or one that does not show or that turns its neighbours around.
pub(crate) fn is_hidden(character: char) -> bool {
    let mut ranges = HIDDEN.iter().chain(&HIDDEN_ABOVE);
    character.is_control() || ranges.any(|range| range.contains(&character))
}

/// Whether nothing of a text shows.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|character| {
        let drawn_as_space = character.is_whitespace() || character == '\u{2800}';
        drawn_as_space || SELECTORS.contains(&character) || is_hidden(character)
    })
}

/// A text of a client, short enough to repeat and on one line.
pub fn shown(text: &str) -> String {
    shortened(text, SHOWN_CHARS)
}

/// A text on one line of at most `limit` characters, and an ellipsis where more follows.
pub fn shortened(text: &str, limit: usize) -> String {
    let one_line = |character: char| {
        if is_hidden(character) {
            '\u{fffd}'
        } else {
            character
        }
    };
    let mut short: String = text.chars().take(limit).map(one_line).collect();
    if text.chars().nth(limit).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_refusal_repeats_only_the_start_on_one_line() {
        assert_eq!(shown("a\nb"), "a\u{fffd}b");
        assert_eq!(shown(&"x".repeat(50)).chars().count(), 41);
    }
}
