//! One random life of a client: what it is told, what happens to it, and what must hold meanwhile.

use arbitrary::{Result, Unstructured};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tertulia_client::socketio::{
    Action, Auth, Client, Command, Delivery, Endpoint, Event, Frame, Input, IoId, Link,
    NamespaceId, Options, Output, ReplyTo, Status, Transport,
};
use tertulia_shared::wire::{args::Args, binary::Binary, json::Json};

const MOST_STEPS: usize = 200;
/// Of one step: what was buffered goes out at once.
const MOST_OUTPUTS: usize = 4 * MOST_STEPS + 100;
/// The acknowledgement timeout, which is also the longest that an emit without retries may stay unsettled.
const ACK_WITHIN: Duration = Duration::from_secs(10);
const RETRIES: u32 = 2;
/// How long a transport may take, from at once to for ever.
const TIMEOUTS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(20), Duration::MAX];

/// What servers say, and what no server says.
const TEXTS: [&str; 20] = [
    r#"0{"sid":"s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":200}"#,
    r#"0{"sid":"s","upgrades":[],"pingInterval":1,"pingTimeout":0,"maxPayload":1}"#,
    r#"0{"sid":"","upgrades":["x"],"pingInterval":18446744073709551615,"pingTimeout":9,"maxPayload":0}"#,
    r#"40{"sid":"x","pid":"p"}"#,
    r#"40/admin,{"sid":"y","pid":"q"}"#,
    "41",
    "41/admin,",
    r#"44{"message":"no"}"#,
    r#"44/admin,{"message":"no","data":1}"#,
    r#"42["news",1,"offset"]"#,
    r#"427["question"]"#,
    r#"452-["pair",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
    r#"461-0[{"_placeholder":true,"num":7}]"#,
    "2",
    "2probe",
    "3probe",
    "3",
    "6",
    "1",
    "ok",
];

/// One client, what it has under way, and what it owes.
pub(crate) struct Life<'a, 'b> {
    random: &'a mut Unstructured<'b>,
    client: Client,
    namespaces: [NamespaceId; 2],
    now: Duration,
    requests: Vec<IoId>,
    sockets: Vec<IoId>,
    /// The requests that the client waits for.
    under_way: BTreeSet<IoId>,
    /// Emits that are not settled, with the time by which they must be, where that is known.
    emits: BTreeMap<u64, Option<Duration>>,
    next_emit: u64,
    asked: Vec<(NamespaceId, u32)>,
    reply_tos: Vec<(NamespaceId, ReplyTo)>,
    connected: bool,
}

