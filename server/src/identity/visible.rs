//! Which characters show: a name must not hide characters or turn its neighbours around.
//!
//! Source: Unicode's Default_Ignorable_Code_Point, General_Category and Extended_Pictographic, and a few symbols that are
//! drawn as nothing.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, ExtendedPictographic, GeneralCategory},
};

/// How much of an offending value is repeated in a refusal, in characters.
const SHOWN_CHARS: usize = 40;

/// Symbols that most fonts draw as nothing: the empty Braille pattern, the object replacement character, the Khitan filler,
/// the null notehead, and blank hieroglyphs. The page has the same list (`browser::shows`).
const BLANK: [char; 6] = [
    '\u{2800}',
    '\u{fffc}',
    '\u{16fe4}',
    '\u{1d159}',
    '\u{13441}',
    '\u{13442}',
];
/// The selector that asks for the coloured form of the pictograph before it.
const EMOJI_STYLE: char = '\u{fe0f}';

/// Whether a character is a control character, or one that does not show or that turns its neighbours around.
pub(crate) fn is_hidden(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    matches!(
        category,
        Control | Format | LineSeparator | ParagraphSeparator
    ) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Whether nothing of a text shows.
pub fn is_blank(text: &str) -> bool {
    let is_blank = |character: char| BLANK.contains(&character) || is_hidden(character);
    text.chars()
        .all(|character| character.is_whitespace() || is_blank(character))
}

/// Removes the characters that do not show in a name. A selector that chooses the form of a pictograph stays.
pub(super) fn seen(text: &str) -> String {
    let mut before = None;
    let shows = |character: &char| {
        let before = before.replace(*character);
        let has_form = *character == EMOJI_STYLE && before.is_some_and(is_pictograph);
        has_form || !(is_hidden(*character) || BLANK.contains(character))
    };
    text.chars().filter(shows).collect()
}

fn is_pictograph(character: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(character)
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
    use super::{is_blank, is_hidden, seen, shown};

    #[test]
    fn text_without_a_visible_character_is_blank() {
        for blank in [
            "",
            " \t\u{a0}\u{3000}",
            "\u{200b}",
            "\u{ad}\u{2800}",
            "\u{115f}\u{1160}\u{3164}\u{ffa0}",
            "\u{fe0f}\u{e0100}",
            "\u{180e}\u{1d159}\u{fffc}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for shown in [".", "\u{301}", "\u{200b}a", "❤\u{fe0f}", "ー", "\u{e000}"] {
            assert!(!is_blank(shown), "{shown:?}");
        }
    }

    #[test]
    fn letters_marks_and_pictographs_are_not_hidden() {
        let honest =
            "Zoë O’Neil-Ñandú_7 Жанна Ελένη שָׁלוֹם مُحَمَّد हिन्दी 李小龍 ジョン・スミス 한국 🙂👍🏽";
        assert_eq!(honest.chars().find(|it| is_hidden(*it)), None);
        assert_eq!(seen(honest), honest);
        assert_eq!(seen("❤\u{fe0f}a\u{fe0f}1\u{fe0f}"), "❤\u{fe0f}a1");
    }

    #[test]
    fn a_refusal_repeats_only_the_start_on_one_line() {
        assert_eq!(shown("a\nb"), "a\u{fffd}b");
        assert_eq!(shown(&"x".repeat(50)).chars().count(), 41);
    }
}
