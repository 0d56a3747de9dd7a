//! One Socket.IO namespace over an open session: CONNECT with auth and recovery, events, acknowledgements.
//!
//! Not here: what carries the packets (`session`), and reconnection (`client`).
//!
//! Source: the Socket.IO protocol document, revision 5, and for the recovery the page "Connection state recovery" of
//! the official documentation, version 4.

mod outbox;

use super::{io::Frame, options::Auth, status::Reason};
pub use outbox::Delivery;
use outbox::{Outbox, Post};
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{
    args::Args,
    engine,
    json::Json,
    socket::{AckId, Kind, Packet},
};

/// Names one emit; chosen by the caller, never used twice.
pub type EmitId = u64;

/// What became of an emit: the acknowledgement's arguments, or `None` where no acknowledgement was asked for and the
/// event was handed to the transport.
pub type Settled = Result<Option<Args>, Unsettled>;

/// Why an emit got no acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// None came in time, retries included; an event that was still buffered is not sent any more.
    #[error("no acknowledgement came in time")]
    Timeout,
    /// The connection was lost after the event was sent: whether it arrived is not known.
    #[error("the connection was lost before the acknowledgement came")]
    Disconnected,
    /// It is volatile and there is no connection: it was dropped.
    #[error("there is no connection and the event is volatile")]
    NotConnected,
    /// As many events as are allowed wait for a connection; this one was not taken.
    #[error("{0} events wait for a connection already")]
    BufferFull(usize),
    /// The event or one of its attachments is longer than the server takes; it was not sent.
    #[error("event has {bytes} bytes, the server takes at most {limit}")]
    TooLarge {
        /// Its length as it would travel, in bytes.
        bytes: u64,
        /// The server's `maxPayload`, in bytes.
        limit: u64,
    },
}

/// What a namespace gives out, in order.
#[derive(Debug, PartialEq)]
pub(super) enum NamespaceOutput {
    Send(Frame),
    /// The application is to be asked what CONNECT carries.
    AuthNeeded,
    Connected,
    Received(Args, Option<AckId>),
    Sent(Args),
    Settled(EmitId, Settled),
    Ended(Reason),
}

/// Where a namespace is on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// Not wanted, and why.
    Idle(Reason),
    /// Wanted; the session is not open.
    Wanted,
    /// The session is open; the answer to CONNECT, or before it the auth, is waited for until then.
    Connecting(Duration),
    Connected,
}

/// What CONNECT carries to get back what was missed.
#[derive(Clone, Debug)]
struct Recovery {
    pid: String,
    offset: Option<String>,
}

/// The CONNECT reply of a server.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(default)]
    pid: Option<String>,
}

#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    auth: Auth,
    stage: Stage,
    outbox: Outbox,
    recovery: Option<Recovery>,
    recovered: bool,
    /// The longest packet that the server takes, in bytes.
    max_payload: u64,
    outputs: VecDeque<NamespaceOutput>,
}

impl Namespace {
    pub(super) fn new(name: String, auth: Auth, buffer: usize) -> Self {
        Self {
            name,
            auth,
            stage: Stage::Idle(Reason::ClientDisconnect),
            outbox: Outbox::new(buffer),
            recovery: None,
            recovered: false,
            max_payload: u64::MAX,
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether the last CONNECT reply said that nothing was missed.
    pub(super) fn recovered(&self) -> bool {
        self.recovered
    }

    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.stage, Stage::Idle(_))
    }

    /// Is to be connected as soon as the session is open.
    pub(super) fn want(&mut self) {
        if !self.is_wanted() {
            self.stage = Stage::Wanted;
        }
    }

    /// The session is open: asks the server to connect, or the application for the auth first.
    pub(super) fn start(&mut self, deadline: Duration, max_payload: u64) {
        if self.stage != Stage::Wanted {
            return;
        }
        self.stage = Stage::Connecting(deadline);
        self.max_payload = max_payload;
        match self.auth.clone() {
            Auth::None => self.connect(None),
            Auth::Value(value) => self.connect(Some(value)),
            Auth::Asked => self.outputs.push_back(NamespaceOutput::AuthNeeded),
        }
    }

    /// The application says what CONNECT carries.
    pub(super) fn authorize(&mut self, auth: Option<Json>) {
        if matches!(self.stage, Stage::Connecting(_)) && self.auth == Auth::Asked {
            self.connect(auth);
        }
    }

    /// Leaves the namespace.
    pub(super) fn disconnect(&mut self, reason: Reason) {
        if self.stage == Stage::Connected {
            self.send(Kind::Disconnect);
        }
        self.lost();
        self.recovery = None;
        self.stage = Stage::Idle(reason);
    }

    /// The session is gone; it is wanted again as soon as there is another one.
    pub(super) fn lost(&mut self) {
        if self.is_wanted() {
            self.stage = Stage::Wanted;
        }
        let posts = self.outbox.lost();
        self.post(Duration::ZERO, posts);
    }

    pub(super) fn emit(&mut self, now: Duration, emit: EmitId, args: Args, delivery: Delivery) {
        let posts = self.outbox.emit(now, emit, args, delivery);
        self.post(now, posts);
    }

    /// Acknowledges an event of the server; nothing happens when the connection is gone.
    pub(super) fn reply(&mut self, ack: AckId, args: Args) {
        if self.stage == Stage::Connected {
            self.send(Kind::Ack(ack, args));
        }
    }

