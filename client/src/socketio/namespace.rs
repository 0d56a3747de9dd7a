//! One Socket.IO namespace over an open session: CONNECT with auth and recovery, events, acknowledgements.
//!
//! Not here: what carries the packets (`session`), and reconnection (`client`).
//!
//! Source: the Socket.IO protocol document, revision 5.

mod limit;
mod outbox;
mod probe;
mod recovery;
mod settled;

use super::{
    auth::{AskAuth, Auth},
    io::Frame,
    status::{Reason, Refusal},
};
pub(super) use limit::Limit;
pub use outbox::Delivery;
#[cfg(test)]
pub(super) use outbox::MAX_UNSENT;
pub(super) use outbox::{Emission, Way};
use outbox::{Outbox, Post};
use recovery::{Confirmation, Recovery};
use settled::invalid;
pub use settled::{EmitId, ReplyTo, Settled, Unsettled};
use std::{collections::VecDeque, time::Duration};
use tertulia_shared::wire::{
    args::Args,
    json::Json,
    socket::{AckId, Kind, Packet},
};

/// What a namespace gives out, in order.
#[derive(Debug, PartialEq)]
pub(super) enum NamespaceOutput {
    Send(Frame),
    /// The application is to be asked what CONNECT carries.
    AuthNeeded(u32),
    Connected,
    Received(Args, Option<ReplyTo>),
    Sent(Args),
    Settled(EmitId, Settled),
    /// The probe was acknowledged.
    Answered,
    /// The server ended it, or refused it.
    Ended,
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

#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    auth: Auth,
    stage: Stage,
    outbox: Outbox,
    /// How many times it was connected: distinguishes the acknowledgement ids of different connections.
    connection: u32,
    /// How many times the application was asked for the auth, and whether its answer is still to come.
    asked: u32,
    asking: bool,
    /// The id that the server gave this connection.
    id: Option<String>,
    recovery: Recovery,
    limit: Limit,
    /// The acknowledgement id of the probe that is not acknowledged yet.
    probe: Option<AckId>,
    /// Events that came before the CONNECT reply.
    early: Vec<(Option<AckId>, Args)>,
    outputs: VecDeque<NamespaceOutput>,
}

