//! Two who write: no frame is torn, and nothing comes before what it is behind.

use super::{Beside, GOODBYE, MARK_FRAME, Pipe};
use crate::limits::{Allowed, Limits};
use bytes::Bytes;
use std::{future::poll_fn, io, sync::Arc};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// Writes from above until all is taken.
async fn above(pipe: &Pipe<DuplexStream>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let length = poll_fn(|context| pipe.poll_write(context, bytes, true)).await;
        bytes = &bytes[length.unwrap()..];
    }
}

async fn beside(pipe: &dyn Beside, frames: Bytes) -> io::Result<()> {
    let mut is_out = poll_fn(|context| pipe.poll_write(context, &frames)).await?;
    while !is_out {
        is_out = poll_fn(|context| pipe.poll_out(context)).await?;
    }
    Ok(())
}

/// A frame with `length` times a byte.
fn frame(byte: u8, length: u8) -> Vec<u8> {
    let mut frame = vec![0x81, length];
    frame.extend(vec![byte; length.into()]);
    frame
}

/// The bytes of frames whose payloads are of one byte each, in their order.
fn payloads(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut payloads = Vec::new();
    while let [0x81, length, rest @ ..] = bytes {
        let (payload, next) = rest.split_at((*length).into());
        assert!(payload.iter().all(|byte| *byte == payload[0]), "torn");
        payloads.push((payload[0], payload.len()));
        bytes = next;
    }
    assert!(bytes.is_empty(), "no frame: {bytes:?}");
    payloads
}

#[tokio::test]
async fn the_mark_is_taken_out_and_what_was_before_it_is_out() {
    let (ours, mut theirs) = duplex(4_096);
    let pipe = Pipe::new(ours, None);
    above(&pipe, RESPONSE).await;
    pipe.expect_mark();
    above(
        &pipe,
        &[&frame(b'a', 3), MARK_FRAME, &frame(b'b', 4)].concat(),
    )
    .await;
    poll_fn(|context| pipe.poll_marked(context)).await.unwrap();
    beside(&*pipe, frame(b'c', 5).into()).await.unwrap();
    // Looked for once only.
    above(&pipe, MARK_FRAME).await;
    pipe.close();
    let mut read = Vec::new();
    theirs.read_to_end(&mut read).await.unwrap();
    let read = read.strip_prefix(RESPONSE).unwrap();
    let read = read.strip_suffix(MARK_FRAME).unwrap();
    assert_eq!(payloads(read), [(b'a', 3), (b'b', 4), (b'c', 5)]);
    assert!(beside(&*pipe, frame(b'd', 1).into()).await.is_err());
}

#[tokio::test]
async fn a_goodbye_comes_behind_what_was_begun_and_is_the_last() {
    let (ours, mut theirs) = duplex(40);
    let pipe = Pipe::new(ours, None);
    above(&pipe, RESPONSE).await;
    let long = Bytes::from(frame(b'a', 100));
    let pipe: &dyn Beside = &*pipe;
    let is_out = poll_fn(|context| pipe.poll_write(context, &long)).await;
    assert!(!is_out.unwrap());
    pipe.goodbye(Bytes::from(frame(b'z', 3)));
    assert!(beside(pipe, frame(b'b', 1).into()).await.is_err());
    // What comes meanwhile does no harm.
    theirs.write_all(&[b'x'; 30]).await.unwrap();
    let mut read = Vec::new();
    theirs.read_to_end(&mut read).await.unwrap();
    let read = payloads(read.strip_prefix(RESPONSE).unwrap());
    assert_eq!(read, [(b'a', 100), (b'z', 3)]);
}

/// Breaks when: who is told to go makes place for another one before it has gone.
#[tokio::test(start_paused = true)]
async fn a_goodbye_takes_its_place_along() {
    let limits = Limits::new(Allowed::default());
    let mut places: Vec<_> = std::iter::from_fn(|| limits.socket(None).ok()).collect();
    let (ours, mut theirs) = duplex(4_096);
    let pipe = Pipe::new(ours, places.pop());
    above(&pipe, RESPONSE).await;
    pipe.goodbye(Bytes::from(frame(b'z', 3)));
    pipe.close();
    let mut read = Vec::new();
    theirs.read_to_end(&mut read).await.unwrap();
    assert!(limits.socket(None).is_err(), "it has not gone");
    drop(theirs);
    tokio::time::sleep(GOODBYE).await;
    assert!(limits.socket(None).is_ok(), "it has gone");
}

/// The pipe takes less than a frame, both sides write at once, and somebody reads slowly.
#[tokio::test]
async fn no_frame_is_torn_and_nobody_waits_for_ever() {
    let (ours, mut theirs) = duplex(7);
    let pipe = Pipe::new(ours, None);
    let writers = [b'a', b'b'].map(|byte| {
        let pipe = Arc::clone(&pipe);
        tokio::spawn(async move {
            for length in 1..100 {
                let frame = frame(byte, length);
                match byte {
                    b'a' if length == 1 => above(&pipe, &[RESPONSE, &frame].concat()).await,
                    b'a' => above(&pipe, &frame).await,
                    _ => beside(&*pipe, frame.into()).await.unwrap(),
                }
            }
        })
    });
    // Until the response is out nothing comes beside.
    let all = RESPONSE.len() + 2 * (1..100).map(|length| length + 2).sum::<usize>();
    let mut read = vec![0; all];
    theirs.read_exact(&mut read).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = payloads(read.strip_prefix(RESPONSE).unwrap());
    for byte in [b'a', b'b'] {
        let lengths: Vec<_> = read.iter().filter(|(it, _)| *it == byte).collect();
        assert!(lengths.iter().map(|(_, length)| *length).eq(1..100));
    }
}
