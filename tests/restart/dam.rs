//! A way to a server on which nothing flows while it is closed; nothing of it is lost.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// A dam before a broker.
pub(super) struct Dam {
    is_open: watch::Sender<bool>,
    /// Where it begins, `mqtt://127.0.0.1:40123`.
    pub(super) url: String,
}

impl Dam {
    /// Builds one, which is open, before the broker at `address`.
    pub(super) async fn before(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("mqtt://{}", listener.local_addr().unwrap());
        let (is_open, opened) = watch::channel(true);
        let address = address.to_owned();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&address).await.unwrap();
                let ((up, back), (down, on)) = (near.into_split(), far.into_split());
                tokio::spawn(flow(up, on, opened.clone()));
                tokio::spawn(flow(down, back, opened.clone()));
            }
        });
        Self { is_open, url }
    }

    /// Lets nothing through.
    pub(super) fn close(&self) {
        self.is_open.send_replace(false);
    }

    /// Lets through what waits and what comes.
    pub(super) fn open(&self) {
        self.is_open.send_replace(true);
    }
}

async fn flow(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut opened: watch::Receiver<bool>) {
    let mut bytes = vec![0; 4_096];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        // A dam that is gone is open.
        let _ = opened.wait_for(|is_open| *is_open).await;
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
