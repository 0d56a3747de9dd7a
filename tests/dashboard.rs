//! The dashboard in a real browser: devices that appear, values that live, a switch that does something.

mod many;
mod time;

use crate::world::{
    browser::{Browser, DESK, test_id},
    mosquitto::{Broker, publish, subscribe},
    server::Server,
    soon,
};
use serde_json::json;
use std::time::{Duration, Instant};

fn tile(device: &str, metric: &str) -> String {
    format!(
        "[data-testid=device][data-device=\"{device}\"] [data-testid=tile][data-metric=\"{metric}\"]"
    )
}

/// A page whose bridge is up.
async fn open(server: &Server) -> Browser {
    let page = Browser::open(&server.origin(), DESK).await;
    page.find(&format!("{}[data-state=up]", test_id("status-bridge")))
        .await;
    page
}

/// How soon a new device is to be seen.
const SOON: Duration = Duration::from_secs(1);
/// How long a machine may be too busy for that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Breaks when: nothing is shown before a reload, or only with the next look at something each few seconds.
#[tokio::test]
async fn a_new_device_appears_by_itself_within_a_second() {
    let server = Server::start().await;
    let page = open(&server).await;
    let began = Instant::now();
    for number in 0.. {
        let device = format!("device-{number}");
        let topic = format!("sensors/{device}/temperature");
        let published = Instant::now();
        publish(server.mqtt_port(), &topic, "21.5", &[]).await;
        page.shows(&tile(&device, "temperature"), "21.5").await;
        let took = published.elapsed();
        println!("mosquitto_pub to tile: {took:?}");
        if took < SOON {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{took:?}");
    }
}

#[tokio::test]
async fn what_a_device_measures_has_its_tiles_and_units() {
    let server = Server::start().await;
    let page = open(&server).await;
    publish(
        server.mqtt_port(),
        "sensors/kitchen",
        r#"{"temperature":22,"humidity":40}"#,
        &[],
    )
    .await;
    page.shows(&tile("kitchen", "temperature"), "22").await;
    page.shows(&tile("kitchen", "humidity"), "40").await;
    publish(
        server.mqtt_port(),
        "sensors/kitchen/co2",
        r#"{"value":612,"unit":"ppm"}"#,
        &[],
    )
    .await;
    page.shows(&tile("kitchen", "co2"), "ppm").await;
}

#[tokio::test]
async fn a_late_page_shows_the_last_values() {
    let server = Server::start().await;
    let early = open(&server).await;
    publish(server.mqtt_port(), "sensors/kitchen/temperature", "19", &[]).await;
    early.shows(&tile("kitchen", "temperature"), "19").await;
    let late = open(&server).await;
    late.shows(&tile("kitchen", "temperature"), "19").await;
}

#[tokio::test]
async fn a_payload_that_does_not_decode_is_shown_in_the_devices_tile() {
    let server = Server::start().await;
    let page = open(&server).await;
    publish(
        server.mqtt_port(),
        "sensors/kitchen/temperature",
        "{broken",
        &[],
    )
    .await;
    page.find("[data-device=kitchen] [data-testid=fault][data-count=\"1\"]")
        .await;
    publish(server.mqtt_port(), "sensors/kitchen/temperature", "20", &[]).await;
    page.shows(&tile("kitchen", "temperature"), "20").await;
}

#[tokio::test]
async fn the_machine_is_alive_at_first_start_and_its_switch_works() {
    let server = Server::with(&[]).await;
    let page = open(&server).await;
    page.shows("[data-testid=tile][data-metric=cpu]", "%").await;
    let switch = "[data-testid=switch][data-target=reporting]";
    page.find(&format!("{switch}[aria-checked=true]")).await;
    let mut commands = subscribe(server.mqtt_port(), "devices/+/set/reporting").await;
    page.find(switch).await.click().await.unwrap();
    let command = commands.line_with("/set/reporting ").await;
    assert!(command.ends_with(" off"), "{command}");
    page.find(&format!("{switch}[aria-checked=false]")).await;
    page.find(switch).await.click().await.unwrap();
    page.find(&format!("{switch}[aria-checked=true]")).await;
}

/// Breaks when: a state is no switch in the words of its device, or the command is in other words.
#[tokio::test]
async fn a_switch_speaks_the_words_of_its_device() {
    let server = Server::start().await;
    let page = open(&server).await;
    let port = server.mqtt_port();
    let mut commands = subscribe(port, "devices/lamp/set/+").await;
    for (target, off, on) in [("relay", "0", "1"), ("power", "OFF", "ON")] {
        let switch = format!("[data-testid=switch][data-target={target}]");
        let state = format!("devices/lamp/state/{target}");
        publish(port, &state, off, &[]).await;
        page.find(&format!("{switch}[aria-checked=false]")).await;
        page.find(&switch).await.click().await.unwrap();
        let command = format!("devices/lamp/set/{target}");
        let line = commands.line_with(&format!("{command} ")).await;
        assert_eq!(line, format!("{command} {on}"));
        publish(port, &state, on, &[]).await;
        page.find(&format!("{switch}[aria-checked=true]")).await;
    }
}

#[tokio::test]
async fn a_chart_draws_what_comes() {
    let server = Server::start().await;
    let page = open(&server).await;
    for value in ["20", "25", "22"] {
        publish(
            server.mqtt_port(),
            "sensors/kitchen/temperature",
            value,
            &[],
        )
        .await;
        page.shows(&tile("kitchen", "temperature"), value).await;
    }
    let canvas = page.find("[data-device=kitchen] [data-testid=chart]").await;
    assert_eq!(canvas.tag_name().await.unwrap(), "canvas");
    let colours =
        "const canvas = document.querySelector('[data-device=kitchen] [data-testid=chart]');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size";
    let colours = page.run(colours, vec![]).await;
    assert!(
        colours.as_u64().unwrap() > 5,
        "an empty chart: {colours} colours"
    );
}

/// Breaks when: a number that is charted makes a loop in the page that does not end, now or for whoever comes later.
#[tokio::test]
async fn extreme_numbers_leave_every_page_alive() {
    let server = Server::start().await;
    let page = open(&server).await;
    let numbers = ["1e39", "3.5e38", "-4e38", "1.7e308", "5e-324"];
    for (index, number) in numbers.iter().enumerate() {
        let device = format!("device-{index}");
        let topics = [&*device, "all"].map(|device| format!("sensors/{device}/n"));
        for topic in topics {
            publish(server.mqtt_port(), &topic, number, &[]).await;
            publish(server.mqtt_port(), &topic, number, &[]).await;
        }
        alive(&page, &device).await;
    }
    let later = open(&server).await;
    for page in [&page, &later] {
        alive(page, "all").await;
        alive(page, "device-4").await;
    }
    publish(server.mqtt_port(), "sensors/all/n", "7.25", &[]).await;
    page.shows(&tile("all", "n"), "7.25").await;
    later.shows(&tile("all", "n"), "7.25").await;
}

/// Brings the card of a device into sight, and waits until its chart was drawn and the page does something else.
async fn alive(page: &Browser, device: &str) {
    let card = format!("[data-device=\"{device}\"] [data-testid=chart]");
    let drawn = async {
        page.find(&card).await;
        let script = "document.querySelector(arguments[0]).scrollIntoView();
            return new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(2), 600)))";
        page.run(script, vec![json!(card)]).await
    };
    assert_eq!(soon("the page", drawn).await, json!(2));
}

