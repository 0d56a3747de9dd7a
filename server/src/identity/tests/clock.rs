//! A wall clock that is wrong for a while: what expires by it is not forgotten for that.

use super::{NOW, now, pass_seconds, refused};
use crate::{
    identity::{Identity, Issued, SESSION_FOR},
    store::{Archive, DataDir, Limits},
};
use std::path::Path;
use tempfile::TempDir;
use tertulia_shared::{Code, Topic};

const YEAR: u64 = 370 * 24 * 60 * 60;

/// On a machine on which no time passes.
fn on(directory: &Path) -> (Archive, Identity) {
    let taken = DataDir::open(directory).unwrap();
    let archive = Archive::open(taken, now, Limits::default()).unwrap();
    let archive = archive.measured_by(|| 0);
    let identity = Identity::open(Some(directory), archive.age(), SESSION_FOR).unwrap();
    (archive, identity)
}

/// Breaks when: a clock that is ahead for a moment makes a revoked token good again, or takes a room from its owner.
#[tokio::test]
async fn a_clock_that_was_ahead_has_forgotten_nobody() {
    let folder = TempDir::new().unwrap();
    let room = Topic::new("chat/private/plans").unwrap();
    let (archive, identity) = on(folder.path());
    let [ada, bob]: [Issued; 2] = ["Ada", "Bob"].map(|name| identity.guest(Some(name)).unwrap());
    let user = identity.admit(&ada.token).unwrap();
    assert!(identity.lets_in(&room, &user, false).unwrap());
    identity.leaves(&room);
    identity.revoke(&bob.token).await.unwrap();
    pass_seconds(YEAR);
    identity.look().await;
    refused(identity.admit(&ada.token), Code::BadToken, "expired");
    drop((archive, identity));
    let (archive, identity) = on(folder.path());
    identity.look().await;
    drop((archive, identity));
    NOW.set(NOW.get() - YEAR * 1_000);
    let (_archive, identity) = on(folder.path());
    refused(identity.admit(&bob.token), Code::BadToken, "revoked");
    let user = identity.admit(&ada.token).unwrap();
    assert!(identity.is_member(&room, &user));
}
