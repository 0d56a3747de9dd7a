//! The HTTP surface under nonsense: whatever is asked, never a 5xx and never a panic, and the server serves on.

use crate::{
    differential::generate,
    world::{
        client::{connected, say},
        is_one_seed, long_form,
        server::Server,
    },
};
use arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// How long the short form asks, in milliseconds.
const BUDGET_MS: u64 = 5_000;
/// How often it asks on for as long, until all that there is was met: a slow machine asks little in one time.
const MOST_TIMES: u32 = 12;
/// What has to be met: a session, an upgrade, what is served, what is refused, and a wrong name.
const TO_MEET: [u16; 5] = [0, 101, 200, 400, 421];
/// The most random bytes that one request is made of.
const MOST_BYTES: u32 = 2_048;
/// How long an answer may take. A poll may wait longer: it has none yet.
const ANSWER: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

const METHODS: &[&str] = &[
    "GET", "GET", "POST", "POST", "OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "gEt",
];
const PATHS: &[&str] = &[
    "/socket.io/",
    "/socket.io/",
    "/socket.io/",
    "/socket.io",
    "/socket.io/x",
    "/socket.iox/",
    "/socket.io/..%2f",
    "/session",
    "/session/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//",
    "/%00",
    "/%ff",
];
const KEYS: &[&str] = &[
    "EIO",
    "transport",
    "sid",
    "t",
    "b64",
    "j",
    "",
    "EIO%3d",
    "sid[]",
    "%ff",
];
const VALUES: &[&str] = &[
    "4",
    "3",
    "5",
    "-1",
    "99999999999999999999",
    "polling",
    "websocket",
    "webtransport",
    "Polling",
    "",
    "0",
    "%00",
    "%ff",
    "%",
    "%zz",
    "+",
    "%c3%a9",
    "a=b",
    "AAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAA",
    "..%2f..%2f",
];
const HEADERS: &[&str] = &[
    "origin: http://localhost:8080",
    "origin: null",
    "origin: \u{e9}",
    "origin: http://[::1",
    "content-type: text/plain;charset=UTF-8",
    "content-type: application/octet-stream",
    "content-type: application/json",
    "content-type: ;;;",
    "content-length: 3",
    "content-length: 99999999999",
    "content-length: -1",
    "transfer-encoding: chunked",
    "transfer-encoding: gzip, chunked",
    "upgrade: websocket",
    "upgrade: h2c",
    "connection: upgrade",
    "connection: close",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-key: short",
    "sec-websocket-version: 13",
    "sec-websocket-version: 12",
    "sec-websocket-extensions: permessage-deflate; client_max_window_bits",
    "expect: 100-continue",
    "range: bytes=5-1",
    "if-modified-since: yesterday",
    "if-none-match: \"",
    "accept-encoding: br;q=x",
    "cookie: io=1; ;=; a",
    "authorization: Bearer \u{1}",
    "x-forwarded-for: ::",
    "access-control-request-method: PUT",
    "access-control-request-headers: \"",
];
/// What makes a request an upgrade; what else is drawn may spoil it.
const UPGRADE: &[&str] = &[
    "upgrade: websocket",
    "connection: upgrade",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version: 13",
];
const BODIES: &[&str] = &[
    "40",
    "41",
    "40{\"token\":1}",
    "42[\"chat:send\",{\"room\":\"chat/x\",\"text\":\"y\",\"id\":\"1\"}]",
    "421[\"room:join\",{\"room\":\"chat/x\"}]",
    "40\u{1e}420[\"chat:enter\",{\"name\":\"Ada\"}]\u{1e}3",
    "451-[\"x\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAAEC",
    "2probe",
    "1",
    "6",
    "{\"name\":\"Ada\",\"password\":\"x\"}",
];

/// A request, or what looks like one.
struct Asked {
    text: Vec<u8>,
    /// What is sent after an upgrade that is taken.
    frames: Vec<u8>,
    polls: bool,
    upgrades: bool,
}

