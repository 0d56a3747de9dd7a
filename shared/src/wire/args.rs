//! The arguments of an event or an acknowledgement: a JSON array, and the attachments its placeholders name.

use super::{binary::Scope, json::Json, objects::Objects};
use bytes::Bytes;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
    ser::Error,
};
use serde_json::{Deserializer, value::RawValue};

/// The arguments of a packet. Of an event the first one is its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    json: Json,
    /// What `{"_placeholder":true,"num":n}` in the JSON stands for, in the order of `n`.
    pub attachments: Vec<Bytes>,
}

/// Why arguments do not decode.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// The JSON is no array.
    #[error("arguments are no array")]
    NotArray,
    /// The first argument of an event is neither text nor number.
    #[error("event has no name")]
    NoName,
    /// An argument is absent.
    #[error("argument {0} is absent")]
    Absent(usize),
    /// An argument has not the expected shape.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
}

impl Args {
    /// Takes a JSON array and its attachments.
    ///
    /// # Errors
    /// When the JSON is no array.
    pub fn new(json: Json, attachments: Vec<Bytes>) -> Result<Self, ArgsError> {
        if !json.as_str().trim_start().starts_with('[') {
            return Err(ArgsError::NotArray);
        }
        Ok(Self { json, attachments })
    }

    /// The arguments of an event with one payload: `["name",payload]`.
    ///
    /// # Errors
    /// When the payload does not encode.
    pub fn event<T: Serialize>(name: &str, payload: &T) -> Result<Self, serde_json::Error> {
        Self::encode(&(name, payload))
    }

    /// The arguments of an event whose payload is a sequence, each element an argument: `["name",first,second]`.
    ///
    /// # Errors
    /// When the payload does not encode, or encodes as something else than a sequence.
    pub fn spread<T: Serialize>(name: &str, payload: &T) -> Result<Self, serde_json::Error> {
        let Self { json, attachments } = Self::encode(payload)?;
        let elements = json.as_str().strip_prefix('[');
        let elements = elements
            .ok_or_else(|| serde_json::Error::custom("several arguments are a tuple, not a map"))?;
        let comma = if elements == "]" { "" } else { "," };
        let name = Json::encode(name)?;
        let json = Json::parse(&format!("[{name}{comma}{elements}"))?;
        Ok(Self { json, attachments })
    }

