//! One WebSocket on a task of its own.

use super::cookies::Cookies;
use crate::socketio::{Frame, Input, IoId};
use futures_channel::{mpsc, oneshot};
use futures_util::{SinkExt, Stream, StreamExt};
use reqwest::header::HeaderMap;
use rustls::ClientConfig;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

/// How long the other side may take to read what was sent and to say goodbye too.
pub(super) const GOODBYE: Duration = Duration::from_secs(5);

type Wire = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the handshake is made with.
pub(super) struct Handshake {
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) tls: Arc<ClientConfig>,
    /// Where the server may set them.
    pub(super) cookies: Option<Cookies>,
}

/// A WebSocket; dropping it closes it after what was sent.
#[derive(Debug)]
pub(crate) struct Socket {
    frames: mpsc::UnboundedSender<Frame>,
    /// It ends with the handle, wherever the task is.
    _held: oneshot::Sender<Infallible>,
}

impl Socket {
    /// A WebSocket, and the task that opens and carries it; what happens to it comes as inputs. Once the WebSocket is
    /// dropped, the task ends: at once where it is not open yet, and otherwise within [`GOODBYE`].
    pub(super) fn open(
        id: IoId,
        handshake: Handshake,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (frames, outgoing) = mpsc::unbounded();
        let (held, mut dropped) = oneshot::channel();
        let task = async move {
            let connected = tokio::select! {
                connected = connect(handshake) => connected,
                _ = &mut dropped => return,
            };
            let carried = match connected {
                Ok(socket) => tokio::select! {
                    carried = carry(id, socket, outgoing, &inputs) => carried,
                    () = late(dropped) => return,
                },
                Err(error) => Err(error),
            };
            let closed = match carried {
                Ok(closed) => closed,
                Err(error) => Input::Closed(id, error.to_string()),
            };
            // Where the driver is gone, nobody is left to tell.
            let _ = inputs.unbounded_send(closed);
        };
        let socket = Self {
            frames,
            _held: held,
        };
        (socket, task)
    }

    /// Sends a message; a socket that is closed has said so by an input.
    pub(crate) fn send(&self, frame: Frame) {
        let _ = self.frames.unbounded_send(frame);
    }
}

async fn connect(handshake: Handshake) -> Result<Wire, Error> {
    let mut request = handshake.url.into_client_request()?;
    request.headers_mut().extend(handshake.headers);
    let tls = Some(Connector::Rustls(handshake.tls));
    // Small packets are to leave at once.
    let (socket, response) = connect_async_tls_with_config(request, None, true, tls).await?;
    if let Some(cookies) = handshake.cookies {
        cookies.take(response.headers());
    }
    Ok(socket)
}

/// Ends when the handle is gone and the time for the goodbye is over.
async fn late(dropped: oneshot::Receiver<Infallible>) {
    let _ = dropped.await;
    sleep(GOODBYE).await;
}

/// Carries messages both ways until one side closes; gives how it was closed.
async fn carry(
    id: IoId,
    mut socket: Wire,
    mut outgoing: mpsc::UnboundedReceiver<Frame>,
    inputs: &mpsc::UnboundedSender<Input>,
) -> Result<Input, Error> {
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
                    while let Ok(Received::Frame(_)) = next(&mut socket).await {}
                    return Ok(Input::closed_with(id, CloseCode::Normal.into(), ""));
                }
            },
            message = next(&mut socket) => match message? {
                Received::Frame(frame) => {
                    let _ = inputs.unbounded_send(Input::Received(id, frame));
                }
                Received::Close(code, words) => return Ok(Input::closed_with(id, code, &words)),
            },
        }
    }
}

/// What the other side says.
enum Received {
    Frame(Frame),
    /// It has closed, with that code and those words.
    Close(u16, String),
}

/// The next text or binary, or the end.
async fn next(
    socket: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
) -> Result<Received, Error> {
    while let Some(message) = socket.next().await {
        let frame = match message? {
            Message::Text(text) => Frame::Text(text.as_str().to_owned()),
            Message::Binary(bytes) => Frame::Binary(bytes),
            Message::Close(Some(frame)) => {
                let words = frame.reason.as_str().to_owned();
                return Ok(Received::Close(frame.code.into(), words));
            }
            Message::Close(None) => {
                return Ok(Received::Close(CloseCode::Status.into(), String::new()));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        };
        return Ok(Received::Frame(frame));
    }
    Ok(Received::Close(CloseCode::Abnormal.into(), String::new()))
}
