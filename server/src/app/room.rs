//! Joining rooms, leaving them, and inviting to those that are private.

use super::{Answer, Answered, App, SERVER, Session, policy};
use crate::hub::Start;
use std::{collections::BTreeMap, pin::Pin, sync::Arc};
use tertulia_shared::{
    Code, Filter, Reject,
    room::{Joined, RoomInvite, RoomInvited, RoomJoin, RoomLeave},
};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// Joins a room; joining it again changes nothing. A join that creates a private room is answered once its owner is on disk. If
/// that fails, the join is undone.
///
/// # Errors
/// When the room is no filter or not allowed, the position does not fit it, or the connection is in too many rooms.
pub fn join(session: &Session, request: RoomJoin) -> Answered<Joined> {
    let room = policy::room(&request.room)?;
    let start = start(&room, request)?;
    let mut state = session.state();
    // Under the lock: whoever changes the rules looks at the rooms after this, or has changed them before it.
    session.may_join(&room)?;
    let mut joined = Joined {
        epoch: session.app.hub.epoch_of(&room),
        seq: None,
    };
    if state.ended || state.rooms.contains(&room) {
        joined.seq = state.joined_after.get(&room).copied();
        drop(state);
        return answer(session, room, joined);
    }
    if state.rooms.len() >= policy::MAX_ROOMS {
        let limit = policy::MAX_ROOMS;
        return Err(Reject::new(
            Code::TooManyRooms,
            format!("room `{room}`: {limit} rooms are joined, no more are allowed"),
        ));
    }
    enter(session, &room)?;
    let after = session.reader.subscribe_from(&room, &start);
    if !room.has_wildcard() {
        joined.seq = Some(after);
        state.joined_after.insert(room.clone(), after);
    }
    if let Some(chat) = policy::chat_room(&room) {
        session
            .reader
            .subscribe(&policy::presence_topic(&chat).into());
        let person = session.stay.person();
        session.app.presence.enter(&session.app.hub, &chat, person);
    }
    state.rooms.insert(room.clone());
    drop(state);
    answer(session, room, joined)
}

/// The answer to a join. It waits while the owner of a new private room is being written.
fn answer(session: &Session, room: Filter, joined: Joined) -> Answered<Joined> {
    let Some(topic) = room.as_topic().filter(policy::is_private) else {
        return Ok(Answer::Now(joined));
    };
    let (done, mut kept) = oneshot::channel();
    let done = move |result| drop(done.send(result));
    session.app.identity.once_kept(&topic, &session.user, done);
    let this = session.this.clone();
    let finish = move |result: Result<(), Reject>| {
        if let (Err(_), Some(session)) = (&result, this.upgrade()) {
            go_out(&session, &room);
        }
        result.map(|()| joined)
    };
    match kept.try_recv() {
        Ok(result) => finish(result).map(Answer::Now),
        Err(TryRecvError::Empty) => Ok(Answer::Later(Box::pin(async move {
            finish(kept.await.unwrap_or_else(|_| Err(policy::unkept())))
        }))),
        Err(TryRecvError::Closed) => finish(Err(policy::unkept())).map(Answer::Now),
    }
}

/// The door of a private room: who finds none behind it makes it its own.
fn enter(session: &Session, room: &Filter) -> Result<(), Reject> {
    let Some(topic) = room.as_topic().filter(policy::is_private) else {
        return Ok(());
    };
    let app = &session.app;
    let was_used = app.store.knows(&topic);
    match app.identity.lets_in(&topic, &session.user, was_used)? {
        true => Ok(()),
        false => Err(policy::not_yours(topic.as_str())),
    }
}

/// Invites somebody to a private room. What comes back says later whether that is kept, and then tells the invited one.
///
/// # Errors
/// When the room is not private, this one is not in it, or the name names nobody or several.
pub fn invite(session: &Session, request: RoomInvite) -> Result<Inviting, Reject> {
    let room = policy::chat_topic(&request.room)?;
    session.may_join(&room.clone().into())?;
    let app = &session.app;
    if !policy::is_private(&room) {
        let problem = format!("room `{room}` is open to all: nobody is invited");
        return Err(Reject::new(Code::RoomNotAllowed, problem));
    }
    if !app.identity.is_member(&room, &session.user) {
        return Err(policy::not_yours(room.as_str()));
    }
    let invited = app.identity.named(&request.name)?;
    let is_news = !app.presence.is_in(&room, &invited);
    let kept = app.identity.invite(&room, &invited)?;
    let from = session.author();
    Ok(Inviting {
        app: Arc::clone(app),
        invited,
        // Who is there needs no invitation.
        event: is_news.then_some(RoomInvited { room, from }),
        kept: Box::pin(kept),
    })
}

/// An invitation that is being kept.
pub struct Inviting {
    app: Arc<App>,
    invited: String,
    event: Option<RoomInvited>,
    kept: Pin<Box<dyn Future<Output = Result<(), Reject>> + Send>>,
}

impl Inviting {
    /// Waits until it is kept, and tells the invited one where it is connected.
    ///
    /// # Errors
    /// When it could not be kept.
    pub async fn done(self) -> Result<(), Reject> {
        self.kept.await?;
        let Some(event) = self.event else {
            return Ok(());
        };
        let topic = policy::user_topic(&self.invited);
        let hub = &self.app.hub;
        let told = hub.publish(&topic, SERVER, false, |_| event);
        if let Err(error) = told {
            tracing::warn!(%error, "could not publish an invitation");
        }
        // Nobody comes back to it: it takes no place.
        hub.remove(&topic);
        Ok(())
    }
}

/// From where the room is to be read.
fn start(room: &Filter, request: RoomJoin) -> Result<Start, Reject> {
    let Some(last) = request.last else {
        return Ok(Start::Newest(request.history as usize));
    };
    let mut seen: BTreeMap<_, _> = last.seqs.0.into_iter().collect();
    match (room.as_topic(), last.seq) {
        (Some(topic), Some(seq)) => {
            seen.insert(topic, seq);
        }
        (None, Some(_)) => {
            let room = policy::shown(room.as_str());
            return Err(Reject::new(
                Code::BadPayload,
                format!("room `{room}` has wildcards: it takes `seqs` by topic, no `seq`"),
            ));
        }
        (_, None) => {}
    }
    let epoch = last.epoch;
    Ok(Start::After { epoch, seen })
}

/// Leaves a room; leaving a room that is not joined changes nothing.
///
/// # Errors
/// When the room is no filter or not allowed.
pub fn leave(session: &Session, request: RoomLeave) -> Result<(), Reject> {
    let room = policy::room(&request.room)?;
    go_out(session, &room);
    Ok(())
}

fn go_out(session: &Session, room: &Filter) {
    let mut state = session.state();
    if !state.rooms.remove(room) {
        return;
    }
    state.joined_after.remove(room);
    session.reader.unsubscribe(room);
    session.leaves(room);
    if let Some(chat) = policy::chat_room(room) {
        session
            .reader
            .unsubscribe(&policy::presence_topic(&chat).into());
        session
            .app
            .presence
            .leave(&session.app.hub, &chat, session.peer());
    }
}
