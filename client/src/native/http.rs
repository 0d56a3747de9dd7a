//! HTTP requests, each on a task of its own.

use crate::{
    connect::ConnectError,
    socketio::{Input, IoId},
};
use futures_channel::mpsc;
use reqwest::{
    cookie::Jar,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use std::sync::Arc;
use tokio::task::AbortHandle;

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

/// What sends the requests, each with these headers, and with cookies where there is a jar for them.
pub(super) fn client(headers: &HeaderMap, cookies: Option<Arc<Jar>>) -> reqwest::Client {
    super::tls::install();
    let mut builder = reqwest::Client::builder().default_headers(headers.clone());
    if let Some(jar) = cookies {
        builder = builder.cookie_provider(jar);
    }
    // It fails only where the system's certificates cannot be read; plain HTTP goes on working without.
    builder.build().unwrap_or_default()
}

/// Sends the request; its answer comes as an input.
pub(super) fn send(
    id: IoId,
    request: reqwest::RequestBuilder,
    inputs: mpsc::UnboundedSender<Input>,
) -> AbortHandle {
    let task = tokio::spawn(async move {
        let input = match answer(request).await {
            Ok((status, body)) => Input::Response(id, status, body),
            Err(error) => Input::Failed(id, error.to_string()),
        };
        // Where the driver is gone, nobody is left to tell.
        let _ = inputs.unbounded_send(input);
    });
    task.abort_handle()
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, String), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok((status, response.text().await?))
}
