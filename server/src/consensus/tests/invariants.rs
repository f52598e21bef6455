//! States of a core that must not be are noticed.

use super::bench::Bench;
use crate::consensus::core::{Core, RoleState};
use crate::consensus::progress::{Progress, ProgressState};
use crate::consensus::types::AppendToken;

/// The leader of three, which has heard of nobody yet.
fn leader() -> Core {
    let bench = Bench::leader_after(3, &[1, 1], 1);
    bench.core.check_invariants();
    bench.core.scan_invariants();
    bench.core
}

fn broken(change: impl FnOnce(&mut Core)) {
    let mut core = leader();
    change(&mut core);
    core.check_invariants();
    core.scan_invariants();
}

fn broken_progress(change: impl FnOnce(&mut Progress)) {
    broken(|core| change(core.role_state.expect_leader().progress.get_mut(&2).unwrap()));
}

#[test]
#[should_panic(expected = "a leader knows that it leads")]
fn a_leader_that_follows_is_noticed() {
    broken(|core| core.leader = 2);
}

#[test]
#[should_panic(expected = "a follower calls itself the leader")]
fn a_follower_that_leads_is_noticed() {
    broken(|core| core.role_state = RoleState::Follower);
}

#[test]
#[should_panic(expected = "a leader voted for itself")]
fn a_leader_without_its_own_vote_is_noticed() {
    broken(|core| core.vote = 3);
}

#[test]
#[should_panic(expected = "log of term 2 in term 1")]
fn a_log_of_a_term_to_come_is_noticed() {
    broken(|core| {
        (core.role_state, core.leader) = (RoleState::Follower, 0);
        core.term = 1;
    });
}

#[test]
#[should_panic(expected = "reads passed on while 1 leads")]
fn reads_that_nobody_will_answer_are_noticed() {
    broken(|core| {
        core.forwarded.insert(bytes::Bytes::new(), 0);
    });
}

#[test]
#[should_panic(expected = "claims on the log and batches in flight")]
fn a_batch_without_a_claim_is_noticed() {
    broken(|core| core.outbox.in_flight.push_back((AppendToken(1), vec![])));
}

#[test]
#[should_panic(expected = "batch AppendToken(1) is in flight after AppendToken(3)")]
fn batches_out_of_order_are_noticed() {
    broken(|core| {
        core.outbox.in_flight = [3, 1].map(|token| (AppendToken(token), vec![])).into();
    });
}

#[test]
#[should_panic(expected = "progress is kept of everyone else")]
fn a_follower_of_no_membership_is_noticed() {
    broken(|core| {
        let leader = core.role_state.expect_leader();
        leader.progress.insert(9, Progress::new(1));
    });
}

#[test]
#[should_panic(expected = "matched 3 < next 3")]
fn what_a_follower_holds_is_not_sent_again() {
    broken_progress(|follower| (follower.matched, follower.next) = (3, 3));
}

#[test]
#[should_panic(expected = "2 holds 4 of a log that ends at 3")]
fn no_follower_holds_more_than_there_is() {
    broken_progress(|follower| (follower.matched, follower.next) = (4, 5));
}

#[test]
#[should_panic(expected = "an append up to 1 is in flight after 2")]
fn appends_in_flight_rise() {
    broken_progress(|follower| {
        follower.state = ProgressState::Replicate { inflight: [2, 1].into() };
    });
}

#[test]
#[should_panic(expected = "17 appends in flight, at most 16")]
fn appends_in_flight_keep_to_the_window() {
    broken_progress(|follower| {
        follower.state = ProgressState::Replicate { inflight: (1..=17).collect() };
    });
}

#[test]
#[should_panic(expected = "waits for a snapshot of a log from 1")]
fn nobody_waits_for_a_snapshot_in_vain() {
    broken_progress(|follower| follower.state = ProgressState::Snapshot);
}
