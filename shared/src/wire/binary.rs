//! Binaries inside payloads: what travels as an attachment beside the JSON.
//!
//! In the JSON stands `{"_placeholder":true,"num":n}`, and the attachment number n follows the packet. Source: the
//! Socket.IO protocol document, revision 5, "Packet encoding". JSON has no place for what stands beside it, so that the
//! attachments of the arguments that are being encoded or decoded are known to the thread while that lasts.

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::{borrow::Cow, cell::RefCell};

/// Bytes in a payload, at any depth, as often as wanted.
///
/// They are encoded and decoded only as a part of [`Args`](super::args::Args): elsewhere both fail.
///
/// ```
/// use tertulia_shared::wire::{args::Args, binary::Binary};
/// #[derive(serde::Serialize)]
/// struct Picture { name: String, pixels: Binary }
///
/// let picture = Picture { name: "dot".into(), pixels: Binary(vec![1, 2, 3].into()) };
/// let args = Args::event("picture:show", &picture)?;
/// assert_eq!(args.attachments, [vec![1, 2, 3]]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Bytes);

#[derive(Serialize, Deserialize)]
struct Placeholder {
    _placeholder: bool,
    num: usize,
}

thread_local! {
    /// The attachments of the arguments that are being encoded or decoded.
    static ATTACHMENTS: RefCell<Option<Vec<Bytes>>> = const { RefCell::new(None) };
}

/// While it lives, this thread encodes binaries into these attachments, or decodes them from there.
#[derive(Debug)]
pub(super) struct Scope {
    outer: Option<Vec<Bytes>>,
}

impl Scope {
    pub(super) fn new(attachments: Vec<Bytes>) -> Self {
        let outer = ATTACHMENTS.replace(Some(attachments));
        Self { outer }
    }

    /// The attachments, with what was encoded.
    pub(super) fn finish(self) -> Vec<Bytes> {
        ATTACHMENTS.take().unwrap_or_default()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        ATTACHMENTS.set(self.outer.take());
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let num = ATTACHMENTS.with_borrow_mut(|attachments| {
            let attachments = attachments.as_mut()?;
            attachments.push(self.0.clone());
            Some(attachments.len() - 1)
        });
        let num = num.ok_or_else(|| ser::Error::custom("a binary outside of arguments"))?;
        let placeholder = Placeholder {
            _placeholder: true,
            num,
        };
        placeholder.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placeholder { num, .. } = Placeholder::deserialize(deserializer)?;
        let found = ATTACHMENTS.with_borrow(|attachments| attachments.as_ref()?.get(num).cloned());
        let absent = || de::Error::custom(format_args!("attachment {num} is absent"));
        found.map(Self).ok_or_else(absent)
    }
}

impl JsonSchema for Binary {
    fn schema_name() -> Cow<'static, str> {
        "Binary".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes, which travel as an attachment of the packet.",
            "contentMediaType": "application/octet-stream",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Binary;
    use crate::wire::args::Args;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Part {
        Raw { bytes: Binary },
        Named { parts: BTreeMap<String, Binary> },
    }

    fn binary(byte: u8) -> Binary {
        Binary(vec![byte; 2].into())
    }

    #[test]
    fn binaries_travel_at_any_depth() {
        let named = Part::Named {
            parts: [
                ("a".to_owned(), binary(2)),
                ("b".to_owned(), Binary::default()),
            ]
            .into(),
        };
        let parts = vec![Part::Raw { bytes: binary(1) }, named];
        let args = Args::event("e", &parts).unwrap();
        assert_eq!(
            args.attachments,
            [binary(1).0, binary(2).0, Default::default()]
        );
        assert!(
            args.json()
                .as_str()
                .contains(r#"{"_placeholder":true,"num":1}"#)
        );
        assert_eq!(args.at::<Vec<Part>>(1).unwrap(), parts);
    }

    #[test]
    fn a_placeholder_without_attachment_is_refused() {
        let json =
            crate::wire::json::Json::parse(r#"["e",{"_placeholder":true,"num":1}]"#).unwrap();
        let args = Args::new(json, vec![vec![1].into()]).unwrap();
        let error = args.at::<Binary>(1).unwrap_err().to_string();
        assert!(error.contains("attachment 1 is absent"), "{error}");
    }

    #[test]
    fn outside_of_arguments_there_are_no_binaries() {
        assert!(serde_json::to_string(&binary(1)).is_err());
        assert!(serde_json::from_str::<Binary>(r#"{"_placeholder":true,"num":0}"#).is_err());
        Args::event("e", &binary(1)).unwrap();
        assert!(
            serde_json::to_string(&binary(1)).is_err(),
            "the scope ended"
        );
    }
}
