//! Whose a private room is, on a disk and over restarts.

use super::{on, pass_seconds};
use crate::identity::{Issued, User};
use tempfile::TempDir;
use tertulia_shared::Topic;
use tokio::sync::oneshot;

#[tokio::test]
async fn a_private_room_is_kept_and_one_that_was_used_is_nobodys_to_take() {
    let folder = TempDir::new().unwrap();
    let room = Topic::new("chat/private/plans").unwrap();
    let (ada, bob) = {
        let (_archive, identity) = on(folder.path());
        let [ada, bob] = ["Ada", "Bob"].map(|name| identity.guest(Some(name)).unwrap());
        let user = |issued: &Issued| identity.admit(&issued.token).unwrap();
        let stranger = User::stranger();
        assert!(!identity.lets_in(&room, &stranger, false).unwrap());
        assert!(!identity.lets_in(&room, &user(&ada), true).unwrap());
        assert!(identity.lets_in(&room, &user(&ada), false).unwrap());
        let (done, kept) = oneshot::channel();
        identity.once_kept(&room, &user(&ada), |it| drop(done.send(it)));
        kept.await.unwrap().unwrap();
        assert!(!identity.lets_in(&room, &user(&bob), false).unwrap());
        identity.invite(&room, &bob.peer).unwrap().await.unwrap();
        (ada, bob)
    };
    let (_archive, identity) = on(folder.path());
    for issued in [&ada, &bob] {
        let user = identity.admit(&issued.token).unwrap();
        assert!(identity.is_member(&room, &user) && identity.lets_in(&room, &user, true).unwrap());
    }
    let eve = identity.guest(None).unwrap();
    let eve = identity.admit(&eve.token).unwrap();
    assert!(!identity.lets_in(&room, &eve, true).unwrap());
    // As long as one of them is in it, it is theirs.
    identity.leaves(&room);
    pass_seconds(61 * 24 * 60 * 60);
    identity.look().await;
    assert!(!identity.lets_in(&room, &eve, false).unwrap());
    // Long after both are gone it is the next one's, if nothing was ever said there.
    identity.leaves(&room);
    pass_seconds(60);
    identity.look().await;
    assert!(!identity.lets_in(&room, &eve, true).unwrap());
    assert!(identity.lets_in(&room, &eve, false).unwrap());
}
