//! Who is let in at the door: before anything else, each request meets the fences in this order.
//!
//! The server's names, the pages that may talk to it, how much an address may ask for, how many connections there may be,
//! how often passwords may be tried. Behind them stands the guard of `socketio`, where what a connection sends is limited too.

use super::{
    body,
    host::{Host, Hosts},
    origin::{self, Origins},
    proxy::{self, Here},
    session::{self, Asked},
    socketio::{self, Gate, Switch},
};
use crate::{
    config::Net,
    limits::{Fence, Full, Limits},
};
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::Either};
use std::{future::ready, net::IpAddr, sync::Arc, time::Duration};
use tertulia_shared::{Code, Reject, Reply};

/// The answer to a request that is refused.
type Refused = Box<Response>;

/// When somebody may come again for whom there was no place.
const NO_PLACE_FOR: Duration = Duration::from_secs(5);

/// All fences at the door.
#[derive(Clone, Debug)]
pub struct Fences {
    /// The server's names.
    pub hosts: Hosts,
    /// The pages that may talk to it.
    pub origins: Origins,
    /// Proxies that say for whom they ask.
    pub proxies: Arc<[Net]>,
    /// How much may be asked.
    pub limits: Arc<Limits>,
    /// What the guard behind them needs.
    pub gate: Arc<Gate>,
    /// Whether WebSockets are refused, as some networks do.
    pub refuse_upgrade: bool,
}

/// How a stranger is refused, and why.
type Stranger = (StatusCode, &'static str);

impl Fences {
    /// Whether the page that sends a request may read the answer.
    pub fn may_read(&self, request: &Parts) -> bool {
        let peer = request.extensions.get::<ConnectInfo<Switch>>();
        let is_from_here = peer.is_some_and(|ConnectInfo(switch)| {
            proxy::is_from_here(switch.address().ip(), &request.headers)
        });
        let host = Host::of(&request.uri, &request.headers).ok().flatten();
        self.origins
            .allow(is_from_here, host.as_ref(), &request.headers)
    }

    /// Refuses who asks by a name that this server has not, or from a page that may not talk to it.
    fn check(&self, peer: IpAddr, request: &Request) -> Result<(), Stranger> {
        let Ok(host) = Host::of(request.uri(), request.headers()) else {
            self.limits.refusals.add(Fence::Host);
            return Err((StatusCode::BAD_REQUEST, "the request names no host"));
        };
        if let Some(host) = host.as_ref().filter(|host| !self.hosts.have(host)) {
            self.limits.refusals.add(Fence::Host);
            tracing::debug!(host = host.authority(), "not a name of this server");
            let reason = "this server has another name; give it this one with --allow-host";
            return Err((StatusCode::MISDIRECTED_REQUEST, reason));
        }
        let is_from_here = proxy::is_from_here(peer, request.headers());
        // The page itself is reached from other pages, by links.
        let is_asked = socketio::is_at_door(request) || request.uri().path() == session::PATH;
        if !(is_asked && origin::is_unnamed_stranger(request.headers()))
            && self
                .origins
                .allow(is_from_here, host.as_ref(), request.headers())
        {
            return Ok(());
        }
        self.limits.refusals.add(Fence::Origin);
        let reason = "this page may not talk to this server; allow it with --allow-origin";
        Err((StatusCode::FORBIDDEN, reason))
    }

    /// Lets a connection begin, which then holds its place through its request.
    fn begin(&self, client: IpAddr, request: &mut Request) -> Result<(), Full> {
        let admitted = self.limits.connection(client)?;
        request.extensions_mut().insert(admitted);
        Ok(())
    }

    /// Who asks, where it may.
    fn passes(&self, switch: &Switch, request: &mut Request) -> Result<IpAddr, Refused> {
        let peer = switch.address().ip();
        if let Err((status, reason)) = self.check(peer, request) {
            return Err(Box::new((status, format!("{reason}\n")).into_response()));
        }
        let client = proxy::client(peer, request.headers(), &self.proxies);
        if proxy::is_here(peer, request.headers(), &self.proxies) {
            request.extensions_mut().insert(Here);
        }
        let begins = socketio::begins(request);
        if let Err(wait) = (self.limits).request(client, begins || is_session(request)) {
            return Err(Box::new(slower(
                "too much is asked from your address",
                wait,
            )));
        }
        if begins && let Err(full) = self.begin(client, request) {
            return Err(Box::new(no_place(full)));
        }
        Ok(client)
    }

    /// Lets passwords be tried, not too often.
    async fn session(&self, client: IpAddr, request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        let body = match body::whole(body, session::MAX_BODY_BYTES).await {
            Ok(body) => body,
            Err(status) => return status.into_response(),
        };
        let tried = session::asked(&body);
        let request = Request::from_parts(parts, Body::from(body));
        let Ok(Asked {
            name,
            password: Some(_),
        }) = tried
        else {
            return next.run(request).await;
        };
        let (name, passwords) = (name.unwrap_or_default(), &self.limits.passwords);
        if let Err(wait) = passwords.take(&name, client) {
            self.limits.refusals.add(Fence::Passwords);
            return slower("too many passwords were tried", wait);
        }
        let response = next.run(request).await;
        if response.status().is_success() {
            passwords.forgive(&name, client);
            passwords.remember(&name, client);
        }
        response
    }
}

/// Lets a request through the fences to the guard, or refuses it.
pub fn admit(
    State(fences): State<Arc<Fences>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    mut request: Request,
    next: Next,
) -> impl Future<Output = Response> {
    let client = match fences.passes(&switch, &mut request) {
        Ok(client) => client,
        Err(refused) => return Either::Left(ready(*refused)),
    };
    if fences.refuse_upgrade && socketio::is_upgrade(&request) {
        let refused = (StatusCode::FORBIDDEN, "WebSocket is refused here\n");
        return Either::Left(ready(refused.into_response()));
    }
    let counts = Arc::clone(&fences);
    let answered = match is_session(&request) {
        true => {
            let session = async move { fences.session(client, request, next).await };
            Either::Left(Box::pin(session))
        }
        false => {
            let gate = Arc::clone(&fences.gate);
            Either::Right(socketio::guard(gate, switch, request, next))
        }
    };
    Either::Right(answered.inspect(move |response| match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => counts.limits.refusals.add(Fence::Payload),
        StatusCode::REQUEST_TIMEOUT => counts.limits.refusals.add(Fence::Slow),
        _ => {}
    }))
}

fn is_session(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path() == session::PATH
}

fn slower(reason: &str, wait: Duration) -> Response {
    let text = format!("{reason}; wait {:.1} s", wait.as_secs_f64());
    later(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, text, wait)
}

fn no_place(full: Full) -> Response {
    let (status, code, text) = match full {
        Full::All => {
            let text = "this server has as many connections as it may";
            (StatusCode::SERVICE_UNAVAILABLE, Code::ServerFull, text)
        }
        Full::Address => {
            let text = "your address has as many connections as it may";
            (StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, text)
        }
    };
    later(status, code, text.to_owned(), NO_PLACE_FOR)
}

/// A refusal that says when to come again, for people, programs and HTTP.
fn later(status: StatusCode, code: Code, text: String, wait: Duration) -> Response {
    let milliseconds = u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    let reply = Reply::<()>::Error(Reject::new(code, text).retry_after(milliseconds));
    let body = serde_json::to_string(&reply).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::RETRY_AFTER, milliseconds.div_ceil(1_000).into());
    (status, headers, body).into_response()
}
