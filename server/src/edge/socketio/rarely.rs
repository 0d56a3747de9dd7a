//! A future that is rarely done beside one that is often polled: it is polled only where it was woken itself.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// As `future`, which must not be polled again once it is done.
pub(super) fn rarely<F: Future>(future: F) -> Rarely<F> {
    let woken = Arc::new(Woken {
        is_woken: AtomicBool::new(true),
        task: Mutex::default(),
    });
    Rarely {
        waker: Waker::from(Arc::clone(&woken)),
        woken,
        task: None,
        future: Box::pin(future),
    }
}

/// A future that is rarely done.
pub(super) struct Rarely<F> {
    woken: Arc<Woken>,
    waker: Waker,
    /// The task that is woken.
    task: Option<Waker>,
    future: Pin<Box<F>>,
}

struct Woken {
    is_woken: AtomicBool,
    /// It stays there, so that it is not to be said again at each poll.
    task: Mutex<Option<Waker>>,
}

impl Woken {
    fn set_task(&self, task: Option<Waker>) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = task;
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.wake_by_ref();
        }
    }
}

impl<F: Future> Future for Rarely<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let is_known = (self.task.as_ref()).is_some_and(|task| task.will_wake(context.waker()));
        if !is_known {
            // First known who is to be woken, then asked whether that is so.
            self.task = Some(context.waker().clone());
            self.woken.set_task(self.task.clone());
        }
        let is_woken = &self.woken.is_woken;
        if !is_woken.load(Ordering::SeqCst) || !is_woken.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        let this = &mut *self;
        let context = &mut Context::from_waker(&this.waker);
        this.future.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::rarely;
    use futures_util::FutureExt;
    use std::{
        cell::Cell,
        future::poll_fn,
        task::{Poll, Waker},
    };

    #[test]
    fn it_is_polled_at_first_and_where_it_was_woken() {
        let (polls, wakes) = (Cell::new(0), Cell::new(None::<Waker>));
        let mut future = rarely(poll_fn(|context| {
            polls.set(polls.get() + 1);
            wakes.set(Some(context.waker().clone()));
            match polls.get() {
                2 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        for _ in 0..3 {
            assert!((&mut future).now_or_never().is_none());
        }
        assert_eq!(polls.get(), 1);
        wakes.take().unwrap().wake();
        assert!((&mut future).now_or_never().is_some());
    }
}
