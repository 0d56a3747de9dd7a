//! Names that look like a registered user's.

use super::{Code, TempDir, now, on, refused, register};
use crate::{
    identity::{Standing, User, new_account, password},
    store::Accounts,
};

/// Breaks when: somebody without an account is taken for a registered user.
#[tokio::test]
async fn a_name_that_looks_registered_is_refused_at_every_door() {
    let folder = TempDir::new().unwrap();
    register(folder.path(), "admin", "correct horse");
    register(folder.path(), "Мария", "correct horse");
    let (_archive, identity) = on(folder.path());
    let guest = identity.guest(None).unwrap();
    let user = identity.admit(&guest.token).unwrap();
    for name in [
        "admin",
        "аdmin",
        "ɑdmin",
        "admln",
        "ADMIN",
        "Admln",
        "adrnin",
        "Mария",
        "МАРИЯ",
    ] {
        refused(identity.guest(Some(name)), Code::NameTaken, "registered");
        refused(
            identity.may_be_called(&user, name),
            Code::NameTaken,
            "registered",
        );
        refused(
            identity.renew(&user, Some(name)),
            Code::NameTaken,
            "registered",
        );
        assert!(identity.is_kept(name), "{name}");
    }
    for name in ["admin\u{2800}", "admin\u{fe0f}", "admin·3f2a"] {
        refused(identity.guest(Some(name)), Code::BadName, "name `admin");
    }
    for name in ["Марина", "Adam", "Damian", "مريم"] {
        identity.guest(Some(name)).unwrap();
    }
    let mut accounts = Accounts::beside(folder.path()).unwrap();
    let second = new_account("admln", String::new(), now());
    assert!(!crate::identity::register(&mut accounts, &second).unwrap());
}

/// Breaks when: a data directory of an older version cannot be used because two of its users look the same.
#[tokio::test]
async fn users_who_look_the_same_already_both_stay() {
    let folder = TempDir::new().unwrap();
    let hash = password::hash("correct horse").unwrap();
    {
        let mut accounts = Accounts::open(folder.path()).unwrap();
        for name in ["admin", "admln"] {
            let account = new_account(name, hash.clone(), now());
            assert!(accounts.add(&account, |_| false).unwrap());
        }
    }
    let (_archive, identity) = on(folder.path());
    for name in ["admin", "admln"] {
        let issued = identity.login(name, "correct horse".into()).await.unwrap();
        let user = identity.admit(&issued.token).unwrap();
        assert_eq!((&*issued.name, user.standing), (name, Standing::Registered));
        assert_eq!(identity.account_key(&user.id).as_deref(), Some(name));
        assert_eq!(identity.named(name), Ok(user.id.clone()));
        assert_eq!(identity.may_be_called(&user, name).as_deref(), Ok(name));
    }
    let stranger = User::stranger();
    refused(
        identity.may_be_called(&stranger, "adm1n"),
        Code::NameTaken,
        "registered",
    );
}

/// Breaks when: a guest keeps a name that looks like one which was registered since.
#[tokio::test]
async fn a_guest_gives_back_a_name_that_looks_registered_now() {
    let folder = TempDir::new().unwrap();
    let (_archive, identity) = on(folder.path());
    let issued = identity.guest(Some("Bili")).unwrap();
    let stay = identity.enter(&identity.admit(&issued.token).unwrap());
    register(folder.path(), "Bill", "correct horse");
    identity.look().await;
    assert!(stay.over().is_cancelled());
    assert_eq!(identity.admit(&issued.token).unwrap().name, None);
}
