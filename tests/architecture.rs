//! The house's rules that no compiler checks: who may import whom, and how a file looks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The longest file, in lines.
const MAX_LINES: usize = 400;

/// The events of the features, which what carries them must not know.
const EVENTS: &[&str] = &[
    "tertulia_shared::bridge",
    "tertulia_shared::chat",
    "tertulia_shared::device",
    "tertulia_shared::presence",
    "tertulia_shared::room",
    "tertulia_shared::sensor",
    "tertulia_shared::server",
    "tertulia_shared::stream",
];

/// What each folder or file must not mention in its code, as in ARCHITECTURE.md.
const NEVER: &[(&str, &[&[&str]])] = &[
    (
        "shared/src",
        &[&["tokio", "axum", "web_sys", "leptos", "mqtt5", "rumqttc"]],
    ),
    (
        "client/src/socketio",
        &[
            EVENTS,
            &[
                "crate::web",
                "crate::native",
                "crate::app",
                "crate::connection",
            ],
            &[
                "web_sys",
                "js_sys",
                "leptos",
                "Instant",
                "SystemTime",
                "rand",
            ],
        ],
    ),
    ("client/src/web", &[EVENTS, &["leptos", "crate::app"]]),
    ("client/src/native", &[EVENTS, &["leptos", "crate::app"]]),
    (
        "client/src/app",
        &[&["WebSocket::", "crate::socketio", "serde_json"]],
    ),
    (
        "server/src/hub",
        &[EVENTS, &["socketioxide", "axum", "mqtt5", "rumqttc"]],
    ),
    (
        "server/src/app",
        &[&[
            "crate::edge",
            "crate::bridge",
            "socketioxide",
            "axum",
            "rumqttc",
            "mqtt5",
        ]],
    ),
    ("server/src/edge", &[&["crate::bridge", "rumqttc", "mqtt5"]]),
    (
        "server/src/bridge",
        &[&["crate::edge", "socketioxide", "axum", "mqtt5"]],
    ),
    (
        "server/src/commands",
        &[&[
            "crate::app",
            "crate::bridge",
            "crate::broker",
            "crate::config",
            "crate::edge",
            "crate::host",
            "crate::hub",
            "crate::server",
        ]],
    ),
    (
        "server/src/store",
        &[&[
            "crate::app",
            "crate::bridge",
            "crate::edge",
            "crate::hub",
            "socketioxide",
            "axum",
        ]],
    ),
    (
        "server/src/host",
        &[&["crate::edge", "socketioxide", "axum", "mqtt5"]],
    ),
];

/// Where Socket.IO's server crate may be named.
const SOCKETIOXIDE: &str = "server/src/edge/socketio";

