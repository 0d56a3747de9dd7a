//! One WebSocket on a task of its own.

use crate::socketio::{Frame, Input, IoId};
use futures_channel::mpsc;
use futures_util::{SinkExt, Stream, StreamExt};
use reqwest::header::HeaderMap;
use rustls::ClientConfig;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// How long the other side may take to say goodbye too.
const GOODBYE: Duration = Duration::from_secs(5);

type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A WebSocket; dropping it closes it after what was sent.
#[derive(Debug)]
pub(super) struct Socket {
    frames: mpsc::UnboundedSender<Frame>,
}

impl Socket {
    /// A WebSocket, and the task that opens and carries it; what happens to it comes as inputs.
    pub(super) fn open(
        id: IoId,
        url: String,
        headers: HeaderMap,
        tls: Arc<ClientConfig>,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (frames, outgoing) = mpsc::unbounded();
        let task = async move {
            let carried = match connect(&url, headers, tls).await {
                Ok(socket) => carry(id, socket, outgoing, &inputs).await,
                Err(error) => Err(error),
            };
            let reason = match carried {
                Ok(()) => "closed".to_owned(),
                Err(error) => error.to_string(),
            };
            // Where the driver is gone, nobody is left to tell.
            let _ = inputs.unbounded_send(Input::Closed(id, reason));
        };
        (Self { frames }, task)
    }

    /// Sends a message; a socket that is closed has said so by an input.
    pub(super) fn send(&self, frame: Frame) {
        let _ = self.frames.unbounded_send(frame);
    }
}

async fn connect(url: &str, headers: HeaderMap, tls: Arc<ClientConfig>) -> Result<Wire, Error> {
    let mut request = url.into_client_request()?;
    request.headers_mut().extend(headers);
    let tls = Some(Connector::Rustls(tls));
    // Small packets are to leave at once.
    let (socket, _) = connect_async_tls_with_config(request, None, true, tls).await?;
    Ok(socket)
}

/// Carries messages both ways until one side closes.
async fn carry(
    id: IoId,
    mut socket: Wire,
    mut outgoing: mpsc::UnboundedReceiver<Frame>,
    inputs: &mpsc::UnboundedSender<Input>,
) -> Result<(), Error> {
    let _ = inputs.unbounded_send(Input::Opened(id));
    loop {
        tokio::select! {
            frame = outgoing.next() => match frame {
                Some(Frame::Text(text)) => socket.send(Message::text(text)).await?,
                Some(Frame::Binary(bytes)) => socket.send(Message::binary(bytes)).await?,
                None => {
                    socket.close(None).await?;
                    // Closed with something unread, the system resets the connection: then the other side may not read
                    // what was sent before the goodbye.
                    let rest = async { while let Ok(Some(_)) = next(&mut socket).await {} };
                    let _ = tokio::time::timeout(GOODBYE, rest).await;
                    return Ok(());
                }
            },
            message = next(&mut socket) => match message? {
                Some(frame) => {
                    let _ = inputs.unbounded_send(Input::Received(id, frame));
                }
                None => return Ok(()),
            },
        }
    }
}

/// The next text or binary; `None` when the other side has closed.
async fn next(
    socket: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
) -> Result<Option<Frame>, Error> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => return Ok(Some(Frame::Text(text.as_str().to_owned()))),
            Message::Binary(bytes) => return Ok(Some(Frame::Binary(bytes))),
            Message::Close(_) => return Ok(None),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    Ok(None)
}
