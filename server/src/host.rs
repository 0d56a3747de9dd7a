//! This machine as a device: its load over real MQTT every second, and a switch that stops the reports.
//!
//! Several servers of one machine are the same device: each speaks for it, and while one runs it is online.
//!
//! Not here: how a machine is measured (`machine`).

mod machine;

use crate::{
    bridge::{
        Bridge,
        link::{Link, LinkError, options},
    },
    config::BrokerUrl,
};
use machine::{Machine, Measured};
use rumqttc::{LastWill, MqttOptions, Publish, PublishOptions, QoS};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Between two reports.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the last word may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// What the switch is called.
const REPORTING: &str = "reporting";
/// The longest host name in the device's name, in characters.
const MAX_NAME_CHARS: usize = 40;

const ONLINE: &str = "online";
const OFFLINE: &str = "offline";

/// This machine as a device `host-<name>`.
#[derive(Debug)]
pub struct Host {
    broker: BrokerUrl,
    device: String,
    client_id: String,
    machine: Machine,
    reporting: bool,
}

impl Host {
    /// The device, not yet connected; it reports from the start.
    pub fn new(broker: BrokerUrl) -> Self {
        let device = format!("host-{}", level(&machine::name()));
        Self {
            broker,
            // Of two clients with the same id the broker throws the first out.
            client_id: format!("{device}-{:08x}", rand::random::<u32>()),
            device,
            machine: Machine::default(),
            reporting: true,
        }
    }

    fn options(&self) -> MqttOptions {
        let mut options = options(self.client_id.clone(), &self.broker);
        options.set_last_will(LastWill::new(
            self.status_topic(),
            OFFLINE,
            QoS::AtLeastOnce,
            true,
            None,
        ));
        options
    }

    async fn report_until(
        &mut self,
        link: &mut Link,
        stop: &CancellationToken,
    ) -> Result<(), LinkError> {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                publish = link.next() => self.take(link, &publish?)?,
                _ = ticks.tick() => self.report(link)?,
            }
        }
    }

    fn report(&mut self, link: &Link) -> Result<(), LinkError> {
        let measured = self.machine.measure();
        if !self.reporting {
            return Ok(());
        }
        for Measured {
            metric,
            value,
            unit,
        } in measured
        {
            let topic = format!("sensors/{}/{metric}", self.device);
            let payload = match unit {
                Some(unit) => serde_json::json!({ "value": value, "unit": unit }),
                None => serde_json::json!({ "value": value }),
            };
            let _unconfirmed =
                link.publish(&topic, &payload.to_string(), PublishOptions::at_most_once())?;
        }
        Ok(())
    }

    fn take(&mut self, link: &Link, publish: &Publish) -> Result<(), LinkError> {
        if publish.topic != self.status_topic().as_bytes() {
            return self.obey(link, publish);
        }
        // Another server of this machine has ended: this one has not.
        if publish.payload.as_ref() == OFFLINE.as_bytes() {
            let _unconfirmed = link.publish(&self.status_topic(), ONLINE, retained())?;
        }
        Ok(())
    }

    /// Does what a command says, and says what is set now.
    fn obey(&mut self, link: &Link, command: &Publish) -> Result<(), LinkError> {
        match command.payload.as_ref() {
            b"on" | b"true" => self.reporting = true,
            b"off" | b"false" => self.reporting = false,
            _ => tracing::warn!(
                device = self.device,
                "{REPORTING} is `on` or `off`; nothing is changed"
            ),
        }
        self.echo(link)
    }

    fn echo(&self, link: &Link) -> Result<(), LinkError> {
        let topic = format!("devices/{}/state/{REPORTING}", self.device);
        let state = if self.reporting { "on" } else { "off" };
        let _unconfirmed = link.publish(&topic, state, retained())?;
        Ok(())
    }

    fn status_topic(&self) -> String {
        format!("devices/{}/status", self.device)
    }
}

impl Bridge for Host {
    type Error = LinkError;

    fn peer(&self) -> String {
        format!("{} as {}", self.broker, self.device)
    }

    async fn carry(
        &mut self,
        stop: &CancellationToken,
        mut up: impl FnMut() + Send,
    ) -> Result<(), LinkError> {
        let mut link = Link::dial(self.options()).await?;
        let commands = format!("devices/{}/set/{REPORTING}", self.device);
        let status = self.status_topic();
        link.subscribe(&[&commands, &status], |_| {}).await?;
        let _unconfirmed = link.publish(&status, ONLINE, retained())?;
        self.echo(&link)?;
        up();
        self.report_until(&mut link, stop).await?;
        // A polite end publishes no last will: say it.
        let said = link.publish(&status, OFFLINE, retained())?;
        let _ = tokio::time::timeout(FAREWELL, said).await;
        link.hang_up().await;
        Ok(())
    }
}

fn retained() -> PublishOptions {
    PublishOptions::at_least_once().retained()
}

/// A host name as one level of a topic.
fn level(name: &str) -> String {
    let allowed = |character: char| {
        if character.is_alphanumeric() || matches!(character, '-' | '_' | '.') {
            character
        } else {
            '-'
        }
    };
    let level: String = name.chars().take(MAX_NAME_CHARS).map(allowed).collect();
    if level.is_empty() {
        "unknown".to_owned()
    } else {
        level
    }
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn a_host_name_becomes_one_level() {
        assert_eq!(level("kitchen-pi.local"), "kitchen-pi.local");
        assert_eq!(level("a/b+c#d e"), "a-b-c-d-e");
        assert_eq!(level(""), "unknown");
        assert_eq!(level(&"x".repeat(99)).len(), 40);
    }
}
