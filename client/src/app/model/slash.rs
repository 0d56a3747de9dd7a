//! What a person typed into the composer: a text, or a command after a slash.
//!
//! An unknown word after a slash is never sent: it is usually a command of another chat program, or a slip, and not meant for
//! everybody to read. Two slashes send one. Not here: running the commands (`view::chat`).

/// What a person typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A text for the room.
    Text(String),
    /// Lists the commands.
    Help,
    /// Goes to that room.
    Join(String),
    /// Invites whoever has that name.
    Invite(String),
    /// A command that does not exist, with its slash.
    Unknown(String),
}

/// What `text` asks for.
pub fn parse(text: &str) -> Typed {
    let Some(command) = text.strip_prefix('/') else {
        return Typed::Text(text.to_owned());
    };
    if command.starts_with('/') {
        return Typed::Text(command.to_owned());
    }
    let (word, rest) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let rest = rest.trim().to_owned();
    match word.to_ascii_lowercase().as_str() {
        "help" | "?" => Typed::Help,
        "join" => Typed::Join(rest),
        "invite" => Typed::Invite(rest),
        _ => Typed::Unknown(format!("/{word}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Typed, parse};

    #[test]
    fn only_known_commands_are_commands_and_unknown_ones_are_no_text() {
        let text = |text: &str| Typed::Text(text.to_owned());
        let unknown = |word: &str| Typed::Unknown(word.to_owned());
        for (typed, expected) in [
            ("hello /help", text("hello /help")),
            (" /help", text(" /help")),
            ("//help", text("/help")),
            ("///", text("//")),
            ("/help", Typed::Help),
            ("/HELP me", Typed::Help),
            ("/join x", Typed::Join("x".to_owned())),
            ("/join  #a/b ", Typed::Join("#a/b".to_owned())),
            ("/join", Typed::Join(String::new())),
            ("/invite\tAna María", Typed::Invite("Ana María".to_owned())),
            ("/me waves", unknown("/me")),
            ("/etc/passwd is there", unknown("/etc/passwd")),
            ("/ ", unknown("/")),
            ("/", unknown("/")),
        ] {
            assert_eq!(parse(typed), expected, "{typed:?}");
        }
    }
}
