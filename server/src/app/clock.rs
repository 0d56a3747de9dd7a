//! What time it is at the server.

use super::Session;
use tertulia_shared::{
    Reject,
    server::{ServerTime, Time},
};

/// The time that messages are stamped with.
///
/// # Errors
/// None: the result has the shape that all handlers have.
pub fn time(session: &Session, _: ServerTime) -> Result<Time, Reject> {
    let at = session.app.hub.now();
    Ok(Time { at })
}
