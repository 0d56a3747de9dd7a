//! What silence says of a link: when a quiet server is asked whether it is there, and what an answer that does not come means.
//!
//! Pure, as the rest of the machine. The driver says whether somebody looks at the application; the options say with which
//! event the server is asked. A server that never answered that event is judged by its heartbeat alone. Not here: the heartbeat
//! (`session`), and what follows from a verdict (`uplink`).

use std::time::Duration;
use tertulia_shared::wire::args::Args;

/// How long nothing may come, or an acknowledgement stay out, before the server is asked.
const QUIET: Duration = Duration::from_secs(2);
/// How long an answer may take before the link is doubtful, and before it is given up: where round trips are short.
const DOUBT: Duration = Duration::from_millis(1_500);
const DEATH: Duration = Duration::from_secs(8);
/// These are prolonged to as many round trips, but not beyond that.
const DOUBT_TRIPS: u32 = 2;
const DEATH_TRIPS: u32 = 4;
const LONGEST: Duration = Duration::from_secs(30);
/// When a deadline is met that much too late, the driver did not run: nothing that came meanwhile was taken yet.
const LATE: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ask the server.
    Ask,
    /// Tell that the link is doubtful.
    Doubt,
    /// Give the transport up.
    Dead,
}

/// Why the server was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Nothing came: whatever comes is an answer.
    Quiet,
    /// An acknowledgement is overdue: only an acknowledgement is an answer.
    Overdue,
    /// The network changed: whatever comes is an answer, and without one there is soon an end.
    Changed,
}

/// The server was asked, and has not answered yet.
#[derive(Clone, Copy, Debug)]
struct Question {
    cause: Cause,
    at: Duration,
    /// It was asked anew, because the driver did not run.
    again: bool,
}

/// What is known of the silence of one client.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// The event that asks.
    probe: Option<Args>,
    /// Somebody looks at the application.
    watched: bool,
    /// A namespace is connected.
    connected: bool,
    /// When the session was opened.
    opened: Duration,
    /// When something came last.
    heard: Duration,
    /// Since when acknowledgements are waited for and none comes.
    unanswered: Option<Duration>,
    question: Option<Question>,
    /// When the probe was sent that is not acknowledged yet.
    sent: Option<Duration>,
    doubtful: bool,
    /// How long the server takes to answer, for all that is known.
    round_trip: Duration,
    /// The last round trip raised a doubt.
    was_long: bool,
    /// The server answers: it did in this session or in the one before.
    answers: bool,
    /// It did in this session.
    answered: bool,
    /// When to look again. It is not moved by all that comes, so that no timer is set for each event.
    look_at: Option<Duration>,
}

impl Silence {
    pub(super) fn new(probe: Option<Args>) -> Self {
        Self {
            probe,
            ..Self::default()
        }
    }

    /// The event that asks, unless one is still on its way.
    pub(super) fn probe(&self) -> Option<&Args> {
        self.probe.as_ref().filter(|_| self.sent.is_none())
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// When [`Self::tick`] is to be called next.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.look_at
    }

    /// The session is open.
    pub(super) fn opened(&mut self, now: Duration) {
        self.opened = now;
    }

    /// Something came. Gives whether that ended a doubt.
    pub(super) fn hear(&mut self, now: Duration) -> bool {
        self.heard = now;
        match self.question {
            Some(question) if question.cause == Cause::Overdue => false,
            _ => self.calm(),
        }
    }

    /// An acknowledgement came. Gives whether that ended a doubt.
    pub(super) fn hear_ack(&mut self, now: Duration) -> bool {
        self.heard = now;
        self.unanswered = None;
        self.calm()
    }

    /// The probe was acknowledged. Gives whether that ended a doubt.
    pub(super) fn hear_probe(&mut self, now: Duration) -> bool {
        if let Some(sent) = self.sent.take() {
            self.measure(now.saturating_sub(sent));
        }
        (self.answers, self.answered) = (true, true);
        self.hear_ack(now)
    }

    fn calm(&mut self) -> bool {
        self.question = None;
        std::mem::take(&mut self.doubtful)
    }

    /// A longer round trip is believed at once, a shorter one by and by. One that raised a doubt may be that of a network that
    /// was gone; the second one in a row is that of a slow network.
    fn measure(&mut self, sample: Duration) {
        let is_long = sample > self.patience(DOUBT, DOUBT_TRIPS);
        let was_long = std::mem::replace(&mut self.was_long, is_long);
        if is_long && !was_long && self.answers {
            return;
        }
        let sample = sample.min(LONGEST);
        self.round_trip = sample.max((self.round_trip + sample) / 2);
    }

