//! Takes the names that nobody reads out of a built page: those in its WebAssembly, which `wasm-bindgen` writes anew, and
//! the long ones by which the module and its script find each other.
//!
//! trunk can be told neither. What is taken out are custom sections, which change nothing that runs (WebAssembly Core 2.0,
//! §2.5.11 and appendix A.4); what is made short are names of imports (§2.5.11 and §5.5.5), in the script too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasmparser::{ImportSectionReader, Imports, Parser, Payload, SectionLimited, TypeRef};

use crate::precompress;

/// The custom sections that are not kept.
const NOT_KEPT: [&str; 2] = ["name", "producers"];

/// How a module's file ends; its script's ends with `.js` instead.
const MODULE: &str = "_bg.wasm";

/// The length of the digits at the end of a name that make it the only one of its kind: it stands nowhere else.
const HASH: usize = 16;

/// The id of the section of imports, and of an imported function in it (§5.5.5).
const IMPORTS: u8 = 2;
const FUNCTION: u8 = 0;

/// Takes them out of every module under a folder, and of its script. Fails when one cannot be read or written.
pub(crate) fn take_out(folder: &Path) -> Result<()> {
    for file in precompress::files(folder)? {
        let Some(stem) = file.to_str().and_then(|file| file.strip_suffix(MODULE)) else {
            continue;
        };
        let script = PathBuf::from(format!("{stem}.js"));
        let module = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = fs::read_to_string(&script)
            .with_context(|| format!("cannot read {}", script.display()))?;
        let (module, text) = short(&module, text).with_context(|| file.display().to_string())?;
        for (file, bytes) in [(&*file, module), (&*script, text.into_bytes())] {
            fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    Ok(())
}

/// A module without these sections and with short names in its imports, and its script with the same.
fn short(module: &[u8], mut script: String) -> Result<(Vec<u8>, String)> {
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
        match payload {
            Payload::CustomSection(custom) if NOT_KEPT.contains(&custom.name()) => {}
            Payload::ImportSection(imports) => {
                kept.extend(section(IMPORTS, &renamed(module, imports, &mut script)?));
            }
            _ => kept.extend_from_slice(&module[end..ends]),
        }
        end = ends;
    }
    Ok((kept, script))
}

/// The contents of the section of imports with short names, as the script has them then too.
fn renamed(
    module: &[u8],
    imports: ImportSectionReader<'_>,
    script: &mut String,
) -> Result<Vec<u8>> {
    let mut contents = number(imports.count());
    let mut starts = starts(imports.clone())?;
    starts.push(usize::try_from(imports.range().end)?);
    for (index, import) in imports.into_iter().enumerate() {
        match import? {
            Imports::Single(_, import)
                if is_made(import.name) && script.matches(import.name).count() == 1 =>
            {
                let name = format!("_{index:x}");
                *script = script.replace(import.name, &name);
                contents.extend(text(import.module));
                contents.extend(text(&name));
                match import.ty {
                    TypeRef::Func(kind) => {
                        contents.push(FUNCTION);
                        contents.extend(number(kind));
                    }
                    other => anyhow::bail!("{} is no function: {other:?}", import.name),
                }
            }
            _ => contents.extend_from_slice(&module[starts[index]..starts[index + 1]]),
        }
    }
    Ok(contents)
}

/// Where each import begins.
fn starts(imports: SectionLimited<'_, Imports<'_>>) -> Result<Vec<usize>> {
    let starts = imports.into_iter_with_offsets();
    starts
        .map(|import| Ok(usize::try_from(import?.0)?))
        .collect()
}

/// Whether `wasm-bindgen` made that name, with a hash at its end.
fn is_made(name: &str) -> bool {
    let hash = name
        .len()
        .checked_sub(HASH)
        .and_then(|at| name.split_at_checked(at));
    hash.is_some_and(|(stem, hash)| {
        stem.starts_with("__wbg_") && stem.ends_with('_') && is_hexadecimal(hash)
    })
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id][..], &number(contents.len() as u32), contents].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&number(text.len() as u32), text.as_bytes()].concat()
}

/// A number as WebAssembly writes it: LEB128 (§5.2.2).
fn number(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::{number, short};

    const HEAD: &[u8] = b"\0asm\x01\0\0\0";

    fn custom(name: &[u8]) -> Vec<u8> {
        let length = name.len() as u8;
        [&[0, length + 3, length], name, &[7, 7]].concat()
    }

    /// An imported function of type 300, and a memory.
    fn imports(name: &[u8]) -> Vec<u8> {
        let function = [&[1, b'm', name.len() as u8], name, &[0, 0xac, 2]].concat();
        let contents = [&[2], &*function, b"\x01m\x03mem\x02\0\x01"].concat();
        [&[2, contents.len() as u8], &*contents].concat()
    }

    #[test]
    fn names_go_and_all_else_stays() {
        let types = [1, 4, 1, 0x60, 0, 0];
        let kept = [&types[..], &custom(b"target_features")].concat();
        let module = [HEAD, &custom(b"producers"), &kept, &custom(b"name")].concat();
        let without = |module: &[u8]| short(module, String::new()).map(|(module, _)| module);
        assert_eq!(without(&module).unwrap(), [HEAD, &kept].concat());
        assert_eq!(without(HEAD).unwrap(), HEAD);
        assert!(without(b"no module").is_err());
    }

    /// Breaks when: one side has a name that the other has not.
    #[test]
    fn an_import_is_short_where_the_script_has_it_once() {
        const MADE: &str = "__wbg_open_0123456789abcdef";
        for (name, script, is_short) in [
            (MADE, "a: {__wbg_open_0123456789abcdef: 1}", true),
            (MADE, "a: {}", false),
            (
                MADE,
                "__wbg_open_0123456789abcdef __wbg_open_0123456789abcdef",
                false,
            ),
            (
                "__wbg_open_0123456789abcdeg",
                "__wbg_open_0123456789abcdeg",
                false,
            ),
            ("__wbindgen_object", "__wbindgen_object", false),
        ] {
            let module = [HEAD, &imports(name.as_bytes()), &custom(b"kept")].concat();
            let (module, text) = short(&module, script.to_owned()).unwrap();
            let expected = if is_short { "_0" } else { name };
            assert_eq!(text, script.replace(name, expected));
            let expected = imports(expected.as_bytes());
            assert_eq!(
                module,
                [HEAD, &expected, &custom(b"kept")].concat(),
                "{name}"
            );
        }
    }

    #[test]
    fn numbers_have_seven_bits_a_byte() {
        assert_eq!(number(0), [0]);
        assert_eq!(number(127), [127]);
        assert_eq!(number(624_485), [0xe5, 0x8e, 0x26]);
        assert_eq!(number(u32::MAX), [0xff, 0xff, 0xff, 0xff, 0x0f]);
    }
}
