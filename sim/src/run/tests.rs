//! A whole run, in process: what comes out of it, and that it comes out the same again.
//!
//! The server's hook is set once in a process, so all that a run shows is asked of this one.

use mettle_server::probe::NAMES;

use super::*;
use crate::outcome::Convergence;
use crate::planner;
use crate::trace::{Keep, Trace};

const STORY: &str = "
title = 'A member is killed'
why = 'It shows every part of an outcome.'
[cluster]
members = 3
[traffic]
duration = '6s'
clients = 2
[[fault]]
kind = 'kill'
target = 'm2'
at = '2s'
for = '1s'
[[fault]]
kind = 'kill'
target = 'm2'
at = '2500ms'
for = '1s'
";

#[test]
fn a_run_hands_back_what_happened() {
    let scenario = mettle_scenarios::parse("x", "test/kill", STORY, NAMES).unwrap();
    let plan = planner::plan(&scenario, 1, &[]);
    let outcome = run(&plan, RunOptions { verbose: false, trace: Trace::new(Keep::Nothing) });

    assert!(outcome.panic.is_none() && outcome.harness.is_none(), "{outcome:?}");
    assert_eq!(outcome.violations, []);
    let Convergence::Converged { revision, .. } = outcome.convergence else {
        panic!("{:?}", outcome.convergence)
    };
    assert!(revision > 10, "{revision}");
    assert!(outcome.operations.ok > 50, "{:?}", outcome.operations);
    let operations = outcome.records.iter().filter(|record| record.request.op().is_operation());
    let counted = outcome.operations;
    assert_eq!(operations.count() as u64, counted.ok + counted.fail + counted.unknown);

    // The second kill finds nobody to strike.
    let fired: Vec<u64> = outcome.faults.iter().map(|fault| fault.fired).collect();
    assert_eq!((fired, outcome.faults[0].effect), (vec![1, 0], 1), "m2 served again");
    let [span] = &outcome.timeline.faults[..] else { panic!("{:?}", outcome.timeline.faults) };
    assert_eq!((span.name.as_str(), span.target.as_str()), ("kill", "m2"));
    // The executor rounds a timer up by a few nanoseconds.
    let second = |ns: u64| ns / 1_000_000_000;
    assert_eq!((second(span.start_ns), span.end_ns.map(second)), (2, Some(3)));
    assert!(!outcome.timeline.leaders.is_empty() && outcome.timeline.stops.is_empty());
    assert!(outcome.timeline.end_ns > plan.duration_ns, "the converge phase comes after traffic");
    assert_eq!(outcome.hash.members.len(), 3);
    assert!(outcome.trace.is_empty(), "nothing was to be kept");
}
