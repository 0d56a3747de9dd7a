//! A bad network: a TCP proxy on the loopback that refuses, resets, cuts, delays and half-opens connections, and that can freeze
//! all of them, as a network does that is gone without a word.
//!
//! What becomes of the n-th connection is a pure function of the seed; when its bytes come is the machine's affair.

use super::{random::Random, soon};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// How long a connection with a fault lives at most.
const LIFE: Duration = Duration::from_millis(2_500);

/// What becomes of a connection.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Nothing bad, in a storm for a while.
    None(Option<Duration>),
    /// Nobody listens for a while.
    Refuse(Duration),
    /// It is reset after a while.
    Reset(Duration),
    /// It ends after so many bytes of the server, or of the client.
    Cut(Way, u64),
    /// Each piece is late.
    Delay(Duration),
    /// After so many bytes nothing passes any more in one direction, and it stays open.
    HalfOpen(Way, u64),
    /// After so many bytes of the server nothing passes at all, and it stays open.
    Freeze(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Fault {
    fn draw(random: &mut Random) -> Self {
        let way = [Way::Up, Way::Down][random.below(2) as usize];
        let most = [400, 3_000][random.below(2) as usize];
        let bytes = random.below(most);
        match random.below(10) {
            0 => Self::Refuse(random.millis(150)),
            1 | 2 => Self::Reset(random.millis(400)),
            3 | 4 => Self::Cut(way, bytes),
            5 => Self::Delay(random.millis(60)),
            6 | 7 => Self::HalfOpen(way, bytes),
            8 => Self::Freeze(bytes),
            _ => Self::None(Some(random.millis(2_000))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None(_) => "none",
            Self::Refuse(_) => "refused",
            Self::Reset(_) => "reset",
            Self::Cut(..) => "cut",
            Self::Delay(..) => "delayed",
            Self::HalfOpen(..) => "half-open",
            Self::Freeze(_) => "frozen",
        }
    }

    /// How far one direction goes, and what then.
    fn limit(self, way: Way) -> Option<(u64, Then)> {
        match self {
            Self::Cut(of, bytes) if of == way => Some((bytes, Then::End)),
            Self::HalfOpen(of, bytes) if of == way => Some((bytes, Then::Stop)),
            Self::Freeze(bytes) => Some((bytes, Then::Stop)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Then {
    End,
    Stop,
}

/// A running proxy. It is calm at first; dropping it ends all its connections.
pub(crate) struct Proxy {
    address: SocketAddr,
    bad: watch::Sender<bool>,
    frozen: watch::Sender<bool>,
    counts: Arc<Mutex<BTreeMap<&'static str, u32>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one before a server, `127.0.0.1:40123`.
    pub(crate) async fn start(server: &str, random: Random) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (bad, is_bad) = watch::channel(false);
        let (frozen, is_frozen) = watch::channel(false);
        let counts = Arc::<Mutex<BTreeMap<_, _>>>::default();
        let serving = Serving {
            address,
            server: server.to_owned(),
            random,
            is_bad,
            is_frozen,
            counts: Arc::clone(&counts),
        };
        let task = tokio::spawn(serving.run(listener));
        Self {
            address,
            bad,
            frozen,
            counts,
            task,
        }
    }

    /// Where clients find it, `http://127.0.0.1:40124`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on connections have faults, and those that have none end.
    pub(crate) fn storm(&self) {
        self.bad.send_replace(true);
    }

    /// From now on they have none, and those that have some end.
    pub(crate) fn calm(&self) {
        self.bad.send_replace(false);
    }

    /// From now on nothing passes, of old connections and of new ones, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// From now on everything passes again, what waited first.
    pub(crate) fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// How many connections had which fault.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u32> {
        self.counts.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Serving {
    address: SocketAddr,
    server: String,
    random: Random,
    is_bad: watch::Receiver<bool>,
    is_frozen: watch::Receiver<bool>,
    counts: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Serving {
    async fn run(mut self, mut listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            while connections.try_join_next().is_some() {}
            let mut fault = Fault::None(None);
            if *self.is_bad.borrow() {
                fault = Fault::draw(&mut self.random);
                *self.counts.lock().unwrap().entry(fault.name()).or_default() += 1;
            }
            if let Fault::Refuse(away) = fault {
                drop((client, listener));
                tokio::time::sleep(away).await;
                listener = listen_again(self.address).await;
                continue;
            }
            let (server, is_bad) = (self.server.clone(), self.is_bad.clone());
            let is_frozen = self.is_frozen.clone();
            connections.spawn(pass(client, server, fault, (is_bad, is_frozen)));
        }
    }
}

/// Listens where it did; what connects from this machine meanwhile may have the port for a moment.
async fn listen_again(address: SocketAddr) -> TcpListener {
    let listening = async {
        loop {
            if let Ok(listener) = TcpListener::bind(address).await {
                return listener;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("the port again", listening).await
}

/// Passes on what both sides say, as far as the fault lets it.
async fn pass(
    mut client: TcpStream,
    server: String,
    fault: Fault,
    (mut is_bad, is_frozen): (watch::Receiver<bool>, watch::Receiver<bool>),
) {
    thawed(&mut is_frozen.clone()).await;
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let late = match fault {
        Fault::Delay(late) => late,
        _ => Duration::ZERO,
    };
    let reset = tokio::time::sleep(match fault {
        Fault::None(None) => Duration::MAX,
        Fault::None(Some(after)) | Fault::Reset(after) => after,
        // Long enough for heartbeats to find it out.
        _ => LIFE,
    });
    let weather = async {
        let was_bad = !matches!(fault, Fault::None(None));
        is_bad
            .wait_for(|is_bad| *is_bad != was_bad)
            .await
            .map(|_| ())
    };
    let ended = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            () = pump(from_client, to_server, (late, fault.limit(Way::Up)), is_frozen.clone()) => true,
            () = pump(from_server, to_client, (late, fault.limit(Way::Down)), is_frozen.clone()) => true,
            () = reset => false,
            _ = weather => false,
        }
    };
    if !ended {
        for stream in [&client, &server] {
            let _ = stream.set_zero_linger();
        }
    }
}

/// Waits until the network is not frozen.
async fn thawed(is_frozen: &mut watch::Receiver<bool>) {
    // Where the proxy is gone, this ends with it.
    let _ = is_frozen.wait_for(|is_frozen| !is_frozen).await;
}

/// One direction, to its end or to its limit.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    (late, limit): (Duration, Option<(u64, Then)>),
    mut is_frozen: watch::Receiver<bool>,
) {
    let mut left = limit.map_or(u64::MAX, |(bytes, _)| bytes);
    let mut buffer = vec![0; 4_096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !late.is_zero() {
            tokio::time::sleep(late).await;
        }
        thawed(&mut is_frozen).await;
        let passing = usize::try_from(left).map_or(length, |left| left.min(length));
        if to.write_all(&buffer[..passing]).await.is_err() {
            return;
        }
        left -= passing as u64;
        if left == 0 {
            break;
        }
    }
    // An end is told as little as anything else.
    thawed(&mut is_frozen).await;
    if let (0, Some((_, Then::Stop))) = (left, limit) {
        std::future::pending().await
    }
}
