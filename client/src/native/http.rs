//! HTTP requests, each on a task of its own.

use super::cookies::Cookies;
use crate::{
    connect::ConnectError,
    socketio::{Input, IoId},
};
use futures_channel::mpsc;
use reqwest::{
    RequestBuilder,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use rustls::ClientConfig;
use std::{error::Error, iter, time::Duration};

/// How long a connection that is not used is kept: less than servers keep it (Node: 5 s), so that no request is sent into
/// one that is being closed.
const MOST_IDLE: Duration = Duration::from_secs(2);

/// The extra headers, checked.
pub(super) fn headers(given: &[(String, String)]) -> Result<HeaderMap, ConnectError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        let (header, value) = parsed.ok_or_else(|| ConnectError::Header(name.clone()))?;
        headers.append(header, value);
    }
    Ok(headers)
}

/// What sends the requests: without a proxy, as the WebSockets go.
pub(super) fn client(tls: ClientConfig) -> Result<reqwest::Client, ConnectError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .pool_idle_timeout(MOST_IDLE)
        .build()
        .map_err(|error| ConnectError::Http(described(&error)))
}

/// Sends the request; its answer comes as an input.
pub(super) async fn send(
    id: IoId,
    request: RequestBuilder,
    cookies: Option<Cookies>,
    inputs: mpsc::UnboundedSender<Input>,
) {
    let input = match answer(request, cookies).await {
        Ok((status, body)) => Input::Response(id, status, body),
        Err(error) => Input::Failed(id, described(&error)),
    };
    // Where the driver is gone, nobody is left to tell.
    let _ = inputs.unbounded_send(input);
}

async fn answer(
    request: RequestBuilder,
    cookies: Option<Cookies>,
) -> Result<(u16, String), reqwest::Error> {
    let response = request.send().await?;
    if let Some(cookies) = cookies {
        cookies.take(response.headers());
    }
    let status = response.status().as_u16();
    Ok((status, response.text().await?))
}

/// What went wrong, down to its cause: the outermost error says only that something did.
pub(super) fn described(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
