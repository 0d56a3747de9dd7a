//! Takes the names out of a built page's WebAssembly: `wasm-bindgen` writes some anew, which nobody reads.
//!
//! trunk cannot tell it not to. What is taken out are custom sections, which change nothing that runs (WebAssembly Core 2.0,
//! §2.5.11 and appendix A.4).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasmparser::{Parser, Payload};

use crate::precompress;

/// The custom sections that are not kept.
const NOT_KEPT: [&str; 2] = ["name", "producers"];

/// Takes them out of every module under a folder. Fails when one cannot be read or written.
pub(crate) fn take_out(folder: &Path) -> Result<()> {
    for file in precompress::files(folder)? {
        if file.extension().is_some_and(|ending| ending == "wasm") {
            let module =
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let without = without(&module).with_context(|| file.display().to_string())?;
            fs::write(&file, without)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    Ok(())
}

/// A module without these sections.
fn without(module: &[u8]) -> Result<Vec<u8>> {
    let (mut kept, mut end) = (Vec::with_capacity(module.len()), 0);
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        let ends = match &payload {
            Payload::Version { range, .. } => range.end,
            section => match section.as_section() {
                Some((_, range)) => range.end,
                None => continue,
            },
        };
        let ends = usize::try_from(ends)?;
        let is_kept = match &payload {
            Payload::CustomSection(custom) => !NOT_KEPT.contains(&custom.name()),
            _ => true,
        };
        if is_kept {
            kept.extend_from_slice(&module[end..ends]);
        }
        end = ends;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::without;

    const HEAD: &[u8] = b"\0asm\x01\0\0\0";

    fn custom(name: &[u8]) -> Vec<u8> {
        let length = name.len() as u8;
        [&[0, length + 3, length], name, &[7, 7]].concat()
    }

    #[test]
    fn names_go_and_all_else_stays() {
        let types = [1, 4, 1, 0x60, 0, 0];
        let kept = [&types[..], &custom(b"target_features")].concat();
        let module = [HEAD, &custom(b"producers"), &kept, &custom(b"name")].concat();
        assert_eq!(without(&module).unwrap(), [HEAD, &kept].concat());
        assert_eq!(without(HEAD).unwrap(), HEAD);
        assert!(without(b"no module").is_err());
    }
}
