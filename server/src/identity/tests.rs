//! Tokens, accounts and connections together, on a clock that the tests move.

mod clock;
mod names;
mod private;

use super::{Identity, Issued, Standing, new_account, password};
use crate::store::{Accounts, Age, Archive, DataDir, Limits};
use std::{cell::Cell, path::Path, time::Duration};
use tempfile::TempDir;
use tertulia_shared::{Code, Reject};

const SESSION: Duration = Duration::from_secs(100);

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_000_000) };
}

fn now() -> u64 {
    NOW.get()
}

fn pass_seconds(seconds: u64) {
    NOW.set(NOW.get() + seconds * 1_000);
}

fn alone() -> Identity {
    Identity::open(None, Age::new(now), SESSION).unwrap()
}

/// A server's share of a directory that it holds.
fn on(directory: &Path) -> (Archive, Identity) {
    let taken = DataDir::open(directory).unwrap();
    let archive = Archive::open(taken, now, Limits::default()).unwrap();
    let identity = Identity::open(Some(directory), archive.age(), SESSION).unwrap();
    (archive, identity)
}

fn register(directory: &Path, name: &str, password: &str) {
    let hash = password::hash(password).unwrap();
    let mut accounts = Accounts::open(directory).unwrap();
    assert!(super::register(&mut accounts, &new_account(name, hash, now())).unwrap());
}

fn is_admitted(identity: &Identity, issued: &Issued) -> bool {
    identity.admit(&issued.token).is_ok()
}

#[track_caller]
fn refused<T>(result: Result<T, Reject>, code: Code, why: &str) {
    let reject = result.err().expect("a refusal");
    assert_eq!(reject.code, code, "{reject}");
    assert!(reject.message.contains(why), "{reject}");
}

#[tokio::test]
async fn a_token_expires_and_its_connection_ends() {
    let identity = alone();
    let issued = identity.guest(Some(" Zoë ")).unwrap();
    assert_eq!((issued.name.as_str(), issued.registered), ("Zoë", false));
    assert_eq!(issued.expires, now() + 100_000);
    let user = identity.admit(&issued.token).unwrap();
    assert_eq!((&user.id, user.standing), (&issued.peer, Standing::Guest));
    let stay = identity.enter(&user);
    pass_seconds(99);
    identity.look().await;
    assert!(!stay.over().is_cancelled() && is_admitted(&identity, &issued));
    pass_seconds(1);
    refused(identity.admit(&issued.token), Code::BadToken, "expired");
    assert!(!stay.over().is_cancelled());
    identity.look().await;
    assert!(stay.over().is_cancelled());
}

#[tokio::test]
async fn a_renewed_token_is_the_same_users_and_outlives_the_first() {
    let identity = alone();
    let first = identity.guest(Some("Zoë")).unwrap();
    pass_seconds(60);
    let user = identity.admit(&first.token).unwrap();
    let second = identity.renew(&user, None).unwrap();
    assert_eq!((&second.peer, &second.name), (&first.peer, &first.name));
    pass_seconds(60);
    assert!(!is_admitted(&identity, &first) && is_admitted(&identity, &second));
    let renamed = identity.renew(&user, Some("Zoe")).unwrap();
    assert_eq!(renamed.name, "Zoe");
    let name = identity.admit(&second.token).unwrap().name;
    assert_eq!(name.as_deref(), Some("Zoe"));
}

