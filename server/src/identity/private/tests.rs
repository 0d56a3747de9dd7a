//! Whose private rooms are, and what of them is bounded.

use super::{A_DAY, Entry, MAX_OWNED, MAX_ROOMS_OF_GUESTS, Rooms, UNUSED_FOR};
use super::{MAX_MEMBERS, MAX_MEMBERS_IN_ALL, MAX_MEMBERS_OF_GUESTS};
use crate::identity::{new_account, user::random_id};
use tertulia_shared::{Code, Topic};

fn room(number: usize) -> Topic {
    Topic::new(format!("chat/private/{number}")).unwrap()
}

fn account() -> String {
    new_account("Ada", String::new(), 0).id
}

fn begin(rooms: &mut Rooms, number: usize, user: &str) -> Result<(), Code> {
    match rooms.enter(&room(number), user, (true, 1)) {
        Ok(Entry::Begins(owner)) => {
            rooms.write(&owner);
            Ok(())
        }
        Ok(other) => panic!("{other:?}"),
        Err(reject) => Err(reject.code),
    }
}

#[test]
fn one_user_begins_so_many_and_guests_leave_half_of_them_to_others() {
    let mut rooms = Rooms::default();
    let ada = account();
    for number in 0..MAX_OWNED {
        begin(&mut rooms, number, &ada).unwrap();
    }
    assert_eq!(begin(&mut rooms, MAX_OWNED, &ada), Err(Code::ServerFull));
    let mut number = MAX_OWNED;
    let begun = std::iter::from_fn(|| {
        number += 1;
        begin(&mut rooms, number, &random_id()).ok()
    });
    assert_eq!(begun.count(), MAX_ROOMS_OF_GUESTS);
    begin(&mut rooms, 0x10_0000, &account()).unwrap();
    // What was written down counts as much after a restart.
    let kept = rooms.rooms.iter().flat_map(|(name, room)| {
        let owner = room.owner.as_deref();
        let member = |(user, at): (&String, &u64)| crate::store::Member {
            room: name.clone(),
            user: user.clone(),
            at: *at,
            owns: owner == Some(user),
        };
        room.members.iter().map(member).collect::<Vec<_>>()
    });
    let mut again = Rooms::new(kept.collect());
    assert_eq!(begin(&mut again, MAX_OWNED, &ada), Err(Code::ServerFull));
    let guests = begin(&mut again, MAX_OWNED, &random_id());
    assert_eq!(guests, Err(Code::ServerFull));
}

#[test]
fn a_guests_room_is_free_again_once_nobody_comes_for_long_where_nothing_was_said() {
    let mut rooms = Rooms::default();
    let (ada, bob, zoe) = (random_id(), random_id(), account());
    for number in 0..5 {
        begin(&mut rooms, number, &ada).unwrap();
    }
    begin(&mut rooms, 5, &zoe).unwrap();
    rooms.mark_used(&room(3));
    rooms.go_in(&room(4));
    let bobs = rooms.invite(&room(1), &bob, 1).unwrap();
    rooms.write(&bobs);
    let zoes = rooms.invite(&room(2), &zoe, 1).unwrap();
    rooms.write(&zoes);
    assert_eq!(rooms.free(UNUSED_FOR), Vec::<String>::new());
    // Within a day nothing is written for who comes again.
    let comes = |rooms: &Rooms, at| rooms.enter(&room(1), &bob, (true, at)).unwrap();
    assert_eq!(comes(&rooms, A_DAY), Entry::Member(None));
    let Entry::Member(Some(seen)) = comes(&rooms, A_DAY + 1) else {
        panic!("it is not noted");
    };
    rooms.write(&seen);
    // An account that was invited keeps no guest's room.
    let mut freed = rooms.free(UNUSED_FOR + 1);
    freed.sort();
    assert_eq!(freed, ["chat/private/0", "chat/private/2"]);
    assert!(rooms.is_member(&room(1), &ada));
    assert_eq!(rooms.free(2 * UNUSED_FOR), ["chat/private/1"]);
    assert_eq!((rooms.of_guests, rooms.owned[&ada].len()), (2, 2));
    begin(&mut rooms, 0, &bob).unwrap();
    // Neither what was said nor who is there is taken from anybody.
    rooms.go_out(&room(4));
    let mut freed = rooms.free(u64::MAX);
    freed.sort();
    assert_eq!(freed, ["chat/private/0", "chat/private/4"]);
    assert!(rooms.is_member(&room(3), &ada) && rooms.is_member(&room(5), &zoe));
}

