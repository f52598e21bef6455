//! Every proposal is handed out as often as it may have been lost, and refused when too much waits.

use tokio::sync::oneshot;

use super::*;

type Answer = oneshot::Receiver<Result<Result<Applied, Rejected>, NodeError>>;

fn office(term: Term, leader: NodeId) -> Office {
    Office { term, leader }
}

fn join(proposals: &mut Proposals, sequence: u64, bytes: usize) -> Answer {
    let (reply, answer) = oneshot::channel();
    let id = ProposalId { member: 1, boot: 1, sequence };
    proposals.join(Proposal { id, command: vec![0; bytes].into(), reply });
    proposals.check_invariants();
    answer
}

fn taken(proposals: &mut Proposals, office: Office) -> Vec<u64> {
    let taken = proposals.take(office).into_iter().map(|(id, _)| id.sequence).collect();
    proposals.check_invariants();
    taken
}

#[test]
fn each_is_handed_out_once_while_nothing_is_lost() {
    let mut proposals = Proposals::new(8);
    let _first = join(&mut proposals, 1, 10);
    assert_eq!(taken(&mut proposals, office(1, 2)), [1]);
    let _second = join(&mut proposals, 2, 10);
    assert_eq!(taken(&mut proposals, office(1, 2)), [2]);
    assert!(taken(&mut proposals, office(1, 2)).is_empty());
}

#[test]
fn without_a_leader_they_wait_in_order() {
    let mut proposals = Proposals::new(8);
    let _answers: Vec<Answer> = (1..=3).map(|n| join(&mut proposals, n, 1)).collect();
    assert!(taken(&mut proposals, office(1, 0)).is_empty());
    assert_eq!(taken(&mut proposals, office(2, 3)), [1, 2, 3]);
}

#[test]
fn another_office_gets_all_of_them() {
    let mut proposals = Proposals::new(8);
    let _answers: Vec<Answer> = (1..=2).map(|n| join(&mut proposals, n, 1)).collect();
    assert_eq!(taken(&mut proposals, office(1, 2)), [1, 2]);
    assert!(taken(&mut proposals, office(1, 0)).is_empty(), "nobody leads for a moment");
    assert!(taken(&mut proposals, office(1, 2)).is_empty(), "the same office has them already");
    assert_eq!(taken(&mut proposals, office(2, 2)), [1, 2], "its log may have lost them");
    assert_eq!(taken(&mut proposals, office(3, 1)), [1, 2]);
}

#[test]
fn a_broken_link_gets_what_was_on_it_again() {
    let mut proposals = Proposals::new(8);
    let _answer = join(&mut proposals, 1, 1);
    assert_eq!(taken(&mut proposals, office(1, 2)), [1]);
    proposals.link_broke(3);
    assert!(taken(&mut proposals, office(1, 2)).is_empty(), "it was on another link");
    proposals.link_broke(2);
    assert_eq!(taken(&mut proposals, office(1, 2)), [1]);
    proposals.refused(ProposalId { member: 1, boot: 1, sequence: 1 });
    assert_eq!(taken(&mut proposals, office(1, 2)), [1]);
}

#[test]
fn who_left_is_forgotten_and_who_waits_is_answered() {
    let mut proposals = Proposals::new(8);
    drop(join(&mut proposals, 1, 7));
    let mut answer = join(&mut proposals, 2, 7);
    proposals.tick();
    assert_eq!(taken(&mut proposals, office(1, 2)), [2]);
    let applied = Ok(Applied::Compact(4));
    proposals.answer(ProposalId { member: 1, boot: 1, sequence: 2 }, applied.clone());
    assert_eq!(answer.try_recv(), Ok(Ok(applied)));
    assert_eq!(proposals.bytes, 0);
}

#[test]
fn what_a_snapshot_applied_has_no_answer() {
    let mut proposals = Proposals::new(8);
    let mut past = join(&mut proposals, 1, 1);
    let mut to_come = join(&mut proposals, 2, 1);
    proposals.jumped(|id| id.sequence == 1);
    assert_eq!(past.try_recv(), Ok(Err(NodeError::Timeout)));
    assert!(to_come.try_recv().is_err(), "it still waits");
}

#[test]
fn too_many_bytes_are_refused_and_nothing_else() {
    let mut proposals = Proposals::new(8);
    let mut fits = join(&mut proposals, 1, BYTES_MAX);
    let mut refused = join(&mut proposals, 2, 1);
    assert_eq!(refused.try_recv(), Ok(Err(NodeError::TooManyRequests)));
    assert!(fits.try_recv().is_err(), "it waits");
    assert_eq!(taken(&mut proposals, office(1, 1)), [1]);
}

#[test]
fn what_would_leave_the_window_is_refused() {
    let mut proposals = Proposals::new(8);
    let _oldest = join(&mut proposals, 5, 1);
    let mut last = join(&mut proposals, 4 + WINDOW, 1);
    assert!(last.try_recv().is_err(), "it waits");
    let mut beyond = join(&mut proposals, 5 + WINDOW, 1);
    assert_eq!(beyond.try_recv(), Ok(Err(NodeError::TooManyRequests)));
}

#[test]
fn only_so_many_wait_for_a_leader() {
    let mut proposals = Proposals::new(2);
    let _answers: Vec<Answer> = (1..=2).map(|n| join(&mut proposals, n, 1)).collect();
    let mut refused = join(&mut proposals, 3, 1);
    assert_eq!(refused.try_recv(), Ok(Err(NodeError::TooManyRequests)));
    assert_eq!(taken(&mut proposals, office(1, 1)), [1, 2]);
    let mut answers: Vec<Answer> = (4..=9).map(|n| join(&mut proposals, n, 1)).collect();
    assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()), "somebody leads");
}