    /// Takes in how the namespaces are doing: whether any is connected, and whether any waits for an acknowledgement.
    pub(super) fn observe(
        &mut self,
        now: Duration,
        connected: bool,
        waits: bool,
    ) -> Option<Verdict> {
        self.probe.as_ref()?;
        let was_connected = std::mem::replace(&mut self.connected, connected);
        if was_connected && !connected {
            self.end();
        }
        self.unanswered = match (waits && connected, self.unanswered) {
            (false, _) => None,
            (true, since) => since.or(Some(now)),
        };
        if connected && !was_connected {
            self.heard = now;
            self.measure(now.saturating_sub(self.opened));
            // Whether it answers at all is found out in any case.
            return Some(self.ask(now, Cause::Quiet));
        }
        self.arm();
        None
    }

    fn end(&mut self) {
        self.calm();
        self.sent = None;
        // Who was thought to answer and did not is not asked for an end a second time.
        self.answers = std::mem::take(&mut self.answered);
    }

    /// Somebody looks at the application from now on, or nobody.
    pub(super) fn watch(&mut self, now: Duration, watched: bool) -> Option<Verdict> {
        let was_watched = std::mem::replace(&mut self.watched, watched);
        if !watched {
            self.question = self.question.filter(|it| it.cause != Cause::Quiet);
        }
        let is_asked = watched && !was_watched && self.is_judged();
        let verdict = is_asked.then(|| self.ask(now, Cause::Quiet));
        self.arm();
        verdict
    }

    /// The network changed: the server is to be asked at once.
    pub(super) fn suspect(&mut self, now: Duration) -> Option<Verdict> {
        self.is_judged().then(|| self.ask(now, Cause::Changed))
    }

    /// The probe was sent, or the session takes none.
    pub(super) fn asked(&mut self, now: Duration, sent: bool) {
        match sent {
            true => self.sent = self.sent.or(Some(now)),
            false => self.answers = false,
        }
        self.arm();
    }

    fn ask(&mut self, now: Duration, cause: Cause) -> Verdict {
        let (at, again) = (now, false);
        self.question = Some(Question { cause, at, again });
        self.arm();
        Verdict::Ask
    }

    /// Takes the passing of time.
    pub(super) fn tick(&mut self, now: Duration) -> Option<Verdict> {
        self.look_at.take_if(|at| *at <= now)?;
        let (due, verdict) = self.next()?;
        if due > now {
            self.arm();
            return None;
        }
        let is_late = now - due > LATE;
        match (verdict, &mut self.question) {
            (Verdict::Ask, _) => {
                let is_quiet = self.watched && self.heard + QUIET <= now;
                let cause = if is_quiet {
                    Cause::Quiet
                } else {
                    Cause::Overdue
                };
                return Some(self.ask(now, cause));
            }
            (_, Some(question)) if is_late && !question.again => {
                (question.at, question.again) = (now, true);
                // The time that the first one took would say nothing.
                self.sent = None;
                self.arm();
                return Some(Verdict::Ask);
            }
            (Verdict::Doubt, _) => self.doubtful = true,
            (Verdict::Dead, _) => self.question = None,
        }
        self.arm();
        Some(verdict)
    }

    /// Whether anything follows from silence.
    fn is_judged(&self) -> bool {
        self.connected && self.answers
    }

    fn arm(&mut self) {
        let due = self.next().map(|(due, _)| due);
        self.look_at = match (due, self.look_at) {
            (Some(due), Some(at)) => Some(due.min(at)),
            (due, _) => due,
        };
    }

    /// What is due next, and when.
    fn next(&self) -> Option<(Duration, Verdict)> {
        if !self.is_judged() {
            return None;
        }
        let Some(Question { cause, at, .. }) = self.question else {
            let quiet = self.watched.then_some(self.heard);
            let since = quiet.into_iter().chain(self.unanswered).min()?;
            return Some((since.saturating_add(QUIET), Verdict::Ask));
        };
        let (after, verdict) = match cause {
            Cause::Changed => (self.patience(DOUBT, DOUBT_TRIPS), Verdict::Dead),
            _ if self.doubtful => (self.patience(DEATH, DEATH_TRIPS), Verdict::Dead),
            _ => (self.patience(DOUBT, DOUBT_TRIPS), Verdict::Doubt),
        };
        Some((at.saturating_add(after), verdict))
    }

    fn patience(&self, least: Duration, trips: u32) -> Duration {
        self.round_trip.saturating_mul(trips).clamp(least, LONGEST)
    }
}
