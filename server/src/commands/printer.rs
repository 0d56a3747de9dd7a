//! Lines to standard output, written by a thread of its own: a reader that does not read stops neither the heartbeat nor
//! a signal.

use std::{
    io::{self, ErrorKind, Write},
    thread,
};
use tokio::sync::{
    mpsc,
    oneshot::{self, error::RecvError},
};

/// The lines that wait for the reader, at most; what comes then waits in the connection.
const WAITING: usize = 64;

/// How it ended, once the sender of the lines is dropped or nobody reads any more.
pub(super) type Written = oneshot::Receiver<io::Result<()>>;

/// Starts the thread; each line is flushed.
pub(super) fn start() -> io::Result<(mpsc::Sender<String>, Written)> {
    let (lines, mut given) = mpsc::channel(WAITING);
    let (ended, written) = oneshot::channel();
    thread::Builder::new().spawn(move || {
        // Nobody waits any more where the command was stopped.
        let _ = ended.send(write(&mut given));
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

fn write(lines: &mut mpsc::Receiver<String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while let Some(mut line) = lines.blocking_recv() {
        line.push('\n');
        out.write_all(line.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}
