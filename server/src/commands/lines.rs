//! The lines of standard input, read by a thread of its own: one that waits for a person does not keep the program.

use std::{
    io::{self, BufRead},
    thread,
};
use tokio::sync::mpsc;

/// The lines that are read ahead, at most.
const AHEAD: usize = 16;

/// The lines that are not blank, each with its number from 1; a failure is the last one.
pub(super) fn read() -> io::Result<mpsc::Receiver<(usize, io::Result<String>)>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    thread::Builder::new().spawn(move || {
        for (line, number) in io::stdin().lock().lines().zip(1..) {
            let ends = line.is_err();
            let is_blank = line.as_ref().is_ok_and(|line| line.trim().is_empty());
            if !is_blank && sender.blocking_send((number, line)).is_err() || ends {
                return;
            }
        }
    })?;
    Ok(lines)
}
