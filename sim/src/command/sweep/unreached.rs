//! What a whole sweep did not reach: guarantees that looked at nothing, refusals and answers that no
//! client met, probes that no member passed.

use std::collections::BTreeMap;

use mettle_checker::history::REFUSALS;
use mettle_server::probe::NAMES;
use serde::Serialize;

use crate::seen::{ANSWERS, refusal};

/// Refusals of services that members do not have yet, and of settings that runs do not use.
const NOT_SERVED: [&str; 7] = [
    "etcdserver: lease already exists",
    "etcdserver: too large lease TTL",
    "etcdserver: permission denied",
    "etcdserver: user name is empty",
    "etcdserver: invalid auth token",
    "etcdserver: corrupt cluster",
    "etcdserver: mvcc: database space exceeded",
];

/// What was not reached, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Unreached {
    /// Guarantees that had nothing to look at.
    guarantees: Vec<String>,
    /// Refusals and answers that no client met.
    answers: Vec<String>,
    /// Probes.
    probes: Vec<String>,
}

impl Unreached {
    /// What has no count in a sweep.
    pub(super) fn of(
        probes: &BTreeMap<String, u64>,
        examined: &BTreeMap<String, u64>,
        seen: &BTreeMap<String, u64>,
    ) -> Unreached {
        let missing = |counts: &BTreeMap<String, u64>, name: &str| {
            counts.get(name).copied().unwrap_or(0) == 0
        };
        let guarantees = examined.iter().filter(|(_, count)| **count == 0);
        let served = REFUSALS.iter().map(|(_, text)| *text);
        let refusals = served.filter(|text| !NOT_SERVED.contains(text)).map(refusal);
        let answers = refusals.chain(ANSWERS.map(ToOwned::to_owned));
        let probes = NAMES.iter().filter(|name| missing(probes, name));
        Unreached {
            guarantees: guarantees.map(|(name, _)| name.clone()).collect(),
            answers: answers.filter(|name| missing(seen, name)).collect(),
            probes: probes.map(|name| (*name).to_owned()).collect(),
        }
    }

    /// As lines, of what there is.
    pub(super) fn lines(&self) -> Vec<String> {
        let all = [
            ("guarantees that looked at nothing", &self.guarantees),
            ("answers that no client met", &self.answers),
            ("probes never reached", &self.probes),
        ];
        let some = all.into_iter().filter(|(_, names)| !names.is_empty());
        some.map(|(what, names)| format!("{what} ({}): {}", names.len(), names.join(", ")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
        all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn what_has_a_count_is_not_listed() {
        let probes = counts(&[("wal synced", 3)]);
        let examined = counts(&[("lease", 0), ("header", 9)]);
        let seen = counts(&[("watch fragment", 1), ("refused etcdserver: key is not provided", 1)]);
        let unreached = Unreached::of(&probes, &examined, &seen);
        assert_eq!(unreached.guarantees, ["lease"]);
        assert_eq!(unreached.probes.len(), NAMES.len() - 1);
        let met = REFUSALS.len() - NOT_SERVED.len() + ANSWERS.len();
        assert_eq!(unreached.answers.len(), met - 2);
        assert_eq!(unreached.lines().len(), 3);
        assert!(unreached.lines()[0].starts_with("guarantees that looked at nothing (1): lease"));
    }
}
