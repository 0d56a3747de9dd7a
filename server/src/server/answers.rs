//! The answers of one connection on their way out: how many there are, what they hold, and whether their client takes them.
//!
//! A client that opens its HTTP/2 windows no further takes nothing of an answer, and its socket never is full. So each answer
//! looks at itself. HTTP/1.1 is held by its socket alone (`edge/socketio/patience`).

use crate::{
    edge::Shared,
    limits::{Held, Limits},
};
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::body::{Body as _, Bytes, Frame, SizeHint};
use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Between two looks at the answers of an HTTP/2 connection. One that was idle at both is closed.
const LOOK: Duration = Duration::from_secs(5);
/// How long nothing of an answer may be taken by HTTP/2.
const STALLED: Duration = Duration::from_secs(60);

/// When a client may ask again for whose answer there was no memory, in seconds.
const NO_MEMORY_FOR: &str = "5";

/// The answers of one HTTP/2 connection.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The requests that are not answered whole.
    open: usize,
    next: u64,
    /// The answers that are on their way, and when something was last taken of them.
    taken: HashMap<u64, Instant>,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing is asked.
    Idle,
    /// Nothing is taken of an answer.
    Stalled,
}

impl Answers {
    /// Waits for a reason to end the connection.
    pub(super) async fn watch(&self) -> End {
        let mut was_idle = false;
        loop {
            sleep(LOOK).await;
            let (is_idle, is_stalled) = self.look(Instant::now());
            match (was_idle && is_idle, is_stalled) {
                (true, _) => return End::Idle,
                (_, true) => return End::Stalled,
                _ => was_idle = is_idle,
            }
        }
    }

    fn look(&self, now: Instant) -> (bool, bool) {
        let state = self.state();
        let mut taken = state.taken.values();
        let is_stalled = taken.any(|taken| now.saturating_duration_since(*taken) >= STALLED);
        (state.open == 0, is_stalled)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a request, which is open until all of its body is out.
pub(super) struct Answer {
    answer: axum::routing::future::RouteFuture<Infallible>,
    limits: Arc<Limits>,
    /// `None` for a proxy, which asks for everybody.
    client: Option<IpAddr>,
    open: Option<Open>,
}

impl Answer {
    /// An answer that is not there yet; `answers` are those of an HTTP/2 connection.
    pub(super) fn new(
        answer: axum::routing::future::RouteFuture<Infallible>,
        answers: Option<&Arc<Answers>>,
        (limits, client): (Arc<Limits>, Option<IpAddr>),
    ) -> Self {
        Self {
            answer,
            limits,
            client,
            open: answers.map(Open::new),
        }
    }
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(Pin::new(&mut self.answer).poll(context))?;
        let open = self.open.take();
        if response.body().is_end_stream() {
            return Poll::Ready(Ok(response));
        }
        let is_shared = response.extensions_mut().remove::<Shared>().is_some();
        let bytes = response.body().size_hint().exact();
        let bytes = bytes.filter(|_| !is_shared).unwrap_or_default();
        Poll::Ready(Ok(match self.limits.answer(self.client, bytes) {
            Ok(held) => response.map(|body| Body::new(Sending::new(body, open, held))),
            Err(_) => no_memory(),
        }))
    }
}

/// An answer without a body needs nothing of its client.
fn no_memory() -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    (status, [(header::RETRY_AFTER, NO_MEMORY_FOR)]).into_response()
}

/// A request of an HTTP/2 connection that is open until this is dropped.
struct Open {
    answers: Arc<Answers>,
    /// Once its answer is on its way.
    number: Option<u64>,
}

impl Open {
    fn new(answers: &Arc<Answers>) -> Self {
        answers.state().open += 1;
        Self {
            answers: Arc::clone(answers),
            number: None,
        }
    }

    /// Something of the answer is taken, or it begins.
    fn taken(&mut self) {
        let mut state = self.answers.state();
        let next = state.next;
        let number = *self.number.get_or_insert(next);
        state.next += u64::from(number == next);
        state.taken.insert(number, Instant::now());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.answers.state();
        state.open -= 1;
        if let Some(number) = self.number {
            state.taken.remove(&number);
        }
    }
}

/// The body of an answer that is on its way.
struct Sending {
    body: Body,
    open: Option<Open>,
    _held: Held,
}

impl Sending {
    fn new(body: Body, mut open: Option<Open>, held: Held) -> Self {
        if let Some(open) = &mut open {
            open.taken();
        }
        Self {
            body,
            open,
            _held: held,
        }
    }
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // It is asked for more once there is room for it.
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(open) = &mut self.open {
            open.taken();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, End, LOOK, Open, STALLED};
    use futures_util::FutureExt;
    use std::sync::Arc;
    use tokio::time::{Instant, advance, sleep};

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle() {
        let answers = Arc::<Answers>::default();
        let began = Instant::now();
        assert_eq!(answers.watch().await, End::Idle);
        assert_eq!(began.elapsed(), 2 * LOOK);
        let waits = Open::new(&answers);
        let watched = tokio::time::timeout(10 * STALLED, answers.watch());
        assert!(watched.await.is_err(), "a poll waits as long as it likes");
        drop(waits);
        assert_eq!(answers.watch().await, End::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_of_which_nothing_is_taken_ends_the_connection() {
        let answers = Arc::<Answers>::default();
        let (mut slow, mut deaf) = (Open::new(&answers), Open::new(&answers));
        slow.taken();
        let began = Instant::now();
        let slowly = async {
            loop {
                slow.taken();
                sleep(STALLED / 2).await;
            }
        };
        tokio::select! {
            () = slowly => {}
            () = sleep(5 * STALLED) => {}
            end = answers.watch() => panic!("{end:?}"),
        }
        deaf.taken();
        advance(STALLED).await;
        slow.taken();
        assert_eq!(answers.watch().await, End::Stalled);
        assert!(began.elapsed() < 7 * STALLED);
        drop(deaf);
        assert!(answers.watch().now_or_never().is_none());
    }
}
