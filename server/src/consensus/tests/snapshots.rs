//! Corners of snapshots that a story does not reach, and what `Stored::settle` refuses.

use super::bench::{Bench, accepted, heartbeat};
use super::cluster::entries_of;
use crate::consensus::{Broken, HardState, MessageBody, SnapshotMark, Stored};

/// A leader of three that has forgotten its log up to 4, of which it knows 2 to lag.
fn leader_with_a_laggard() -> Bench {
    let mut bench = Bench::leader_after(3, &[1, 1, 1, 1], 1);
    bench.hear(3, 2, accepted(5));
    bench.core.applied(5);
    bench.core.compact(4);
    assert_eq!(bench.core.first_index(), 5);
    let body = MessageBody::AppendRejected { rejected: 4, hint_index: 1, hint_term: 1 };
    bench.hear(2, 2, body);
    assert_eq!(bench.snapshots_to, [2]);
    bench
}

#[test]
fn after_a_failed_snapshot_the_follower_is_asked_what_it_holds() {
    let mut bench = leader_with_a_laggard();
    bench.core.snapshot_sent(2, false);
    assert_eq!(bench.drain(), [], "not before it is heard");
    // The state was installed, only the answer was lost; another snapshot would be refused.
    let answer = MessageBody::HeartbeatResponse { context: bytes::Bytes::new() };
    let asked = bench.hear(2, 2, answer);
    let asks = |body: &MessageBody| matches!(body, MessageBody::Append { prev_index: 4, .. });
    assert!(asked.len() == 1 && asks(&asked[0].body), "{asked:?}");
    bench.hear(2, 2, accepted(5));
    assert_eq!(bench.snapshots_to, [2], "no second snapshot");
}

#[test]
fn a_follower_that_needs_a_snapshot_is_sent_only_one() {
    let mut bench = leader_with_a_laggard();
    for _ in 0..3 {
        bench.hear(2, 2, MessageBody::HeartbeatResponse { context: bytes::Bytes::new() });
    }
    assert_eq!(bench.snapshots_to, [2]);
}

#[test]
fn a_member_that_lost_what_it_acknowledged_stops() {
    let mut bench = Bench::new(3, &[1, 1], 1);
    bench.hear(2, 1, heartbeat(3));
    assert_eq!(bench.broken, Some(Broken::LostEntries { known: 3, last: 2 }));
}

fn stored(start: u64, terms: &[u64], commit: u64) -> Stored {
    Stored {
        hard_state: HardState { term: 3, vote: 2, commit },
        snapshot: SnapshotMark { index: start, term: 1, ..SnapshotMark::default() },
        entries: entries_of(start + 1, terms),
        applied: 0,
    }
}

#[test]
fn a_log_that_agrees_with_the_state_is_kept() {
    let settled = stored(2, &[1, 2, 3], 3).settle(4, 2).unwrap();
    assert_eq!((settled.snapshot.index, settled.entries.len(), settled.applied), (2, 3, 4));
    assert_eq!(settled.hard_state.commit, 4, "what was applied was committed");
}

#[test]
fn a_log_that_ends_before_the_state_or_disagrees_with_it_restarts_after_it() {
    for (applied, term) in [(9, 3), (4, 3)] {
        let settled = stored(2, &[1, 2, 2], 3).settle(applied, term).unwrap();
        assert_eq!((settled.snapshot.index, settled.snapshot.term), (applied, term));
        assert!(settled.entries.is_empty());
    }
}

#[test]
fn a_term_learned_from_the_state_alone_comes_without_a_vote() {
    let settled = stored(2, &[], 2).settle(9, 7).unwrap();
    assert_eq!((settled.hard_state.term, settled.hard_state.vote), (7, 0));
}

#[test]
fn a_log_that_lost_committed_entries_is_refused() {
    let known_beyond_the_end = stored(2, &[1], 5).settle(3, 1).unwrap_err();
    assert_eq!(known_beyond_the_end, Broken::LostEntries { known: 5, last: 3 });
    let state_before_the_log = stored(2, &[1], 2).settle(1, 1).unwrap_err();
    assert_eq!(state_before_the_log, Broken::LostEntries { known: 2, last: 1 });
    let mut gap = stored(2, &[1, 1], 2);
    gap.entries.remove(0);
    assert_eq!(gap.settle(2, 1).unwrap_err(), Broken::Gap { expected: 3, found: 4 });
}
