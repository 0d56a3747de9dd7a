//! Where things are: the repository, its target folder, and the versions that `Cargo.lock` fixes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// The folders that every task works in; all absolute.
pub(crate) struct Workspace {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever `CARGO_TARGET_DIR` puts it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo. Fails when cargo cannot read the workspace.
    pub(crate) fn find() -> Result<Self> {
        let metadata = command::output(
            command::cargo()
                .args(["metadata", "--no-deps", "--format-version", "1"])
                .current_dir(env!("CARGO_MANIFEST_DIR")),
        )?;
        let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
        Ok(Self {
            root: folder(&metadata, "workspace_root")?,
            target: folder(&metadata, "target_directory")?,
        })
    }

    /// The built and precompressed page.
    ///
    /// Not `target/page`: cargo keeps what the profile `page` builds there, and trunk empties its folder at every build.
    pub(crate) fn page(&self) -> PathBuf {
        self.target.join("dist")
    }

    /// Our own copies of tools of which the machine has another version.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The npm package with the official Socket.IO peers.
    pub(crate) fn peers(&self) -> PathBuf {
        self.root.join("tests/peers")
    }

    /// The version of a package in `Cargo.lock`. Fails when it is not there, or there more than once.
    pub(crate) fn locked(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let versions = versions_in(&lock, package);
        match versions.as_slice() {
            [version] => Ok((*version).to_owned()),
            [] => anyhow::bail!("Cargo.lock has no package `{package}`"),
            many => anyhow::bail!("Cargo.lock has `{package}` in several versions: {many:?}"),
        }
    }
}

/// An executable that cargo built: `<target>/<profile>/<name>`.
pub(crate) fn executable(target: &Path, profile: &str, name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    target.join(profile).join(file)
}

fn folder(metadata: &Value, key: &str) -> Result<PathBuf> {
    let text = metadata.get(key).and_then(Value::as_str);
    let text = text.with_context(|| format!("cargo metadata has no `{key}`"))?;
    Ok(PathBuf::from(text))
}

fn versions_in<'lock>(lock: &'lock str, package: &str) -> Vec<&'lock str> {
    lock.split("[[package]]")
        .filter(|entry| field(entry, "name") == Some(package))
        .filter_map(|entry| field(entry, "version"))
        .collect()
}

fn field<'lock>(entry: &'lock str, name: &str) -> Option<&'lock str> {
    entry.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(" = \"")?;
        value.strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 4

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = [
 "cfg-if",
]

[[package]]
name = "wasm-bindgen-macro"
version = "0.2.131"

[[package]]
name = "syn"
version = "1.0.109"

[[package]]
name = "syn"
version = "2.0.100"
"#;

    #[test]
    fn a_version_is_found_by_the_whole_name() {
        assert_eq!(versions_in(LOCK, "wasm-bindgen"), ["0.2.130"]);
        assert_eq!(versions_in(LOCK, "wasm-bindgen-macro"), ["0.2.131"]);
    }

    #[test]
    fn a_missing_package_has_no_version_and_a_doubled_one_has_two() {
        assert!(versions_in(LOCK, "wasm").is_empty());
        assert_eq!(versions_in(LOCK, "syn"), ["1.0.109", "2.0.100"]);
    }

    #[test]
    fn windows_line_ends_do_not_matter() {
        let lock = LOCK.replace('\n', "\r\n");
        assert_eq!(versions_in(&lock, "wasm-bindgen"), ["0.2.130"]);
    }
}
