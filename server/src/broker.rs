//! The MQTT broker inside this process, behind a trait: which crate it is stays here.
//!
//! It keeps retained values and sessions in memory. Not here: who is let in and may what (`doorman`).

mod clients;
mod doorman;
mod inside;
mod paced;
mod parts;
mod places;
mod sessions;
#[cfg(test)]
mod tests;

use crate::{
    app::App,
    bridge::local::Local,
    config::{BrokerUrl, Guests},
    limits::{Limits, Permit},
};
use axum::serve::Listener;
use doorman::Doorman;
use inside::Inside;
use mqtt5::broker::{AllowAllAuthProvider, AuthProvider, sys_topics::BrokerStats};
use paced::Paced;
use parts::Parts;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Between two looks at whether the clients would still be let in.
const LOOK: Duration = Duration::from_secs(1);
/// Between two figures in `$SYS/`.
const FIGURES: Duration = Duration::from_secs(10);
/// Between two times that what has expired is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Without a publish to a client for so long, all that was confirmed has gone out: the crate does not say so itself.
const QUIET: Duration = Duration::from_millis(100);
/// How long what was confirmed may take to go out at the end.
const LAST_WORDS: Duration = Duration::from_millis(600);
/// How long the clients may take to part.
const FAREWELL: Duration = Duration::from_millis(300);

/// The name by which this process's own links are let in; no account has it as its id.
pub const INTERNAL: &str = "tertulia";

/// A broker that is bound and not yet running.
pub trait Broker: Send {
    /// Where it listens; the port is the real one.
    fn address(&self) -> SocketAddr;

    /// Serves until `stop`.
    fn run(self, stop: CancellationToken) -> impl Future<Output = ()> + Send;
}

/// The broker of the crate `mqtt5`.
pub struct Embedded {
    listener: TcpListener,
    address: SocketAddr,
    parts: Arc<Parts>,
    /// Cancelled when nobody is to come or publish any more.
    doors: CancellationToken,
    guard: Option<(Arc<Doorman>, Arc<Limits>)>,
}

impl Embedded {
    /// Binds the address; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            parts: Arc::new(Parts::new()),
            doors: CancellationToken::new(),
            guard: None,
        })
    }

    /// It from inside this process.
    pub fn local(&self) -> Arc<dyn Local> {
        Arc::new(Inside {
            router: Arc::clone(&self.parts.router),
            stats: Arc::clone(&self.parts.stats),
        })
    }

    /// Lets in only whom `app` knows, guests where they may come, and who has the login of `own`; holds all but these last
    /// to the limits. Without it everybody comes and may all.
    #[must_use]
    pub fn guard(
        self,
        app: &Arc<App>,
        limits: &Arc<Limits>,
        guests: Guests,
        own: &BrokerUrl,
    ) -> Self {
        let secret = own.login.clone().unwrap_or_default().1;
        let whom = (
            guests.may_come_to(self.address),
            self.address.ip().is_loopback(),
        );
        let doorman = Doorman::new(Arc::clone(app), whom, &secret, &self.parts);
        Self {
            guard: Some((Arc::new(doorman), Arc::clone(limits))),
            ..self
        }
    }

    /// Cancelled by who wants it to take nobody and nothing more: what is published by others than this process is then
    /// never confirmed, so that its sender keeps it, and what was confirmed goes out.
    pub fn doors(&self) -> CancellationToken {
        self.doors.clone()
    }

    /// Who decides about clients.
    fn auth(&self) -> Arc<dyn AuthProvider> {
        match &self.guard {
            Some((doorman, limits)) => Arc::new(Paced {
                inner: Arc::clone(doorman),
                limits: Arc::clone(limits),
                doors: self.doors.clone(),
            }),
            None => Arc::new(AllowAllAuthProvider),
        }
    }
}

impl Broker for Embedded {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn run(self, stop: CancellationToken) {
        let (connections, over) = (TaskTracker::new(), CancellationToken::new());
        let _over = over.clone().drop_guard();
        let (parts, auth) = (Arc::clone(&self.parts), self.auth());
        let (doorman, limits) = self.guard.unzip();
        let serve = |stream: TcpStream, peer, permit| {
            let handler = parts.handler((stream, peer), Arc::clone(&auth));
            let over = over.clone();
            connections.spawn(async move {
                let ended = over.run_until_cancelled(handler.run()).await;
                drop::<Option<Permit>>(permit);
                if let Some(Err(error)) = ended.filter(|ended| !is_usual(ended)) {
                    tracing::warn!(%error, %peer, "an MQTT connection ended");
                }
            });
        };
        let accepted = accept(self.listener, limits, &self.doors, serve);
        let stopped = async {
            stop.cancelled().await;
            let _ = tokio::time::timeout(LAST_WORDS, quiet(&parts.stats)).await;
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(accepted, keep_house(&parts, doorman)) } => {}
            () = stopped => {}
        }
        parts.say_goodbye();
        connections.close();
        // Those that wait for a confirmation that never comes are dropped.
        let _ = tokio::time::timeout(FAREWELL, connections.wait()).await;
    }
}

fn is_usual(ended: &mqtt5::Result<()>) -> bool {
    match ended {
        Ok(()) => true,
        Err(error) => error.is_normal_disconnect(),
    }
}

/// Accepts who has a place, until the doors are closed.
async fn accept(
    mut listener: TcpListener,
    limits: Option<Arc<Limits>>,
    doors: &CancellationToken,
    serve: impl Fn(TcpStream, SocketAddr, Option<Permit>),
) {
    while let Some((stream, peer)) = doors
        .run_until_cancelled(Listener::accept(&mut listener))
        .await
    {
        let place = limits.as_ref().map(|limits| limits.mqtt(peer.ip()));
        let Ok(permit) = place.transpose() else {
            continue;
        };
        // Small packets are to leave at once; a stream that refuses this is slower, not wrong.
        let _ = stream.set_nodelay(true);
        serve(stream, peer, permit);
    }
}

/// Looks again and again whether the clients would still be let in, tells the figures, and forgets what has expired: none
/// of these waits for another, as what is forgotten waits for who just comes back.
async fn keep_house(parts: &Parts, doorman: Option<Arc<Doorman>>) {
    let figures = parts.figures();
    figures.publish_static_topics().await;
    let doorman = doorman.as_ref();
    let look = || async move {
        if let Some(doorman) = doorman {
            doorman.look().await;
        }
    };
    tokio::join!(
        every(LOOK, look),
        every(FIGURES, || figures.publish_dynamic_topics()),
        every(SWEEP, || parts.sweep()),
    );
}

/// Does something again and again, with a pause before each time.
async fn every<T: Future<Output = ()>>(pause: Duration, act: impl Fn() -> T) {
    loop {
        tokio::time::sleep(pause).await;
        act().await;
    }
}

/// Waits until nothing more goes out to clients.
async fn quiet(stats: &BrokerStats) {
    let mut before = None;
    loop {
        let sent = stats.publish_sent.load(Ordering::Relaxed);
        if before.replace(sent) == Some(sent) {
            return;
        }
        tokio::time::sleep(QUIET).await;
    }
}
