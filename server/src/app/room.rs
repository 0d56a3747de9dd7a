//! Joining and leaving rooms.

use super::{Session, policy};
use tertulia_shared::{
    Code, Reject,
    room::{Joined, RoomJoin, RoomLeave},
};

/// Joins a room; joining it again changes nothing.
///
/// # Errors
/// When the room is no filter or not allowed, or the connection is in too many rooms.
pub fn join(session: &Session, request: RoomJoin) -> Result<Joined, Reject> {
    let room = policy::room(&request.room)?;
    let mut state = session.state();
    let joined = Joined {
        epoch: session.app.hub.epoch_of(&room),
        seq: None,
    };
    if state.ended || state.rooms.contains(&room) {
        return Ok(joined);
    }
    if state.rooms.len() >= policy::MAX_ROOMS {
        let limit = policy::MAX_ROOMS;
        return Err(Reject::new(
            Code::TooManyRooms,
            format!("room `{room}`: {limit} rooms are joined, no more are allowed"),
        ));
    }
    session.reader.subscribe(&room);
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
    session.reader.unsubscribe(&room);
    if let Some(chat) = policy::chat_room(&room) {
        session
            .reader
            .unsubscribe(&policy::presence_topic(&chat).into());
        session
            .app
            .presence
            .leave(&session.app.hub, &chat, &session.peer);
    }
    Ok(())
}
