//! What stands before socketioxide as middleware: it replaces malformed packets in the bodies of polling requests, refuses the
//! requests of sessions that are cut, and says why.
//!
//! Not here: what WebSockets read and write (`stream`), and what a session's polls must keep to (`polls`).

use super::{
    MAX_PAYLOAD_BYTES, PATH,
    cut::{Cut, session},
    malformed,
    polls::{self, Gate, Posting, Waiting},
    stream::Switch,
};
use crate::edge::body;
use axum::{
    body::{Body, to_bytes},
    extract::{OriginalUri, Request},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::{
    FutureExt,
    future::{Either, select},
};
use std::{
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// A session id opens its session: nobody on the way keeps it.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Tells why a connection is refused.
type Told = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Whether a request is to begin a connection.
pub(in crate::edge) fn begins(request: &Request) -> bool {
    is_at_door(request) && request.method() == Method::GET && session(request.uri()).is_none()
}

/// Replaces malformed packets in polling bodies, tells the stream below when it becomes a WebSocket, and refuses the
/// requests of a connection that is cut; while the server is closing, new connections too.
pub(in crate::edge) fn guard(
    gate: Arc<Gate>,
    switch: Switch,
    request: Request,
    next: Next,
) -> impl Future<Output = Response> {
    match is_payload(&request) {
        true => Either::Left(Box::pin(async move {
            let posting = session(request.uri()).map(|session| Posting::begin(&gate, session));
            if let Some(None) = posting {
                return polls::overlapping();
            }
            match checked(request).await {
                Ok(request) => pass(&gate, switch, request, next).await,
                Err(refused) => refused,
            }
        })),
        false => Either::Right(pass(&gate, switch, request, next)),
    }
}

/// What waits in a poll is kept small: there may be as many as connections.
fn pass(
    gate: &Arc<Gate>,
    switch: Switch,
    mut request: Request,
    next: Next,
) -> impl Future<Output = Response> + use<> {
    let is_door = is_at_door(&request);
    let is_new = session(request.uri()).is_none() && is_door;
    if is_new && gate.closing.is_cancelled() {
        let refused = (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n");
        return Either::Left(ready(refused.into_response()));
    }
    let cut = match session(request.uri()) {
        Some(session) => gate.cuts.of(session),
        None => Cut::default(),
    };
    let is_get = request.method() == Method::GET && is_door;
    let is_poll = is_get && !request.headers().contains_key(header::UPGRADE);
    let waiting = session(request.uri()).filter(|_| is_poll);
    let waiting = waiting.map(|session| Waiting::new(gate, &cut, session));
    // What is held for long: by a session, or while a poll waits.
    if is_get {
        unpin(&mut request);
    }
    // Who begins by WebSocket has no session yet.
    if begins(&request) && request.headers().contains_key(header::UPGRADE) {
        request.extensions_mut().insert(Arc::clone(&cut));
    }
    let ended = Box::pin(CancellationToken::clone(&cut).cancelled_owned());
    let first = select(ended, Box::pin(next.run(request)));
    Either::Right(first.then(move |first| {
        waiting.into_iter().for_each(Waiting::answered);
        match first {
            Either::Left(_) => Either::Left(ready(closed(&cut))),
            Either::Right((mut response, _)) if is_door => {
                response
                    .headers_mut()
                    .insert(header::CACHE_CONTROL, NO_STORE);
                after(response, cut, switch)
            }
            Either::Right((response, _)) => Either::Left(ready(response)),
        }
    }))
}

/// Whether a request is Socket.IO's.
pub(in crate::edge) fn is_at_door(request: &Request) -> bool {
    request.uri().path().starts_with(PATH)
}

/// What becomes of an answer: it may switch to WebSocket, or say in full why the connection is refused.
fn after(response: Response, cut: Cut, switch: Switch) -> Either<Ready<Response>, Told> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        switch.becomes_websocket(cut);
    } else if cut.refusal.waits() {
        return Either::Right(Box::pin(async move { told(response, &cut).await }));
    } else if polls::is_error(&response) {
        return Either::Right(Box::pin(polls::numbered(response)));
    }
    Either::Left(ready(response))
}

/// The answer to a request of a connection that is cut.
fn closed(cut: &Cut) -> Response {
    let text = match cut.why() {
        Some(why) => format!("this connection is closed: {why}\n"),
        None => "this connection is closed\n".to_owned(),
    };
    (StatusCode::BAD_REQUEST, text).into_response()
}

/// A polling answer with why the connection is refused.
async fn told(response: Response, cut: &Cut) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_PAYLOAD_BYTES as usize).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(told) = cut.refusal.in_payload(&body) else {
        return Response::from_parts(parts, body.into());
    };
    let length = told.len().into();
    parts.headers.insert(header::CONTENT_LENGTH, length);
    Response::from_parts(parts, told.into())
}

/// Copies what a request says: whoever keeps it keeps otherwise the whole buffer into which it was read.
fn unpin(request: &mut Request) {
    for value in request.headers_mut().values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
    request.extensions_mut().remove::<OriginalUri>();
    if let Ok(copy) = Uri::try_from(request.uri().to_string()) {
        *request.uri_mut() = copy;
    }
}

/// Whether packets are in its body. Too long a one is socketioxide's to refuse: it ends the session too.
fn is_payload(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_too_long = length.is_some_and(|length: usize| length > MAX_PAYLOAD_BYTES as usize);
    request.method() == Method::POST && is_at_door(request) && !is_too_long
}

async fn checked(request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let body = body::whole(body, MAX_PAYLOAD_BYTES as usize)
        .await
        .map_err(IntoResponse::into_response)?;
    let replaced = std::str::from_utf8(&body)
        .ok()
        .and_then(malformed::payload_replacement);
    let body = match replaced {
        Some(other) => {
            parts
                .headers
                .insert(header::CONTENT_LENGTH, other.len().into());
            Body::from(other)
        }
        None => Body::from(body),
    };
    Ok(Request::from_parts(parts, body))
}
