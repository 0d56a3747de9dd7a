//! A large room: everybody joins it, and the server stops.

use crate::world::{long_form, server::Server, soon};
use futures_util::{SinkExt, StreamExt, future::join_all};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// How long a stop may take.
const STOP: Duration = Duration::from_secs(10);
/// How many connect at once.
const AT_ONCE: usize = 100;

/// What a connection heard.
#[derive(Default)]
struct Heard {
    changes: usize,
    batches: usize,
    closing: usize,
}

/// Joins the room, and hears what is said until the server closes.
async fn join(address: &str) -> JoinHandle<Heard> {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = connect_async(url).await.unwrap();
    socket.send(Message::text("40")).await.unwrap();
    let join = r#"420["room:join",{"room":"chat/full"}]"#;
    let mut heard = Heard::default();
    let joined = async {
        while let Some(message) = socket.next().await {
            let text = message.unwrap().to_string();
            heard.count(&text);
            if text.starts_with("40{") {
                socket.send(Message::text(join)).await.unwrap();
            }
            if text.starts_with("430") {
                return;
            }
        }
        panic!("the connection ended");
    };
    tokio::time::timeout(6 * STOP, joined)
        .await
        .expect("joined");
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) if text.as_str() == "2" => {
                    let _ = socket.send(Message::text("3")).await;
                }
                message => heard.count(&message.to_string()),
            }
        }
        heard
    })
}

impl Heard {
    fn count(&mut self, text: &str) {
        let of = |event: &str| usize::from(text.starts_with(&format!("42[\"{event}\"")));
        self.changes += of("presence:change");
        self.batches += of("presence:changes");
        self.closing += of("server:closing");
    }
}

/// Breaks when: each join or leave of a large room is told to all in it, or a stop waits for what is queued.
///
/// In the long form with 9,000 connections, in one run of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_with_a_full_room_takes_ten_seconds_at_most() {
    let count = long_form().map_or(1_500, |_| 9_000);
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    let options = ["--no-host-metrics", "--data-dir", "none"];
    let mut server = Server::with(&options).await;
    let address = server.address.clone();
    let began = Instant::now();
    let mut all = Vec::with_capacity(count);
    for _ in (0..count).step_by(AT_ONCE) {
        all.extend(join_all((0..AT_ONCE).map(|_| join(&address))).await);
    }
    println!(
        "{count} joined after {:?}: {}",
        began.elapsed(),
        server.usage()
    );
    let began = Instant::now();
    let ended = soon("the end", server.terminate()).await;
    let took = began.elapsed();
    println!("stopped after {took:?}");
    assert!(ended.success() && took < STOP, "{took:?}");
    let heard = join_all(all).await.into_iter().map(Result::unwrap);
    let told = heard.fold(Heard::default(), |sum, one| Heard {
        changes: sum.changes + one.changes,
        batches: sum.batches + one.batches,
        closing: sum.closing + one.closing,
    });
    println!(
        "heard {} changes, {} batches, {} closings",
        told.changes, told.batches, told.closing
    );
    assert!(told.closing * 100 >= count * 99, "nearly all are told");
}