/// Breaks when: a token that was renewed, or its renewal, is good after a sign-out; another sign-in of the user is not.
#[tokio::test]
async fn a_revoked_token_ends_its_connections_with_all_renewals_and_no_others() {
    let folder = TempDir::new().unwrap();
    register(folder.path(), "Ada", "correct horse");
    let (_archive, identity) = on(folder.path());
    let login = async || identity.login("Ada", "correct horse".into()).await.unwrap();
    let user = |issued: &Issued| identity.admit(&issued.token).unwrap();
    let renewed = |issued: &Issued| identity.renew(&user(issued), None).unwrap();
    for which in 0..3 {
        let other = login().await;
        let others = identity.enter(&user(&other));
        let first = login().await;
        let second = renewed(&first);
        let family = [first, renewed(&second), second];
        let users = family.each_ref().map(user);
        let stays = users.each_ref().map(|user| identity.enter(user));
        identity.revoke(&family[which].token).await.unwrap();
        assert!(stays.iter().all(|stay| stay.over().is_cancelled()));
        for (issued, user) in family.iter().zip(&users) {
            let token = &issued.token;
            refused(identity.admit(token), Code::BadToken, "revoked");
            refused(identity.revoke(token).await, Code::BadToken, "revoked");
            refused(identity.renew(user, None), Code::BadToken, "revoked");
        }
        assert!(!others.over().is_cancelled() && is_admitted(&identity, &other));
    }
    refused(identity.revoke("abc").await, Code::BadToken, "none of");
}

/// Breaks when: that a token is revoked is forgotten when it expires, and its renewals are good again.
#[tokio::test]
async fn a_revoked_token_is_remembered_as_long_as_its_last_renewal_would_be_good() {
    let folder = TempDir::new().unwrap();
    let (archive, identity) = on(folder.path());
    let first = identity.guest(None).unwrap();
    let user = identity.admit(&first.token).unwrap();
    pass_seconds(60);
    let second = identity.renew(&user, None).unwrap();
    identity.revoke(&first.token).await.unwrap();
    pass_seconds(99);
    identity.look().await;
    drop((archive, identity));
    // The server that gave them gave them for longer than this one does.
    let _taken = DataDir::open(folder.path()).unwrap();
    let identity =
        Identity::open(Some(folder.path()), Age::new(now), Duration::from_secs(1)).unwrap();
    refused(identity.admit(&second.token), Code::BadToken, "revoked");
    pass_seconds(1);
    refused(identity.admit(&second.token), Code::BadToken, "expired");
}

/// Breaks when: the last one of a family, which is good for a short time, has those before it remembered for as long only.
#[tokio::test]
async fn what_was_good_for_long_stays_revoked_for_long() {
    let folder = TempDir::new().unwrap();
    let (archive, identity) = on(folder.path());
    let first = identity.guest(None).unwrap();
    drop((archive, identity));
    let _taken = DataDir::open(folder.path()).unwrap();
    let identity =
        Identity::open(Some(folder.path()), Age::new(now), Duration::from_secs(2)).unwrap();
    let mut last = first.clone();
    for _ in 0..2 {
        let user = identity.admit(&last.token).unwrap();
        last = identity.renew(&user, None).unwrap();
    }
    identity.revoke(&last.token).await.unwrap();
    pass_seconds(90);
    identity.look().await;
    refused(identity.admit(&first.token), Code::BadToken, "revoked");
}

/// Breaks when: who was told to try again later is told that there is nothing to do, and a restart lets the token in.
#[tokio::test]
async fn what_could_not_be_kept_of_a_revoked_token_can_be_asked_again() {
    let folder = TempDir::new().unwrap();
    let (archive, identity) = on(folder.path());
    let gone = identity.guest(None).unwrap();
    let db = rusqlite::Connection::open(folder.path().join("tertulia.db")).unwrap();
    let full =
        "CREATE TRIGGER full BEFORE INSERT ON revoked BEGIN SELECT RAISE(ABORT, 'full'); END";
    db.execute_batch(full).unwrap();
    for _ in 0..2 {
        let refused = identity.revoke(&gone.token).await.unwrap_err();
        assert_eq!(refused.code, Code::StorageFailed);
        assert!(!is_admitted(&identity, &gone));
    }
    db.execute_batch("DROP TRIGGER full").unwrap();
    identity.revoke(&gone.token).await.unwrap();
    let again = identity.revoke(&gone.token).await;
    refused(again, Code::BadToken, "revoked");
    drop((archive, identity));
    let (_archive, identity) = on(folder.path());
    refused(identity.admit(&gone.token), Code::BadToken, "revoked");
}