impl Namespace {
    pub(super) fn new(name: String, auth: Auth, buffer: usize) -> Self {
        Self {
            name,
            auth,
            stage: Stage::Idle(Reason::ClientDisconnect),
            outbox: Outbox::new(buffer),
            connection: 0,
            asked: 0,
            asking: false,
            id: None,
            recovery: Recovery::default(),
            limit: Limit::NONE,
            probe: None,
            early: Vec::new(),
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
        self.recovery.recovered()
    }

    /// The id of the connection, while there is one.
    pub(super) fn id(&self) -> Option<String> {
        let id = self.id.clone();
        id.filter(|_| self.stage == Stage::Connected)
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

    /// Whom to ask for the auth, where that is how it is known.
    pub(super) fn auth_source(&self) -> Option<&AskAuth> {
        match &self.auth {
            Auth::Ask(source) => Some(source),
            Auth::None | Auth::Value(_) => None,
        }
    }

    pub(super) fn set_auth(&mut self, auth: Auth) {
        self.auth = auth;
    }

    /// The transport that carries the packets is another one.
    pub(super) fn set_limit(&mut self, limit: Limit) {
        self.limit = limit;
    }

    /// The session is open: asks the server to connect, or the application for the auth first.
    pub(super) fn start(&mut self, deadline: Duration, limit: Limit) {
        self.limit = limit;
        if self.stage != Stage::Wanted {
            return;
        }
        self.stage = Stage::Connecting(deadline);
        match self.auth.clone() {
            Auth::None => self.connect(None),
            Auth::Value(value) => self.connect(Some(value)),
            Auth::Ask(_) => {
                self.asking = true;
                self.asked += 1;
                self.outputs
                    .push_back(NamespaceOutput::AuthNeeded(self.asked));
            }
        }
    }

    /// The application answers the question of that number; an answer that comes too late is none.
    pub(super) fn authorize(&mut self, asked: u32, auth: Option<Json>) {
        if self.asking && asked == self.asked {
            self.asking = false;
            self.connect(auth);
        }
    }

    /// The answer to CONNECT is overdue.
    pub(super) fn is_late(&self, now: Duration) -> bool {
        matches!(self.stage, Stage::Connecting(deadline) if deadline <= now)
    }

    /// The application was asked for the auth and has not answered.
    pub(super) fn is_asking(&self) -> bool {
        self.asking
    }

    /// Waits for the answer to CONNECT as long as the session lives.
    pub(super) fn wait_on(&mut self) {
        self.stage = Stage::Connecting(Duration::MAX);
    }

    /// Leaves the namespace.
    pub(super) fn disconnect(&mut self, reason: Reason) {
        if self.stage == Stage::Connected {
            self.say(Kind::Disconnect);
        }
        self.end(reason);
    }

    /// Nothing comes by itself any more.
    fn end(&mut self, reason: Reason) {
        self.lost();
        self.recovery.forget();
        self.stage = Stage::Idle(reason);
    }

    /// The session is gone; it is wanted again as soon as there is another one.
    pub(super) fn lost(&mut self) {
        if self.is_wanted() {
            self.stage = Stage::Wanted;
        }
        self.asking = false;
        self.probe = None;
        self.early.clear();
        let posts = self.outbox.lost();
        self.post(Duration::ZERO, posts);
    }

    pub(super) fn emit(&mut self, now: Duration, emission: Emission, way: Way) {
        let posts = match invalid(&emission.args) {
            Some(why) => Some(Post::Settled(emission.id, Err(Unsettled::Invalid(why)))),
            None => self.outbox.emit(now, emission, way),
        };
        self.post(now, posts);
    }

    /// Acknowledges an event of the server, where the connection that brought it is still there.
    pub(super) fn reply(&mut self, id: EmitId, to: ReplyTo, args: Args) {
        let is_there = self.stage == Stage::Connected && to.connection == self.connection;
        let sent = match is_there {
            true => self.send(Kind::Ack(to.ack, args)),
            false => Err(Unsettled::NotConnected),
        };
        self.outputs
            .push_back(NamespaceOutput::Settled(id, sent.map(|()| None)));
    }

    pub(super) fn handle_packet(&mut self, now: Duration, kind: Kind) {
        match kind {
            Kind::Connect(body) => self.confirmed(now, body),
            Kind::Disconnect => self.ended(Reason::ServerDisconnect),
            Kind::ConnectError(body) => self.ended(Reason::Refused(Refusal(body))),
            Kind::Event(ack, args) => match self.stage {
                Stage::Connected => self.receive(ack, args),
                // It overtook the CONNECT reply.
                Stage::Connecting(_) => self.early.push((ack, args)),
                Stage::Idle(_) | Stage::Wanted => {}
            },
            Kind::Ack(ack, _) if self.answers_probe(ack) => {}
            Kind::Ack(ack, args) => {
                let posts = self.outbox.acknowledged(now, ack, args);
                self.post(now, posts);
            }
        }
    }

    fn receive(&mut self, ack: Option<AckId>, args: Args) {
        if ack.is_none() {
            self.recovery.passed(&args);
        }
        let connection = self.connection;
        let reply_to = ack.map(|ack| ReplyTo { ack, connection });
        self.outputs
            .push_back(NamespaceOutput::Received(args, reply_to));
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        let posts = self.outbox.handle_timeout(now);
        self.post(now, posts);
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let connect = match self.stage {
            Stage::Connecting(deadline) => Some(deadline).filter(|due| *due < Duration::MAX),
            _ => None,
        };
        connect.into_iter().chain(self.outbox.poll_timeout()).min()
    }

    pub(super) fn poll_output(&mut self) -> Option<NamespaceOutput> {
        self.outputs.pop_front()
    }

    /// Ends it from this side as a refusal by the server would.
    fn refused(&mut self, why: &str) {
        if let Ok(body) = Json::parse(&format!(r#"{{"message":"{why}"}}"#)) {
            self.ended(Reason::Refused(Refusal(body)));
        }
    }

    /// Sends CONNECT; with what is known of an earlier connection, so that the server can bring what was missed.
    fn connect(&mut self, auth: Option<Json>) {
        if auth.as_ref().is_some_and(|auth| !auth.is_object()) {
            return self.refused("the auth is no object");
        }
        self.say(Kind::Connect(self.recovery.ask(auth)));
    }

    /// The server confirmed: what waited goes first, in order.
    fn confirmed(&mut self, now: Duration, body: Option<Json>) {
        let confirmation = body.and_then(|body| body.decode().ok());
        let Some(Confirmation { sid, pid }) = confirmation else {
            return self.refused("the CONNECT reply has no sid: is it a server of Socket.IO 2?");
        };
        match self.stage {
            Stage::Connecting(_) if !self.asking => self.stage = Stage::Connected,
            // It was disconnected before the server had answered.
            Stage::Idle(_) => return self.say(Kind::Disconnect),
            _ => return,
        }
        self.connection = self.connection.wrapping_add(1);
        self.id = Some(sid);
        self.recovery.confirmed(pid);
        self.outputs.push_back(NamespaceOutput::Connected);
        for (ack, args) in std::mem::take(&mut self.early) {
            self.receive(ack, args);
        }
        let posts = self.outbox.connected(now);
        self.post(now, posts);
    }

    /// There will be no other session; what could be recovered still can.
    pub(super) fn give_up(&mut self, reason: Reason) {
        self.stage = Stage::Idle(reason);
    }

    fn ended(&mut self, reason: Reason) {
        if !self.is_wanted() {
            return;
        }
        self.end(reason);
        self.outputs.push_back(NamespaceOutput::Ended);
    }

    fn post(&mut self, now: Duration, posts: impl IntoIterator<Item = Post>) {
        let mut posts: VecDeque<_> = posts.into_iter().collect();
        while let Some(post) = posts.pop_front() {
            match post {
                Post::Settled(emit, settled) => self
                    .outputs
                    .push_back(NamespaceOutput::Settled(emit, settled)),
                Post::Event(emit, ack, args) => {
                    posts.extend(self.send_event(now, emit, ack, args));
                }
            }
        }
    }

    fn send_event(
        &mut self,
        now: Duration,
        emit: EmitId,
        ack: Option<AckId>,
        args: Args,
    ) -> Vec<Post> {
        match self.send(Kind::Event(ack, args.clone())) {
            Err(why) => return self.outbox.refused(now, emit, ack, why),
            Ok(()) => self.outputs.push_back(NamespaceOutput::Sent(args)),
        }
        match ack {
            Some(_) => Vec::new(),
            None => vec![Post::Settled(emit, Ok(None))],
        }
    }

    /// Sends CONNECT or DISCONNECT, whatever its length: only the server can say what is wrong with it.
    fn say(&mut self, kind: Kind) {
        let frames = self.frames(kind);
        self.put_out(frames);
    }

    /// Sends an event or an acknowledgement; one that is too large is not sent: the server would close the session over it.
    fn send(&mut self, kind: Kind) -> Result<(), Unsettled> {
        let frames = self.frames(kind);
        let (count, limit) = (frames.len() - 1, self.limit.attachments);
        if count > limit {
            return Err(Unsettled::TooManyAttachments { count, limit });
        }
        let lengths = frames.iter().map(|frame| self.limit.length(frame));
        let (bytes, limit) = (lengths.max().unwrap_or(0), self.limit.bytes);
        if bytes > limit {
            return Err(Unsettled::TooLarge { bytes, limit });
        }
        self.put_out(frames);
        Ok(())
    }

    fn put_out(&mut self, frames: Vec<Frame>) {
        self.outputs
            .extend(frames.into_iter().map(NamespaceOutput::Send));
    }

    /// The head, and after it its attachments.
    fn frames(&self, kind: Kind) -> Vec<Frame> {
        let (text, attachments) = Packet::new(self.name.as_str(), kind).encode();
        let attachments = attachments.into_iter().map(Frame::Binary);
        [Frame::Text(text)].into_iter().chain(attachments).collect()
    }
}