    pub(super) fn handle_packet(&mut self, now: Duration, kind: Kind) {
        match kind {
            Kind::Connect(body) => self.confirmed(now, body),
            Kind::Disconnect => self.ended(Reason::ServerDisconnect),
            Kind::ConnectError(body) => self.ended(Reason::Refused(body)),
            Kind::Event(ack, args) => {
                self.remember_offset(ack, &args);
                self.outputs.push_back(NamespaceOutput::Received(args, ack));
            }
            Kind::Ack(ack, args) => {
                let posts = self.outbox.acknowledged(now, ack, args);
                self.post(now, posts);
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        let posts = self.outbox.handle_timeout(now);
        self.post(now, posts);
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let connect = match self.stage {
            Stage::Connecting(deadline) => Some(deadline),
            _ => None,
        };
        connect.into_iter().chain(self.outbox.poll_timeout()).min()
    }

    pub(super) fn poll_output(&mut self) -> Option<NamespaceOutput> {
        self.outputs.pop_front()
    }

    /// Sends CONNECT; with what is known of an earlier connection, so that the server can bring what was missed.
    fn connect(&mut self, auth: Option<Json>) {
        let body = match &self.recovery {
            None => auth,
            Some(recovery) => with_recovery(auth, recovery),
        };
        self.send(Kind::Connect(body));
    }

    /// The server confirmed: what waited goes first, in order.
    fn confirmed(&mut self, now: Duration, body: Option<Json>) {
        if !matches!(self.stage, Stage::Connecting(_)) {
            return;
        }
        self.stage = Stage::Connected;
        let pid = body
            .and_then(|body| body.decode::<Confirmation>().ok())
            .and_then(|confirmation| confirmation.pid);
        let known = self.recovery.take();
        self.recovered = pid.is_some() && known.as_ref().map(|known| &known.pid) == pid.as_ref();
        let offset = known
            .filter(|_| self.recovered)
            .and_then(|known| known.offset);
        self.recovery = pid.map(|pid| Recovery { pid, offset });
        self.outputs.push_back(NamespaceOutput::Connected);
        let posts = self.outbox.connected(now);
        self.post(now, posts);
    }

    fn ended(&mut self, reason: Reason) {
        self.lost();
        self.recovery = None;
        self.stage = Stage::Idle(reason.clone());
        self.outputs.push_back(NamespaceOutput::Ended(reason));
    }

    /// With recovery on, the last argument of an event without acknowledgement is its offset.
    fn remember_offset(&mut self, ack: Option<AckId>, args: &Args) {
        if let (Some(recovery), None) = (&mut self.recovery, ack) {
            if let Ok(offset) = args.last() {
                recovery.offset = Some(offset);
            }
        }
    }

    fn post(&mut self, now: Duration, posts: impl IntoIterator<Item = Post>) {
        let mut posts: VecDeque<_> = posts.into_iter().collect();
        while let Some(post) = posts.pop_front() {
            match post {
                Post::Settled(emit, settled) => self
                    .outputs
                    .push_back(NamespaceOutput::Settled(emit, settled)),
                Post::Event(emit, ack, args) => match self.too_large(ack, &args) {
                    Some(why) => posts.extend(self.outbox.refused(now, emit, ack, why)),
                    None => self.send_event(emit, ack, args),
                },
            }
        }
    }

    fn send_event(&mut self, emit: EmitId, ack: Option<AckId>, args: Args) {
        self.outputs.push_back(NamespaceOutput::Sent(args.clone()));
        self.send(Kind::Event(ack, args));
        if ack.is_none() {
            self.outputs
                .push_back(NamespaceOutput::Settled(emit, Ok(None)));
        }
    }

    /// Why an event cannot be sent: the server would close the session over it.
    fn too_large(&self, ack: Option<AckId>, args: &Args) -> Option<Unsettled> {
        let digits = ack.map_or(0, |ack| ack.checked_ilog10().unwrap_or(0) as usize + 1);
        let head = 8 + digits + self.name.len() + args.json().as_str().len();
        let attachments = args
            .attachments
            .iter()
            .map(|bytes| engine::Packet::Binary(bytes.clone()).text_len());
        let bytes = attachments.chain([head]).max()? as u64;
        let limit = self.max_payload;
        (bytes > limit).then_some(Unsettled::TooLarge { bytes, limit })
    }

    /// A head goes before its attachments.
    fn send(&mut self, kind: Kind) {
        let (text, attachments) = Packet::new(self.name.as_str(), kind).encode();
        self.outputs
            .push_back(NamespaceOutput::Send(Frame::Text(text)));
        for attachment in attachments {
            self.outputs
                .push_back(NamespaceOutput::Send(Frame::Binary(attachment)));
        }
    }
}

/// The auth object with `pid` and `offset` before its own fields; an auth that is no object goes as it is.
///
/// It is put together as text: a JSON tree would weigh several kB in every page, for this alone.
fn with_recovery(auth: Option<Json>, recovery: &Recovery) -> Option<Json> {
    #[derive(Serialize)]
    struct Known<'a> {
        pid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<&'a str>,
    }
    let given = auth.as_ref().map_or("{}", Json::as_str).trim();
    let fields = given
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(fields) = fields.map(str::trim) else {
        return auth;
    };
    let known = Known {
        pid: &recovery.pid,
        offset: recovery.offset.as_deref(),
    };
    let known = Json::encode(&known).ok()?;
    let comma = if fields.is_empty() { "" } else { "," };
    let open = known.as_str().strip_suffix('}')?;
    Json::parse(&format!("{open}{comma}{fields}}}")).ok()
}
