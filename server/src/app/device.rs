//! Commands to devices: checked here, carried by the bridge, acknowledged when the broker has them.

use super::{Session, policy};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tertulia_shared::{
    Code, Reject, Topic,
    device::{Commanded, DeviceCommand},
    room::DEVICES,
    sensor::Value,
};
use tokio::sync::{mpsc, oneshot};

/// The commands that wait for the bridge; one more is refused.
pub const MAX_WAITING: usize = 256;

/// A command on its way to the broker.
#[derive(Debug)]
pub struct Command {
    /// The topic to publish to.
    pub topic: Topic,
    /// The value as bare text.
    pub payload: String,
    /// Where to say whether the broker took it.
    pub outcome: oneshot::Sender<Result<(), Reject>>,
}

/// The side that gives commands.
#[derive(Clone, Debug)]
pub struct Commands {
    queue: mpsc::Sender<Command>,
    open: Arc<AtomicBool>,
}

/// The side that carries commands.
#[derive(Debug)]
pub struct Carrier {
    /// The commands in their order.
    pub queue: mpsc::Receiver<Command>,
    open: Arc<AtomicBool>,
}

/// A queue of commands, closed until its carrier opens it.
pub fn commands() -> (Commands, Carrier) {
    let (sender, queue) = mpsc::channel(MAX_WAITING);
    let open = Arc::new(AtomicBool::new(false));
    let commands = Commands {
        queue: sender,
        open: Arc::clone(&open),
    };
    (commands, Carrier { queue, open })
}

impl Carrier {
    /// Takes commands from now on.
    pub fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    /// Refuses commands from now on, those that wait too.
    pub fn close(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        while let Ok(command) = self.queue.try_recv() {
            // Whoever asked may have gone.
            let _ = command.outcome.send(Err(bridge_down()));
        }
    }
}

/// The refusal of a command while the broker cannot be reached.
pub fn bridge_down() -> Reject {
    Reject::new(
        Code::BridgeDown,
        "the broker cannot be reached now; the server keeps trying",
    )
}

/// Gives a command to the bridge, in the order of calls. What comes back says later whether the broker took it.
///
/// # Errors
/// When the device, the target or the value is not allowed, this one may not command it, or the bridge is down or too busy.
pub fn command(session: &Session, request: DeviceCommand) -> Result<Pending, Reject> {
    policy::level("device", &request.device)?;
    policy::level("target", &request.target)?;
    let payload = payload(&request.value)?;
    let text = format!("{DEVICES}/{}/set/{}", request.device, request.target);
    let topic =
        Topic::new(text).map_err(|error| Reject::new(Code::BadDevice, error.to_string()))?;
    session.may_publish(&topic)?;
    let commands = &session.app.commands;
    if !commands.open.load(Ordering::SeqCst) {
        return Err(bridge_down());
    }
    let (outcome, outcome_later) = oneshot::channel();
    let command = Command {
        topic: topic.clone(),
        payload,
        outcome,
    };
    commands.queue.try_send(command).map_err(|_| {
        Reject::new(
            Code::BridgeDown,
            format!("{MAX_WAITING} commands wait already, no more are taken"),
        )
    })?;
    Ok(Pending {
        topic,
        outcome: outcome_later,
    })
}

/// A command that was given to the bridge.
#[derive(Debug)]
pub struct Pending {
    topic: Topic,
    outcome: oneshot::Receiver<Result<(), Reject>>,
}

impl Pending {
    /// Waits until the broker took or refused the command; the carrier bounds the time.
    ///
    /// # Errors
    /// When the broker refused it or the link went down.
    pub async fn done(self) -> Result<Commanded, Reject> {
        self.outcome.await.unwrap_or_else(|_| Err(bridge_down()))?;
        Ok(Commanded { topic: self.topic })
    }
}

fn payload(value: &Value) -> Result<String, Reject> {
    let text = value.to_string();
    if text.len() <= policy::MAX_VALUE_BYTES {
        return Ok(text);
    }
    Err(Reject::new(
        Code::BadPayload,
        format!(
            "value `{}` has {} bytes, at most {} are allowed",
            policy::shown(&text),
            text.len(),
            policy::MAX_VALUE_BYTES
        ),
    ))
}
