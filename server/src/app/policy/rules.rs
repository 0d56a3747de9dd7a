//! Who may join and publish what: a list of rules, of which the last one that matches counts. Pure functions.
//!
//! The same for every door. Not here: what may be joined or said at all (`policy`), private rooms
//! (`identity`), and the file in which rules stand (`file`).

use std::collections::BTreeSet;
use tertulia_shared::{
    Filter, Topic,
    room::{CHAT, DEVICES, SENSORS},
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// Somebody without an account.
    Guest,
    /// The registered user of this name, folded (`identity::name::folded`).
    Registered(&'a str),
}

/// For whom a rule is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// All.
    Everybody,
    /// Those without an account.
    Guests,
    /// Those with one.
    Registered,
    /// The registered users of these names, folded.
    Named(BTreeSet<String>),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For whom it is.
    pub who: Who,
    /// Whether it is about joining and subscribing.
    pub join: bool,
    /// Whether it is about publishing.
    pub publish: bool,
    /// The topics that it is about.
    pub topic: Filter,
    /// Whether it allows or refuses.
    pub allow: bool,
}

/// The rules in their order, the built-in ones first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Default for Policy {
    /// Everybody may join and publish what the server knows: `chat/#`, `sensors/#` and `devices/#`.
    fn default() -> Self {
        let rule = |level| {
            let topic = super::all_below(level);
            Rule {
                who: Who::Everybody,
                join: true,
                publish: true,
                topic,
                allow: true,
            }
        };
        Self {
            rules: [CHAT, SENSORS, DEVICES].into_iter().map(rule).collect(),
        }
    }
}

impl Policy {
    /// The built-in rules, and these after them.
    pub fn with(rules: impl IntoIterator<Item = Rule>) -> Self {
        let mut policy = Self::default();
        policy.rules.extend(rules);
        policy
    }

    /// Whether somebody may read all that a filter matches: where a rule that allows covers it, and no later one that
    /// refuses overlaps it.
    pub fn may_join(&self, who: Asker<'_>, filter: &Filter) -> bool {
        let about = |rule: &&Rule| rule.join && rule.who.is(who);
        last(self.rules.iter().filter(about), filter)
    }

    /// Whether somebody may publish to a topic.
    pub fn may_publish(&self, who: Asker<'_>, topic: &Topic) -> bool {
        let about = |rule: &&Rule| rule.publish && rule.who.is(who);
        last(self.rules.iter().filter(about), &topic.clone().into())
    }
}

fn last<'a>(rules: impl Iterator<Item = &'a Rule>, filter: &Filter) -> bool {
    let decide = |allowed: bool, rule: &Rule| match rule.allow {
        true => allowed || rule.topic.covers(filter),
        false => allowed && !rule.topic.overlaps(filter),
    };
    rules.fold(false, decide)
}

