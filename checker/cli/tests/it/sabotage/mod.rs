//! A legal history is altered in one way, and the checker whose guarantee that breaks must say so.
//! Names J1-J20 are those of the list of things that really went wrong in systems of this kind.

mod case;
mod guard;
mod key_space;
mod leases;
mod watch;
mod words;
use std::collections::BTreeMap;

use case::{Case, Row, watched_after_a_compaction};
use mettle_checker::history::*;
use mettle_checker::{CHECKERS, Options, Verdict, check};

/// All rows, each with the number of leases that its histories have.
fn rows() -> impl Iterator<Item = (&'static Row, u64)> {
    let without = key_space::ROWS.iter().chain(watch::ROWS).map(|row| (row, 0));
    without.chain(leases::ROWS.iter().map(|row| (row, 6)))
}

/// Every row is caught by its checker, and every checker has a history that no other objects to.
#[test]
fn every_checker_is_needed() {
    let mut alone: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (row, leases) in rows() {
        match row.run(leases) {
            Ok(ran) => *alone.entry(row.checker).or_default() += ran.alone,
            Err(what) => wrong.push(what),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for checker in CHECKERS {
        let histories = alone.get(checker).copied().unwrap_or(0);
        assert!(histories > 0, "{checker}: no history is caught by it alone");
    }
    let names: std::collections::BTreeSet<&str> = rows().map(|(row, _)| row.name).collect();
    assert_eq!(names.len(), rows().count(), "each row has a name of its own");
    let others = names.iter().filter(|name| !name.starts_with('J')).count();
    assert!(others >= 20, "only {others} rows besides those of the list");
}

/// A member that restarted may stand before a compaction that it answered: whoever asks it then
/// for an older revision, and gets all of it, has lost nothing.
#[test]
fn member_behind_a_compaction_serves_compacted_revisions() {
    let mut tried = 0;
    for seed in 0..100 {
        let mut case = Case::new(seed);
        let Some(answered) = watched_after_a_compaction(&mut case) else { continue };
        case.created().header.revision = answered;
        tried += 1;
        let history = History { origin: Origin::default(), records: case.records };
        assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal, "seed {seed}");
    }
    assert!(tried > 20, "only {tried} histories had a compaction and a watcher from the start");
}

/// On a connection of its own the same answer is only old, which a serializable read may be.
#[test]
fn reconnected_client_may_see_an_older_store() {
    let mut tried = 0;
    for seed in 0..100 {
        let mut case = Case::new(seed);
        if key_space::back(&mut case, true).is_none() {
            continue;
        }
        tried += 1;
        let history = History { origin: Origin::default(), records: case.records };
        assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal, "seed {seed}");
    }
    assert!(tried > 20, "only {tried} histories had such a read");
}
