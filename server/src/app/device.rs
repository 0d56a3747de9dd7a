//! Commands to devices: checked here, carried by the bridge, acknowledged when the broker has them.

use super::{Session, policy};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    open: Open,
}

/// The side that carries commands.
#[derive(Debug)]
pub struct Carrier {
    /// The commands in their order.
    pub queue: mpsc::Receiver<Command>,
    open: Open,
}

/// Whether commands are taken; held while one is given, so that none comes behind a close.
#[derive(Clone, Debug, Default)]
struct Open(Arc<Mutex<bool>>);

impl Open {
    fn hold(&self) -> MutexGuard<'_, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A queue of commands, closed until its carrier opens it.
pub fn commands() -> (Commands, Carrier) {
    let (sender, queue) = mpsc::channel(MAX_WAITING);
    let open = Open::default();
    let commands = Commands {
        queue: sender,
        open: open.clone(),
    };
    (commands, Carrier { queue, open })
}

impl Commands {
    /// Puts a command into the queue, where a close finds it.
    fn give(&self, command: Command) -> Result<(), Reject> {
        let open = self.open.hold();
        if !*open {
            return Err(bridge_down());
        }
        self.queue.try_send(command).map_err(|_| {
            Reject::new(
                Code::BridgeDown,
                format!("{MAX_WAITING} commands wait already, no more are taken"),
            )
        })
    }
}

impl Carrier {
    /// Takes commands from now on.
    pub fn open(&self) {
        *self.open.hold() = true;
    }

    /// Refuses commands from now on, those that wait too.
    pub fn close(&mut self) {
        let mut open = self.open.hold();
        *open = false;
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
    let (outcome, outcome_later) = oneshot::channel();
    let command = Command {
        topic: topic.clone(),
        payload,
        outcome,
    };
    session.app.commands.give(command)?;
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

#[cfg(test)]
mod tests {
    use super::{Command, bridge_down, commands};
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };
    use tertulia_shared::Topic;
    use tokio::sync::oneshot;

    /// Breaks when: a command that meets a close stays in the queue, unanswered, and goes out late.
    #[test]
    fn no_command_waits_behind_a_close() {
        let (commands, mut carrier) = commands();
        let stop = AtomicBool::new(false);
        let topic = Topic::new("devices/lamp/set/power").unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let command = Command {
                            topic: topic.clone(),
                            payload: "1".to_owned(),
                            outcome: oneshot::channel().0,
                        };
                        let _ = commands.give(command);
                    }
                });
            }
            let mut left = 0;
            for _ in 0..20_000 {
                carrier.open();
                carrier.close();
                left += carrier.queue.len();
            }
            stop.store(true, Ordering::Relaxed);
            assert_eq!(left, 0);
        });
    }

    #[test]
    fn a_close_refuses_what_waits() {
        let (commands, mut carrier) = commands();
        carrier.open();
        let (outcome, mut later) = oneshot::channel();
        let topic = Topic::new("devices/lamp/set/power").unwrap();
        let payload = "1".to_owned();
        let command = Command {
            topic,
            payload,
            outcome,
        };
        commands.give(command).unwrap();
        carrier.close();
        assert_eq!(later.try_recv().unwrap(), Err(bridge_down()));
    }
}
