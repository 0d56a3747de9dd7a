//! A wall clock of one server that a test sets, by a library that is loaded before the system's. Linux only.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The clock; as the machine's at first.
pub(crate) struct Wall {
    folder: TempDir,
    off: File,
}

impl Wall {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let off = File::create(folder.path().join("off")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("world/wall.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("wall.so"))
            .arg(source)
            .arg("-ldl")
            .output();
        let built = built.expect("a C compiler, with which SQLite was built");
        assert!(built.status.success(), "{built:?}");
        let wall = Self { folder, off };
        wall.set(0);
        wall
    }

    /// Sets it so many milliseconds off the machine's.
    pub(crate) fn set(&self, off: i64) {
        self.off.write_all_at(&off.to_ne_bytes(), 0).unwrap();
    }

    /// What a server is to be told by its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let at = |name: &str| self.folder.path().join(name);
        vec![
            ("LD_PRELOAD", at("wall.so")),
            ("TERTULIA_TEST_WALL", at("off")),
        ]
    }
}
