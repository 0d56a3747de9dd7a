//! TLS: a certificate of a file, read again when told, HTTP/2 and HTTP/1.1, and both transports of Socket.IO.

mod streams;

use crate::world::{
    browser::{Browser, DESK},
    client::{connected_with, enter, join, next, say},
    memory::Network,
    official::only,
    process::Process,
    server::{Server, page, program},
    soon,
};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tertulia_client::connection::{Options, Transport};
use tertulia_server::config::TlsFiles;
use tertulia_shared::chat::ChatMessage;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Longer than an HTTP/2 connection is held without a request, and then waited for.
const IDLE: Duration = Duration::from_secs(32);

/// How long the last that TLS holds of an answer may take to go out.
const LAST: Duration = Duration::from_secs(120);

/// A certificate and its key, in files.
struct Files {
    folder: TempDir,
    /// The certificate, which is its own authority.
    pem: String,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let pem = String::new();
        let mut files = Self { folder, pem };
        files.renew();
        files
    }

    /// Another certificate with another key.
    fn renew(&mut self) {
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        self.pem = cert.pem();
        fs::write(self.path("cert.pem"), &self.pem).unwrap();
        fs::write(self.path("key.pem"), signing_key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn serve(&self) -> Server {
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| self.path(name));
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let options = [
            "--no-host-metrics",
            "--tls-cert",
            certificate,
            "--tls-key",
            key,
        ];
        Server::with(&options).await
    }

    fn trusting(&self, transport: Transport) -> Options {
        Options {
            certificate_authorities: self.pem.clone(),
            force_new: true,
            ..only(transport)
        }
    }
}

/// A handshake that offers those protocols and trusts that certificate only.
async fn shake(
    address: &str,
    pem: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    shake_on(stream, pem, protocols).await
}

/// The name of the page's largest file.
fn script() -> String {
    let mut files = fs::read_dir(page())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    files.find(|name| name.ends_with(".wasm")).unwrap()
}

/// As [`shake`], on a connection that is there.
async fn shake_on<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    pem: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<S>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    soon("the handshake", connector.connect(name, stream)).await
}

#[tokio::test]
async fn both_transports_of_socket_io_go_by_tls() {
    let files = Files::new();
    let server = files.serve().await;
    assert!(server.origin().starts_with("https://127.0.0.1:"));
    let bob = connected_with(&server.origin(), files.trusting(Transport::WebSocket)).await;
    let mut heard = bob.listen::<ChatMessage>();
    join(&bob, "chat/lobby").await;
    for (n, transport) in [Transport::Polling, Transport::WebSocket]
        .into_iter()
        .enumerate()
    {
        let ada = connected_with(&server.origin(), files.trusting(transport)).await;
        enter(&ada, "Ada").await;
        say(&ada, "chat/lobby", "by TLS", &n.to_string()).await;
        assert_eq!(next(&mut heard).await.text, "by TLS");
    }
}

/// Breaks when: HTTP/2 is not offered, is preferred over what a client wants, or a fence does not know its requests.
#[tokio::test]
async fn http_2_is_spoken_with_who_can() {
    let files = Files::new();
    let server = files.serve().await;
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = shake(&server.address, &files.pem, offered).await.unwrap();
        let alpn = stream.get_ref().1.alpn_protocol();
        assert_eq!(alpn, chosen.map(str::as_bytes));
    }
    let stream = shake(&server.address, &files.pem, &["h2"]).await.unwrap();
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut ask = async |path: &str, host: &str, origin: &str| {
        let request = hyper::Request::get(format!("https://{host}{path}"));
        let request = request
            .header("origin", origin)
            .body(Empty::<bytes::Bytes>::new());
        let answer = soon("an answer", requests.send_request(request.unwrap()))
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        (
            parts.status.as_u16(),
            parts.headers,
            body.collect().await.unwrap().to_bytes(),
        )
    };
    let (own, path) = (server.origin(), "/socket.io/?EIO=4&transport=polling");
    let (status, headers, body) = ask(path, &server.address, &own).await;
    assert_eq!((status, body[0]), (200, b'0'));
    assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    assert_eq!(
        ask(path, &server.address, "https://evil.example").await.0,
        403
    );
    let insecure = own.replace("https", "http");
    // It is loopback, so it is from here: but it is not the own page of another name.
    assert_eq!(ask(path, &server.address, &insecure).await.0, 200);
    assert_eq!(
        ask(path, "evil.example", "https://evil.example").await.0,
        421
    );
    drop(requests);
    soon("the end", connection).await.unwrap().unwrap();
}

/// Breaks when: a connection is taken for idle while an answer is on its way. It waits for longer than one may be idle.
#[tokio::test]
async fn who_reads_slowly_gets_the_whole_answer_by_http_2() {
    let files = Files::new();
    let server = files.serve().await;
    let stream = shake(&server.address, &files.pem, &["h2"]).await.unwrap();
    let (mut requests, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1_024)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let address = &server.address;
    let request = hyper::Request::get(format!("https://{address}/{}", script()));
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = requests.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let length = answer.headers()["content-length"].to_str().unwrap();
    let length: usize = length.parse().unwrap();
    tokio::time::sleep(IDLE).await;
    let body = soon("the page", answer.into_body().collect())
        .await
        .unwrap();
    assert_eq!(body.to_bytes().len(), length);
}

