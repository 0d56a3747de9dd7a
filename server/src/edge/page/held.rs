//! The page's directory in memory, read again when it changes.
//!
//! Whether it has changed is seen by its own time and that of its `index.html`, which are looked at for each request.

use axum::http::HeaderValue;
use bytes::Bytes;
use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

/// The most that is held, in bytes: the page with its compressed forms takes 2 MB.
const MAX_BYTES: u64 = 64 << 20;
/// The most files.
const MAX_FILES: usize = 1_000;
/// How deep folders are looked into.
const MAX_DEPTH: usize = 4;
/// The compressed forms, best first: the ending of the file beside the plain one, and its name in HTTP.
const ENCODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];
/// The content types of files by their endings.
const KINDS: [(&str, &str); 11] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("woff2", "font/woff2"),
];

/// The files of a directory.
#[derive(Debug)]
pub(super) struct Page {
    directory: PathBuf,
    held: RwLock<Held>,
}

/// What was read, and of which state of the directory.
#[derive(Debug, Default)]
struct Held {
    state: Option<State>,
    files: HashMap<String, Arc<File>>,
}

/// The times of the directory and of its document.
type State = (SystemTime, SystemTime);

/// One file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) kind: HeaderValue,
    plain: Form,
    compressed: Vec<Form>,
}

/// One form of a file.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) bytes: Bytes,
    /// `None` for the plain one.
    pub(super) encoding: Option<&'static str>,
    /// Its entity tag.
    pub(super) tag: HeaderValue,
}

impl Page {
    /// The page in a directory, which may come later.
    pub(super) fn open(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            held: RwLock::default(),
        }
    }

    /// The file at a path of the page, as it is now.
    pub(super) fn file(&self, path: &str) -> Option<Arc<File>> {
        let state = state(&self.directory);
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if held.state == state {
            return held.files.get(path).cloned();
        }
        drop(held);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // Another one may have read it meanwhile.
        if held.state != state {
            let files = state.map(|_| self.read()).unwrap_or_default();
            *held = Held { state, files };
        }
        held.files.get(path).cloned()
    }

    fn read(&self) -> HashMap<String, Arc<File>> {
        let mut found = Found::default();
        match found.add(&self.directory, "", 0) {
            Ok(()) => found.files(),
            Err(error) => {
                let directory = self.directory.display();
                tracing::error!(%directory, %error, "the page cannot be served");
                HashMap::new()
            }
        }
    }
}

/// `None` while there is no document.
fn state(directory: &Path) -> Option<State> {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    Some((changed(directory)?, changed(&directory.join("index.html"))?))
}

/// What is found in a directory, by path.
#[derive(Default)]
struct Found {
    contents: HashMap<String, Bytes>,
    bytes: u64,
}

impl Found {
    fn add(&mut self, directory: &Path, path: &str, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let (name, kind) = (entry.file_name(), fs::metadata(entry.path())?);
            // A name that is no text is in no address.
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let path = format!("{path}/{name}");
            if kind.is_dir() && depth < MAX_DEPTH {
                self.add(&entry.path(), &path, depth + 1)?;
            } else if kind.is_file() {
                self.bytes += kind.len();
                if self.bytes > MAX_BYTES || self.contents.len() >= MAX_FILES {
                    let limit = format!("over {MAX_BYTES} bytes or {MAX_FILES} files");
                    return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
                }
                self.contents.insert(path, fs::read(entry.path())?.into());
            }
        }
        Ok(())
    }

    fn files(self) -> HashMap<String, Arc<File>> {
        let file = |(path, bytes): (&String, &Bytes)| {
            let compressed = ENCODINGS.iter().filter_map(|(ending, name)| {
                let bytes = self.contents.get(&format!("{path}{ending}"))?;
                Some(Form::new(bytes, Some(name)))
            });
            let file = File {
                kind: kind(path),
                plain: Form::new(bytes, None),
                compressed: compressed.collect(),
            };
            (path.clone(), Arc::new(file))
        };
        self.contents.iter().map(file).collect()
    }
}

fn kind(path: &str) -> HeaderValue {
    let (_, ending) = path.rsplit_once('.').unwrap_or_default();
    let known = KINDS.iter().find(|(known, _)| *known == ending);
    HeaderValue::from_static(known.map_or("application/octet-stream", |(_, kind)| kind))
}

impl File {
    /// The best form whose encoding is accepted.
    pub(super) fn form(&self, accepts: impl Fn(&str) -> bool) -> &Form {
        let mut compressed = self.compressed.iter();
        let best = compressed.find(|form| form.encoding.is_some_and(&accepts));
        best.unwrap_or(&self.plain)
    }
}

impl Form {
    fn new(bytes: &Bytes, encoding: Option<&'static str>) -> Self {
        let mut hasher = DefaultHasher::new();
        (bytes, encoding).hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        Self {
            bytes: bytes.clone(),
            encoding,
            tag: HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_FILES, Page};
    use std::fs;
    use tempfile::TempDir;

    #[test]
    fn files_are_held_with_their_forms_and_read_again_when_they_change() {
        let folder = TempDir::new().unwrap();
        let page = Page::open(&folder.path().join("dist"));
        assert!(page.file("/index.html").is_none());
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join("dist").join(name), text).unwrap();
        };
        fs::create_dir_all(folder.path().join("dist/assets")).unwrap();
        write("assets/a.css", "plain");
        write("index.html", "one");
        write("index.html.br", "1");
        let index = page.file("/index.html").unwrap();
        let form = |accepted: &str| index.form(|name| name == accepted);
        assert_eq!(form("br").bytes, "1");
        assert_eq!(
            (&form("gzip").bytes[..], form("br").encoding),
            (&b"one"[..], Some("br"))
        );
        assert_ne!(form("br").tag, form("gzip").tag);
        let style = page.file("/assets/a.css").unwrap();
        assert_eq!(style.kind, "text/css; charset=utf-8");
        for missing in [
            "/",
            "/assets",
            "/../dist/index.html",
            "/assets/../index.html",
            "index.html",
        ] {
            assert!(page.file(missing).is_none(), "{missing}");
        }
        write("b.js", "new");
        write("index.html", "another");
        assert!(page.file("/b.js").is_some());
        assert_eq!(
            page.file("/index.html").unwrap().form(|_| false).bytes,
            "another"
        );
        fs::remove_dir_all(folder.path().join("dist")).unwrap();
        assert!(page.file("/index.html").is_none());
    }

    #[test]
    fn a_directory_that_is_too_large_is_not_held() {
        let folder = TempDir::new().unwrap();
        for number in 0..=MAX_FILES {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        fs::write(folder.path().join("index.html"), "").unwrap();
        assert!(Page::open(folder.path()).file("/index.html").is_none());
    }
}
