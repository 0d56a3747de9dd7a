//! Who goes to many connections one after the other: waking a task of its own for each costs as much as the write.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    runtime::Handle,
    task::{coop::unconstrained, yield_now},
};

/// The visits between which others have their turn: about a quarter of a millisecond.
const VISITS: usize = 64;

/// Where a courier goes.
pub(super) trait Stop: Send + Sync + 'static {
    /// Does what is to be done by now, without waiting.
    fn visit(self: Arc<Self>);
}

/// All couriers: as many as can go at once.
#[derive(Debug)]
pub(super) struct Couriers<S> {
    all: Vec<Arc<Courier<S>>>,
    next: AtomicUsize,
}

/// One courier. It is under way as long as it is called, and visits in the order of calls.
#[derive(Debug)]
pub(super) struct Courier<S> {
    runtime: Handle,
    round: Mutex<Round<S>>,
}

#[derive(Debug)]
struct Round<S> {
    stops: VecDeque<Arc<S>>,
    is_under_way: bool,
}

impl<S: Stop> Couriers<S> {
    /// The couriers of a runtime.
    pub(super) fn new(runtime: &Handle) -> Self {
        let courier = |_| {
            Arc::new(Courier {
                runtime: runtime.clone(),
                round: Mutex::new(Round {
                    stops: VecDeque::new(),
                    is_under_way: false,
                }),
            })
        };
        Self {
            all: (0..runtime.metrics().num_workers().max(1))
                .map(courier)
                .collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// The courier of one more stop.
    pub(super) fn assign(&self) -> Arc<Courier<S>> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.all[next % self.all.len()])
    }
}

impl<S: Stop> Courier<S> {
    /// Has a stop visited.
    pub(super) fn call(self: &Arc<Self>, stop: Arc<S>) {
        let mut round = self.round();
        round.stops.push_back(stop);
        if !std::mem::replace(&mut round.is_under_way, true) {
            drop(round);
            self.set_out();
        }
    }

    fn set_out(self: &Arc<Self>) {
        let mut under_way = UnderWay {
            courier: Arc::clone(self),
            is_back: false,
            is_visiting: false,
        };
        self.runtime
            .spawn(unconstrained(async move { under_way.go().await }));
    }

    fn round(&self) -> MutexGuard<'_, Round<S>> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A courier that is under way.
struct UnderWay<S: Stop> {
    courier: Arc<Courier<S>>,
    is_back: bool,
    is_visiting: bool,
}

impl<S: Stop> UnderWay<S> {
    async fn go(&mut self) {
        loop {
            for _ in 0..VISITS {
                let mut round = self.courier.round();
                let Some(stop) = round.stops.pop_front() else {
                    round.is_under_way = false;
                    self.is_back = true;
                    return;
                };
                drop(round);
                self.is_visiting = true;
                stop.visit();
                self.is_visiting = false;
            }
            yield_now().await;
        }
    }
}

impl<S: Stop> Drop for UnderWay<S> {
    fn drop(&mut self) {
        if self.is_back {
            return;
        }
        if self.is_visiting {
            // It panicked. One stop is no reason to leave out the others.
            self.courier.set_out();
        } else {
            // The runtime ends.
            let stops = std::mem::take(&mut self.courier.round().stops);
            drop(stops);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Couriers, Stop};
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::runtime::Handle;

    /// Notes its visits; the one with this number panics.
    struct Door {
        number: usize,
        visits: Arc<Mutex<Vec<usize>>>,
    }

    const TRAP: usize = 13;

    impl Stop for Door {
        fn visit(self: Arc<Self>) {
            assert_ne!(self.number, TRAP, "on purpose");
            self.visits.lock().unwrap().push(self.number);
        }
    }

    async fn until(visits: &Mutex<Vec<usize>>, count: usize) -> Vec<usize> {
        loop {
            let now = visits.lock().unwrap().clone();
            if now.len() >= count {
                return now;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn stops_are_visited_in_the_order_of_calls_whatever_happens_at_one() {
        let courier = Couriers::new(&Handle::current()).assign();
        let visits = Arc::<Mutex<Vec<usize>>>::default();
        let call = |number| {
            let visits = Arc::clone(&visits);
            courier.call(Arc::new(Door { number, visits }));
        };
        (0..1_000).for_each(call);
        let expected: Vec<_> = (0..1_000).filter(|number| *number != TRAP).collect();
        assert_eq!(until(&visits, 999).await, expected);
        call(1_000);
        assert_eq!(until(&visits, 1_000).await.last(), Some(&1_000));
    }

    /// Counts its visits.
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Stop for Counter {
        fn visit(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_call_is_lost_between_two_rounds() {
        let couriers = Couriers::new(&Handle::current());
        let (courier, counter) = (couriers.assign(), Arc::<Counter>::default());
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let (courier, counter) = (Arc::clone(&courier), Arc::clone(&counter));
                std::thread::spawn(move || {
                    for _ in 0..20_000 {
                        courier.call(Arc::clone(&counter));
                        // So that a round ends now and then.
                        std::thread::yield_now();
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.join().unwrap();
        }
        while counter.0.load(Ordering::SeqCst) < 80_000 {
            tokio::task::yield_now().await;
        }
    }
}
