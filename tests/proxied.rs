//! Behind a proxy that we did not write, below a path, and inside the page of another origin.

use crate::world::{
    browser::{Browser, DESK},
    client::{connected_with, enter, join, say},
    process::Process,
    server::Server,
};
use std::{net::TcpListener, process::Stdio};
use tempfile::TempDir;
use tertulia_client::connection::Options;
use tokio::process::Command;

/// What each location tells the server.
const TELLS: &str =
    "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;";
/// What lets a WebSocket through.
const UPGRADES: &str = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
                        proxy_set_header Connection $connection_upgrade;";

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

/// A running nginx.
struct Nginx {
    _process: Process,
    _folder: TempDir,
    origin: String,
}

impl Nginx {
    /// Starts it on a port, with these locations.
    async fn start(port: u16, locations: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let place = folder.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {place}/{name}; "))
            .concat();
        let text = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr notice;\n\
             events {{}}\n\
             http {{\n\
             access_log off; {temporary}\n\
             map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n\
             server {{ listen 127.0.0.1:{port}; {locations} }}\n\
             }}\n"
        );
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-e").arg("stderr").arg("-p").arg(folder.path());
        let mut process = Process::start(command.arg("-c").arg(&config).stdin(Stdio::null()));
        process.error_with("OS:").await;
        let origin = format!("http://127.0.0.1:{port}");
        Self {
            _process: process,
            _folder: folder,
            origin,
        }
    }
}

/// Breaks when: the page, its session or its connection looks for the server at the root of the address.
#[tokio::test]
async fn the_page_works_below_a_path() {
    let options = ["--base-path", "/tertulia", "--trust-proxy", "127.0.0.1"];
    let server = Server::with(&options).await;
    let address = &server.address;
    let locations = format!(
        "location /tertulia {{ proxy_pass http://{address}; {TELLS} {UPGRADES} }}\n\
         location /taken-away/ {{ proxy_pass http://{address}/; {TELLS} }}\n"
    );
    let nginx = Nginx::start(free_port(), &locations).await;
    let page = Browser::open(&format!("{}/tertulia", nginx.origin), DESK).await;
    page.enter("Ada").await;
    page.linked("websocket").await;
    let beside = Options {
        path: "/tertulia/socket.io/".to_owned(),
        ..Options::default()
    };
    let bob = connected_with(&nginx.origin, beside).await;
    enter(&bob, "Bob").await;
    join(&bob, "chat/lobby").await;
    say(&bob, "chat/lobby", "from the side", "1").await;
    page.shows("[data-testid=message]", "from the side").await;
    page.say("and back").await;
    page.find("[data-testid=message][data-state=sent]").await;
    // Its session, asked for below the path, outlives a reload.
    page.go(&format!("{}/tertulia/", nginx.origin)).await;
    page.linked("websocket").await;
    page.shows("[data-testid=message]", "and back").await;
    page.shows("[data-testid=own-name]", "Ada").await;
    // This one takes the path away, and lets no WebSocket through.
    page.go(&format!("{}/taken-away/", nginx.origin)).await;
    page.linked("polling").await;
    page.say("by another way").await;
    page.find("[data-testid=message][data-state=sent]").await;
}

/// Breaks when: a page that is allowed to cannot show ours in a frame, or any other one can.
#[tokio::test]
async fn a_page_that_is_allowed_to_shows_ours_in_a_frame() {
    let port = free_port();
    let origin = format!("http://127.0.0.1:{port}");
    let (strict, open) = (
        Server::start().await,
        Server::with(&["--allow-embedding", &origin]).await,
    );
    let frame = |path: &str, server: &Server| {
        let address = &server.address;
        format!(
            "location /{path} {{ default_type text/html; return 200 \
             '<iframe width=1000 height=700 src=\"http://{address}/\"></iframe>'; }}\n"
        )
    };
    let locations = frame("strict", &strict) + &frame("open", &open);
    let _stranger = Nginx::start(port, &locations).await;
    let page = Browser::open(&format!("{origin}/open"), DESK).await;
    page.enter_frame().await;
    page.enter("Ada").await;
    page.say("from a frame").await;
    page.find("[data-testid=message][data-state=sent]").await;
    page.go(&format!("{origin}/strict")).await;
    page.enter_frame().await;
    assert!(!page.text().await.contains("Tertulia"));
}
