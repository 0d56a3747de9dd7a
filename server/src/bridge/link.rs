//! One MQTT connection from CONNECT to its end: no attempt after that, `supervise` makes them.

use crate::config::BrokerUrl;
use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, MqttOptions, Packet, PubAckReason,
    Publish, PublishNotice, PublishNoticeError, PublishOptions, PublishResult,
    SubscribeFilterInput, SubscribeNoticeError, SubscribeReasonCode,
};
use std::{pin::Pin, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle};

/// Between two signs of life to the broker, in seconds.
const KEEP_ALIVE_SECONDS: u16 = 15;
/// The largest packet that is sent or taken, in bytes.
pub const MAX_PACKET_BYTES: u32 = 1_000_000;
/// What waits on either side of the connection's task, in packets.
const QUEUE_PACKETS: usize = 1_024;
/// What is sent and not yet confirmed, in packets. The client scans as many places at each flush: its default of 65,535
/// costs 1 ms a message.
const IN_FLIGHT_PACKETS: u16 = 128;
/// How long a polite end may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why a link is no more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The connection did not come up or broke.
    #[error(transparent)]
    Connection(Box<ConnectionError>),
    /// The broker did not confirm a subscription.
    #[error("subscription is not confirmed: {0}")]
    NotSubscribed(#[from] SubscribeNoticeError),
    /// The broker refused a subscription.
    #[error("subscription to `{filter}` is refused: {reason:?}")]
    SubscriptionRefused {
        /// The filter.
        filter: String,
        /// The broker's reason.
        reason: SubscribeReasonCode,
    },
    /// More waits to be sent than fits.
    #[error("cannot send: {0}")]
    Send(Box<ClientError>),
    /// The connection's task ended.
    #[error("the connection ended")]
    Ended,
}

impl From<ClientError> for LinkError {
    fn from(error: ClientError) -> Self {
        Self::Send(Box::new(error))
    }
}

/// The options that all our clients share.
pub fn options(client_id: impl Into<String>, broker: &BrokerUrl) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, (broker.host.clone(), broker.port));
    options.set_keep_alive(KEEP_ALIVE_SECONDS);
    options.set_max_packet_size(Some(MAX_PACKET_BYTES));
    options.set_request_channel_capacity(QUEUE_PACKETS);
    options.set_outgoing_inflight_upper_limit(IN_FLIGHT_PACKETS);
    if let Some((user, password)) = &broker.login {
        options.set_credentials(user.clone(), password.clone());
    }
    options
}

/// A connection that is coming up or up.
#[derive(Debug)]
pub struct Link {
    client: AsyncClient,
    incoming: mpsc::Receiver<Result<Incoming, LinkError>>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Incoming {
    Connected,
    Publish(Box<Publish>),
}

/// A publish that the broker is yet to confirm.
pub type Confirmation = Pin<Box<dyn Future<Output = Result<(), Unconfirmed>> + Send>>;

/// Why a publish is not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum Unconfirmed {
    /// The broker refused it.
    #[error("the broker refused it: {0:?}")]
    Refused(PubAckReason),
    /// The link broke before: the broker may have it or not.
    #[error("the link broke before the broker confirmed it: {0}")]
    Lost(PublishNoticeError),
}

impl Link {
    /// Dials, and waits until the broker has accepted.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses.
    pub async fn dial(options: MqttOptions) -> Result<Self, LinkError> {
        let (client, events) = AsyncClient::builder(options).build();
        let (sender, incoming) = mpsc::channel(QUEUE_PACKETS);
        let task = tokio::spawn(run(events, sender));
        let mut link = Self {
            client,
            incoming,
            task,
        };
        while !matches!(link.receive().await?, Incoming::Connected) {}
        Ok(link)
    }

    /// The next publish from the broker. A cancelled wait loses nothing.
    ///
    /// # Errors
    /// When the link broke.
    pub async fn next(&mut self) -> Result<Publish, LinkError> {
        loop {
            if let Incoming::Publish(publish) = self.receive().await? {
                return Ok(*publish);
            }
        }
    }

    /// A publish that has come already.
    pub fn waiting(&mut self) -> Option<Publish> {
        loop {
            match self.incoming.try_recv() {
                Ok(Ok(Incoming::Publish(publish))) => return Some(*publish),
                Ok(Ok(Incoming::Connected)) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// Why the link broke, for who knows already that it did.
    pub async fn broken(&mut self) -> LinkError {
        loop {
            if let Err(error) = self.receive().await {
                return error;
            }
        }
    }

    /// Subscribes; `received` gets what comes before the broker confirms.
    ///
    /// # Errors
    /// When the broker refuses a filter or the link breaks.
    pub async fn subscribe(
        &mut self,
        filters: &[&str],
        received: impl Fn(Publish),
    ) -> Result<(), LinkError> {
        let inputs = filters.iter().map(|filter| {
            SubscribeFilterInput::new(*filter, rumqttc::QoS::AtLeastOnce).no_local(true)
        });
        let notice = self.client.try_subscribe_many_tracked(inputs)?;
        let mut confirmed = Box::pin(notice.wait_async());
        let reasons = loop {
            tokio::select! {
                confirmed = &mut confirmed => break confirmed?.return_codes,
                publish = self.next() => received(publish?),
            }
        };
        let refused = filters
            .iter()
            .zip(reasons)
            .find(|(_, reason)| !matches!(reason, SubscribeReasonCode::Success(_)));
        match refused {
            Some((filter, reason)) => Err(LinkError::SubscriptionRefused {
                filter: (*filter).to_owned(),
                reason,
            }),
            None => Ok(()),
        }
    }

    /// Publishes, without waiting; the confirmation says what became of it.
    ///
    /// # Errors
    /// When more waits to be sent than fits.
    pub fn publish(
        &self,
        topic: &str,
        payload: &str,
        options: PublishOptions,
    ) -> Result<Confirmation, LinkError> {
        let payload = payload.as_bytes().to_vec();
        let notice = self.client.try_publish_tracked(topic, payload, options)?;
        Ok(Box::pin(confirmation(notice)))
    }

    /// Ends the connection politely: the broker does not publish the last will.
    pub async fn hang_up(mut self) {
        if self.client.try_disconnect().is_ok() {
            // Where the broker does not answer in time the connection is dropped.
            let _ = tokio::time::timeout(FAREWELL, &mut self.task).await;
        }
    }

    async fn receive(&mut self) -> Result<Incoming, LinkError> {
        self.incoming.recv().await.unwrap_or(Err(LinkError::Ended))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn confirmation(notice: PublishNotice) -> Result<(), Unconfirmed> {
    match notice.wait_async().await.map_err(Unconfirmed::Lost)? {
        PublishResult::Qos1(ack) if !is_success(ack.reason) => {
            Err(Unconfirmed::Refused(ack.reason))
        }
        _ => Ok(()),
    }
}

fn is_success(reason: PubAckReason) -> bool {
    matches!(
        reason,
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers
    )
}

/// Runs the connection in a task of its own: a cancelled poll could cut a packet.
async fn run(mut events: EventLoop, incoming: mpsc::Sender<Result<Incoming, LinkError>>) {
    loop {
        let next = match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Ok(Incoming::Connected),
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                Ok(Incoming::Publish(Box::new(publish)))
            }
            Ok(_) => continue,
            Err(error) => Err(LinkError::Connection(Box::new(error))),
        };
        let ended = next.is_err();
        if incoming.send(next).await.is_err() || ended {
            return;
        }
    }
}
