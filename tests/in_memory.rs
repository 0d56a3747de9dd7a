//! The client machine against the real server, in memory and on a virtual clock.

use crate::world::{
    client::{enter, join, next, say, until_connected, until_transport},
    memory::Network,
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tertulia_client::connection::{Connection, Link, Options, Transport};
use tertulia_shared::chat::ChatMessage;
use tokio_tungstenite::{client_async, tungstenite::Message};

const LOBBY: &str = "chat/lobby";

fn only(transport: Transport) -> Options {
    Options {
        transports: vec![transport],
        ..Options::default()
    }
}

async fn chats(connection: &Connection, ids: &str) {
    let mut messages = connection.listen::<ChatMessage>();
    enter(connection, "Ada").await;
    join(connection, LOBBY).await;
    for n in 0..20 {
        say(
            connection,
            LOBBY,
            &format!("text {n}"),
            &format!("{ids} {n}"),
        )
        .await;
    }
    for n in 0..20 {
        assert_eq!(next(&mut messages).await.text, format!("text {n}"));
    }
}

#[tokio::test(start_paused = true)]
async fn chats_on_every_transport() {
    let network = Network::with_server().await;
    for (number, (options, ends_on)) in [
        (only(Transport::Polling), Transport::Polling),
        (only(Transport::WebSocket), Transport::WebSocket),
        (Options::default(), Transport::WebSocket),
    ]
    .into_iter()
    .enumerate()
    {
        let connection = network.connect(options);
        chats(&connection, &format!("{ends_on} of {number}")).await;
        until_transport(&connection, ends_on).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_heartbeats_with_the_real_server() {
    let network = Network::with_server().await;
    let started = Instant::now();
    for transport in [Transport::Polling, Transport::WebSocket] {
        let connection = network.connect(only(transport));
        until_connected(&connection).await;
        let mut statuses = connection.watch();
        assert_eq!(statuses.next().await.unwrap().link, Link::Connected);
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let change = statuses.next().now_or_never();
        assert_eq!(change, None, "the connection was not left alone");
        say(&connection, LOBBY, "still here", "1").await;
    }
    println!("two hours of heartbeats: {:?}", started.elapsed());
}

/// Breaks when: the patience of the way out is not counted, or counts while nothing waits.
#[tokio::test(start_paused = true)]
async fn who_takes_nothing_for_half_a_minute_is_cut_and_who_needs_nothing_is_not() {
    let network = Network::with_server().await;
    let url = "ws://memory/socket.io/?EIO=4&transport=websocket";
    let (mut deaf, _) = client_async(url, network.pipe()).await.unwrap();
    let joins = r#"420["room:join",{"room":"chat/lobby"}]"#;
    for (says, then) in [("0{", "40"), ("40", joins), ("430", "3")] {
        let mut said = String::new();
        while !said.starts_with(says) {
            let message = deaf.next().await.unwrap().unwrap();
            said = message.into_text().unwrap().as_str().to_owned();
        }
        deaf.send(Message::text(then)).await.unwrap();
    }
    let ada = network.connect(only(Transport::WebSocket));
    let began = tokio::time::Instant::now();
    for n in 0..400 {
        say(&ada, LOBBY, &"x".repeat(1_000), &n.to_string()).await;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    deaf.send(Message::text(
        "421[\"presence:list\",{\"room\":\"chat/lobby\"}]",
    ))
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut heard = 0;
    while let Some(Ok(message)) = deaf.next().await {
        assert!(!message.into_text().unwrap().starts_with("41"));
        heard += 1;
    }
    assert!((20..400).contains(&heard), "{heard}");
    assert!(began.elapsed() < Duration::from_secs(32));
    say(&ada, LOBBY, "still here", "last").await;
}
