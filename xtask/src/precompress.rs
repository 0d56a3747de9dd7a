//! Compressed copies beside the files of the page: `x.br` and `x.gz` for `x`. The server only picks one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The endings of files that shrink; images and fonts are compressed already.
const COMPRESSIBLE: [&str; 11] = [
    "css",
    "html",
    "js",
    "json",
    "map",
    "mjs",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
    "xml",
];

/// Brotli's best: it is done once and downloaded often.
const BROTLI_QUALITY: i32 = 11;

/// Brotli's window, log2 of bytes: the largest that every browser accepts.
const BROTLI_WINDOW: i32 = 24;

/// gzip's best.
const GZIP_LEVEL: u32 = 9;

#[derive(Clone, Copy)]
enum Encoding {
    Brotli,
    Gzip,
}

/// Compresses every file under a folder that shrinks. Fails when a file cannot be read or written.
pub(crate) fn folder(folder: &Path) -> Result<()> {
    let files = files(folder)?;
    let jobs: Vec<_> = files
        .iter()
        .filter(|file| is_compressible(file))
        .flat_map(|file| [(file, Encoding::Brotli), (file, Encoding::Gzip)])
        .collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some((file, encoding)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            encoding.write(file)?;
        }
        Ok(())
    };
    let workers = thread::available_parallelism().map_or(1, Into::into);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| anyhow::bail!("it panicked"))
        })
    })
}

/// All files under a folder, in order of their names. Fails when a folder cannot be read.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The compressed copy that belongs to a file: `app.js` and `br` give `app.js.br`.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

impl Encoding {
    fn ending(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }

    fn write(self, file: &Path) -> Result<()> {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let path = beside(file, self.ending());
        let copy =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        self.compress(&bytes, BufWriter::new(copy))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn compress(self, bytes: &[u8], mut output: impl Write) -> std::io::Result<()> {
        match self {
            Self::Brotli => {
                let parameters = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    size_hint: bytes.len(),
                    ..BrotliEncoderParams::default()
                };
                brotli::BrotliCompress(&mut &*bytes, &mut output, &parameters)?;
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(&mut output, Compression::new(GZIP_LEVEL));
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
        }
        output.flush()
    }
}

fn is_compressible(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| COMPRESSIBLE.contains(&ending.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const TEXT: &[u8] =
        b"a room is a topic filter, a room is a topic filter, a room is a topic filter";

    #[test]
    fn text_shrinks_and_images_and_copies_are_left_alone() {
        for name in [
            "index.html",
            "app-4f2a.js",
            "app_bg.wasm",
            "style.CSS",
            "logo.svg",
        ] {
            assert!(is_compressible(Path::new(name)), "{name}");
        }
        for name in [
            "logo.png",
            "text.woff2",
            "app.js.br",
            "app.js.gz",
            "LICENSE",
        ] {
            assert!(!is_compressible(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_copy_keeps_the_whole_name() {
        let copy = beside(Path::new("page/app_bg.wasm"), "br");
        assert_eq!(copy, Path::new("page/app_bg.wasm.br"));
    }

    #[test]
    fn brotli_comes_back_as_it_was() {
        let mut packed = Vec::new();
        Encoding::Brotli.compress(TEXT, &mut packed).unwrap();
        let mut text = Vec::new();
        brotli::BrotliDecompress(&mut &*packed, &mut text).unwrap();
        assert_eq!(text, TEXT);
        assert!(packed.len() < TEXT.len());
    }

    #[test]
    fn gzip_comes_back_as_it_was() {
        let mut packed = Vec::new();
        Encoding::Gzip.compress(TEXT, &mut packed).unwrap();
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(text, TEXT);
        assert!(packed.len() < TEXT.len());
    }
}
