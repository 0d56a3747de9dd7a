//! The file in which rules stand: TOML, read whole or refused with the line that is wrong.

use super::rules::{Policy, Rule, Who};
use crate::identity::name::{folded, name};
use serde::Deserialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tertulia_shared::Filter;
use toml::Spanned;

/// Why a file has no rules: one line that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("policy file {file}: {reason}; choose another one with --policy", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Something in it is wrong.
    #[error("policy file {file}, {reason}", file = .file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// Where and what.
        reason: Wrong,
    },
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// The problem, on one line.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    who: Spanned<OneOrMore>,
    may: Spanned<OneOrMore>,
    topic: Spanned<String>,
    allow: bool,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// The built-in rules, and those of a file after them.
///
/// # Errors
/// When the file cannot be read or something in it is wrong.
pub fn open(file: &Path) -> Result<Policy, PolicyError> {
    let text = fs::read_to_string(file).map_err(|reason| PolicyError::Unreadable {
        file: file.to_owned(),
        reason,
    })?;
    read(&text).map_err(|reason| PolicyError::Wrong {
        file: file.to_owned(),
        reason,
    })
}

/// The built-in rules, and those of a text after them.
///
/// # Errors
/// When something in it is wrong.
pub fn read(text: &str) -> Result<Policy, Wrong> {
    let file: File = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        wrong(text, start, error.message())
    })?;
    let rules = file.rule.iter().map(|entry| rule(text, entry));
    Ok(Policy::with(rules.collect::<Result<Vec<_>, _>>()?))
}

fn rule(text: &str, entry: &Entry) -> Result<Rule, Wrong> {
    let topic = Filter::new(entry.topic.get_ref().as_str());
    let topic = topic.map_err(|error| wrong(text, entry.topic.span().start, &error.to_string()))?;
    let deeds = entry.may.get_ref().all();
    let known = |deed: &String| matches!(deed.as_str(), "join" | "publish");
    if deeds.is_empty() || !deeds.iter().all(known) {
        let problem = "`may` is \"join\", \"publish\" or [\"join\", \"publish\"]";
        return Err(wrong(text, entry.may.span().start, problem));
    }
    let may = |deed: &str| deeds.iter().any(|it| it == deed);
    Ok(Rule {
        who: who(text, &entry.who)?,
        join: may("join"),
        publish: may("publish"),
        topic,
        allow: entry.allow,
    })
}

fn who(text: &str, entry: &Spanned<OneOrMore>) -> Result<Who, Wrong> {
    let wrong = |problem: &str| wrong(text, entry.span().start, problem);
    match entry.get_ref() {
        OneOrMore::One(who) if who == "everybody" => return Ok(Who::Everybody),
        OneOrMore::One(who) if who == "guests" => return Ok(Who::Guests),
        OneOrMore::One(who) if who == "registered" => return Ok(Who::Registered),
        _ => {}
    }
    let names = entry.get_ref().all();
    if names.is_empty() {
        return Err(wrong("`who` names nobody"));
    }
    let checked = names.iter().map(|text| match text.as_str() {
        "everybody" | "guests" | "registered" => Err(wrong(&format!("`{text}` stands alone"))),
        text => name(text).map_err(|reject| wrong(&reject.message)),
    });
    let folded = checked.map(|name| name.map(|name| folded(&name)));
    folded.collect::<Result<_, _>>().map(Who::Named)
}

fn wrong(text: &str, start: usize, problem: &str) -> Wrong {
    let before = text.get(..start).unwrap_or(text);
    let words: Vec<_> = problem.split_whitespace().collect();
    Wrong {
        line: before.matches('\n').count() + 1,
        problem: words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::{open, read};
    use crate::app::policy::rules::Policy;

    #[test]
    fn an_empty_file_adds_nothing() {
        assert_eq!(read(""), Ok(Policy::default()));
        assert_eq!(read("# rules come later\n"), Ok(Policy::default()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let entry = |who: &str, may: &str, topic: &str, allow: &str| {
            format!(
                "# rules\n[[rule]]\nwho = {who}\nmay = {may}\ntopic = {topic}\nallow = {allow}\n"
            )
        };
        for (text, line, part) in [
            (
                entry("'everybody'", "'join'", "'a/#/b'", "true"),
                5,
                "`#` must",
            ),
            (entry("'everybody'", "'jump'", "'a'", "true"), 4, "`may` is"),
            (entry("'everybody'", "[]", "'a'", "true"), 4, "`may` is"),
            (entry("[]", "'join'", "'a'", "true"), 3, "nobody"),
            (
                entry("['Ada', 'guests']", "'join'", "'a'", "true"),
                3,
                "alone",
            ),
            (entry("''", "'join'", "'a'", "true"), 3, "name is empty"),
            (entry("7", "'join'", "'a'", "true"), 3, "text"),
            (entry("'everybody'", "'join'", "'a'", "'yes'"), 6, "boolean"),
            ("[[rule]]\nwho = 'a'\n".to_owned(), 1, "missing"),
            ("rules = 1\n".to_owned(), 1, "unknown"),
            ("\n\n[[rule]\n".to_owned(), 3, ""),
        ] {
            let wrong = read(&text).unwrap_err();
            assert_eq!(wrong.line, line, "{text}{wrong}");
            assert!(wrong.problem.contains(part), "{text}{wrong}");
            assert!(!wrong.to_string().contains('\n'), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let problem = open("no/such.toml".as_ref()).unwrap_err().to_string();
        assert!(
            problem.starts_with("policy file no/such.toml: "),
            "{problem}"
        );
    }
}
