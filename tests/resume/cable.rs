//! A cable to a server that can be cut: every connection through it ends at once, and new ones are let through.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A way to a server.
pub(super) struct Cable {
    cuts: watch::Sender<()>,
    /// Where it begins, `http://127.0.0.1:40123`.
    pub(super) origin: String,
}

impl Cable {
    /// Lays a cable to the server at `address`.
    pub(super) async fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (cuts, cut) = watch::channel(());
        let address = address.to_owned();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, address.clone(), cut.clone()));
            }
        });
        Self { cuts, origin }
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        self.cuts.send_replace(());
    }
}

async fn carry(mut near: TcpStream, address: String, mut cut: watch::Receiver<()>) {
    cut.mark_unchanged();
    let Ok(mut far) = TcpStream::connect(address).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = cut.changed() => {}
    }
}
