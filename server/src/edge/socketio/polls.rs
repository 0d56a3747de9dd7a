//! What the official server holds polling clients to and socketioxide does not: one POST of a session at a time, and a poll
//! that its client gives up ends the session. The codes of errors are numbers.
//!
//! Source: engine.io 6.6, `transports/polling.ts` (overlapping requests, `onClose`) and `server.ts` (`Server.errors`).

use super::{
    PATH, Service,
    cut::{Cut, Cuts},
};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

/// The largest error of the library, in bytes.
const MAX_ERROR_BYTES: usize = 1_024;
/// What the official server answers to a request that it understands and does not take.
const BAD_REQUEST: Refusal<u8, &str> = Refusal {
    code: 3,
    message: "Bad request",
};

/// What the guard needs of the sessions behind it.
#[derive(Clone)]
pub struct Gate {
    pub(super) cuts: Cuts,
    /// Cancelled when no new session is let in any more.
    pub(super) closing: CancellationToken,
    engine: Service,
}

impl Gate {
    pub(super) fn new(cuts: Cuts, closing: CancellationToken, engine: Service) -> Self {
        Self {
            cuts,
            closing,
            engine,
        }
    }

    /// Ends a polling session as its client would: with a POST of a CLOSE packet.
    fn end(&self, session: &str) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{PATH}/?EIO=4&transport=polling&sid={session}"))
            .body(Body::from("1"));
        // When the runtime ends, all sessions do.
        if let (Ok(request), Ok(runtime)) = (request, Handle::try_current()) {
            runtime.spawn(self.engine.clone().call(request));
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// The one POST of a session that is under way.
pub(super) struct Posting(Cut);

impl Posting {
    /// Begins a POST. `None` where another one is under way, which ends the session: nobody knows whose packets are first.
    pub(super) fn begin(gate: &Gate, session: &str) -> Option<Self> {
        let cut = gate.cuts.of(session);
        if cut.posting.swap(true, Ordering::AcqRel) {
            gate.end(session);
            return None;
        }
        Some(Self(cut))
    }
}

/// The answer to a POST while another one is under way.
pub(super) fn overlapping() -> Response {
    (StatusCode::BAD_REQUEST, Json(BAD_REQUEST)).into_response()
}

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.posting.store(false, Ordering::Release);
    }
}

/// A poll that waits. Dropped before it is answered, it ends the session: what is taken out of the queue for a client that is
/// gone would be lost.
pub(super) struct Waiting(Option<(Arc<Gate>, Cut, Box<str>)>);

impl Waiting {
    pub(super) fn new(gate: &Arc<Gate>, cut: &Cut, session: &str) -> Self {
        Self(Some((Arc::clone(gate), Arc::clone(cut), session.into())))
    }

    /// The poll is answered.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // After an upgrade the session no longer depends on polls.
        if let Some((gate, cut, session)) = self.0.take()
            && cut.beside().is_none()
        {
            gate.end(&session);
        }
    }
}

/// An error of Engine.IO.
#[derive(Serialize, Deserialize)]
struct Refusal<Code, Message> {
    code: Code,
    message: Message,
}

/// Whether an answer is an error of the library, which writes codes as texts.
pub(super) fn is_error(response: &Response) -> bool {
    response.status() == StatusCode::BAD_REQUEST
        && response.headers().get(header::CONTENT_TYPE)
            == Some(&HeaderValue::from_static("application/json"))
}

/// The error with its code as a number.
pub(super) async fn numbered(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_ERROR_BYTES).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(body) = with_number(&body) else {
        return Response::from_parts(parts, body.into());
    };
    let length = body.len().into();
    parts.headers.insert(header::CONTENT_LENGTH, length);
    Response::from_parts(parts, body.into())
}

fn with_number(body: &[u8]) -> Option<Vec<u8>> {
    let Refusal::<String, String> { code, message } = serde_json::from_slice(body).ok()?;
    let code: u8 = code.parse().ok()?;
    serde_json::to_vec(&Refusal { code, message }).ok()
}

#[cfg(test)]
mod tests {
    use super::with_number;

    #[test]
    fn the_code_of_an_error_becomes_a_number() {
        let told = with_number(br#"{"code":"1","message":"Session ID unknown"}"#);
        assert_eq!(
            told.as_deref(),
            Some(&br#"{"code":1,"message":"Session ID unknown"}"#[..])
        );
        for other in [&br#"{"code":1,"message":""}"#[..], b"{}", b"", b"[1]"] {
            assert_eq!(with_number(other), None);
        }
    }
}
