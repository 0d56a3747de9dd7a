//! A command on its way: asked for, accepted by the broker, done by the device.
//!
//! Not here: sending it.

use super::failure::Failure;
use tertulia_shared::{sensor::Value, wire::number::number};

/// How long a device may take to say that it did a command that the broker accepted, in milliseconds.
pub const ECHO_WITHIN_MS: f64 = 5_000.0;
/// How long the good end of a command is told, in milliseconds.
pub const DONE_SHOWN_MS: f64 = 3_000.0;
/// How long a bad end is told, in milliseconds.
pub const FAILURE_SHOWN_MS: f64 = 20_000.0;

/// How far a command is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Sent, not yet answered.
    Sending,
    /// The broker has it.
    Accepted,
    /// The device said that it did it.
    Done,
    /// The device did not say so in time.
    TimedOut,
    /// It was not accepted.
    Failed(Failure),
}

impl Progress {
    /// The progress in one word, as it stands in `data-progress`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::TimedOut => "timeout",
            Self::Failed(_) => "failed",
        }
    }
}

/// The last command for one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The value asked for.
    pub value: Value,
    /// How far it is.
    pub progress: Progress,
    /// When it came so far, by the browser's clock.
    since: f64,
}

impl Command {
    /// A command that is sent at `now`.
    pub fn new(value: Value, now: f64) -> Self {
        Self {
            value,
            progress: Progress::Sending,
            since: now,
        }
    }

    /// The server answered.
    pub fn answered(&mut self, answer: Result<(), Failure>, now: f64) {
        if self.progress == Progress::Sending {
            self.go(
                answer.map_or_else(Progress::Failed, |()| Progress::Accepted),
                now,
            );
        }
    }

    /// The device said that its target is set to `value`.
    pub fn echoed(&mut self, value: &Value, now: f64) {
        let open = matches!(
            self.progress,
            Progress::Sending | Progress::Accepted | Progress::TimedOut
        );
        if open && same(value, &self.value) {
            self.go(Progress::Done, now);
        }
    }

    /// Lets time pass. Gives whether the command is still worth showing.
    pub fn tick(&mut self, now: f64) -> bool {
        let waited = now - self.since;
        if self.progress == Progress::Accepted && waited >= ECHO_WITHIN_MS {
            self.go(Progress::TimedOut, now);
        }
        match self.progress {
            Progress::Sending | Progress::Accepted => true,
            Progress::Done => waited < DONE_SHOWN_MS,
            Progress::TimedOut | Progress::Failed(_) => now - self.since < FAILURE_SHOWN_MS,
        }
    }

    /// Whether the answer of the server or the device is still to come.
    pub fn is_open(&self) -> bool {
        matches!(self.progress, Progress::Sending | Progress::Accepted)
    }

    fn go(&mut self, progress: Progress, now: f64) {
        self.progress = progress;
        self.since = now;
    }
}

/// Commands travel as bare text: `true` the flag and `true` the text are one value, and so are `40` and `40.0`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(it), Value::Text(text)) | (Value::Text(text), Value::Number(it)) => {
            number(text) == Some(*it)
        }
        (Value::Flag(flag), Value::Text(text)) | (Value::Text(text), Value::Flag(flag)) => {
            text == if *flag { "true" } else { "false" }
        }
        _ => left == right,
    }
}

/// The words that devices have for off and on; as numbers they are 0 and 1.
const WORDS: [(&str, &str); 2] = [("off", "on"), ("false", "true")];

/// A value that a switch can show: whether it is on.
pub fn is_on(value: &Value) -> Option<bool> {
    match value {
        Value::Number(number) if *number == 0.0 => Some(false),
        Value::Number(number) if *number == 1.0 => Some(true),
        Value::Number(_) => None,
        Value::Flag(is_on) => Some(*is_on),
        Value::Text(word) => WORDS.into_iter().find_map(|(off, on)| {
            let is_on = word.eq_ignore_ascii_case(on);
            (is_on || word.eq_ignore_ascii_case(off)).then_some(is_on)
        }),
    }
}

