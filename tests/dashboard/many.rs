//! Many devices, and numbers of every size: each device is found, each number is whole.

use super::{open, tile};
use crate::world::{
    browser::{Browser, DESK, Setup, test_id},
    mosquitto::{publish, publish_lines},
    server::Server,
    soon,
};
use serde_json::json;

/// So many devices; two of them are offline.
const DEVICES: usize = 60;
const OFFLINE: [usize; 2] = [33, 57];

fn name(number: usize) -> String {
    format!("sensor-{number:02}")
}

async fn many(server: &Server) {
    let port = server.mqtt_port();
    for number in 0..DEVICES {
        let topic = format!("sensors/{}/temperature", name(number));
        publish_lines(port, &topic, &["20".to_owned(), "21.5".to_owned()]).await;
        let status = ["online", "offline"][usize::from(OFFLINE.contains(&number))];
        let topic = format!("devices/{}/status", name(number));
        publish(port, &topic, status, &[]).await;
    }
}

/// The names of the cards, in order.
async fn cards(page: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('[data-testid=device]')].map((one) => one.dataset.device)";
    serde_json::from_value(page.run(script, vec![]).await).unwrap()
}

/// Breaks when: a device beyond some number cannot be reached, a count leaves any out, or problems hide among the rest.
#[tokio::test]
async fn every_one_of_many_devices_is_reached() {
    let server = Server::with(&["--no-host-metrics"]).await;
    let page = open(&server).await;
    many(&server).await;
    let problems = OFFLINE.map(name);
    for page in [&page, &open(&server).await] {
        page.shows(&test_id("devices-all"), "All: 60").await;
        page.shows(&test_id("devices-problems"), "Problems: 2")
            .await;
        page.shows(&test_id("devices-offline"), "Offline: 2").await;
        page.shows(&test_id("status-devices"), "58").await;
        page.shows(&test_id("status-devices"), "60").await;
        assert_eq!(
            cards(page).await[..3],
            [&*problems[0], &*problems[1], &*name(0)]
        );
        page.press("devices-offline").await;
        page.hides("[data-testid=device]", &name(0)).await;
        assert_eq!(cards(page).await, problems);
        page.press("devices-all").await;
        page.fill("device-search", "59 SENSOR").await;
        page.hides("[data-testid=device]", &name(0)).await;
        assert_eq!(cards(page).await, [name(59)]);
        page.fill("device-search", "nowhere").await;
        page.shows(&test_id("note"), "No device matches").await;
        page.fill("device-search", "sensor").await;
        page.shows(&test_id("more-devices"), "of 60").await;
        page.press("more-devices").await;
        page.shows(&test_id("more-devices"), "(48 of 60)").await;
        page.press("more-devices").await;
        page.hides(&test_id("more-devices"), "Show").await;
        let mut all = cards(page).await;
        all.sort();
        assert_eq!(all, (0..DEVICES).map(name).collect::<Vec<_>>());
    }
    // One that comes back is no problem any more, and one that goes is the first.
    for (number, status) in [(33, "online"), (20, "offline"), (57, "online")] {
        let topic = format!("devices/{}/status", name(number));
        publish(server.mqtt_port(), &topic, status, &[]).await;
    }
    page.shows(&test_id("devices-problems"), "Problems: 1")
        .await;
    page.shows("[data-testid=device]:first-child", &name(20))
        .await;
}

/// Notes what the page writes on canvases, and where it ends at both sides.
const WRITTEN: &str = "
    window.written = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        const { width } = this.measureText(text);
        const left = x - { left: 0, center: width / 2, right: width }[this.textAlign];
        const { a, d } = this.getTransform();
        const ends = [left, this.canvas.width / a - left - width, y - 8, this.canvas.height / d - y];
        written.push([this.canvas.closest('[data-device]').dataset.device, text, Math.min(...ends)]);
        return write.apply(this, arguments);
    };";

/// Breaks when: a number is cut off, is shown as 0 or `-0` without being 0, or a label of a chart is outside of it.
#[tokio::test]
async fn numbers_of_every_size_are_whole() {
    let server = Server::with(&["--no-host-metrics"]).await;
    let size = (390, 844);
    let page = Browser::open(&server.origin(), Setup { size, ..DESK }).await;
    page.on_each_page(WRITTEN).await;
    page.go(&server.origin()).await;
    page.press("tab-dashboard").await;
    let numbers = [
        ("huge", "1e300", "1E300"),
        ("long", "12345678901234567890", "12345678901234567890"),
        ("small", "1.23e-7", "1.23E-7"),
        ("minus", "-0", "0"),
        ("tiny", "-0.00000001", "-1E-8"),
        ("usual", "-21.5", "-21.5"),
        ("large", "987654321.5", "987,654,322"),
    ];
    for (device, sent, _) in numbers {
        let topic = format!("sensors/{device}/n");
        let lines = [sent.to_owned(), sent.to_owned()];
        publish_lines(server.mqtt_port(), &topic, &lines).await;
    }
    for (device, _, shown) in numbers {
        let value = format!("{} .value", tile(device, "n"));
        page.shows(&value, shown).await;
        let looks = "const one = document.querySelector(arguments[0]);
            one.scrollIntoView();
            return [one.innerText, one.scrollWidth > one.clientWidth]";
        let looks = page.run(looks, vec![json!(value)]).await;
        assert_eq!(looks, json!([shown, false]), "{device}");
        if device != "long" {
            labels_are_whole(&page, device).await;
        }
    }
}

/// Waits until the chart of a device was drawn, and looks at each text in it.
async fn labels_are_whole(page: &Browser, device: &str) {
    let labels = "return written.filter(([of, text]) => of === arguments[0] && text)";
    let drawn = async {
        loop {
            let labels = page.run(labels, vec![json!(device)]).await;
            let labels: Vec<(String, String, f64)> = serde_json::from_value(labels).unwrap();
            if !labels.is_empty() {
                break labels;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    for (_, label, room) in soon("a chart", drawn).await {
        assert!(room >= 0.0, "{device}: {label} is cut: {room}");
        assert!(label != "-0" && !label.contains('…'), "{device}: {label}");
    }
}
