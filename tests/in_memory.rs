//! The client machine against the real server, in memory and on a virtual clock.

use crate::world::{
    client::{enter, join, next, say, until_connected, until_transport},
    memory::Network,
};
use futures_util::{FutureExt, StreamExt};
use std::time::{Duration, Instant};
use tertulia_client::connection::{Connection, Link, Options, Transport};
use tertulia_shared::chat::ChatMessage;

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