#[test]
fn who_begins_one_too_many_spares_the_oldest_in_which_it_is_alone_and_said_nothing() {
    let mut rooms = Rooms::default();
    let (zoe, bob) = (account(), account());
    for number in 0..4 {
        begin(&mut rooms, number, &zoe).unwrap();
    }
    assert_eq!(rooms.spare(&bob), None);
    rooms.mark_used(&room(0));
    rooms.go_in(&room(1));
    let bobs = rooms.invite(&room(2), &bob, 1).unwrap();
    rooms.write(&bobs);
    assert_eq!(rooms.spare(&zoe).as_deref(), Some("chat/private/3"));
    rooms.remove("chat/private/3");
    assert_eq!((rooms.spare(&zoe), rooms.owned[&zoe].len()), (None, 3));
    rooms.go_out(&room(1));
    assert_eq!(rooms.spare(&zoe).as_deref(), Some("chat/private/1"));
}

#[test]
fn members_are_bounded_in_a_room_and_in_all() {
    let mut rooms = Rooms::default();
    let ada = account();
    for number in 0..2 {
        begin(&mut rooms, number, &ada).unwrap();
    }
    let invite = |rooms: &mut Rooms, number| {
        let member = rooms.invite(&room(number), &random_id(), 1);
        member
            .map(|member| rooms.write(&member))
            .map_err(|it| it.code)
    };
    for _ in 1..MAX_MEMBERS {
        invite(&mut rooms, 0).unwrap();
    }
    assert_eq!(invite(&mut rooms, 0), Err(Code::ServerFull));
    assert_eq!(rooms.members, MAX_MEMBERS + 1);
    rooms.members = MAX_MEMBERS_IN_ALL - 1;
    invite(&mut rooms, 1).unwrap();
    assert_eq!(invite(&mut rooms, 1), Err(Code::ServerFull));
    assert_eq!(begin(&mut rooms, 2, &ada), Err(Code::ServerFull));
    // Who is in already may be invited again.
    rooms.invite(&room(1), &ada, 1).unwrap();
    rooms.remove("chat/private/0");
    assert_eq!(rooms.members, MAX_MEMBERS_IN_ALL - MAX_MEMBERS);
    begin(&mut rooms, 2, &ada).unwrap();
}

/// Breaks when: guests invite each other until nobody else has a place, or what they have is forgotten by a restart.
#[test]
fn rooms_of_guests_leave_half_of_the_members_to_others() {
    let mut rooms = Rooms::default();
    let (zoe, eve) = (account(), random_id());
    begin(&mut rooms, 0, &zoe).unwrap();
    begin(&mut rooms, 1, &eve).unwrap();
    let mut kept = Vec::new();
    let mut invite = |rooms: &mut Rooms, number| {
        let member = rooms.invite(&room(number), &random_id(), 1);
        let member = member.map_err(|it| it.code)?;
        rooms.write(&member);
        kept.push(member);
        Ok(())
    };
    for number in [0, 0, 1] {
        invite(&mut rooms, number).unwrap();
    }
    assert_eq!((rooms.members, rooms.members_of_guests), (5, 2));
    rooms.members_of_guests = MAX_MEMBERS_OF_GUESTS - 1;
    invite(&mut rooms, 1).unwrap();
    assert_eq!(invite(&mut rooms, 1), Err(Code::ServerFull));
    assert_eq!(begin(&mut rooms, 2, &random_id()), Err(Code::ServerFull));
    // Who is in already may be invited again.
    rooms.invite(&room(1), &eve, 1).unwrap();
    invite(&mut rooms, 0).unwrap();
    begin(&mut rooms, 2, &zoe).unwrap();
    rooms.remove("chat/private/2");
    rooms.remove("chat/private/1");
    assert_eq!(rooms.members_of_guests, MAX_MEMBERS_OF_GUESTS - 3);
    // Whose a room is may be read after who is in it.
    for (number, owner) in [(0, &zoe), (1, &eve)] {
        let Ok(Entry::Begins(owner)) = Rooms::default().enter(&room(number), owner, (true, 1))
        else {
            panic!("it is somebody's");
        };
        kept.push(owner);
    }
    let again = Rooms::new(kept);
    assert_eq!((again.members, again.members_of_guests), (7, 3));
}