impl Who {
    fn is(&self, who: Asker<'_>) -> bool {
        match (self, who) {
            (Self::Everybody, _)
            | (Self::Guests, Asker::Guest)
            | (Self::Registered, Asker::Registered(_)) => true,
            (Self::Named(names), Asker::Registered(name)) => names.contains(name),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asker, Policy};
    use crate::app::policy::file::read;
    use tertulia_shared::{Filter, Topic};

    const FILE: &str = r#"
        [[rule]]
        who = "guests"
        may = ["join", "publish"]
        topic = "chat/staff/#"
        allow = false

        [[rule]]
        who = "everybody"
        may = "publish"
        topic = "devices/#"
        allow = false

        [[rule]]
        who = ["Ada", "Zoë"]
        may = "publish"
        topic = "devices/+/set/+"
        allow = true

        [[rule]]
        who = "registered"
        may = "join"
        topic = "home/#"
        allow = true

        [[rule]]
        who = "bob"
        may = ["publish", "join"]
        topic = "home/safe/+"
        allow = false
    "#;

    const GUEST: Asker<'_> = Asker::Guest;
    const ADA: Asker<'_> = Asker::Registered("ada");
    const BOB: Asker<'_> = Asker::Registered("bob");

    #[test]
    fn a_table_of_who_may_join_what() {
        let policy = read(FILE).unwrap();
        for (who, filter, expected) in [
            (GUEST, "chat/lobby", true),
            (GUEST, "chat/staff", false),
            (GUEST, "chat/staff/today", false),
            (GUEST, "chat/#", false),
            (GUEST, "chat/+", false),
            (GUEST, "chat/staff2", true),
            (GUEST, "sensors/#", true),
            (GUEST, "sensors/+/temperature", true),
            (GUEST, "sensors", true),
            (GUEST, "#", false),
            (GUEST, "+/lobby", false),
            (GUEST, "home/light", false),
            (GUEST, "$SYS/#", false),
            (ADA, "chat/staff/today", true),
            (ADA, "chat/#", true),
            (ADA, "home/#", true),
            (ADA, "home/safe/code", true),
            (ADA, "#", false),
            (BOB, "home/light", true),
            (BOB, "home/safe/code", false),
            (BOB, "home/#", false),
            (BOB, "home/+", true),
            (BOB, "home/safe", true),
            (BOB, "home/safe/+/x", true),
        ] {
            let filter = Filter::new(filter).unwrap();
            assert_eq!(policy.may_join(who, &filter), expected, "{who:?} {filter}");
        }
    }

    #[test]
    fn a_table_of_who_may_publish_what() {
        let policy = read(FILE).unwrap();
        for (who, topic, expected) in [
            (GUEST, "chat/lobby", true),
            (GUEST, "chat/staff/today", false),
            (GUEST, "devices/lamp/set/power", false),
            (ADA, "devices/lamp/set/power", true),
            (ADA, "devices/lamp/status", false),
            (Asker::Registered("zoë"), "devices/lamp/set/power", true),
            (BOB, "devices/lamp/set/power", false),
            (BOB, "home/light", false),
            (BOB, "tertulia/bridge", false),
            (BOB, "$SYS/broker", false),
        ] {
            let topic = Topic::new(topic).unwrap();
            assert_eq!(policy.may_publish(who, &topic), expected, "{who:?} {topic}");
        }
    }

    #[test]
    fn without_a_file_everybody_may_what_the_server_knows_and_nothing_else() {
        let policy = Policy::default();
        for (text, expected) in [
            ("chat/#", true),
            ("sensors/+/x", true),
            ("devices/lamp/set/power", true),
            ("#", false),
            ("tertulia/bridge", false),
            ("presence/chat/lobby", false),
            ("$SYS/#", false),
            ("user/abc", false),
        ] {
            let filter = Filter::new(text).unwrap();
            for who in [GUEST, ADA] {
                assert_eq!(policy.may_join(who, &filter), expected, "{text}");
            }
            if let Some(topic) = filter.as_topic() {
                assert_eq!(policy.may_publish(GUEST, &topic), expected, "{text}");
            }
        }
    }

    #[test]
    fn the_last_rule_that_matches_counts() {
        let rule = |who: &str, allow: bool| {
            format!("[[rule]]\nwho='{who}'\nmay='join'\ntopic='chat/a'\nallow={allow}\n")
        };
        for (rules, guest, ada) in [
            (vec![("everybody", false)], false, false),
            (vec![("everybody", false), ("ada", true)], false, true),
            (vec![("ada", true), ("everybody", false)], false, false),
            (vec![("guests", false), ("everybody", true)], true, true),
            (vec![("registered", false)], true, false),
        ] {
            let text: String = rules.iter().map(|(who, allow)| rule(who, *allow)).collect();
            let policy = read(&text).unwrap();
            let room = Filter::new("chat/a").unwrap();
            assert_eq!(policy.may_join(GUEST, &room), guest, "{rules:?}");
            assert_eq!(policy.may_join(ADA, &room), ada, "{rules:?}");
        }
    }
}