/// Breaks when: a connection that asks for nothing more is kept as long as it answers pings. On a virtual clock.
#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_for_nothing_more_is_closed_by_http_2() {
    let files = Files::new();
    let network = Network::with_tls(Some(TlsFiles {
        certificate: files.path("cert.pem"),
        key: files.path("key.pem"),
    }));
    let pipe = network.await.pipe();
    let stream = shake_on(pipe, &files.pem, &["h2"]).await.unwrap();
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("https://localhost/healthz");
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = requests.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
    let began = Instant::now();
    let ended = tokio::time::timeout(IDLE, connection).await;
    ended.expect("it is kept").unwrap().unwrap();
    assert!(
        began.elapsed() > Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// Breaks when: who asks by TLS and does not read keeps its place for ever. On a virtual clock.
#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_an_answer_is_closed() {
    let files = Files::new();
    let network = Network::with_tls(Some(TlsFiles {
        certificate: files.path("cert.pem"),
        key: files.path("key.pem"),
    }));
    let pipe = network.await.pipe();
    let mut stream = shake_on(pipe, &files.pem, &["http/1.1"]).await.unwrap();
    let asked = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(200);
    stream.write_all(&asked).await.unwrap();
    let began = Instant::now();
    while stream.write_all(b"\r\n").await.is_ok() && began.elapsed() < 2 * LAST {
        stream.flush().await.ok();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let took = began.elapsed();
    assert!(took >= LAST && took < LAST + IDLE, "{took:?}");
}

/// Breaks when: the new certificate is not shown, an open connection is cut, or a bad file takes the good one away.
#[tokio::test]
async fn a_new_certificate_is_shown_to_who_comes_after_it() {
    let mut files = Files::new();
    let mut server = files.serve().await;
    let old = files.pem.clone();
    let ada = connected_with(&server.origin(), files.trusting(Transport::WebSocket)).await;
    files.renew();
    server.reload("the certificate was read again").await;
    shake(&server.address, &files.pem, &[]).await.unwrap();
    assert!(shake(&server.address, &old, &[]).await.is_err());
    enter(&ada, "Ada").await;
    for (name, text) in [
        ("cert.pem", "nothing"),
        ("key.pem", "nothing"),
        ("key.pem", old.as_str()),
    ] {
        let good = fs::read(files.path(name)).unwrap();
        fs::write(files.path(name), text).unwrap();
        server.reload("the old certificate stays").await;
        shake(&server.address, &files.pem, &[]).await.unwrap();
        fs::write(files.path(name), good).unwrap();
    }
    enter(&ada, "Ada").await;
}

/// One line that names the option, the file and the problem, and exit code 2.
#[tokio::test]
async fn what_cannot_be_used_is_said_at_the_start() {
    let (files, other) = (Files::new(), Files::new());
    fs::write(files.path("empty"), "").unwrap();
    let path = |name: &str| files.path(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let strange = other.path("key.pem").to_str().unwrap().to_owned();
    for (certificate, key, says) in [
        (&path("missing"), &key, "--tls-cert"),
        (&path("empty"), &key, "--tls-cert"),
        (&key, &key, "--tls-cert"),
        (&cert, &path("missing"), "--tls-key"),
        (&cert, &cert, "--tls-key"),
        (&cert, &strange, "--tls-key"),
    ] {
        let mut command = program();
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--mqtt-listen",
            "127.0.0.1:0",
        ]);
        let mut process =
            Process::start(command.args(["--tls-cert", certificate, "--tls-key", key]));
        let line = process.error_with("tertulia: ").await;
        assert!(line.contains(says), "{line}");
        assert_eq!(process.ended().await.code(), Some(2));
        assert_eq!(process.rest().await, "");
    }
    let mut command = program();
    let mut process = Process::start(command.args(["serve", "--tls-cert", &cert]));
    assert!(process.error_with("tertulia: ").await.contains("--tls-key"));
    assert_eq!(process.ended().await.code(), Some(2));
}

/// Breaks when: who begins a handshake and does not end it is waited for.
#[tokio::test]
async fn a_handshake_comes_whole_in_10_seconds() {
    let files = Files::new();
    let server = files.serve().await;
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    stream.write_all(b"\x16\x03\x01").await.unwrap();
    let began = std::time::Instant::now();
    let read = soon("the end", stream.read(&mut [0; 64])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(
        began.elapsed() > Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    // HTTP without TLS is no handshake.
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = soon("the end", stream.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"));
}

#[tokio::test]
async fn the_page_chats_by_tls_in_a_browser() {
    let files = Files::new();
    let server = files.serve().await;
    let browser = Browser::open(&server.origin(), DESK).await;
    browser.enter("Ada").await;
    browser.linked("websocket").await;
    browser.say("by TLS").await;
    browser.find("[data-testid=message][data-state=sent]").await;
}