    /// The arguments of an acknowledgement with one value: `[value]`.
    ///
    /// # Errors
    /// When the value does not encode.
    pub fn ack<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        Self::encode(&(value,))
    }

    fn encode<T: Serialize>(arguments: &T) -> Result<Self, serde_json::Error> {
        let scope = Scope::new(Vec::new());
        let json = Json::encode(arguments)?;
        let attachments = scope.finish();
        Ok(Self { json, attachments })
    }

    /// The JSON array.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The name of an event: its first argument; of a number, which the official one takes too, its text.
    ///
    /// # Errors
    /// When there is no argument, or the first one is neither text nor number.
    pub fn name(&self) -> Result<String, ArgsError> {
        let first = self.from(0).map_err(|_| ArgsError::NoName)?;
        let first: &RawValue = begin(first).map_err(|_| ArgsError::NoName)?;
        let first = first.get();
        if first.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Ok(first.to_owned());
        }
        serde_json::from_str(first).map_err(|_| ArgsError::NoName)
    }

    /// Decodes the argument at `index`; of an event, index 0 is the name.
    ///
    /// # Errors
    /// When there is none, or it has not the shape of `T`.
    pub fn at<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgsError> {
        let argument = self.from(index)?;
        let _binaries = self.binaries();
        Ok(begin(argument)?)
    }

    /// Decodes a sequence from the arguments after the first one, the counterpart of [`Args::spread`]. A text beyond
    /// what fits is left out: the offset that a server with connection state recovery adds.
    ///
    /// # Errors
    /// When they have not the shape of `T`.
    pub fn rest<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        let arguments = self.raw()?;
        let all = arguments.get(1..).unwrap_or_default();
        let _binaries = self.binaries();
        let decoded = serde_json::from_str(&sequence(all));
        match (decoded, all) {
            (Err(_), [fitting @ .., last]) if last.get().starts_with('"') => {
                Ok(serde_json::from_str(&sequence(fitting))?)
            }
            (decoded, _) => Ok(decoded?),
        }
    }

    /// Decodes the last argument.
    ///
    /// # Errors
    /// When there is none, or it has not the shape of `T`.
    pub fn last<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        let last = self.raw()?.pop().ok_or(ArgsError::Absent(0))?;
        Ok(serde_json::from_str(last.get())?)
    }

    /// The part of [`Args::at`] that is the same for every type: the JSON from the argument at `index` on. Those before
    /// it are skipped, it and those after it are not looked at: [`Json`] is known to be JSON.
    #[inline(never)]
    fn from(&self, index: usize) -> Result<&str, ArgsError> {
        let json = self.json.as_str().trim_start();
        let mut rest = json.strip_prefix('[').unwrap_or_default().trim_start();
        for _ in 0..index {
            let mut argument = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
            argument.next().ok_or(ArgsError::Absent(index))??;
            let after = rest.get(argument.byte_offset()..).unwrap_or_default();
            let next = after.trim_start().strip_prefix(',');
            rest = next.ok_or(ArgsError::Absent(index))?.trim_start();
        }
        match rest.starts_with(']') {
            true => Err(ArgsError::Absent(index)),
            false => Ok(rest),
        }
    }

    fn binaries(&self) -> Scope {
        Scope::new(self.attachments.clone())
    }

    fn raw(&self) -> Result<Vec<&RawValue>, ArgsError> {
        Ok(serde_json::from_str(self.json.as_str())?)
    }
}

/// The JSON array of these.
fn sequence(arguments: &[&RawValue]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.get()).collect();
    format!("[{}]", arguments.join(","))
}

/// Decodes the value with which a JSON text begins.
fn begin<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, serde_json::Error> {
    T::deserialize(Objects(&mut Deserializer::from_str(json)))
}

#[cfg(test)]
mod tests {
    use super::Args;
    use crate::wire::json::Json;

    #[test]
    fn several_arguments_are_a_sequence() {
        let args = Args::spread("board:move", &(1, "e4", [true])).unwrap();
        assert_eq!(args.json().as_str(), r#"["board:move",1,"e4",[true]]"#);
        let moved: (u8, String, [bool; 1]) = args.rest().unwrap();
        assert_eq!(moved, (1, "e4".to_owned(), [true]));
        let none = Args::spread("board:clear", &[0_u8; 0]).unwrap();
        assert_eq!(none.json().as_str(), r#"["board:clear"]"#);
        none.rest::<[u8; 0]>().unwrap();
        assert!(Args::spread("board:move", &"no sequence").is_err());
    }

    #[test]
    fn an_object_comes_only_as_an_object() {
        #[derive(Debug, serde::Deserialize)]
        struct Picture {
            name: String,
            size: Option<(u8, u8)>,
        }
        let picture = |json: &str| {
            let args = Args::new(Json::parse(json).unwrap(), Vec::new()).unwrap();
            args.at::<Picture>(1)
        };
        let dot = picture(r#"["picture:show",{"name":"dot","size":[1,2]}]"#).unwrap();
        assert_eq!((&*dot.name, dot.size), ("dot", Some((1, 2))));
        for other in [r#"["dot",[1,2]]"#, "7", "null", r#""dot""#] {
            assert!(picture(&format!(r#"["picture:show",{other}]"#)).is_err());
        }
    }

    #[test]
    fn the_offset_of_connection_state_recovery_is_no_argument() {
        let json = Json::parse(r#"["board:move",1,2,"offset"]"#).unwrap();
        let args = Args::new(json, Vec::new()).unwrap();
        assert_eq!(args.rest::<(u8, u8)>().unwrap(), (1, 2));
        assert!(args.rest::<(u8, u8, u8)>().is_err());
        assert!(args.rest::<(u8,)>().is_err());
    }
}