#[tokio::test]
async fn the_bridge_light_turns_and_turns_back() {
    let broker = Broker::start().await;
    let server = Server::with(&["--no-host-metrics", "--mqtt-url", &broker.url()]).await;
    let page = open(&server).await;
    let gone = broker.kill().await;
    page.find(&format!("{}[data-state=down]", test_id("status-bridge")))
        .await;
    let broker = gone.restart().await;
    page.find(&format!("{}[data-state=up]", test_id("status-bridge")))
        .await;
    publish(&broker.port, "sensors/kitchen/temperature", "18", &[]).await;
    page.shows(&tile("kitchen", "temperature"), "18").await;
}

#[tokio::test]
async fn a_flood_keeps_the_page_alive() {
    let server = Server::start().await;
    let page = open(&server).await;
    let lines: String = (0..5_000).map(|n| format!("{n}\n")).collect();
    let mut flood = tokio::process::Command::new("mosquitto_pub");
    flood.args([
        "-h",
        "127.0.0.1",
        "-p",
        server.mqtt_port(),
        "-t",
        "sensors/flood/n",
        "-l",
    ]);
    flood.stdin(std::process::Stdio::piped());
    let mut flood = flood.spawn().unwrap();
    let mut input = flood.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, lines.as_bytes())
        .await
        .unwrap();
    drop(input);
    assert!(flood.wait().await.unwrap().success());
    page.shows(&tile("flood", "n"), "4,999").await;
    assert_eq!(page.run("return 1 + 1", vec![]).await, json!(2));
}
