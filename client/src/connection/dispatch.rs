//! Between the machine and its handles: requests in, events out to who listens. It does no I/O; its driver does.

use super::{Ask, Gate, Hook, Passing, Request, Tapped};
use crate::{
    ordered::Ordered,
    socketio::{
        Action, Asked, Auth, Client, Command, EmitId, Event, Input, NamespaceId, Output, ReplyTo,
        Settled, Status,
    },
};
use futures_channel::{mpsc, oneshot};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tertulia_shared::{Event as _, server::ServerClosing, wire::args::Args};

/// The longest that a server may have its clients wait before they come back.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Something to ask the application: the driver awaits `answer` and comes back with [`Ask::Authorize`].
pub struct AuthRequest {
    /// The namespace that is about to connect.
    pub namespace: Arc<str>,
    /// The number of the question.
    pub asked: u32,
    /// What the application answers.
    pub answer: Asked,
}

/// Where the events of one name go.
struct Listening {
    name: String,
    sender: mpsc::UnboundedSender<(Args, Option<ReplyTo>)>,
}

/// Who listens in one namespace.
struct Room {
    id: NamespaceId,
    name: Arc<str>,
    gate: Option<Gate>,
    listeners: Vec<Listening>,
    taps: Vec<mpsc::UnboundedSender<Tapped>>,
    watchers: Vec<mpsc::UnboundedSender<Status>>,
}

/// A client and who waits for what of it.
pub struct Dispatcher {
    client: Client,
    next_emit: EmitId,
    emits: Ordered<EmitId, Hook<Settled>>,
    rooms: Vec<Room>,
    auth_requests: Vec<AuthRequest>,
    /// What is to be called, and when.
    alarms: Vec<(Duration, Hook<()>)>,
    /// Who waits for the end of the driver.
    kept: Vec<oneshot::Sender<Infallible>>,
}

impl Dispatcher {
    /// A dispatcher that does nothing before its first request.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            next_emit: 0,
            emits: Ordered::new(),
            rooms: Vec::new(),
            auth_requests: Vec::new(),
            alarms: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Takes what a handle asks for.
    pub fn handle_request(&mut self, now: Duration, request: Request) {
        let Request { namespace, ask } = request;
        if let Ask::Auth(auth) = ask {
            return self.add(namespace, auth);
        }
        let known = |room: &&mut Room| room.name == namespace;
        let Some(room) = self.rooms.iter_mut().find(known) else {
            return;
        };
        let id = room.id;
        match ask {
            // It was taken above: only it makes a room.
            Ask::Auth(_) => {}
            Ask::Connect => self.client.handle_command(now, Command::Connect(id)),
            Ask::Disconnect => self.client.handle_command(now, Command::Disconnect(id)),
            Ask::Authorize(asked, auth) => {
                self.client
                    .handle_command(now, Command::Authorize(id, asked, auth));
            }
            Ask::Emit {
                args,
                delivery,
                settled,
            } => {
                let emit = Command::Emit {
                    namespace: id,
                    id: self.expect(settled),
                    args,
                    delivery,
                };
                self.client.handle_command(now, emit);
            }
            Ask::Reply { to, args, settled } => {
                let reply = Command::Reply {
                    namespace: id,
                    id: self.expect(settled),
                    to,
                    args,
                };
                self.client.handle_command(now, reply);
            }
            Ask::Listen(name, sender) => {
                let listeners = &mut room.listeners;
                listeners.retain(|listening| !listening.sender.is_closed());
                listeners.push(Listening { name, sender });
            }
            Ask::Gate(mut gate) => {
                gate.passes(Passing::Status(&self.client.status(now, id)));
                room.gate = Some(gate);
            }
            Ask::After(wait, then) => self.alarms.push((now.saturating_add(wait), then)),
            Ask::Keep(keep) => self.kept.push(keep),
            Ask::Tap(sender) => {
                room.taps.retain(|tap| !tap.is_closed());
                room.taps.push(sender);
            }
            Ask::Watch(sender) => {
                room.watchers.retain(|watcher| !watcher.is_closed());
                if sender.unbounded_send(self.client.status(now, id)).is_ok() {
                    room.watchers.push(sender);
                }
            }
        }
    }

    /// The network is another one: as [`Client::suspect`].
    pub fn suspect(&mut self, now: Duration) {
        self.client.suspect(now);
    }

    /// Somebody looks at the application from now on, or nobody: as [`Client::watch`].
    pub fn watch(&mut self, now: Duration, watched: bool) {
        self.client.watch(now, watched);
    }

    /// Disconnects everywhere: the last handle is gone.
    pub fn stop(&mut self, now: Duration) {
        for index in 0..self.rooms.len() {
            let id = self.rooms[index].id;
            self.client.handle_command(now, Command::Disconnect(id));
        }
    }

