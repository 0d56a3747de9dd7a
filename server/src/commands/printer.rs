//! Lines to standard output, written by a thread of its own: a reader that does not read stops neither the heartbeat nor
//! a signal. What waits for it is bounded; beyond that lines are dropped, and how many is told on standard error.

use std::{
    io::{self, ErrorKind, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::sync::{
    mpsc,
    oneshot::{self, error::RecvError},
};

/// What may wait for the reader, in bytes.
const WAITING: usize = 64 * 1024 * 1024;
/// Once lines are dropped, this little has to wait before they are taken again: so that they are missing in one place.
const WAITING_AGAIN: usize = WAITING / 2;
/// What a line takes beside its text, in bytes.
const PER_LINE: usize = 64;

/// How it ended, once the lines are dropped or nobody reads any more.
pub(super) type Written = oneshot::Receiver<io::Result<()>>;

/// Nobody reads any more.
#[derive(Debug, PartialEq)]
pub(super) struct Unread;

/// Takes the lines for standard output.
pub(super) struct Lines {
    sender: mpsc::UnboundedSender<String>,
    /// In bytes.
    waiting: Arc<AtomicUsize>,
    /// The lines that were dropped in a row.
    missed: u64,
}

impl Lines {
    fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (sender, given) = mpsc::unbounded_channel();
        let lines = Self {
            sender,
            waiting: Arc::default(),
            missed: 0,
        };
        (lines, given)
    }

    /// Has a line printed; gives whether it was taken, and not dropped because too much waits already.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) fn print(&mut self, line: String) -> Result<bool, Unread> {
        let limit = if self.missed == 0 {
            WAITING
        } else {
            WAITING_AGAIN
        };
        if self.sender.is_closed() {
            return Err(Unread);
        }
        if self.waiting.load(Ordering::Relaxed) >= limit {
            if self.missed == 0 {
                tell("standard output is not read, and too much waits: events are dropped");
            }
            self.missed += 1;
            return Ok(false);
        }
        self.tell_missed();
        self.waiting.fetch_add(cost(&line), Ordering::Relaxed);
        self.sender.send(line).map(|()| true).map_err(|_| Unread)
    }

    fn tell_missed(&mut self) {
        let missed = std::mem::take(&mut self.missed);
        if missed > 0 {
            tell(&format!("{missed} events were dropped"));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.tell_missed();
    }
}

/// Starts the thread; each line is flushed.
pub(super) fn start() -> io::Result<(Lines, Written)> {
    let (lines, mut given) = Lines::new();
    let waiting = Arc::clone(&lines.waiting);
    let (ended, written) = oneshot::channel();
    thread::Builder::new().spawn(move || {
        // Nobody waits any more where the command was stopped.
        let _ = ended.send(write(&mut given, &waiting));
    })?;
    Ok((lines, written))
}

/// Fails when standard output cannot be written to; that its reader has gone is no failure.
pub(super) fn outcome(written: Result<io::Result<()>, RecvError>) -> io::Result<()> {
    match written {
        Ok(Err(error)) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn write(lines: &mut mpsc::UnboundedReceiver<String>, waiting: &AtomicUsize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while let Some(mut line) = lines.blocking_recv() {
        let cost = cost(&line);
        line.push('\n');
        out.write_all(line.as_bytes())?;
        out.flush()?;
        waiting.fetch_sub(cost, Ordering::Relaxed);
    }
    Ok(())
}

fn cost(line: &str) -> usize {
    line.len().saturating_add(PER_LINE)
}

fn tell(text: &str) {
    // Nobody has to read it.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::{Lines, Unread, WAITING, WAITING_AGAIN, cost};
    use std::sync::atomic::Ordering;

    /// Breaks when: what waits for a reader that does not read is not bounded, or what was dropped is not counted.
    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_not_memory_without_end() {
        let (mut lines, mut given) = Lines::new();
        let line = "x".repeat(WAITING / 4 - 100);
        let taken = (0..10).map(|_| lines.print(line.clone()).unwrap());
        assert_eq!(taken.filter(|taken| *taken).count(), 5);
        assert_eq!(lines.missed, 5);
        let mut read = || {
            let line = given.blocking_recv().unwrap();
            lines.waiting.fetch_sub(cost(&line), Ordering::Relaxed);
        };
        read();
        read();
        assert_eq!(lines.print(String::new()), Ok(false));
        let line = given.blocking_recv().unwrap();
        lines.waiting.fetch_sub(cost(&line), Ordering::Relaxed);
        assert!(lines.waiting.load(Ordering::Relaxed) < WAITING_AGAIN);
        assert_eq!(lines.print(String::new()), Ok(true));
        assert_eq!(lines.missed, 0);
        drop(given);
        assert_eq!(lines.print(String::new()), Err(Unread));
    }
}
