//! What a visitor downloads: wasm, JavaScript and CSS of the page, and the limit on it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::client_size;
use crate::page;
use crate::precompress::{beside, files};
use crate::step::Steps;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The most that wasm, JavaScript and CSS may weigh together, in bytes after brotli.
const LIMIT: u64 = 250_000;

/// The endings that count.
const COUNTED: [&str; 3] = ["wasm", "js", "css"];

/// Sizes of one file in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) raw: u64,
    pub(crate) gzip: u64,
    pub(crate) brotli: u64,
}

/// Builds the page and prints its sizes, and what the client adds to an empty page. Fails over [`LIMIT`].
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::new(1 + page::STEPS + client_size::STEPS);
    let tools = Tools::new(workspace)?;
    steps.run("looking for the tools", || tools.for_the_page(workspace))?;
    page::build(&mut steps, workspace, &tools)?;
    report(workspace)?;
    client_size::report(&mut steps, workspace, &tools)
}

/// Prints the sizes of the page that is built. Fails over [`LIMIT`].
pub(crate) fn report(workspace: &Workspace) -> Result<()> {
    let sizes = measure(&workspace.page())?;
    let total = total(&sizes);
    print!("{}", table(&sizes, "together", total));
    let brotli = total.brotli;
    ensure!(
        brotli <= LIMIT,
        "the page is {brotli} bytes in brotli: over the limit of {LIMIT}"
    );
    println!(
        "{} bytes under the limit of {LIMIT} in brotli",
        LIMIT - brotli
    );
    Ok(())
}

/// The sizes of the files that count, by name. Fails when one has no compressed copies.
pub(crate) fn measure(page: &Path) -> Result<Vec<(String, Size)>> {
    let counted = files(page)?.into_iter().filter(|file| {
        let ending = file.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| COUNTED.contains(&ending))
    });
    counted
        .map(|file| {
            let name = file.strip_prefix(page).unwrap_or(&file);
            let size = Size {
                raw: length(&file)?,
                gzip: length(&beside(&file, "gz"))?,
                brotli: length(&beside(&file, "br"))?,
            };
            Ok((name.display().to_string(), size))
        })
        .collect()
}

fn length(file: &Path) -> Result<u64> {
    let metadata = fs::metadata(file).with_context(|| format!("no file {}", file.display()))?;
    Ok(metadata.len())
}

/// Their sum.
pub(crate) fn total(sizes: &[(String, Size)]) -> Size {
    sizes.iter().fold(Size::default(), |sum, (_, size)| Size {
        raw: sum.raw + size.raw,
        gzip: sum.gzip + size.gzip,
        brotli: sum.brotli + size.brotli,
    })
}

/// A table with a last row of its own.
pub(crate) fn table(sizes: &[(String, Size)], last: &str, total: Size) -> String {
    let names = sizes.iter().map(|(name, _)| name.len());
    let width = names.max().unwrap_or(0).max(last.len());
    let rows = sizes.iter().map(|(name, size)| (name.as_str(), *size));
    let mut text = format!(
        "{:width$}  {:>9}  {:>9}  {:>9}\n",
        "bytes", "raw", "gzip", "brotli"
    );
    for (name, size) in rows.chain([(last, total)]) {
        let Size { raw, gzip, brotli } = size;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:width$}  {raw:>9}  {gzip:>9}  {brotli:>9}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_the_sum() {
        let size = |raw, gzip, brotli| Size { raw, gzip, brotli };
        let sizes = [
            ("app_bg.wasm".to_owned(), size(300, 200, 100)),
            ("app.js".to_owned(), size(30, 20, 10)),
        ];
        let text = table(&sizes, "together", total(&sizes));
        let last = text.lines().last().unwrap();
        let words: Vec<_> = last.split_whitespace().collect();
        assert_eq!(words, ["together", "330", "220", "110"]);
    }
}
