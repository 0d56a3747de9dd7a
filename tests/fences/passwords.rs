//! How often passwords may be tried.

use super::{Answer, ask, kept_out};
use crate::world::server::Server;
use serde_json::json;
use std::time::{Duration, Instant};

/// What may be tried at once for one name, and how long one more takes to come.
const TRIES: usize = 10;
const ONE_MORE: Duration = Duration::from_secs(10);

async fn try_password(server: &Server, name: &str, password: &str) -> Answer {
    let body = json!({ "name": name, "password": password }).to_string();
    let head = "POST /session HTTP/1.1\r\ncontent-type: application/json\r\n";
    ask(&server.address, head, &body).await
}

/// Breaks when: a password can be guessed as fast as the server answers, or by writing the name otherwise.
#[tokio::test]
async fn a_password_is_not_guessed() {
    let server = Server::with(&["--no-host-metrics", "--rate-limit", "off"]).await;
    let (began, mut tried) = (Instant::now(), 0);
    let refused = loop {
        let name = ["ada", "ADA", " Ada "][tried % 3];
        let answer = try_password(&server, name, &tried.to_string()).await;
        if answer.status == 429 {
            break answer;
        }
        tried += 1;
        // The server takes its time for each.
        let most = TRIES + 1 + (began.elapsed().as_secs() / ONE_MORE.as_secs()) as usize;
        assert!(tried <= most, "{tried} in {:?}", began.elapsed());
    };
    assert!(tried >= TRIES, "{tried}");
    assert!(refused.body.contains("rate-limited"), "{refused:?}");
    assert!((1..=10_000).contains(&refused.retry_after()), "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    assert_ne!(try_password(&server, "bob", "secret").await.status, 429);
    assert_eq!(kept_out(&server.origin(), "passwords").await, 1.0);
}
