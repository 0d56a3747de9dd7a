//! HTTP/2 streams whose client reads nothing.

use super::{Files, script, shake};
use crate::world::soon;
use futures_util::future::join_all;
use hyper::{Response, body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The connections of the attack.
const CONNECTIONS: usize = 150;
/// The requests that each connection has ready.
const REQUESTS: usize = 128;
/// The streams that the server lets a connection have (SETTINGS_MAX_CONCURRENT_STREAMS).
const STREAMS: usize = 32;
/// What the server may take for all of them, in kilobytes: a hundredth of the bodies.
const MEMORY: u64 = 64_000;
/// The files that it may open besides the sockets.
const MORE_FILES: usize = 20;

type Answer = JoinHandle<hyper::Result<Response<Incoming>>>;

/// Asks for a large file as often as it may, and takes nothing of the answers.
async fn ask(address: &str, pem: &str) -> Vec<Answer> {
    let stream = shake(address, pem, &["h2"]).await.unwrap();
    let (mut requests, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let uri = format!("https://{address}/{}", script());
    let begin = |_| {
        let request = hyper::Request::get(&uri).body(http_body_util::Empty::<bytes::Bytes>::new());
        tokio::spawn(requests.send_request(request.unwrap()))
    };
    (0..REQUESTS).map(begin).collect()
}

/// Breaks when: each answer of which nothing is taken holds its body, or a file.
#[tokio::test]
async fn streams_that_take_nothing_cost_neither_memory_nor_files() {
    let files = Files::new();
    let server = files.serve().await;
    let before = server.usage();
    let attack = (0..CONNECTIONS).map(|_| ask(&server.address, &files.pem));
    let answers: Vec<_> = join_all(attack).await.into_iter().flatten().collect();
    let begun = async {
        while answers.iter().filter(|it| it.is_finished()).count() < CONNECTIONS * STREAMS {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the answers", begun).await;
    let after = server.usage();
    println!("{} files: {after}", after.files);
    assert!(after.memory - before.memory < MEMORY, "{before} {after}");
    let files = after.files - before.files;
    assert!(files <= CONNECTIONS + MORE_FILES, "{files} files");
    for answer in answers {
        answer.abort();
    }
}
