//! Whole request bodies, neither too large nor too slow.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::StatusCode,
};
use std::time::Duration;

/// How long a body may take: one of 1 MB comes in that time over 300 kbit/s.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The body of at most `limit` bytes.
///
/// # Errors
/// The status to answer with where it is larger, breaks off or takes too long.
pub(super) async fn whole(body: Body, limit: usize) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(PATIENCE, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