/// Breaks when: a token that goes bad between the look at it and the connection is not seen by either.
#[tokio::test]
async fn who_comes_in_while_its_token_is_revoked_goes_at_once() {
    let identity = alone();
    let issued = identity.guest(Some("Zoë")).unwrap();
    let user = identity.admit(&issued.token).unwrap();
    identity.revoke(&issued.token).await.unwrap();
    assert!(identity.enter(&user).over().is_cancelled());
    let late = identity.guest(None).unwrap();
    let user = identity.admit(&late.token).unwrap();
    pass_seconds(100);
    assert!(identity.enter(&user).over().is_cancelled());
}

/// Breaks when: what is expired is only forgotten where somebody with a token is connected, or not on disk.
#[tokio::test]
async fn a_revoked_token_is_forgotten_when_it_expires() {
    let folder = TempDir::new().unwrap();
    let (_archive, identity) = on(folder.path());
    let gone = identity.guest(None).unwrap();
    identity.revoke(&gone.token).await.unwrap();
    identity.look().await;
    let on_disk = || {
        let mut accounts = Accounts::beside(folder.path()).unwrap();
        accounts.everybody(0).unwrap().revoked.len()
    };
    assert_eq!(on_disk(), 1);
    pass_seconds(100);
    identity.look().await;
    refused(identity.admit(&gone.token), Code::BadToken, "expired");
    drop(identity);
    assert_eq!(on_disk(), 0);
}

#[tokio::test]
async fn a_restart_keeps_tokens_names_and_what_is_revoked() {
    let folder = TempDir::new().unwrap();
    let (kept, gone) = {
        let (_archive, identity) = on(folder.path());
        let kept = identity.guest(Some("Zoë")).unwrap();
        let user = identity.admit(&kept.token).unwrap();
        identity.remember_name(&user, "Zoe");
        let gone = identity.guest(None).unwrap();
        assert!(gone.name.starts_with("guest-"));
        identity.revoke(&gone.token).await.unwrap();
        (kept, gone)
    };
    let (_archive, identity) = on(folder.path());
    let user = identity.admit(&kept.token).unwrap();
    assert_eq!((user.id, user.name.as_deref()), (kept.peer, Some("Zoe")));
    refused(identity.admit(&gone.token), Code::BadToken, "revoked");
    refused(alone().admit(&kept.token), Code::BadToken, "none of");
}

#[tokio::test]
async fn a_password_is_one_users() {
    let folder = TempDir::new().unwrap();
    register(folder.path(), "Ada", "correct horse");
    let (_archive, identity) = on(folder.path());
    assert!(identity.has_accounts());
    let issued = identity
        .login(" ADA", "correct horse".into())
        .await
        .unwrap();
    assert_eq!((issued.name.as_str(), issued.registered), ("Ada", true));
    let again = identity.login("ada", "correct horse".into()).await.unwrap();
    assert_eq!(again.peer, issued.peer);
    for (name, password) in [
        ("Ada", "battery staple"),
        ("Bob", "correct horse"),
        ("", ""),
    ] {
        let login = identity.login(name, password.into()).await;
        refused(login, Code::BadPassword, "wrong name or password");
    }
}