/// The other value of a switch, written as the device writes it: `ON` for `OFF`, `True` for `False`, `0` for `1`.
pub fn toggled(value: &Value) -> Option<Value> {
    let is_on = is_on(value)?;
    Some(match value {
        Value::Number(_) => Value::Number(f64::from(u8::from(!is_on))),
        Value::Flag(_) => Value::Flag(!is_on),
        Value::Text(text) => Value::Text(other_word(text, is_on)?),
    })
}

fn other_word(text: &str, is_on: bool) -> Option<String> {
    let (off, on) = WORDS
        .into_iter()
        .find(|(off, on)| [off, on].iter().any(|it| text.eq_ignore_ascii_case(it)))?;
    let word = if is_on { off } else { on };
    let is_upper = |at: Option<u8>| at.is_some_and(|byte| byte.is_ascii_uppercase());
    let mut bytes = text.bytes();
    let (first, last) = (is_upper(bytes.next()), is_upper(bytes.next_back()));
    let mut word = if last {
        word.to_ascii_uppercase()
    } else {
        word.to_owned()
    };
    if first && let Some(letter) = word.get_mut(..1) {
        letter.make_ascii_uppercase();
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::{Command, Progress, is_on, toggled};
    use crate::app::model::failure::Failure;
    use tertulia_shared::sensor::Value;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn goes_from_sent_to_accepted_to_done() {
        let mut command = Command::new(text("on"), 0.0);
        command.answered(Ok(()), 20.0);
        assert_eq!(command.progress, Progress::Accepted);
        command.echoed(&text("off"), 30.0);
        assert!(command.is_open());
        command.echoed(&text("on"), 40.0);
        assert_eq!(command.progress, Progress::Done);
        assert!(command.tick(1_000.0));
        assert!(!command.tick(4_000.0));
    }

    #[test]
    fn an_echo_before_the_answer_is_the_end() {
        let mut command = Command::new(Value::Flag(true), 0.0);
        command.echoed(&text("true"), 10.0);
        let mut level = Command::new(text("40"), 0.0);
        level.echoed(&Value::Number(40.0), 10.0);
        assert_eq!(level.progress, Progress::Done);
        command.answered(Ok(()), 20.0);
        assert_eq!(command.progress, Progress::Done);
    }

    #[test]
    fn a_silent_device_times_out_and_may_still_answer_late() {
        let mut command = Command::new(text("on"), 0.0);
        command.answered(Ok(()), 0.0);
        assert!(command.tick(4_999.0));
        assert_eq!(command.progress, Progress::Accepted);
        assert!(command.tick(5_000.0));
        assert_eq!(command.progress, Progress::TimedOut);
        command.echoed(&text("on"), 6_000.0);
        assert_eq!(command.progress, Progress::Done);
    }

    #[test]
    fn a_refusal_is_told_for_a_while() {
        let mut command = Command::new(text("on"), 0.0);
        command.answered(Err(Failure::NoAnswer), 10.0);
        assert!(command.tick(9_999.0));
        assert_eq!(command.progress, Progress::Failed(Failure::NoAnswer));
        assert!(!command.tick(99_999.0));
    }

    #[test]
    fn a_switch_speaks_as_its_device_does() {
        for (off, on) in [
            (text("off"), text("on")),
            (text("OFF"), text("ON")),
            (text("Off"), text("On")),
            (text("false"), text("true")),
            (text("False"), text("True")),
            (Value::Number(0.0), Value::Number(1.0)),
            (Value::Flag(false), Value::Flag(true)),
        ] {
            assert_eq!((is_on(&off), is_on(&on)), (Some(false), Some(true)));
            assert_eq!(toggled(&off).as_ref(), Some(&on));
            assert_eq!(toggled(&on).as_ref(), Some(&off));
        }
        for other in [text("open"), text(""), text("1"), Value::Number(0.5)] {
            assert_eq!(toggled(&other), None);
        }
    }
}
