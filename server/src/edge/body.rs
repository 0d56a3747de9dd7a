//! Bodies: whole ones of requests, neither too large nor too slow, and those of answers that share their bytes.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::StatusCode,
};
use hyper::body::{Frame, SizeHint};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How long a body may take: one of 1 MB comes in that time over 300 kbit/s.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How much of a shared body goes out at once, in bytes: by HTTP/2 a client has taken all of it but the last part once nothing
/// of it is left here.
const SLICE_BYTES: usize = 16 * 1024;

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

/// Marks an answer whose bytes are held anyway.
#[derive(Clone, Copy, Debug)]
pub struct Shared;

/// A body of bytes that others hold too, in slices of them.
pub(super) fn sliced(bytes: Bytes) -> Body {
    Body::new(Sliced(bytes))
}

struct Sliced(Bytes);

impl hyper::body::Body for Sliced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.0.len().min(SLICE_BYTES);
        let slice = self.0.split_to(length);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{SLICE_BYTES, sliced};
    use axum::body::{Bytes, to_bytes};

    #[tokio::test]
    async fn a_shared_body_is_whole_whatever_its_length() {
        for length in [0, 1, SLICE_BYTES, SLICE_BYTES + 1, 5 * SLICE_BYTES] {
            let bytes = Bytes::from(vec![7; length]);
            let whole = to_bytes(sliced(bytes.clone()), usize::MAX).await;
            assert_eq!(whole.unwrap(), bytes);
        }
    }
}
