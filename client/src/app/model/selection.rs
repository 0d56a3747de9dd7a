//! Which metrics of a device share its chart: only metrics of one unit share a scale.
//!
//! Not here: drawing.

/// The most series in one chart; as many colours as the palette has.
pub const MAX_SERIES: usize = 6;

/// A metric that can be charted: its name and its unit.
pub type Candidate<'a> = (&'a str, Option<&'a str>);

/// The metrics to chart: those of `chosen` that are there, or by default the first and what shares its unit.
pub fn effective(candidates: &[Candidate<'_>], chosen: &[String]) -> Vec<String> {
    let is_chosen = |name: &str| chosen.iter().any(|wanted| wanted == name);
    let kept: Vec<String> = candidates
        .iter()
        .filter(|(name, _)| is_chosen(name))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if kept.is_empty() {
        return default(candidates);
    }
    kept
}

fn default(candidates: &[Candidate<'_>]) -> Vec<String> {
    let Some(first) = candidates.first() else {
        return Vec::new();
    };
    candidates
        .iter()
        .filter(|candidate| shares_scale(first, candidate))
        .take(MAX_SERIES)
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

/// The choice after a click on the metric `name`: it comes to or leaves those of its unit, or replaces another unit's.
pub fn toggled(candidates: &[Candidate<'_>], shown: &[String], name: &str) -> Vec<String> {
    let find = |name: &str| candidates.iter().find(|candidate| candidate.0 == name);
    let Some(clicked) = find(name) else {
        return shown.to_vec();
    };
    let mut next: Vec<String> = shown
        .iter()
        .filter(|other| find(other).is_some_and(|other| shares_scale(other, clicked)))
        .cloned()
        .collect();
    match next.iter().position(|other| other == name) {
        Some(_) if next.len() == 1 => {}
        Some(at) => {
            next.remove(at);
        }
        None => {
            if next.len() == MAX_SERIES {
                next.remove(0);
            }
            next.push(name.to_owned());
        }
    }
    next
}

/// Metrics without a unit may be anything: none shares a scale with another.
fn shares_scale(left: &Candidate<'_>, right: &Candidate<'_>) -> bool {
    left.0 == right.0 || (left.1.is_some() && left.1 == right.1)
}

#[cfg(test)]
mod tests {
    use super::{Candidate, MAX_SERIES, effective, toggled};

    const HOST: [Candidate<'static>; 5] = [
        ("cpu", Some("%")),
        ("load", None),
        ("memory", Some("%")),
        ("network_in", Some("B/s")),
        ("users", None),
    ];

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn begins_with_the_first_and_its_unit() {
        assert_eq!(effective(&HOST, &[]), ["cpu", "memory"]);
        assert_eq!(effective(&HOST[1..2], &[]), ["load"]);
        assert!(effective(&[], &names(&["gone"])).is_empty());
    }

    #[test]
    fn a_choice_that_is_gone_falls_back() {
        assert_eq!(effective(&HOST, &names(&["gone"])), ["cpu", "memory"]);
        assert_eq!(effective(&HOST, &names(&["load", "gone"])), ["load"]);
    }

    #[test]
    fn units_never_mix() {
        let shown = names(&["cpu", "memory"]);
        assert_eq!(toggled(&HOST, &shown, "network_in"), ["network_in"]);
        assert_eq!(toggled(&HOST, &names(&["load"]), "users"), ["users"]);
        assert_eq!(
            toggled(&HOST, &names(&["cpu"]), "memory"),
            ["cpu", "memory"]
        );
        assert_eq!(toggled(&HOST, &shown, "cpu"), ["memory"]);
    }

    #[test]
    fn a_chart_never_gets_empty_or_crowded() {
        assert_eq!(toggled(&HOST, &names(&["cpu"]), "cpu"), ["cpu"]);
        let many: Vec<String> = (0..9).map(|index| format!("m{index}")).collect();
        let all: Vec<Candidate<'_>> = many.iter().map(|name| (name.as_str(), Some("V"))).collect();
        let shown = effective(&all, &[]);
        assert_eq!(shown.len(), MAX_SERIES);
        assert_eq!(toggled(&all, &shown, "m8").len(), MAX_SERIES);
    }
}
