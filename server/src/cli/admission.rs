//! The options of `tertulia serve` about who is let in.

use crate::config::{Admission, Guests};
use clap::Args;
use std::{path::PathBuf, time::Duration};

/// The shortest time for which a token is good.
const MIN_SESSION: Duration = Duration::from_secs(1);
/// The longest, ten years.
const MAX_SESSION: Duration = Duration::from_secs(10 * 365 * 86_400);

#[derive(Args)]
pub(super) struct AdmissionOptions {
    /// Who may come without an account, in the page and by MQTT: whoever reaches an address of this machine only,
    /// everybody, or nobody.
    #[arg(
        long,
        env = "TERTULIA_GUESTS",
        value_name = "WHERE",
        default_value = "loopback"
    )]
    guests: Guests,

    /// How long a session token is good.
    #[arg(long, env = "TERTULIA_SESSION_FOR", value_name = "DURATION", default_value = "30d", value_parser = session)]
    session_for: Duration,

    /// A file of rules about who may join and publish what; read again at SIGHUP.
    #[arg(long, env = "TERTULIA_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl From<AdmissionOptions> for Admission {
    fn from(options: AdmissionOptions) -> Self {
        Self {
            guests: options.guests,
            session_for: options.session_for,
            policy: options.policy,
        }
    }
}

fn session(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "write a duration, such as 30d or 12h".to_owned())?;
    if (MIN_SESSION..=MAX_SESSION).contains(&duration) {
        return Ok(duration);
    }
    Err("1s to 3650days are allowed".to_owned())
}