fn asked(u: &mut Unstructured<'_>, sid: Option<&str>) -> Result<Asked> {
    let is_upgrade = u.ratio(1, 8)?;
    let (method, path) = match is_upgrade {
        true => ("GET", "/socket.io/"),
        false => (*u.choose(METHODS)?, *u.choose(PATHS)?),
    };
    let mut query = Vec::new();
    if is_upgrade {
        query.push("EIO=4&transport=websocket".to_owned());
        query.extend(sid.map(|sid| format!("sid={sid}")));
    } else if let Some(sid) = sid {
        query.push(format!(
            "EIO=4&transport={}&sid={sid}",
            u.choose(&["polling", "websocket"])?
        ));
    } else if u.arbitrary()? {
        query.push(format!(
            "EIO=4&transport={}",
            u.choose(&["polling", "websocket"])?
        ));
    }
    for _ in 0..u.int_in_range(0..=3)? {
        query.push(format!("{}={}", u.choose(KEYS)?, u.choose(VALUES)?));
    }
    let long = match u.ratio(1, 20)? {
        true => "x".repeat(u.int_in_range(1..=3_000)?),
        false => String::new(),
    };
    // Another name is refused before anything else is looked at.
    let host = match u.ratio(1, 20)? {
        true => "x",
        false => "localhost",
    };
    let mut text = format!(
        "{method} {path}{long}?{} HTTP/1.1\r\nhost: {host}\r\n",
        query.join("&")
    )
    .into_bytes();
    let mut has_length = false;
    let mut headers = if is_upgrade {
        UPGRADE.to_vec()
    } else {
        Vec::new()
    };
    for _ in 0..u.int_in_range(0..=6)? {
        headers.push(*u.choose(HEADERS)?);
    }
    for header in headers {
        has_length |= header.starts_with("content-length") || header.starts_with("transfer");
        text.extend(header.as_bytes());
        text.extend(b"\r\n");
    }
    if u.ratio(1, 20)? {
        let length = u.int_in_range(1..=60_000)?;
        text.extend(format!("x-long: {}\r\n", "x".repeat(length)).as_bytes());
    }
    let corpus: Vec<_> = BODIES.iter().map(|body| (*body).to_owned()).collect();
    let body = generate::nearly(u, &corpus)?;
    if !has_length {
        text.extend(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    text.extend(b"\r\n");
    text.extend(body.as_bytes());
    let frames = u.arbitrary()?;
    // The answer to it may wait for the next event.
    let polls = sid.is_some() && !is_upgrade && matches!(method, "GET" | "gEt" | "HEAD");
    Ok(Asked {
        text,
        frames,
        polls,
        upgrades: is_upgrade,
    })
}

/// The status of the answer; `None` where it is closed without one, or has none yet.
fn ask(address: &str, asked: &Asked) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(if asked.polls { POLL } else { ANSWER }))
        .unwrap();
    // Who is refused early may find the connection closed.
    let _ = stream.write_all(&asked.text);
    if !asked.upgrades && !asked.polls {
        // A body that is shorter than announced ends here.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut head = [0; 12];
    let mut length = 0;
    while length < head.len() {
        match stream.read(&mut head[length..]) {
            Ok(0) => return None,
            Ok(read) => length += read,
            Err(error) if asked.polls && error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(&asked.text)),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .map(|status| status.parse().unwrap());
    if status == Some(101) {
        let _ = stream.write_all(&asked.frames);
    }
    Some(status.unwrap_or_else(|| panic!("no status line: {head:?}")))
}

/// The session of a handshake.
fn session(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: localhost\r\n\
                   connection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.set_read_timeout(Some(ANSWER)).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    let sid = answer.split("\"sid\":\"").nth(1)?;
    Some(sid.split('"').next()?.to_owned())
}

/// Asks for `budget_ms` and adds how often each status was answered; 0 stands for sessions that were begun.
fn ask_for(address: &str, budget_ms: u64, answers: &mut BTreeMap<u16, u32>) {
    arbtest(|u| {
        let sid = if u.ratio(1, 3)? {
            session(address)
        } else {
            None
        };
        let asked = asked(u, sid.as_deref())?;
        let status = ask(address, &asked);
        for seen in status.into_iter().chain(sid.map(|_| 0)) {
            *answers.entry(seen).or_default() += 1;
        }
        let text = String::from_utf8_lossy(&asked.text);
        assert!(
            status.is_none_or(|status| status < 500),
            "{status:?} for {text:?}"
        );
        Ok(())
    })
    .size_max(MOST_BYTES)
    .budget_ms(budget_ms)
    .run();
}

/// Asks for `budget_ms`, and on until all of [`TO_MEET`] was answered or it was [`MOST_TIMES`] as long.
fn ask_until_met(address: String, budget_ms: u64) -> BTreeMap<u16, u32> {
    let mut answers = BTreeMap::new();
    for _ in 0..MOST_TIMES {
        ask_for(&address, budget_ms, &mut answers);
        // A failure's seed is one request.
        if TO_MEET.iter().all(|status| answers.contains_key(status)) || is_one_seed() {
            break;
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_and_the_server_serves_on() {
    let budget_ms = long_form().map_or(BUDGET_MS, |long| long.as_millis() as u64);
    let mut server = Server::with(&[
        "--no-host-metrics",
        // A full server says 503, and a session that never connects has its place for a while.
        "--max-connections",
        "1000000",
        "--ping-interval",
        "300ms",
        "--ping-timeout",
        "300ms",
    ])
    .await;
    let address = server.address.clone();
    let answers = tokio::task::spawn_blocking(move || ask_until_met(address, budget_ms))
        .await
        .unwrap();
    println!("{answers:?}");
    let missing: Vec<_> = TO_MEET
        .iter()
        .filter(|status| !answers.contains_key(status))
        .collect();
    assert!(
        missing.is_empty() || is_one_seed(),
        "{missing:?} were not met: {answers:?}"
    );
    let connection = connected(&server.origin()).await;
    say(&connection, "chat/lobby", "still here", "1").await;
    drop(connection);
    assert!(server.terminate().await.success());
    let log = server.log().await;
    assert!(!log.contains("panicked"), "{log}");
}
