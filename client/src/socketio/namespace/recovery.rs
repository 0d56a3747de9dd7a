//! Connection state recovery: what a server needs to bring what was missed.
//!
//! A server that offers it gives a `pid` in the CONNECT reply and an offset as the last argument of each event that it
//! emits without acknowledgement; the next CONNECT carries both. Source: the page "Connection state recovery" of the
//! official documentation, version 4.

use serde::{Deserialize, Serialize};
use tertulia_shared::wire::{args::Args, json::Json};

/// What is known of the last connection.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    known: Option<Known>,
    recovered: bool,
}

#[derive(Debug, Serialize)]
struct Known {
    pid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

/// The CONNECT reply of a server.
#[derive(Deserialize)]
pub(super) struct Confirmation {
    pub(super) sid: String,
    #[serde(default)]
    pub(super) pid: Option<String>,
}

impl Recovery {
    /// Whether the last CONNECT reply said that nothing was missed.
    pub(super) fn recovered(&self) -> bool {
        self.recovered
    }

    /// The next connection begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// An event without acknowledgement came.
    pub(super) fn passed(&mut self, args: &Args) {
        if let Some(known) = &mut self.known
            && let Ok(offset) = args.last()
        {
            known.offset = Some(offset);
        }
    }

    /// The server confirmed the connection: with the `pid` of before, or another one, or none.
    pub(super) fn confirmed(&mut self, pid: Option<String>) {
        let before = self.known.take();
        self.recovered = pid.is_some() && before.as_ref().map(|known| &known.pid) == pid.as_ref();
        let offset = before
            .filter(|_| self.recovered)
            .and_then(|known| known.offset);
        self.known = pid.map(|pid| Known { pid, offset });
    }

    /// The auth object with `pid` and `offset` before its own fields; an auth that is no object goes as it is.
    ///
    /// It is put together as text: a JSON tree would weigh several kB in every page, for this alone.
    pub(super) fn ask(&self, auth: Option<Json>) -> Option<Json> {
        let Some(known) = &self.known else {
            return auth;
        };
        let given = auth.as_ref().map_or("{}", Json::as_str).trim();
        let fields = given
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(fields) = fields.map(str::trim) else {
            return auth;
        };
        let comma = if fields.is_empty() { "" } else { "," };
        let known = Json::encode(known).ok()?;
        let open = known.as_str().strip_suffix('}')?;
        Json::parse(&format!("{open}{comma}{fields}}}")).ok()
    }
}
