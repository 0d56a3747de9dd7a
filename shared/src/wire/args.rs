//! The arguments of an event or an acknowledgement: a JSON array, and the attachments its placeholders name.

use super::json::Json;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

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
    #[error("arguments are no array: {0}")]
    NotArray(serde_json::Error),
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
        json.decode::<Vec<serde::de::IgnoredAny>>()
            .map_err(ArgsError::NotArray)?;
        Ok(Self { json, attachments })
    }

    /// The arguments of an event with one payload: `["name",payload]`.
    ///
    /// # Errors
    /// When the payload does not encode.
    pub fn event<T: Serialize>(name: &str, payload: &T) -> Result<Self, serde_json::Error> {
        Json::encode(&(name, payload)).map(Self::plain)
    }

    /// The arguments of an acknowledgement with one value: `[value]`.
    ///
    /// # Errors
    /// When the value does not encode.
    pub fn ack<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        Json::encode(&(value,)).map(Self::plain)
    }

    fn plain(json: Json) -> Self {
        Self {
            json,
            attachments: Vec::new(),
        }
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
        let first = self.first().ok_or(ArgsError::NoName)?;
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
        Ok(serde_json::from_str(self.raw_at(index)?.get())?)
    }

    /// Decodes the last argument.
    ///
    /// # Errors
    /// When there is none, or it has not the shape of `T`.
    pub fn last<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        let last = self.raw()?.pop().ok_or(ArgsError::Absent(0))?;
        Ok(serde_json::from_str(last.get())?)
    }

    /// The JSON of the first argument; what comes after it is not read.
    fn first(&self) -> Option<&str> {
        let arguments = self.json.as_str().trim_start().strip_prefix('[')?;
        let mut raw = serde_json::Deserializer::from_str(arguments).into_iter::<&RawValue>();
        raw.next()?.ok().map(RawValue::get)
    }

    /// The part of [`Args::at`] that is the same for every type: compiled once.
    #[inline(never)]
    fn raw_at(&self, index: usize) -> Result<&RawValue, ArgsError> {
        let raw = self.raw()?;
        raw.get(index).copied().ok_or(ArgsError::Absent(index))
    }

    fn raw(&self) -> Result<Vec<&RawValue>, ArgsError> {
        Ok(serde_json::from_str(self.json.as_str())?)
    }
}