#[test]
fn no_room_imports_what_it_must_not() {
    let mut broken = Vec::new();
    for (place, never) in NEVER {
        let files: Vec<_> = sources()
            .into_iter()
            .filter(|file| is_in(file, place))
            .collect();
        assert!(
            !files.is_empty(),
            "no file at {place}: the rule holds nothing"
        );
        for file in &files {
            for word in forbidden(&read(file), never) {
                broken.push(format!("{} mentions {word}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_grouped_import_is_seen_too() {
    let grouped =
        "use crate::{\n    app::{self, chat},\n    edge::socketio::Door,\n};\nuse std::io;";
    assert_eq!(
        imports(grouped),
        [
            "crate::app::self",
            "crate::app::chat",
            "crate::edge::socketio::Door",
            "std::io"
        ]
    );
    assert_eq!(
        forbidden(grouped, &[&["crate::edge", "std::fs"]]),
        ["crate::edge"]
    );
    let called = "fn f() { crate::edge::socketio::open() }";
    assert_eq!(forbidden(called, &[&["crate::edge"]]), ["crate::edge"]);
    assert_eq!(
        forbidden("// crate::edge\nuse crate::edges;", &[&["crate::edge"]]),
        [""; 0]
    );
}

#[test]
fn one_place_knows_the_socketio_library() {
    for file in sources() {
        let known =
            file.starts_with(SOCKETIOXIDE) || file == Path::new("server/src/edge/socketio.rs");
        let named = code(&file)
            .iter()
            .any(|(_, line)| line.contains("socketioxide::"));
        assert!(
            known || !named || file.starts_with("tests"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn only_the_commands_are_clients() {
    let commands = "server/src/commands";
    let is_server = |file: &PathBuf| file.starts_with("server/src") && !is_in(file, commands);
    for file in sources().into_iter().filter(is_server) {
        let text = read(&file);
        let found = forbidden(&text, &[&["tertulia_client"]]);
        assert!(found.is_empty(), "{}", file.display());
    }
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let mut broken = Vec::new();
    for file in sources()
        .iter()
        .filter(|file| !file.starts_with("tests/ui"))
    {
        let text = read(file);
        if !text.starts_with("//! ") {
            broken.push(format!("{} does not open with `//!`", file.display()));
        }
        if text.lines().count() > MAX_LINES {
            broken.push(format!(
                "{} has {} lines",
                file.display(),
                text.lines().count()
            ));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn an_event_name_is_written_once() {
    let names: Vec<_> = tertulia_shared::catalogue::entries()
        .map(|entry| format!("\"{}\"", entry.name))
        .collect();
    let mut written = vec![0; names.len()];
    let is_test = |file: &&PathBuf| file.components().any(|part| part.as_os_str() == "tests");
    for file in sources().iter().filter(|file| !is_test(file)) {
        let product = read(file);
        let product = product.split("#[cfg(test)]").next().unwrap_or_default();
        for line in product
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for (count, name) in written.iter_mut().zip(&names) {
                *count += line.matches(name.as_str()).count();
            }
        }
    }
    for (name, count) in names.iter().zip(written) {
        assert_eq!(count, 1, "{name}");
    }
}

#[test]
fn nothing_is_left_for_later() {
    for file in sources()
        .iter()
        .filter(|file| !file.ends_with("tests/architecture.rs"))
    {
        for (number, line) in code(file) {
            for word in ["TODO", "FIXME", "todo!(", "unimplemented!(", "#[ignore"] {
                assert!(!line.contains(word), "{}:{number} {word}", file.display());
            }
        }
    }
}

/// A browser's translation replaces text nodes: what changes is the content of an element.
#[test]
fn words_that_change_are_no_text_node_of_the_page() {
    for file in sources()
        .iter()
        .filter(|file| is_in(file, "client/src/app/view"))
    {
        let text = read(file);
        assert!(!text.contains("{words("), "{}", file.display());
    }
}

fn is_in(file: &Path, place: &str) -> bool {
    file.starts_with(place) || file == Path::new(place).with_extension("rs")
}

/// The words of the lists that a file mentions, in an import or elsewhere in its code.
fn forbidden<'a>(text: &str, never: &[&[&'a str]]) -> Vec<&'a str> {
    let code = without_comments(text);
    let paths = imports(&code).join("\n");
    let words = never.iter().copied().flatten().copied();
    words
        .filter(|word| {
            [&code, &paths]
                .into_iter()
                .any(|place| mentions(place, word))
        })
        .collect()
}

/// What a file imports, each path by itself, however the imports are grouped.
fn imports(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in code.split("use ").skip(1) {
        let tree: String = statement
            .split(';')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        flatten("", &tree, &mut paths);
    }
    paths
}

/// `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn flatten(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        paths.push(format!("{prefix}{tree}"));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    let mut branches = Vec::new();
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&group[start..]);
    for branch in branches.into_iter().filter(|branch| !branch.is_empty()) {
        flatten(&format!("{prefix}{head}"), branch, paths);
    }
}

/// Whether the word stands in the text, not as a part of a longer name.
fn mentions(line: &str, word: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let ends_open = word.ends_with(|character| !is_name(character));
        !before.is_some_and(is_name) && (ends_open || !after.is_some_and(is_name))
    })
}

/// A text without its lines of comment.
fn without_comments(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// The lines of a file without comments, with their numbers.
fn code(file: &Path) -> Vec<(usize, String)> {
    read(file)
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Every Rust file of the workspace, relative to its root.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for member in ["shared", "client", "server", "tests", "xtask"] {
        collect(&root().join(member), &mut files);
    }
    files
        .into_iter()
        .map(|file| file.strip_prefix(root()).unwrap().to_owned())
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
