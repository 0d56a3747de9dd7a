//! Joining and leaving rooms.

use super::{Session, policy};
use crate::hub::Start;
use std::collections::BTreeMap;
use tertulia_shared::{
    Code, Filter, Reject,
    room::{Joined, RoomJoin, RoomLeave},
};

/// Joins a room; joining it again changes nothing.
///
/// # Errors
/// When the room is no filter or not allowed, the position does not fit it, or the connection is in too many rooms.
pub fn join(session: &Session, request: RoomJoin) -> Result<Joined, Reject> {
    let room = policy::room(&request.room)?;
    let start = start(&room, request)?;
    let mut state = session.state();
    let mut joined = Joined {
        epoch: session.app.hub.epoch_of(&room),
        seq: None,
    };
    if state.ended || state.rooms.contains(&room) {
        joined.seq = state.joined_after.get(&room).copied();
        return Ok(joined);
    }
    if state.rooms.len() >= policy::MAX_ROOMS {
        let limit = policy::MAX_ROOMS;
        return Err(Reject::new(
            Code::TooManyRooms,
            format!("room `{room}`: {limit} rooms are joined, no more are allowed"),
        ));
    }
    let after = session.reader.subscribe_from(&room, &start);
    if !room.has_wildcard() {
        joined.seq = Some(after);
        state.joined_after.insert(room.clone(), after);
    }
    if let Some(chat) = policy::chat_room(&room) {
        session
            .reader
            .subscribe(&policy::presence_topic(&chat).into());
        let author = session.author(&state);
        session.app.presence.enter(&session.app.hub, &chat, author);
    }
    state.rooms.insert(room);
    Ok(joined)
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
    let mut state = session.state();
    if !state.rooms.remove(&room) {
        return Ok(());
    }
    state.joined_after.remove(&room);
    session.reader.unsubscribe(&room);
    if let Some(chat) = policy::chat_room(&room) {
        session
            .reader
            .unsubscribe(&policy::presence_topic(&chat).into());
        session
            .app
            .presence
            .leave(&session.app.hub, &chat, session.peer());
    }
    Ok(())
}
