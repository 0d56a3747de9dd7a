//! Development: the page that trunk's own server serves talks to the server beside it.

use crate::world::{
    browser::{Browser, DESK, tool},
    client::{connected, enter, join, say},
    http::get,
    process::Process,
    server::Server,
};
use std::{net::TcpListener, path::Path};
use tempfile::TempDir;
use tokio::process::Command;

/// Trunk's development server on a free port, once the page is built.
struct Trunk {
    _process: Process,
    _folder: TempDir,
    origin: String,
}

impl Trunk {
    async fn serve() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let folder = TempDir::new().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut command = Command::new(tool("TRUNK", "trunk"));
        command
            .args([
                "serve",
                "--skip-version-check",
                "--address",
                "127.0.0.1",
                "--port",
                &port,
            ])
            .arg("--dist")
            .arg(folder.path())
            .current_dir(root);
        command.env_remove("NO_COLOR");
        let process = Process::start(&mut command);
        let origin = format!("http://127.0.0.1:{port}");
        until_built(&origin).await;
        Self {
            _process: process,
            _folder: folder,
            origin,
        }
    }
}

/// The build may take minutes from cold: it compiles the page unoptimised.
async fn until_built(origin: &str) {
    let built = async {
        loop {
            let page = get(origin).await;
            if page.is_ok_and(|page| page.status() == 200) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let patience = std::time::Duration::from_secs(600);
    tokio::time::timeout(patience, built)
        .await
        .expect("trunk's page");
}

#[tokio::test]
async fn a_chat_message_arrives_in_the_page_that_trunk_serves() {
    let trunk = Trunk::serve().await;
    let server = Server::start().await;
    let url = format!("{}/?server={}", trunk.origin, server.origin());
    let page = Browser::open(&url, DESK).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    let bob = connected(&server.origin()).await;
    enter(&bob, "Bob").await;
    join(&bob, "chat/lobby").await;
    page.shows("[data-testid=person]", "Bob").await;
    say(&bob, "chat/lobby", "hello from beside", "1").await;
    page.shows("[data-testid=message]", "hello from beside")
        .await;
    page.say("and back").await;
    page.find("[data-testid=message][data-state=sent]").await;
    page.go(&url).await;
    page.linked("websocket").await;
}
