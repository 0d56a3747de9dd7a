//! Which devices the dashboard shows, and how many there are of which kind: a search, a filter, problems first.
//!
//! Not here: the devices themselves (`devices`).

use super::{device::Device, devices::Devices};

/// How many cards come at once.
pub const PAGE: usize = 24;

/// Writes a text in lower case: the browser does, for the library's tables would be a fiftieth of the page.
pub type Lower = fn(&str) -> String;

/// Which devices are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// All.
    #[default]
    All,
    /// Those that somebody should look at.
    Problems,
    /// Those that say that they are offline.
    Offline,
}

/// What the reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Part of the name; upper and lower case are alike.
    pub search: String,
    /// Which devices.
    pub kind: Kind,
    /// The most cards.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            search: String::new(),
            kind: Kind::default(),
            limit: PAGE,
        }
    }
}

/// What is shown, and the counts of all devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The names of the cards, problems first.
    pub names: Vec<String>,
    /// How many devices match the query, also those that are not shown yet.
    pub matching: usize,
    /// How many devices there are.
    pub all: usize,
    /// How many of them say that they are online.
    pub online: usize,
    /// How many say that they are offline.
    pub offline: usize,
    /// How many somebody should look at.
    pub problems: usize,
}

/// What the devices are for this query, at a time of the page. `before` are the cards shown last: with `is_calm` they keep
/// their order, because the reader is about to type or to press something there. `lower` writes a text in lower case.
pub fn roster(
    devices: &Devices,
    query: &Query,
    now: f64,
    (before, is_calm): (&[String], bool),
    lower: Lower,
) -> Roster {
    let search = lower(query.search.trim());
    let mut roster = Roster {
        all: devices.len(),
        ..Roster::default()
    };
    let (mut problems, mut others) = (Vec::new(), Vec::new());
    for (name, device) in devices.iter() {
        let has_problem = device.has_problem(now);
        roster.online += usize::from(device.online == Some(true));
        roster.offline += usize::from(device.online == Some(false));
        roster.problems += usize::from(has_problem);
        if is_wanted(query.kind, device, has_problem) && matches(name, &search, lower) {
            if has_problem {
                &mut problems
            } else {
                &mut others
            }
            .push(name);
        }
    }
    problems.append(&mut others);
    roster.matching = problems.len();
    if is_calm {
        for known in before {
            if let Some(place) = problems.iter().position(|name| name == known) {
                roster.names.push(problems.remove(place).to_owned());
            }
        }
    }
    let room = query.limit.saturating_sub(roster.names.len());
    let others = problems.into_iter().take(room).map(str::to_owned);
    roster.names.extend(others);
    roster
}

fn is_wanted(kind: Kind, device: &Device, has_problem: bool) -> bool {
    match kind {
        Kind::All => true,
        Kind::Problems => has_problem,
        Kind::Offline => device.online == Some(false),
    }
}

/// Whether the name has all words of the search in it.
fn matches(name: &str, search: &str, lower: Lower) -> bool {
    if search.is_empty() {
        return true;
    }
    let name = lower(name);
    search.split_whitespace().all(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{Kind, PAGE, Query, roster};
    use crate::app::model::devices::{Devices, MAX_DEVICES};
    use tertulia_shared::device::DeviceStatus;

    /// So many devices, of which every tenth is offline.
    fn devices(count: usize) -> Devices {
        let mut devices = Devices::default();
        for number in 0..count {
            devices.status(&DeviceStatus {
                device: format!("Sensor-{number:04}"),
                online: number % 10 != 0,
                at: 1,
                seq: 1,
            });
        }
        devices
    }

    fn query(search: &str, kind: Kind, limit: usize) -> Query {
        let search = search.to_owned();
        Query {
            search,
            kind,
            limit,
        }
    }

    #[test]
    fn counts_are_of_all_devices_and_cards_come_by_pages() {
        let devices = devices(120);
        let shown = roster(
            &devices,
            &Query::default(),
            0.0,
            (&[], false),
            str::to_lowercase,
        );
        assert_eq!((shown.all, shown.online, shown.offline), (120, 108, 12));
        assert_eq!((shown.problems, shown.matching), (12, 120));
        assert_eq!(shown.names.len(), PAGE);
        let all = roster(
            &devices,
            &query("", Kind::All, 500),
            0.0,
            (&[], false),
            str::to_lowercase,
        );
        assert_eq!(all.names.len(), 120);
    }

    #[test]
    fn problems_come_first_in_the_order_of_their_names() {
        let shown = roster(
            &devices(30),
            &Query::default(),
            0.0,
            (&[], false),
            str::to_lowercase,
        );
        let first = ["Sensor-0000", "Sensor-0010", "Sensor-0020", "Sensor-0001"];
        assert_eq!(shown.names[..4], first);
    }

    #[test]
    fn a_search_and_a_filter_find_every_device() {
        let devices = devices(MAX_DEVICES);
        let find = |search: &str, kind| {
            roster(
                &devices,
                &query(search, kind, 5),
                0.0,
                (&[], false),
                str::to_lowercase,
            )
        };
        assert_eq!(find("sensor-1999", Kind::All).names, ["Sensor-1999"]);
        assert_eq!(find(" 77 SENS ", Kind::All).matching, 38);
        assert_eq!(find("1990", Kind::Offline).names, ["Sensor-1990"]);
        assert_eq!(find("1991", Kind::Offline).matching, 0);
        assert_eq!(find("", Kind::Problems).matching, MAX_DEVICES / 10);
    }

    #[test]
    fn cards_keep_their_order_while_the_reader_acts() {
        let devices = devices(12);
        let before = ["Sensor-0003", "Sensor-0000"].map(str::to_owned);
        let shown = roster(
            &devices,
            &Query::default(),
            0.0,
            (&before, true),
            str::to_lowercase,
        );
        assert_eq!(
            shown.names[..3],
            ["Sensor-0003", "Sensor-0000", "Sensor-0010"]
        );
    }
}
