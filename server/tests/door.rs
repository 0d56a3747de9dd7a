//! The whole server through its public doors: HTTP polling spoken by hand, no Socket.IO library.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it must be"
)]

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tertulia_server::{Config, build, config::Mqtt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

const PATIENCE: Duration = Duration::from_secs(10);

struct House {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl House {
    async fn open(config: Config) -> Self {
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            listen: free,
            mqtt: Mqtt::Embedded(free),
            host_metrics: false,
            ..config
        };
        let server = build(config).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop,
            running,
        }
    }

    async fn get(&self, path: &str) -> Response {
        request(self.address, &format!("GET {path} HTTP/1.1\r\n"), "").await
    }

    async fn close(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .unwrap()
            .unwrap();
    }
}

struct Response {
    status: u16,
    head: String,
    body: String,
}

/// One request on a connection of its own.
async fn request(address: SocketAddr, line_and_headers: &str, body: &str) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{line_and_headers}host: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Response {
        status: head[9..12].parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// A Socket.IO client by polling.
struct Poller {
    address: SocketAddr,
    path: String,
    /// Packets that were polled and not yet taken.
    packets: Vec<String>,
}

impl Poller {
    async fn connect(house: &House) -> Self {
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        let open = house.get(&path).await.body;
        let open: Value = serde_json::from_str(&open[1..]).unwrap();
        let path = format!("{path}&sid={}", open["sid"].as_str().unwrap());
        let (address, packets) = (house.address, Vec::new());
        let mut poller = Self {
            address,
            path,
            packets,
        };
        poller.post("40").await;
        poller.take("40{").await;
        poller
    }

    async fn post(&self, packets: &str) {
        let line = format!("POST {} HTTP/1.1\r\n", self.path);
        assert_eq!(request(self.address, &line, packets).await.status, 200);
    }

    /// The first packet that begins so, without its beginning.
    async fn take(&mut self, begin: &str) -> String {
        loop {
            if let Some(at) = self
                .packets
                .iter()
                .position(|packet| packet.starts_with(begin))
            {
                return self.packets.remove(at)[begin.len()..].to_owned();
            }
            let line = format!("GET {} HTTP/1.1\r\n", self.path);
            let polled = request(self.address, &line, "").await.body;
            self.packets
                .extend(polled.split('\u{1e}').map(str::to_owned));
        }
    }

    async fn ask(&mut self, id: u32, event: &str, payload: Value) -> Value {
        self.post(&format!("42{id}{}", json!([event, payload])))
            .await;
        self.acknowledged(id).await
    }

    async fn acknowledged(&mut self, id: u32) -> Value {
        let args: Value = serde_json::from_str(&self.take(&format!("43{id}")).await).unwrap();
        args[0].clone()
    }
}

#[tokio::test]
async fn two_clients_chat_by_polling() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    let mut bob = Poller::connect(&house).await;
    let entered = ada.ask(1, "chat:enter", json!({"name": "Ada"})).await;
    let peer = entered["ok"]["peer"].as_str().unwrap().to_owned();
    assert!(!ada.path.contains(&peer));
    assert!(bob.ask(1, "room:join", json!({"room": "chat/lobby"})).await["ok"]["epoch"].is_u64());
    let message = json!({"room": "chat/lobby", "text": "¡hola!", "id": "a1"});
    let receipt = ada.ask(2, "chat:send", message).await;
    assert_eq!(receipt["ok"]["seq"], 1);
    let heard: Value =
        serde_json::from_str(bob.take("42[\"chat:message\",").await.trim_end_matches(']')).unwrap();
    let expected = json!({
        "room": "chat/lobby", "seq": 1, "id": "a1", "from": {"peer": peer, "name": "Ada"},
        "text": "¡hola!", "at": receipt["ok"]["at"],
    });
    assert_eq!(heard, expected);
    house.close().await;
}

