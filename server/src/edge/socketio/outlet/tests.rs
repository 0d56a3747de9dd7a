//! An outlet and a stream that takes nothing, for a while or for ever.

use super::{Beside, Outlet, State, Used};
use crate::{
    app::{App, Session, device},
    edge::socketio::{
        acks::{self, Ack, Acks, Capacity},
        closing::Closing,
        connection::{Common, Connection},
        counts::Counts,
        courier::Couriers,
        cut::Cut,
        item::{Item, Source},
    },
    identity::User,
    store::Archive,
};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tertulia_shared::{Event, server::ServerClosing};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stream that takes frames while it is free, and notes them.
#[derive(Debug, Default)]
struct Stream(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    is_free: bool,
    /// It panics instead of taking anything.
    is_broken: bool,
    attempts: usize,
    text: String,
    waits: Option<Waker>,
}

impl Stream {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap()
    }

    fn free(&self) {
        let mut taken = self.taken();
        taken.is_free = true;
        let waits = taken.waits.take();
        drop(taken);
        waits.unwrap().wake();
    }

    async fn until(&self, is_met: impl Fn(&Taken) -> bool) {
        let met = async {
            while !is_met(&self.taken()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, met).await.unwrap();
    }
}

impl Beside for Stream {
    fn expect_mark(&self) {}

    fn poll_marked(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, context: &mut Context<'_>, frames: &Bytes) -> Poll<io::Result<bool>> {
        let mut taken = self.taken();
        taken.attempts += 1;
        if taken.is_broken {
            drop(taken);
            panic!("on purpose");
        }
        if !taken.is_free {
            taken.waits = Some(context.waker().clone());
            return Poll::Pending;
        }
        taken.text += &String::from_utf8_lossy(frames);
        Poll::Ready(Ok(true))
    }

    fn goodbye(&self, _: Bytes) {}

    fn poll_out(&self, _: &mut Context<'_>) -> Poll<io::Result<bool>> {
        Poll::Ready(Ok(true))
    }
}

/// An outlet to a stream, its first item, and where acknowledgements go in.
fn outlet(stream: &Arc<Stream>) -> (Used, Acks) {
    let archive = Archive::in_memory(|| 5).unwrap();
    let app = App::new(archive, device::commands().0).unwrap();
    let session = Session::new(app, User::stranger());
    let closing = Arc::new(Closing::new(CancellationToken::new(), Duration::ZERO));
    let common = Common::new(Arc::<Counts>::default(), Arc::clone(&closing));
    let connection = Connection::new(session, common, Cut::default(), None);
    let (acks, waiting) = acks::queue(Capacity {
        count: 10,
        bytes: 1_000,
    });
    let outlet = Outlet::begin(
        Couriers::new(&Handle::current()).assign(),
        Source::new(connection, waiting),
        Arc::clone(stream) as Arc<dyn Beside>,
        Item::Closing(closing.come_back()),
    );
    (outlet, acks)
}

fn ack(id: i64) -> Ack {
    Ack {
        before: None,
        id,
        body: RawValue::from_string("{}".to_owned()).unwrap(),
        since: Instant::now(),
    }
}

/// Breaks when: what comes while frames wait for the stream goes out only with what comes after it.
#[tokio::test]
async fn what_comes_while_the_stream_takes_nothing_follows_what_waits() {
    let stream = Arc::<Stream>::default();
    let (outlet, acks) = outlet(&stream);
    stream.until(|taken| taken.attempts == 1).await;
    assert!(matches!(
        outlet.changed(State::Open).await,
        State::Blocked(_)
    ));
    acks.push(ack(7)).unwrap();
    // It was called for that, and could do nothing.
    stream.until(|taken| taken.attempts == 2).await;
    assert!(!outlet.is_empty());
    stream.free();
    stream.until(|taken| taken.text.contains("437[{}]")).await;
    let text = stream.taken().text.clone();
    assert!(
        text.find(ServerClosing::NAME) < text.find("437[{}]"),
        "{text}"
    );
    assert!(outlet.is_empty());
}

/// Breaks when: a connection goes on that lost what it was to send.
#[tokio::test]
async fn a_visit_that_panics_ends_its_connection() {
    let stream = Arc::<Stream>::default();
    stream.taken().is_broken = true;
    let (outlet, _acks) = outlet(&stream);
    let ended = tokio::time::timeout(PATIENCE, outlet.changed(State::Open));
    assert_eq!(ended.await.unwrap(), State::Closed);
}

/// Breaks when: an outlet that was given up is kept by what wakes it.
#[tokio::test]
async fn an_outlet_that_is_given_up_holds_nothing() {
    let stream = Arc::<Stream>::default();
    let (outlet, acks) = outlet(&stream);
    stream.until(|taken| taken.attempts == 1).await;
    assert!(Arc::strong_count(&stream) > 1);
    drop(outlet);
    assert_eq!(Arc::strong_count(&stream), 1);
    // Who still wakes it wakes nobody.
    acks.push(ack(1)).unwrap();
    stream.free();
}
