//! What time it is at the server.

use super::Session;
use tertulia_shared::{
    Reject,
    server::{ServerTime, Time},
};

/// Gives the time that messages are stamped with.
///
/// # Errors
/// Never.
pub fn time(session: &Session, _: ServerTime) -> Result<Time, Reject> {
    let at = session.app.hub.now();
    Ok(Time { at })
}