#[tokio::test]
async fn bad_input_is_refused_and_the_connection_lives_on() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    for (id, packet, code) in [
        (1, r#"421["chat:send",{oops"#, "bad-payload"),
        (2, r#"422["chat:send",7]"#, "bad-payload"),
        (3, r#"423["chat:send"]"#, "bad-payload"),
        (4, r#"424["chat:shout",{}]"#, "unknown-event"),
        (5, r#"425["chat:enter",{"name":" "}]"#, "bad-name"),
        (6, r##"426["room:join",{"room":"#"}]"##, "room-not-allowed"),
        (7, r#"427["room:join",{"room":"a+"}]"#, "bad-room"),
        (
            8,
            r#"428["chat:send",{"room":"chat/x","text":"","id":"1"}]"#,
            "bad-text",
        ),
        (
            9,
            r#"429["chat:send",{"room":"chat/x","text":"y","id":""}]"#,
            "bad-id",
        ),
    ] {
        ada.post(packet).await;
        let reply = ada.acknowledged(id).await;
        assert_eq!(reply["error"]["code"], code, "{reply}");
        assert!(reply["error"]["message"].is_string(), "{reply}");
    }
    ada.post("42oops\u{1e}42[\"chat:shout\"]\u{1e}42[\"chat:enter\",{\"name\":\"Ada\"}]")
        .await;
    let people = ada
        .ask(10, "presence:list", json!({"room": "chat/lobby"}))
        .await;
    assert_eq!(people, json!({"ok": {"people": []}}));
    house.close().await;
}

#[tokio::test]
async fn many_events_are_acknowledged_in_their_order() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    let events: Vec<_> = (0..1_000)
        .map(|id| format!(r#"42{id}["chat:send",{{"room":"chat/x","text":"{id}","id":"{id}"}}]"#))
        .collect();
    ada.post(&events.join("\u{1e}")).await;
    for id in 0..1_000 {
        let seq: Value =
            serde_json::from_str(&ada.take("43").await[id.to_string().len()..]).unwrap();
        assert_eq!(seq[0]["ok"]["seq"], id + 1);
    }
    house.close().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_for_a_while_gets_all_or_is_told_what_it_missed() {
    let house = House::open(Config::default()).await;
    let ada = Poller::connect(&house).await;
    let mut bob = Poller::connect(&house).await;
    bob.ask(1, "room:join", json!({"room": "chat/x"})).await;
    let sent = 10_000;
    for batch in 0..10 {
        let ids = batch * 1_000..(batch + 1) * 1_000;
        let event =
            |id| format!(r#"42["chat:send",{{"room":"chat/x","text":"{id}","id":"{id}"}}]"#);
        ada.post(&ids.map(event).collect::<Vec<_>>().join("\u{1e}"))
            .await;
    }
    let (mut got, mut last) = (0, 0);
    while last < sent {
        let args: Value = serde_json::from_str(&bob.take("42").await).unwrap();
        let payload = &args[1];
        let range = match args[0].as_str() {
            Some("chat:message") => [&payload["seq"], &payload["seq"]],
            Some("stream:missed") => [&payload["from"], &payload["to"]],
            _ => continue,
        };
        assert_eq!(range[0].as_u64(), Some(last + 1), "{args}");
        last = range[1].as_u64().unwrap();
        got += u64::from(args[0] == "chat:message");
    }
    assert!((8_192..sent).contains(&got), "{got}");
    let name = json!({"name": "Bob"});
    assert!(bob.ask(2, "chat:enter", name).await["ok"].is_object());
    house.close().await;
}

#[tokio::test]
async fn a_websocket_outlives_what_is_no_packet() {
    let house = House::open(Config::default()).await;
    let url = format!(
        "ws://{}/socket.io/?EIO=4&transport=websocket",
        house.address
    );
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for packet in [
        "40",
        "oops",
        "42oops",
        r#"421["chat:send",{oops"#,
        r#"422["chat:enter",{"name":"Ada"}]"#,
    ] {
        // The CONNECT reply comes before the rest is sent: what comes earlier has no namespace yet.
        socket.send(Message::text(packet)).await.unwrap();
        while packet == "40" && !heard(&mut socket).await.starts_with("40{") {}
    }
    let mut replies = Vec::new();
    while replies.len() < 2 {
        let packet = heard(&mut socket).await;
        replies.extend(packet.starts_with("43").then_some(packet));
    }
    assert!(
        replies[0].starts_with(r#"431[{"error":{"code":"bad-payload""#),
        "{replies:?}"
    );
    assert!(replies[1].starts_with(r#"432[{"ok""#), "{replies:?}");
    house.close().await;
}

async fn heard(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> String {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
    message.unwrap().unwrap().into_text().unwrap().to_string()
}

#[tokio::test]
async fn the_health_check_sees_the_bridge_and_the_connections() {
    let house = House::open(Config::default()).await;
    let _ada = Poller::connect(&house).await;
    let healthy = async {
        while house.get("/healthz").await.body != r#"{"status":"ok","bridge":"up","connections":1}"# {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, healthy).await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn without_a_built_page_the_server_says_how_to_build_it() {
    let page = "there/is/no/such/directory".into();
    let house = House::open(Config {
        page,
        ..Config::default()
    })
    .await;
    let root = house.get("/").await;
    assert_eq!(root.status, 503);
    assert!(root.body.contains("cargo xtask serve"), "{}", root.body);
    assert_eq!(house.get("/other").await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn the_page_comes_compressed_and_is_kept_as_long_as_its_name_allows() {
    let directory = std::env::temp_dir().join(format!("tertulia-page-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for (name, content) in [
        ("index.html", "<p>page"),
        ("app-0123456789abcdef.js", "plain"),
        ("app-0123456789abcdef.js.br", "brotli"),
        ("app-0123456789abcdef.js.gz", "gzip"),
    ] {
        std::fs::write(directory.join(name), content).unwrap();
    }
    let page = directory.clone();
    let house = House::open(Config {
        page,
        ..Config::default()
    })
    .await;
    let root = house.get("/").await;
    assert_eq!((root.status, root.body.as_str()), (200, "<p>page"));
    assert!(
        root.head.contains("cache-control: no-cache"),
        "{}",
        root.head
    );
    for (accept, content) in [
        ("br, gzip", "brotli"),
        ("gzip", "gzip"),
        ("identity", "plain"),
    ] {
        let line =
            format!("GET /app-0123456789abcdef.js HTTP/1.1\r\naccept-encoding: {accept}\r\n");
        let script = request(house.address, &line, "").await;
        assert_eq!(script.body, content);
        assert!(
            script.head.contains("max-age=31536000, immutable"),
            "{}",
            script.head
        );
        assert!(
            script.head.contains("x-content-type-options: nosniff"),
            "{}",
            script.head
        );
        assert!(
            script.head.contains("content-type: text/javascript"),
            "{}",
            script.head
        );
    }
    house.close().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn pages_of_other_origins_are_kept_out_and_local_ones_are_let_in() {
    let house = House::open(Config::default()).await;
    let ask = async |origin: &str| {
        let line =
            format!("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\norigin: {origin}\r\n");
        request(house.address, &line, "").await
    };
    assert_eq!(ask("https://evil.example").await.status, 403);
    let local = ask("http://localhost:8080").await;
    assert_eq!(local.status, 200);
    assert!(
        local
            .head
            .contains("access-control-allow-origin: http://localhost:8080"),
        "{}",
        local.head
    );
    house.close().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_403_and_polling_goes_on() {
    let refuse_upgrade = true;
    let house = House::open(Config {
        refuse_upgrade,
        ..Config::default()
    })
    .await;
    let line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nupgrade: websocket\r\n";
    assert_eq!(request(house.address, line, "").await.status, 403);
    let open = house.get("/socket.io/?EIO=4&transport=polling").await.body;
    assert!(open.contains(r#""upgrades":["websocket"]"#), "{open}");
    house.close().await;
}

#[tokio::test]
async fn a_stop_ends_a_waiting_poll() {
    let house = House::open(Config::default()).await;
    let mut ada = Poller::connect(&house).await;
    ada.take("42[\"bridge:status\"").await;
    let waiting = tokio::spawn(async move { ada.take("1").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    house.close().await;
    assert_eq!(
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap()
            .unwrap(),
        ""
    );
}
