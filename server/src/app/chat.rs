//! The chat: names, and messages in rooms.
//!
//! Not here: what makes a retry harmless (`receipts`).

use super::{App, CLIENT, MQTT, Session, not_published, policy};
use crate::hub::Origin;
use tertulia_shared::{
    Code, Reject, Topic,
    chat::{Author, ChatEnter, ChatMessage, ChatSend, Entered, Receipt},
};

/// Takes or changes the name of a connection.
///
/// # Errors
/// When the name is empty, too long, or has a character that does not show.
pub fn enter(session: &Session, request: ChatEnter) -> Result<Entered, Reject> {
    let name = policy::name(&request.name)?;
    let mut state = session.state();
    state.name = Some(name);
    for room in state.rooms.iter().filter_map(policy::chat_room) {
        let author = session.author(&state);
        session.app.presence.rename(&session.app.hub, &room, author);
    }
    Ok(Entered {
        peer: session.peer.clone(),
    })
}

/// Sends a text to a room; the same id and text again give the same receipt and send nothing.
///
/// # Errors
/// When the room, the text or the id is not allowed, the id was used for another text, or the room is one too many.
pub fn send(session: &Session, request: ChatSend) -> Result<Receipt, Reject> {
    let room = policy::chat_topic(&request.room)?;
    policy::text(&request.text)?;
    policy::id(&request.id)?;
    begin(session, &room)?;
    let from = session.author(&session.state());
    let said = Said {
        room,
        id: request.id,
        from,
        text: request.text,
    };
    say(&session.app, CLIENT, said)
}

/// Counts a room in which nobody has said anything yet.
fn begin(session: &Session, room: &Topic) -> Result<(), Reject> {
    if session.app.hub.knows(room) {
        return Ok(());
    }
    let mut state = session.state();
    if state.begun >= policy::MAX_BEGUN {
        let limit = policy::MAX_BEGUN;
        return Err(Reject::new(
            Code::ServerFull,
            format!("room `{room}`: {limit} rooms were begun, no more are allowed"),
        ));
    }
    state.begun += 1;
    Ok(())
}

/// A text that came through a broker; the same id and text again say nothing. An id that was used for another text is
/// replaced, and a name is made one that is allowed: nobody waits for a refusal.
///
/// # Errors
/// When the room, the text or the id is not allowed.
pub fn relay(
    app: &App,
    room: &Topic,
    from: Option<&str>,
    id: String,
    text: String,
) -> Result<Receipt, Reject> {
    let room = policy::chat_topic(room.as_str())?;
    policy::text(&text)?;
    policy::id(&id)?;
    let name = from.and_then(policy::nearest_name);
    let name = name.unwrap_or_else(|| MQTT.0.to_owned());
    let id = app.receipts.unused(room.clone(), id, &text);
    let peer = MQTT.0.to_owned();
    let from = Author { peer, name };
    say(
        app,
        MQTT,
        Said {
            room,
            id,
            from,
            text,
        },
    )
}

/// A checked message without its stamp.
struct Said {
    room: Topic,
    id: String,
    from: Author,
    text: String,
}

fn say(app: &App, origin: Origin, said: Said) -> Result<Receipt, Reject> {
    let key = (said.room.clone(), said.id.clone());
    let text = said.text.clone();
    app.receipts.once(key, &text, || {
        let room = said.room.clone();
        let stamp = app.hub.publish(&room, origin, false, |stamp| ChatMessage {
            room: said.room,
            seq: stamp.seq,
            id: said.id,
            from: said.from,
            text: said.text,
            at: stamp.at,
        });
        let stamp = stamp.map_err(not_published)?;
        Ok(Receipt {
            seq: stamp.seq,
            at: stamp.at,
        })
    })
}
