//! What the Socket.IO client adds to a page: a Leptos page with it, less an empty one, and where the bytes are.
//!
//! The pages are the examples of the package `tertulia-client`, built as the real page is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasmparser::{KnownCustom, Name, Parser, Payload};

use crate::precompress;
use crate::size::{Size, measure, total};
use crate::step::Steps;
use crate::tools::{Tools, WASM};
use crate::workspace::Workspace;
use crate::{command, size};

/// How many steps [`report`] takes.
pub(crate) const STEPS: usize = 2;

/// The bundle of the official socket.io-client 4.8.3 for browsers, in bytes after gzip, by its own documentation.
const OFFICIAL_GZIP: u64 = 12_800;

/// The parts that functions are counted in, by how their names begin; the first that fits counts.
const PARTS: [(&str, &[&str]); 9] = [
    (
        "the machine",
        &["tertulia_client::socketio", "tertulia_client::ordered"],
    ),
    ("the driver", &["tertulia_client::web"]),
    ("the handle", &["tertulia_client::"]),
    ("events and codec", &["tertulia_shared::"]),
    ("JSON", &["serde", "zmij", "itoa"]),
    ("the page: typed events", &["client_page::", "empty_page::"]),
    ("channels and streams", &["futures_"]),
    (
        "the bridge to JavaScript",
        &["wasm_bindgen", "js_sys", "web_sys", "gloo"],
    ),
    (
        "Leptos",
        &[
            "leptos",
            "tachys",
            "reactive_graph",
            "any_spawner",
            "hashbrown",
            "indexmap",
        ],
    ),
];

/// What no part claims: texts, collections, the allocator.
const REST: &str = "Rust's own library";

/// Builds both pages and prints what the client adds. Fails when one does not build.
pub(crate) fn report(steps: &mut Steps, workspace: &Workspace, tools: &Tools) -> Result<()> {
    let (empty, empty_parts) = steps.run("an empty Leptos page", || {
        build(workspace, tools, "empty_page")
    })?;
    let (client, client_parts) = steps.run("the same page with the client", || {
        build(workspace, tools, "client_page")
    })?;
    let added = Size {
        raw: client.raw.saturating_sub(empty.raw),
        gzip: client.gzip.saturating_sub(empty.gzip),
        brotli: client.brotli.saturating_sub(empty.brotli),
    };
    let rows = [
        ("an empty Leptos page".to_owned(), empty),
        ("with the client".to_owned(), client),
    ];
    print!("\n{}", size::table(&rows, "the client adds", added));
    println!("the official client: {OFFICIAL_GZIP} bytes in gzip, by its own figure");
    print!("\n{}", breakdown(&empty_parts, &client_parts));
    Ok(())
}

/// Bytes of code by part.
type Parts = BTreeMap<&'static str, u64>;

fn build(workspace: &Workspace, tools: &Tools, page: &str) -> Result<(Size, Parts)> {
    let mut cargo = command::cargo();
    cargo
        .current_dir(&workspace.root)
        .args(["build", "--package", "tertulia-client", "--example", page])
        .args(["--profile", "page", "--target", WASM])
        // The names say which part a function belongs to; they are taken out below.
        .env("CARGO_PROFILE_PAGE_STRIP", "none");
    command::run(&mut cargo)?;
    let wasm = workspace
        .target
        .join(WASM)
        .join("page/examples")
        .join(format!("{page}.wasm"));
    let folder = workspace.target.join("size").join(page);
    let named = bind(tools, &wasm, &folder.join("named"), page, &[])?;
    let bare = ["--remove-name-section", "--remove-producers-section"];
    let shipped = folder.join("shipped");
    bind(tools, &wasm, &shipped, page, &bare)?;
    precompress::folder(&shipped)?;
    let parts = parts(&fs::read(&named)?).with_context(|| format!("{}", named.display()))?;
    Ok((total(&measure(&shipped)?), parts))
}

fn bind(tools: &Tools, wasm: &Path, to: &Path, page: &str, flags: &[&str]) -> Result<PathBuf> {
    let mut bind = command::new(tools.require("wasm-bindgen")?);
    bind.args(["--target", "web", "--no-typescript", "--out-dir"])
        .arg(to)
        .args(flags)
        .arg(wasm);
    command::run(&mut bind)?;
    Ok(to.join(format!("{page}_bg.wasm")))
}

/// The bytes of code of each part.
fn parts(wasm: &[u8]) -> Result<Parts> {
    let (mut imported, mut lengths, mut names) = (0, Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => {
                let code = body.range();
                lengths.push(code.end - code.start);
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    names = function_names(section)?;
                }
            }
            _ => {}
        }
    }
    let mut parts = Parts::new();
    for (index, length) in (imported..).zip(lengths) {
        let name = names.get(&index).map_or("", String::as_str);
        *parts.entry(part(name)).or_default() += length;
    }
    Ok(parts)
}

fn function_names(section: wasmparser::NameSectionReader<'_>) -> Result<BTreeMap<u32, String>> {
    let mut names = BTreeMap::new();
    for subsection in section {
        if let Name::Function(functions) = subsection? {
            for naming in functions {
                let naming = naming?;
                names.insert(naming.index, naming.name.to_owned());
            }
        }
    }
    Ok(names)
}

/// The part of a function: by the first of our names or a library's in it, so that `<Vec<T>>::push` counts as Rust's.
fn part(name: &str) -> &'static str {
    let path = name.trim_start_matches(['<', '&', '*']);
    let path = path.strip_prefix("mut ").unwrap_or(path);
    let of =
        |(_, prefixes): &&(&str, &[&str])| prefixes.iter().any(|start| path.starts_with(start));
    PARTS.iter().find(of).map_or(REST, |(part, _)| part)
}

fn breakdown(empty: &Parts, client: &Parts) -> String {
    let mut text = format!("{:<26}{:>9}\n", "what the client adds", "raw code");
    let added = |part: &str| {
        let bytes = |parts: &Parts| parts.get(part).copied().unwrap_or(0);
        bytes(client).saturating_sub(bytes(empty))
    };
    let mut rows: Vec<_> = PARTS
        .iter()
        .map(|(part, _)| *part)
        .chain([REST])
        .map(|part| (added(part), part))
        .collect();
    rows.sort_by(|left, right| right.cmp(left));
    for (bytes, part) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{part:<26}{bytes:>9}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_counts_where_its_name_begins() {
        assert_eq!(
            part("tertulia_client::socketio::client::Client::new"),
            "the machine"
        );
        assert_eq!(
            part("<tertulia_client::web::Driver as Drop>::drop"),
            "the driver"
        );
        assert_eq!(
            part("<&mut serde_json::de::Deserializer<R> as X>::y"),
            "JSON"
        );
        assert_eq!(part("core::fmt::write"), REST);
        assert_eq!(part(""), REST);
    }

    #[test]
    fn what_is_no_wasm_is_refused() {
        assert!(parts(b"no wasm").is_err());
    }
}