#[tokio::test]
async fn a_registered_name_is_nobody_elses() {
    let folder = TempDir::new().unwrap();
    let (_archive, identity) = on(folder.path());
    let before = identity.guest(Some("Ada")).unwrap();
    let early = identity.admit(&before.token).unwrap();
    let stay = identity.enter(&early);
    register(folder.path(), "Ada", "correct horse");
    identity.look().await;
    // The guest who was called so loses its connection, and comes back without the name.
    assert!(stay.over().is_cancelled());
    let guest = identity.admit(&before.token).unwrap();
    assert_eq!((&guest.id, &guest.name), (&before.peer, &None));
    // It is not turned away until its last connection is closed, and nobody is who has asked just before.
    for user in [&guest, &early] {
        let again = identity.enter(user);
        assert!(!again.over().is_cancelled());
        assert_eq!(again.person().name(), None);
    }
    drop(stay);
    let again = identity.enter(&early);
    assert!(!again.over().is_cancelled());
    assert_eq!(again.person().name(), None);
    for name in ["Ada", "a d a", "ＡＤＡ", "Аda"] {
        refused(identity.guest(Some(name)), Code::NameTaken, "registered");
        refused(
            identity.may_be_called(&early, name),
            Code::NameTaken,
            "registered",
        );
        refused(
            identity.renew(&early, Some(name)),
            Code::NameTaken,
            "registered",
        );
    }
    let issued = identity.login("ada", "correct horse".into()).await.unwrap();
    let ada = identity.admit(&issued.token).unwrap();
    assert_eq!(identity.may_be_called(&ada, "aDA").as_deref(), Ok("Ada"));
    refused(
        identity.may_be_called(&ada, "Bob"),
        Code::BadName,
        "keeps its name",
    );
}

#[tokio::test]
async fn another_password_or_a_removal_ends_all_sessions_of_the_user() {
    let folder = TempDir::new().unwrap();
    register(folder.path(), "Ada", "correct horse");
    register(folder.path(), "Bob", "correct horse");
    let (_archive, identity) = on(folder.path());
    let login = async |name, password: &str| {
        let issued = identity.login(name, password.to_owned()).await.unwrap();
        let stay = identity.enter(&identity.admit(&issued.token).unwrap());
        (issued, stay)
    };
    let (bob, bobs) = login("Bob", "correct horse").await;
    let (first, stay) = login("Ada", "correct horse").await;
    let (second, other) = login("Ada", "correct horse").await;
    let hash = password::hash("battery staple").unwrap();
    let mut accounts = Accounts::open(folder.path()).unwrap();
    assert!(accounts.set_password("ada", &hash).unwrap());
    identity.look().await;
    assert!(stay.over().is_cancelled() && other.over().is_cancelled());
    for issued in [first, second] {
        refused(
            identity.admit(&issued.token),
            Code::BadToken,
            "another password",
        );
    }
    let (third, stay) = login("Ada", "battery staple").await;
    assert!(accounts.remove("ada").unwrap() && !accounts.remove("ada").unwrap());
    identity.look().await;
    assert!(stay.over().is_cancelled());
    refused(identity.admit(&third.token), Code::BadToken, "removed");
    assert!(!bobs.over().is_cancelled() && is_admitted(&identity, &bob));
    // Who is registered by the same name later is somebody else.
    register(folder.path(), "Ada", "correct horse");
    identity.look().await;
    refused(identity.admit(&third.token), Code::BadToken, "removed");
}

#[tokio::test]
async fn all_connections_of_a_user_have_one_name_and_strangers_their_own() {
    let identity = alone();
    let issued = identity.guest(Some("Zoë")).unwrap();
    let user = identity.admit(&issued.token).unwrap();
    let (first, second) = (identity.enter(&user), identity.enter(&user));
    first.rename("Zoe".into());
    assert_eq!(second.person().name().as_deref(), Some("Zoe"));
    assert_eq!(identity.named("zoe").unwrap(), issued.peer);
    drop((first, second));
    refused(identity.named("zoe"), Code::BadName, "nobody");
    let twice = [(); 2].map(|()| {
        let issued = identity.guest(Some("Bob")).unwrap();
        identity.enter(&identity.admit(&issued.token).unwrap())
    });
    refused(identity.named("bob"), Code::AmbiguousName, "several");
    drop(twice);
}
