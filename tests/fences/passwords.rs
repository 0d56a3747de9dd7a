//! How often passwords may be tried.

use super::{Answer, ask, kept_out};
use crate::world::server::Server;
use serde_json::json;

const TRIES: usize = 10;

async fn try_password(server: &Server, name: &str, password: &str) -> Answer {
    let body = json!({ "name": name, "password": password }).to_string();
    let head = "POST /session HTTP/1.1\r\ncontent-type: application/json\r\n";
    ask(&server.address, head, &body).await
}

/// Breaks when: a password can be guessed as fast as the server answers, or by writing the name otherwise.
#[tokio::test]
async fn a_password_is_not_guessed() {
    let server = Server::with(&["--no-host-metrics", "--rate-limit", "off"]).await;
    for n in 0..TRIES {
        let answer = try_password(&server, ["ada", "ADA", " Ada "][n % 3], &n.to_string()).await;
        assert_ne!(answer.status, 429, "{n}: {answer:?}");
    }
    let refused = try_password(&server, "Ada", "secret").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.body.contains("rate-limited"), "{refused:?}");
    assert!((1..=10_000).contains(&refused.retry_after()), "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    assert_ne!(try_password(&server, "bob", "secret").await.status, 429);
    assert_eq!(kept_out(&server.origin(), "passwords").await, 1.0);
}
