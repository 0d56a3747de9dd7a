//! How many lines of one kind are logged: strangers cause some as often as they like, and a full disk helps them.
//!
//! A kind is a place in the code. What is left out is counted, and told once the window is over.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tracing::{
    Event, Level, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// The lines of one kind in a [`WINDOW`].
const MAX_LINES: u64 = 20;
/// After this, as many lines of the kind are logged again.
const WINDOW: Duration = Duration::from_secs(10);
/// How much is told of a line that was left out, in characters.
const SHOWN_CHARS: usize = 120;
/// The target of the lines about lines, which are never left out: a kind has one in a window.
const TARGET: &str = "tertulia_server::log";

/// Leaves out the lines of a kind that are too many. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct Seldom(Arc<Mutex<HashMap<Identifier, Kind>>>);

/// The lines of one kind in a window.
#[derive(Debug)]
struct Kind {
    began: Instant,
    lines: u64,
    /// What the first line says that was left out.
    shown: String,
}

impl Kind {
    fn new(now: Instant) -> Self {
        Self {
            began: now,
            lines: 0,
            shown: String::new(),
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= WINDOW
    }

    fn left_out(&self) -> u64 {
        self.lines.saturating_sub(MAX_LINES)
    }
}

impl Seldom {
    /// Tells from time to time what was left out, until it is dropped.
    pub async fn tell(self) {
        loop {
            tokio::time::sleep(WINDOW).await;
            self.tell_before(Instant::now());
        }
    }

    /// Tells what was left out and was not told.
    pub fn tell_rest(&self) {
        self.tell_before(Instant::now() + WINDOW);
    }

    fn tell_before(&self, now: Instant) {
        for (lines, like) in self.ended(now) {
            tracing::warn!(target: TARGET, lines, like, "lines of one kind were left out of the log");
        }
    }

    /// Forgets the windows that are over, and gives what was left out in them.
    fn ended(&self, now: Instant) -> Vec<(u64, String)> {
        let over = self
            .kinds()
            .extract_if(|_, kind| kind.is_over(now))
            .collect::<Vec<_>>();
        let told = over
            .into_iter()
            .map(|(_, kind)| (kind.left_out(), kind.shown));
        told.filter(|(lines, _)| *lines > 0).collect()
    }

    /// Whether one more line of a kind may be logged; counts it.
    fn lets(&self, kind: Identifier, now: Instant, shown: impl FnOnce() -> String) -> bool {
        let mut kinds = self.kinds();
        let kind = kinds.entry(kind).or_insert_with(|| Kind::new(now));
        // What was left out waits to be told.
        if kind.is_over(now) && kind.left_out() == 0 {
            *kind = Kind::new(now);
        }
        kind.lines += 1;
        if kind.left_out() == 1 {
            kind.shown = shown();
        }
        kind.left_out() == 0
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<Identifier, Kind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Seldom {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let kind = event.metadata();
        // Finer lines are asked for by who wants them all.
        let is_usual = *kind.level() <= Level::INFO && kind.target() != TARGET;
        !is_usual || self.lets(kind.callsite(), Instant::now(), || shown(event))
    }
}

/// The message of a line.
fn shown(event: &Event<'_>) -> String {
    let mut message = Message::default();
    event.record(&mut message);
    message.0.chars().take(SHOWN_CHARS).collect()
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // A text takes whatever is written to it.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LINES, Seldom, WINDOW};
    use std::{
        sync::{Arc, Mutex},
        time::{Duration, Instant},
    };
    use tracing::{Event, Level, Subscriber, subscriber::with_default};
    use tracing_subscriber::{Layer, layer::Context, prelude::*, registry};

    /// Counts what is logged, by level.
    #[derive(Clone, Default)]
    struct Logged(Arc<Mutex<Vec<Level>>>);

    impl<S: Subscriber> Layer<S> for Logged {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    impl Logged {
        fn take(&self) -> usize {
            std::mem::take(&mut *self.0.lock().unwrap()).len()
        }
    }

    #[test]
    fn lines_of_a_kind_are_limited_and_the_others_are_counted() {
        let (seldom, logged) = (Seldom::default(), Logged::default());
        let subscriber = registry().with(logged.clone()).with(seldom.clone());
        let most = usize::try_from(MAX_LINES).unwrap();
        with_default(subscriber, || {
            for number in 0..5 * most {
                tracing::warn!(number, "a stranger knocks");
                tracing::debug!(number, "asked for");
            }
            assert_eq!(logged.take(), 6 * most);
            tracing::warn!("another kind");
            assert_eq!(logged.take(), 1);
            let later = Instant::now() + WINDOW;
            let told = seldom.ended(later);
            assert_eq!(told, [(4 * MAX_LINES, "a stranger knocks".to_owned())]);
            assert_eq!(seldom.ended(later), []);
        });
    }

    #[test]
    fn what_was_left_out_is_told_before_the_kind_begins_anew() {
        let (seldom, logged) = (Seldom::default(), Logged::default());
        let subscriber = registry().with(logged.clone()).with(seldom.clone());
        let knock = || tracing::info!("a stranger knocks");
        with_default(subscriber, || {
            (0..=MAX_LINES).for_each(|_| knock());
            logged.take();
            seldom.tell_before(Instant::now() + WINDOW - Duration::from_secs(1));
            assert_eq!(logged.take(), 0);
            seldom.tell_rest();
            assert_eq!(logged.take(), 1);
            (0..=MAX_LINES).for_each(|_| knock());
            assert_eq!(logged.take(), usize::try_from(MAX_LINES).unwrap());
        });
    }
}