    /// Whether there is nothing under way any more: a driver that was stopped goes on until then.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Takes what happened to an action.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        self.client.handle_input(now, input);
    }

    /// Takes the passing of time; calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.client.handle_timeout(now);
        while let Some(due) = self.alarms.iter().position(|(at, _)| *at <= now) {
            self.alarms.remove(due).1.call(());
        }
    }

    /// When [`Dispatcher::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let alarms = self.alarms.iter().map(|(at, _)| *at);
        alarms.chain(self.client.poll_timeout()).min()
    }

    /// Tells everybody what there is to tell, up to the next thing that the driver has to do.
    ///
    /// A driver calls it until it gives `None`, after each `handle_*`; then [`Dispatcher::poll_auth`].
    pub fn poll_action(&mut self) -> Option<Action> {
        loop {
            match self.client.poll_output()? {
                Output::Action(action) => return Some(action),
                Output::Event(event) => self.tell(event),
            }
        }
    }

    /// The next thing to ask the application.
    pub fn poll_auth(&mut self) -> Option<AuthRequest> {
        self.auth_requests.pop()
    }

    fn expect(&mut self, settled: Hook<Settled>) -> EmitId {
        let id = self.next_emit;
        self.next_emit += 1;
        self.emits.insert(id, settled);
        id
    }

    fn add(&mut self, name: Arc<str>, auth: Auth) {
        let id = self.client.add(&name, auth);
        if self.rooms.iter().all(|room| room.id != id) {
            self.rooms.push(Room {
                id,
                name,
                gate: None,
                listeners: Vec::new(),
                taps: Vec::new(),
                watchers: Vec::new(),
            });
        }
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::Settled(id, settled) => {
                if let Some(waiting) = self.emits.remove(id) {
                    waiting.call(settled);
                }
            }
            Event::Status(id, status) => self.at(id, |room| {
                room.passes(Passing::Status(&status));
                room.watchers
                    .retain(|watcher| watcher.unbounded_send(status.clone()).is_ok());
            }),
            Event::AuthNeeded(id, asked) => self.ask_for_auth(id, asked),
            Event::Received(id, args, ack) => {
                if let Some(wait) = asked_wait(&args) {
                    self.client.wait_after_loss(wait);
                }
                self.at(id, |room| room.deliver(args, ack));
            }
            Event::Sent(id, args) => self.at(id, |room| room.tap(&Tapped::Out(args))),
        }
    }

    fn ask_for_auth(&mut self, id: NamespaceId, asked: u32) {
        let room = self.rooms.iter().find(|room| room.id == id);
        if let (Some(room), Some(source)) = (room, self.client.auth_source(id)) {
            self.auth_requests.push(AuthRequest {
                namespace: Arc::clone(&room.name),
                asked,
                answer: source(),
            });
        }
    }

    fn at(&mut self, id: NamespaceId, act: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) {
            act(room);
        }
    }
}

/// How long a server that closes wants to be left alone.
fn asked_wait(args: &Args) -> Option<Duration> {
    if args.name().ok()? != ServerClosing::NAME {
        return None;
    }
    let closing = ServerClosing::from_args(args).ok()?;
    Some(Duration::from_millis(closing.back_in).min(LONGEST_WAIT))
}

impl Room {
    fn passes(&mut self, passing: Passing<'_>) -> bool {
        self.gate.as_mut().is_none_or(|gate| gate.passes(passing))
    }

    /// An event that nobody listens to is ignored, as in every Socket.IO client.
    fn deliver(&mut self, args: Args, reply_to: Option<ReplyTo>) {
        if !self.passes(Passing::Event(&args)) {
            return;
        }
        self.tap(&Tapped::In(args.clone(), reply_to));
        let Ok(name) = args.name() else {
            return;
        };
        self.listeners.retain(|listening| {
            let event = || (args.clone(), reply_to);
            listening.name != name || listening.sender.unbounded_send(event()).is_ok()
        });
    }

    fn tap(&mut self, tapped: &Tapped) {
        self.taps
            .retain(|tap| tap.unbounded_send(tapped.clone()).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::Dispatcher;
    use crate::{
        connection::{Connection, Options},
        socketio::{Client, Endpoint},
    };
    use futures_util::{FutureExt, StreamExt};
    use std::time::Duration;

    /// Breaks when: what was dropped is only found out by the next event, which on a quiet connection never comes.
    #[test]
    fn who_has_stopped_listening_is_forgotten_on_a_quiet_connection() {
        let options = Options::default();
        let (connection, mut requests) = Connection::new(&options);
        let (endpoint, _) = Endpoint::parse("http://h:1", &options.path).unwrap();
        let mut dispatcher = Dispatcher::new(Client::new(endpoint, options));
        for _ in 0..10 {
            let _listening = (
                connection.tap(),
                connection.watch(),
                connection.listen_to("e"),
            );
            while let Some(Some(request)) = requests.next().now_or_never() {
                dispatcher.handle_request(Duration::ZERO, request);
            }
        }
        let room = &dispatcher.rooms[0];
        assert_eq!((room.taps.len(), room.listeners.len()), (1, 1));
        assert_eq!(room.watchers.len(), 1);
    }
}
