//! Tables of majorities, plain and joint, and all small cases against counting by hand.

use std::fmt::Write as _;

use expect_test::expect;

use crate::consensus::quorum::Tally;
use crate::consensus::{Membership, NodeId};

fn membership(voters: u64, outgoing: &[NodeId], learners: &[NodeId]) -> Membership {
    let (outgoing, learners) = (outgoing.to_vec(), learners.to_vec());
    Membership { voters: (1..=voters).collect(), outgoing, learners }
}

#[test]
fn a_quorum_has_reached_what_a_majority_has() {
    let mut table = String::new();
    for reached in [&[7][..], &[7, 5], &[9, 7, 5], &[9, 9, 0, 0], &[9, 8, 7, 0, 0], &[0, 0, 9]] {
        let plain = membership(reached.len() as u64, &[], &[]);
        let quorum = plain.reached_by_quorum(|id| reached[id as usize - 1]);
        writeln!(table, "{reached:?} -> {quorum}").unwrap();
    }
    expect![[r"
        [7] -> 7
        [7, 5] -> 5
        [9, 7, 5] -> 7
        [9, 9, 0, 0] -> 0
        [9, 8, 7, 0, 0] -> 7
        [0, 0, 9] -> 0
    "]]
    .assert_eq(&table);
}

#[test]
fn a_joint_quorum_needs_both_halves() {
    let joint = membership(3, &[3, 4, 5], &[6]);
    let reached = [9, 9, 1, 2, 3, 100];
    assert_eq!(joint.reached_by_quorum(|id| reached[id as usize - 1]), 2);
    let says = |yes: &'static [NodeId]| move |id: NodeId| yes.contains(&id);
    assert!(!joint.quorum_is(says(&[1, 2])), "the new half alone");
    assert!(!joint.quorum_is(says(&[4, 5])), "the old half alone");
    assert!(joint.quorum_is(says(&[2, 3, 4])), "the voter in both counts twice");
}

#[test]
fn a_learner_is_never_asked() {
    let with_learners = membership(3, &[], &[4, 5]);
    assert!(!with_learners.quorum_is(|id| id >= 3), "one voter and two learners");
    assert!(!with_learners.is_voter(4) && with_learners.is_voter(3));
    assert_eq!(with_learners.everyone(), [1, 2, 3, 4, 5]);
}

#[test]
fn every_small_vote_is_counted_as_by_hand() {
    const ANSWERS: [Option<bool>; 3] = [None, Some(false), Some(true)];
    for voters in 1..=5_u32 {
        let plain = membership(u64::from(voters), &[], &[]);
        for case in 0..3_usize.pow(voters) {
            let answer = |id: NodeId| ANSWERS[case / 3_usize.pow(id as u32 - 1) % 3];
            let count = |want| (1..=u64::from(voters)).filter(|&id| answer(id) == want).count();
            let (yes, open) = (count(Some(true)), count(None));
            let by_hand = if 2 * yes > voters as usize {
                Tally::Won
            } else if 2 * (yes + open) > voters as usize {
                Tally::Open
            } else {
                Tally::Lost
            };
            assert_eq!(plain.tally(answer), by_hand, "case {case} of {voters} voters");
        }
    }
}

#[test]
fn any_two_quorums_share_a_voter() {
    for voters in 1..=5_u64 {
        let plain = membership(voters, &[], &[]);
        let is_in = |set: u64| move |id: NodeId| set >> (id - 1) & 1 == 1;
        for a in 0..1 << voters {
            for b in 0..1 << voters {
                let both = plain.quorum_is(is_in(a)) && plain.quorum_is(is_in(b));
                assert!(!both || a & b != 0, "quorums {a:b} and {b:b} of {voters} are apart");
            }
        }
    }
}
