//! One HTTP request on a task of its own.

use crate::socketio::{Input, IoId};
use futures_channel::mpsc;
use tokio::task::AbortHandle;

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