impl<'a, 'b> Life<'a, 'b> {
    pub(crate) fn new(random: &'a mut Unstructured<'b>) -> Result<Self> {
        let options = options(random)?;
        let (endpoint, _) = Endpoint::parse("http://h:1", "/s/").unwrap();
        let mut client = Client::new(endpoint, options);
        let admin_auth = match random.arbitrary()? {
            true => Auth::ask(|| async { None }),
            false => Auth::Value(Json::parse(r#"{"token":1}"#).unwrap()),
        };
        let namespaces = [
            client.add("/", Auth::None),
            client.add("/admin", admin_auth),
        ];
        Ok(Self {
            random,
            client,
            namespaces,
            now: Duration::ZERO,
            requests: Vec::new(),
            sockets: Vec::new(),
            under_way: BTreeSet::new(),
            emits: BTreeMap::new(),
            next_emit: 0,
            asked: Vec::new(),
            reply_tos: Vec::new(),
            connected: false,
        })
    }

    /// Lives until the random bytes are used up; tells whether it was ever connected.
    pub(crate) fn live(mut self) -> Result<bool> {
        self.command(Command::Connect(self.namespaces[0]));
        for _ in 0..MOST_STEPS {
            if self.random.is_empty() {
                break;
            }
            self.step()?;
        }
        self.end();
        Ok(self.connected)
    }

    fn step(&mut self) -> Result<()> {
        let namespace = *self.random.choose(&self.namespaces)?;
        match self.random.int_in_range(0..=12)? {
            0 => self.command(Command::Connect(namespace)),
            1 if self.random.ratio(1, 4)? => self.command(Command::Disconnect(namespace)),
            1 | 2 => self.emit(namespace)?,
            3 => self.authorize()?,
            4 => self.reply()?,
            5 => self.sleep()?,
            6 => self.wake(),
            7 | 8 => self.answer_request()?,
            12 => self.look()?,
            _ => self.answer_socket()?,
        }
        Ok(())
    }

    fn emit(&mut self, namespace: NamespaceId) -> Result<()> {
        let delivery = Delivery {
            ack_within: self.random.arbitrary::<bool>()?.then_some(ACK_WITHIN),
            volatile: self.random.arbitrary()?,
            retries: self.random.int_in_range(0..=RETRIES)?,
        };
        let bytes = self.random.int_in_range(0..=150)?;
        let args = match self.random.arbitrary()? {
            true => Args::event("e", &Binary(vec![1; bytes].into())),
            false => Args::event("e", &"x".repeat(bytes)),
        };
        let id = self.next_emit;
        self.next_emit += 1;
        let due = delivery.ack_within.filter(|_| delivery.retries == 0);
        self.emits.insert(id, due.map(|within| self.now + within));
        self.command(Command::Emit {
            namespace,
            id,
            args: args.unwrap(),
            delivery,
        });
        Ok(())
    }

    fn authorize(&mut self) -> Result<()> {
        if let Some((namespace, asked)) = self.asked.pop() {
            let asked = asked - u32::from(self.random.ratio(1, 8)?);
            self.command(Command::Authorize(namespace, asked, None));
        }
        Ok(())
    }

    fn reply(&mut self) -> Result<()> {
        let Some((namespace, to)) = self.reply_tos.last().copied() else {
            return Ok(());
        };
        let id = self.next_emit;
        self.next_emit += 1;
        self.emits.insert(id, Some(self.now));
        let args = Args::ack(&"a").unwrap();
        self.command(Command::Reply {
            namespace,
            id,
            to,
            args,
        });
        assert!(!self.emits.contains_key(&id), "a reply is settled at once");
        Ok(())
    }

    /// Time passes, and nobody calls: a page that sleeps.
    fn sleep(&mut self) -> Result<()> {
        let most = *self.random.choose(&[10_u64, 1_000, 60_000, 10_000_000])?;
        self.now += Duration::from_millis(self.random.int_in_range(0..=most)?);
        Ok(())
    }

    /// Somebody looks at the page or goes away, or the network changes.
    fn look(&mut self) -> Result<()> {
        match self.random.int_in_range(0..=2)? {
            0 => self.client.watch(self.now, false),
            1 => self.client.watch(self.now, true),
            _ => self.client.suspect(self.now),
        }
        self.drain();
        Ok(())
    }

    /// The timer fires, where it ever does.
    fn wake(&mut self) {
        let due = self.client.poll_timeout().unwrap_or_default();
        self.now = self.now.max(due.min(self.now + ACK_WITHIN));
        self.client.handle_timeout(self.now);
        self.drain();
    }

    fn answer_request(&mut self) -> Result<()> {
        let Some(id) = self.some_id(true)? else {
            return Ok(());
        };
        let input = match self.random.int_in_range(0..=9)? {
            0 => Input::Failed(id, "offline".to_owned()),
            1 => Input::Response(id, self.random.arbitrary()?, "{}".to_owned()),
            _ => Input::Response(id, 200, self.payload()?),
        };
        if self.random.ratio(9, 10)? {
            self.requests.retain(|request| *request != id);
        }
        self.under_way.remove(&id);
        self.input(input);
        Ok(())
    }

    fn answer_socket(&mut self) -> Result<()> {
        let Some(id) = self.some_id(false)? else {
            return Ok(());
        };
        let input = match self.random.int_in_range(0..=9)? {
            0 if self.random.ratio(1, 3)? => Input::Closed(id, "1006".to_owned()),
            0..=2 => Input::Opened(id),
            3 => Input::Received(id, Frame::Binary(vec![1; 3].into())),
            _ => Input::Received(id, Frame::Text(self.text()?)),
        };
        self.input(input);
        Ok(())
    }

    /// A request or a socket; rarely one that is over, or of the other kind.
    fn some_id(&mut self, request: bool) -> Result<Option<IoId>> {
        let request = request != self.random.ratio(1, 50)?;
        let ids = if request {
            &self.requests
        } else {
            &self.sockets
        };
        match (ids.as_slice(), self.random.ratio(9, 10)?) {
            ([], _) => Ok(None),
            ([.., last], true) => Ok(Some(*last)),
            (ids, false) => Ok(Some(*self.random.choose(ids)?)),
        }
    }

    fn payload(&mut self) -> Result<String> {
        let count = self.random.int_in_range(1..=3)?;
        let texts: Result<Vec<_>> = (0..count).map(|_| self.text()).collect();
        Ok(texts?.join("\u{1e}"))
    }

    fn text(&mut self) -> Result<String> {
        if self.random.arbitrary()? {
            return Ok(self.sensible_text());
        }
        let text = match self.random.int_in_range(0..=7)? {
            0 => self.random.arbitrary::<&str>()?.to_owned(),
            1 => format!("43{}[1]", self.random.int_in_range(0..=20)?),
            _ => (*self.random.choose(&TEXTS)?).to_owned(),
        };
        Ok(text)
    }

    /// What brings a connection further.
    fn sensible_text(&self) -> String {
        let status = self.client.status(self.now, self.namespaces[0]);
        let text = match (status.transport, status.link) {
            (None, _) => TEXTS[0],
            (_, Link::Connected) => "3probe",
            _ => TEXTS[3],
        };
        text.to_owned()
    }

    fn command(&mut self, command: Command) {
        self.client.handle_command(self.now, command);
        self.drain();
    }

    fn input(&mut self, input: Input) {
        self.client.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        for outputs in 0.. {
            assert!(outputs < MOST_OUTPUTS, "one step gives outputs without end");
            let Some(output) = self.client.poll_output() else {
                break;
            };
            match output {
                Output::Action(action) => self.act(action),
                Output::Event(event) => self.hear(event),
            }
        }
        self.check();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Get(id, _) | Action::Post(id, ..) => {
                self.requests.push(id);
                self.under_way.insert(id);
            }
            Action::Open(id, _) => self.sockets.push(id),
            // What was ended stays known, so that a late answer may come.
            Action::Abort(id) => {
                self.under_way.remove(&id);
            }
            Action::Close(_) | Action::Send(..) => {}
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Settled(id, _) => {
                assert!(self.emits.remove(&id).is_some(), "emit {id} settled twice");
            }
            Event::AuthNeeded(namespace, asked) => self.asked.push((namespace, asked)),
            Event::Received(namespace, _, to) => {
                self.reply_tos.extend(to.map(|to| (namespace, to)));
            }
            Event::Status(_, status) => self.connected |= status.link == Link::Connected,
            Event::Sent(..) => {}
        }
    }

    /// Whoever is not disconnected has something to wait for that comes by itself.
    fn check(&self) {
        for namespace in self.namespaces {
            let Status {
                link, transport, ..
            } = self.client.status(self.now, namespace);
            let waits = self.client.poll_timeout().is_some();
            assert!(
                waits || matches!(link, Link::Disconnected(_)),
                "{link:?} stalls"
            );
            let polls = transport == Some(Transport::Polling);
            assert!(!polls || !self.under_way.is_empty(), "polling stalls");
        }
    }

    /// The network is gone for good: each emit is settled in time, but for those that wait for a connection without an
    /// acknowledgement or with retries, and those after a disconnect.
    fn end(&mut self) {
        let end = self.now + Duration::from_secs(120);
        let (mut turns, mut before) = (0, self.now);
        while let Some(due) = self.client.poll_timeout().filter(|due| *due <= end) {
            turns = if due > before { 0 } else { turns + 1 };
            assert!(turns < 100, "the timer fires at {due:?} without end");
            before = due.max(before);
            self.now = self.now.max(due);
            self.client.handle_timeout(self.now);
            self.drain();
        }
        let late: Vec<_> = self.emits.iter().filter(|(_, due)| due.is_some()).collect();
        assert!(late.is_empty(), "never settled: {late:?}");
    }
}

fn options(random: &mut Unstructured<'_>) -> Result<Options> {
    let both = [Transport::Polling, Transport::WebSocket];
    let transports = match random.int_in_range(0..=4)? {
        0 => vec![both[0]],
        1 => vec![both[1]],
        2 => vec![both[1], both[0]],
        3 if random.ratio(1, 8)? => Vec::new(),
        _ => both.to_vec(),
    };
    Ok(Options {
        transports,
        upgrade: random.ratio(7, 8)?,
        remember_upgrade: random.arbitrary()?,
        reconnection: random.ratio(7, 8)?,
        reconnection_attempts: random
            .arbitrary::<bool>()?
            .then_some(random.int_in_range(0..=3)?),
        randomization: f64::from(random.int_in_range(0..=100)?) / 100.0,
        timeout: *random.choose(&TIMEOUTS)?,
        buffer: random.int_in_range(0..=20)?,
        probe: (random.arbitrary::<bool>()?).then(|| Args::event("ask", &()).unwrap()),
        seed: Some(random.arbitrary()?),
        ..Options::default()
    })
}
