//! A span for each request, so that every line of the log says what it belongs to.
//!
//! A request's query is never logged: a session id stands in it, which is a credential.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use std::time::Instant;
use tracing::Instrument;

/// Where a response says the id of its request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How random an id is, in bytes: it only has to be another one in the same log.
const ID_BYTES: usize = 9;

/// A random id for the log that opens nothing.
pub(super) fn id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; ID_BYTES]>())
}

/// Runs a request inside its span, and tells who asks the id by which to find it.
pub(super) fn request(request: Request, next: Next) -> impl Future<Output = Response> {
    let (id, began) = (id(), Instant::now());
    let path = request.uri().path();
    // The level of a span says with which lines it is shown: all.
    let span = tracing::error_span!(parent: None, "request", id, method = %request.method(), path);
    let answered = next.run(request).inspect(move |response| {
        tracing::debug!(status = response.status().as_u16(), took = ?began.elapsed(), "answered");
    });
    answered.instrument(span).map(move |mut response| {
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    })
}
