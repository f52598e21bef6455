//! The claims of the Raft paper (Ongaro and Ousterhout, extended version), one test each, by
//! section; the last ones are from Ongaro's thesis.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::bench::{Bench, accepted, append, follower_with, heartbeat, vote};
use super::cluster::{Cluster, ELECTION_TIMEOUT_TICKS, Setup, entries_of, message};
use crate::consensus::log::EntryId;
use crate::consensus::{MessageBody, Role};

const GRANTED: MessageBody = MessageBody::VoteResponse { granted: true };
const REFUSED: MessageBody = MessageBody::VoteResponse { granted: false };

/// §5.1: "If one server's current term is smaller than the other's, then it updates its current
/// term to the larger value."
#[test]
fn s51_a_smaller_term_is_updated_to_a_larger_one() {
    for (role, mut bench) in Bench::in_every_role() {
        let later = bench.term() + 3;
        bench.hear(2, later, append(0, 0, &[], 0));
        assert_eq!(bench.term(), later, "{role:?}");
    }
}

/// §5.1: "If a candidate or leader discovers that its term is out of date, it immediately reverts
/// to follower state."
#[test]
fn s51_a_candidate_or_leader_out_of_date_reverts_to_follower() {
    for (role, mut bench) in Bench::in_every_role() {
        bench.hear(2, bench.term() + 3, append(0, 0, &[], 0));
        assert_eq!((bench.core.role(), bench.core.leader), (Role::Follower, 2), "{role:?}");
    }
}

/// §5.1: "If a server receives a request with a stale term number, it rejects the request."
#[test]
fn s51_a_request_of_a_stale_term_is_rejected() {
    let mut bench = follower_with(&[1, 3], 3);
    let answers = bench.hear(2, 2, append(2, 3, &[2], 2));
    assert_eq!(bench.core.last_index(), 2, "nothing is appended");
    assert!(answers.iter().all(|answer| answer.term == 3), "the answer says the newer term");
    assert_eq!(bench.hear(2, 2, vote(9, 2)), [], "no vote is given");
}

/// §5.1: "Servers retry RPCs if they do not receive a response in a timely manner"; here, those
/// who have not answered are asked for their vote again.
#[test]
fn s51_a_candidate_asks_again() {
    let mut bench = Bench::new(5, &[], 0);
    bench.campaign();
    bench.hear(3, 1, REFUSED);
    bench.core.tick();
    let asked: Vec<_> = bench.drain().iter().map(|message| message.to).collect();
    assert_eq!(asked, [2, 4, 5]);
}

/// §5.2: "When servers start up, they begin as followers."
#[test]
fn s52_members_begin_as_followers() {
    assert_eq!(Bench::new(3, &[], 0).core.role(), Role::Follower);
    assert_eq!(follower_with(&[1, 2], 5).core.role(), Role::Follower);
}

/// §5.2: "Leaders send periodic heartbeats to all followers in order to maintain their authority."
#[test]
fn s52_a_leader_sends_heartbeats_to_all() {
    let mut bench = Bench::leader(3);
    bench.core.tick();
    let beats = bench.drain();
    let to: Vec<_> = beats.iter().map(|beat| beat.to).collect();
    assert_eq!(to, [2, 3]);
    assert!(beats.iter().all(|beat| matches!(beat.body, MessageBody::Heartbeat { .. })));
}

/// §5.2: "If a follower receives no communication over a period of time called the election
/// timeout, then it assumes there is no viable leader and begins an election."
#[test]
fn s52_a_follower_that_hears_nothing_begins_an_election() {
    let mut bench = Bench::new(3, &[], 0);
    let ticks = bench.ticks_until_it_asks();
    assert!((ELECTION_TIMEOUT_TICKS..2 * ELECTION_TIMEOUT_TICKS).contains(&ticks));
}

/// §5.2: "A server remains in follower state as long as it receives valid RPCs from a leader".
#[test]
fn s52_a_follower_that_hears_a_leader_stays_one() {
    let mut bench = Bench::new(3, &[], 0);
    for _ in 0..10 * ELECTION_TIMEOUT_TICKS {
        bench.core.tick();
        bench.hear(2, 1, heartbeat(0));
    }
    assert_eq!(bench.core.role(), Role::Follower);
}

/// §5.2: "To begin an election, a follower increments its current term and transitions to
/// candidate state. It then votes for itself and issues RequestVote RPCs in parallel to each".
#[test]
fn s52_a_candidate_votes_for_itself_and_asks_all_others() {
    let mut bench = Bench::new(5, &[], 3);
    let asked = bench.campaign();
    assert_eq!((bench.term(), bench.core.vote, bench.core.role()), (4, 1, Role::Candidate));
    assert_eq!(asked, [2, 3, 4, 5]);
}

/// §5.2: "A candidate wins an election if it receives votes from a majority of the servers in the
/// full cluster for the same term."
#[test]
fn s52_a_majority_of_votes_wins() {
    for voters in [1, 2, 3, 4, 5, 7] {
        for granted in 0..voters {
            let mut bench = Bench::new(voters, &[], 0);
            bench.campaign();
            (2..2 + granted).for_each(|from| drop(bench.hear(from, 1, GRANTED)));
            let wins = 2 * (granted + 1) > voters;
            assert_eq!(bench.core.role() == Role::Leader, wins, "{granted} others of {voters}");
        }
    }
}

/// §5.2: "Each server will vote for at most one candidate in a given term, on a
/// first-come-first-served basis".
#[test]
fn s52_one_vote_a_term_first_come_first_served() {
    let mut bench = Bench::new(3, &[], 0);
    assert_eq!(bench.hear(2, 1, vote(0, 0))[0].body, GRANTED);
    assert_eq!(bench.hear(3, 1, vote(0, 0))[0].body, REFUSED);
    assert_eq!(bench.hear(2, 1, vote(0, 0))[0].body, GRANTED, "the same candidate may ask again");
    assert_eq!(bench.hear(3, 2, vote(0, 0))[0].body, GRANTED, "a new term, a new vote");
}

/// Figure 2: "currentTerm" and "votedFor" are "updated on stable storage before responding to
/// RPCs": a voter that lost power does not vote for a second candidate of the term.
#[test]
pub(super) fn f2_a_vote_outlives_a_power_loss() {
    let mut cluster = Cluster::new(&Setup::default());
    for candidate in [1, 3] {
        cluster.core(candidate).ask_for_votes(false);
        cluster.ready(candidate);
        cluster.persist(candidate);
    }
    // n2 votes for n1, whose request comes first; n3's waits on the wire meanwhile.
    cluster.ready(1);
    cluster.lose(|message| message.to == 3);
    let ask = |cluster: &mut Cluster, candidate| {
        cluster.ready(candidate);
        let at = cluster.wire.iter().position(|p| (p.message.from, p.message.to) == (candidate, 2));
        let request = cluster.wire.remove(at.expect("a request for n2's vote"));
        cluster.deliver(request);
        cluster.ready(2);
        cluster.persist(2);
        cluster.ready(2);
        let at = cluster.wire.iter().position(|p| (p.message.from, p.message.to) == (2, candidate));
        let answer = cluster.wire.remove(at.expect("an answer of n2"));
        cluster.deliver(answer);
        cluster.core(candidate).role()
    };
    assert_eq!(ask(&mut cluster, 1), Role::Leader);
    cluster.member(2).crash();
    cluster.member(2).restart();
    assert_ne!(ask(&mut cluster, 3), Role::Leader);
}

/// §5.2: "If the leader's term is at least as large as the candidate's current term, then the
/// candidate recognizes the leader as legitimate and returns to follower state."
#[test]
fn s52_a_candidate_yields_to_a_leader_of_its_term() {
    for term in [1, 2] {
        let mut bench = Bench::new(3, &[], 0);
        bench.campaign();
        bench.hear(2, term, append(0, 0, &[], 0));
        assert_eq!((bench.core.role(), bench.core.leader), (Role::Follower, 2));
    }
}

/// §5.2: "each candidate will time out and start a new election by incrementing its term".
#[test]
fn s52_an_undecided_election_begins_anew() {
    let mut bench = Bench::new(3, &[], 0);
    bench.campaign();
    bench.ticks_until_it_asks();
    bench.hear(2, 2, MessageBody::PreVoteResponse { granted: true });
    assert_eq!((bench.term(), bench.core.role()), (2, Role::Candidate));
}

/// §5.2: "Raft uses randomized election timeouts to ensure that split votes are rare".
#[test]
fn s52_election_timeouts_are_spread_over_one_to_two() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let mut bench = Bench::seeded(3, seed);
        seen.insert(bench.ticks_until_it_asks());
    }
    let all: Vec<u32> = (ELECTION_TIMEOUT_TICKS..2 * ELECTION_TIMEOUT_TICKS).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

/// §5.2: the same; three members that start together seldom time out in the same tick first.
#[test]
fn s52_split_votes_are_rare() {
    let mut ties = 0;
    for seed in 0..200 {
        let mut patience: Vec<u32> =
            (1..=3).map(|id| Bench::with_id(id, 3, seed).ticks_until_it_asks()).collect();
        patience.sort_unstable();
        ties += u32::from(patience[0] == patience[1]);
    }
    assert!(ties < 80, "{ties} of 200 elections began with a tie");
}

/// §5.3: "The leader appends the command to its log as a new entry, then issues AppendEntries RPCs
/// in parallel to each of the other servers".
#[test]
fn s53_a_leader_appends_a_command_and_sends_it_to_all() {
    let mut bench = Bench::leader(3);
    (2..=3).for_each(|from| drop(bench.hear(from, 1, accepted(1))));
    bench.core.propose(Bytes::from_static(b"x")).unwrap();
    let sent = bench.drain();
    assert_eq!(bench.core.last_index(), 2);
    let to: Vec<_> = sent.iter().map(|message| message.to).collect();
    assert_eq!(to, [2, 3]);
    for message in sent {
        let MessageBody::Append { prev_index, prev_term, entries, .. } = message.body else {
            panic!("not an append: {message:?}");
        };
        assert_eq!((prev_index, prev_term, entries.len()), (1, 1, 1));
    }
}

/// §5.3: "A log entry is committed once the leader that created the entry has replicated it on a
/// majority of the servers".
#[test]
fn s53_an_entry_on_a_majority_is_committed() {
    for voters in [1_u64, 3, 5] {
        for holders in 0..voters {
            let mut bench = Bench::leader(voters);
            (2..2 + holders).for_each(|from| drop(bench.hear(from, 1, accepted(1))));
            let expected = u64::from(2 * (holders + 1) > voters);
            assert_eq!(bench.core.status().commit, expected, "{holders} others of {voters}");
        }
    }
}

/// §5.3: "This also commits all preceding entries in the leader's log, including entries created
/// by previous leaders."
#[test]
fn s53_a_commit_commits_all_that_came_before() {
    for earlier in [&[][..], &[1], &[1, 1], &[1, 2, 2]] {
        let mut bench = Bench::leader_after(3, earlier, 2);
        let last = bench.core.last_index();
        bench.hear(2, 3, accepted(last));
        let applied: Vec<_> = bench.applied.iter().map(|entry| entry.index).collect();
        assert_eq!(applied, (1..=last).collect::<Vec<_>>());
    }
}

/// §5.3: "The leader keeps track of the highest index it knows to be committed, and it includes
/// that index in future AppendEntries RPCs (including heartbeats)".
#[test]
fn s53_a_leader_tells_what_is_committed() {
    let mut bench = Bench::leader(3);
    let told = bench.hear(2, 1, accepted(1));
    assert!(told.iter().any(|m| m.to == 2 && m.body == append(1, 1, &[], 1)));
    bench.core.tick();
    assert!(bench.drain().iter().any(|m| m.to == 2 && m.body == heartbeat(1)));
}

/// §5.3: "Once a follower learns that a log entry is committed, it applies the entry to its local
/// state machine (in log order)." Figure 2: at most up to the last new entry.
#[test]
fn s53_a_follower_applies_what_is_committed_and_known_to_match() {
    for (commit, applied) in [(0, 0), (1, 1), (2, 2), (9, 2)] {
        let mut bench = Bench::new(3, &[], 1);
        bench.hear(2, 1, append(0, 0, &[1, 1], commit));
        assert_eq!(bench.applied.len(), applied, "the leader's commit index is {commit}");
    }
}

/// §5.3: "If the follower does not find an entry in its log with the same index and term, then it
/// refuses the new entries."
#[test]
fn s53_a_follower_refuses_what_does_not_follow_its_log() {
    for (prev_index, prev_term, is_taken) in
        [(0, 0, true), (1, 1, true), (2, 2, true), (1, 2, false), (2, 1, false), (3, 2, false)]
    {
        let mut bench = follower_with(&[1, 2], 2);
        let answers = bench.hear(2, 3, append(prev_index, prev_term, &[], 0));
        let refusal = |m: &MessageBody| matches!(m, MessageBody::AppendRejected { .. });
        assert_eq!(!refusal(&answers[0].body), is_taken, "after {prev_index}@{prev_term}");
    }
}

/// §5.3: "conflicting entries in follower logs will be overwritten with entries from the leader's
/// log". Figure 2: "If an existing entry conflicts with a new one, delete the existing entry and
/// all that follow it"; and only then.
#[test]
fn s53_conflicting_entries_are_overwritten_and_no_others() {
    for (prev_index, prev_term, entries, expected) in [
        (2, 2, &[3][..], &[1, 2, 3][..]),
        (1, 1, &[3, 4], &[1, 3, 4]),
        (0, 0, &[1], &[1, 2]),
        (0, 0, &[3], &[3]),
        (0, 0, &[1, 2], &[1, 2]),
    ] {
        let mut bench = follower_with(&[1, 2], 2);
        bench.hear(2, 4, append(prev_index, prev_term, entries, 0));
        assert_eq!(bench.terms(), expected, "{entries:?} after {prev_index}");
    }
}

/// §5.3, figure 7: a leader makes every one of these followers equal to itself.
#[test]
fn s53_a_leader_makes_the_logs_of_figure_7_agree() {
    let leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    let followers: [&[u64]; 6] = [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];
    for follower in followers {
        let mut cluster = Cluster::new(&Setup::default());
        cluster.member(1).boot_with(entries_of(1, &leader), 7);
        cluster.member(2).boot_with(entries_of(1, follower), 7);
        // The third has nothing: it gives the leader its vote, and learns everything too.
        cluster.core(1).campaign();
        cluster.stabilize();
        let expected = [&leader[..], &[8]].concat();
        for id in 1..=3 {
            assert_eq!(cluster.terms(id), expected, "n{id} beside {follower:?}");
        }
    }
}

/// §5.3: "A leader never overwrites or deletes entries in its own log".
#[test]
fn s53_a_leader_only_appends() {
    let mut bench = Bench::leader_after(3, &[1, 1, 2], 2);
    let before = bench.terms();
    let body = MessageBody::AppendRejected { rejected: 3, hint_index: 0, hint_term: 0 };
    bench.hear(2, 3, body);
    bench.core.propose(Bytes::from_static(b"x")).unwrap();
    bench.drain();
    assert_eq!(bench.terms(), [&before[..], &[3]].concat());
}

/// §5.4.1: "the voter denies its vote if its own log is more up-to-date than that of the
/// candidate": by the last term, then by length.
#[test]
fn s541_a_vote_is_denied_to_a_log_that_is_behind() {
    let cases: [(&[u64], (u64, u64), bool); 6] = [
        (&[1], (1, 1), true),
        (&[1], (1, 2), true),
        (&[1, 1], (1, 2), true),
        (&[1, 1], (1, 1), false),
        (&[2], (9, 1), false),
        (&[1, 2], (1, 2), false),
    ];
    for (log, (last_index, last_term), is_given) in cases {
        let mut bench = follower_with(log, 2);
        let answer = bench.hear(2, 3, vote(last_index, last_term)).remove(0);
        let expected = if is_given { GRANTED } else { REFUSED };
        assert_eq!(answer.body, expected, "{last_index}@{last_term} against {log:?}");
    }
}

/// §5.4.2: "Raft never commits log entries from previous terms by counting replicas. Only log
/// entries from the leader's current term are committed by counting replicas".
#[test]
fn s542_only_entries_of_the_current_term_are_committed_by_counting() {
    for (held, commit) in [(1, 0), (2, 0), (3, 3)] {
        let mut bench = Bench::leader_after(3, &[1, 2], 2);
        bench.hear(2, 3, accepted(held));
        assert_eq!(bench.core.status().commit, commit, "2 holds up to {held}");
    }
}

/// §5.5: "if a server receives an AppendEntries request that includes log entries already present
/// in its log, it ignores those entries".
#[test]
fn s55_an_append_that_comes_twice_changes_nothing() {
    let mut bench = Bench::new(3, &[], 1);
    let first = bench.hear(2, 1, append(0, 0, &[1, 1], 0));
    bench.hear(2, 1, append(2, 1, &[1], 0));
    assert_eq!(bench.hear(2, 1, append(0, 0, &[1, 1], 0)), first);
    assert_eq!(bench.terms(), [1, 1, 1], "what came later stays");
}

/// §7: "If the follower has entries that the snapshot describes, they are deleted, but entries
/// following the snapshot are still valid and must be retained."
#[test]
fn s7_entries_after_a_snapshot_are_retained() {
    for (log, last) in [(&[1, 1, 1, 1][..], 4), (&[1, 1], 3), (&[1, 1, 2, 2], 3)] {
        let mut bench = follower_with(log, 2);
        bench.install(2, 3, EntryId { index: 3, term: 1 });
        assert_eq!((bench.core.last_index(), bench.core.status().commit), (last, 3), "{log:?}");
    }
}

/// §8: "Raft handles this by having each leader commit a blank no-op entry into the log at the
/// start of its term."
#[test]
fn s8_a_leader_begins_its_term_with_an_empty_entry() {
    let bench = Bench::leader_after(3, &[1, 1], 4);
    assert_eq!(bench.terms(), [1, 1, 5]);
}

/// §8: "a leader must check whether it has been deposed before processing a read-only request
/// ... by having the leader exchange heartbeat messages with a majority of the cluster".
#[test]
fn s8_a_read_waits_for_a_majority_of_heartbeats() {
    let mut bench = Bench::leader(5);
    (2..=3).for_each(|from| drop(bench.hear(from, 1, accepted(1))));
    bench.core.read_index(Bytes::from_static(b"r"));
    let rounds = bench.drain();
    let answer = rounds.iter().find_map(|m| match &m.body {
        MessageBody::Heartbeat { context, .. } => Some(context.clone()),
        _ => None,
    });
    let answer = MessageBody::HeartbeatResponse { context: answer.expect("a round began") };
    bench.hear(2, 1, answer.clone());
    assert_eq!(bench.reads.len(), 0, "two of five");
    bench.hear(3, 1, answer);
    assert_eq!(bench.reads.len(), 1, "three of five");
}

/// Thesis §9.6: a pre-vote is given only by those who would vote and hear no leader, and it
/// changes nothing at the one who gives it.
#[test]
fn t96_a_pre_vote_changes_nothing() {
    let mut bench = follower_with(&[1], 1);
    let body = MessageBody::PreVote { last_index: 1, last_term: 1 };
    let answer = bench.hear(2, 2, body.clone()).remove(0);
    assert_eq!(answer.body, MessageBody::PreVoteResponse { granted: true });
    assert_eq!((bench.term(), bench.core.vote), (1, 0));
    bench.hear(3, 1, heartbeat(0));
    assert_eq!(bench.hear(2, 2, body), [], "a leader is heard");
}

/// Thesis §6.2: "a leader steps down if an election timeout elapses without a successful round of
/// heartbeats to a majority of its cluster".
#[test]
fn t62_a_leader_without_a_quorum_steps_down() {
    let mut bench = Bench::leader(3);
    (0..2 * ELECTION_TIMEOUT_TICKS).for_each(|_| bench.core.tick());
    assert_eq!((bench.core.role(), bench.term()), (Role::Follower, 1));
}

/// Thesis §4.2.3: "if a server receives a RequestVote request within the minimum election timeout
/// of hearing from a current leader, it does not update its term or grant its vote"; §3.10: but it
/// does when the leader itself hands over.
#[test]
fn t423_a_vote_is_not_given_while_a_leader_is_heard() {
    let mut bench = Bench::new(3, &[], 1);
    bench.hear(2, 1, heartbeat(0));
    assert_eq!(bench.hear(3, 2, vote(5, 1)), []);
    assert_eq!(bench.term(), 1);
    let body = MessageBody::Vote { last_index: 5, last_term: 1, transfer: true };
    assert_eq!(bench.hear(3, 2, body)[0].body, GRANTED);
}

/// Thesis §3.10: "the prior leader sends a TimeoutNow request ... the target server starts a new
/// election"; only the leader may say so.
#[test]
fn t310_timeout_now_starts_an_election_at_once() {
    let mut bench = Bench::new(3, &[], 1);
    bench.hear(2, 1, heartbeat(0));
    bench.core.step(message(3, 1, 1, MessageBody::TimeoutNow));
    assert_eq!(bench.core.role(), Role::Follower, "3 does not lead");
    bench.core.step(message(2, 1, 1, MessageBody::TimeoutNow));
    assert_eq!(bench.core.role(), Role::Candidate);
}

/// Thesis §10.2.1: the leader may send entries before they are on its own disk, and commit them
/// without itself, "once they are stored on a majority of followers' disks".
#[test]
fn t1021_a_leader_may_commit_before_its_own_disk_is_done() {
    let mut bench = Bench::leader(3);
    (2..=3).for_each(|from| drop(bench.hear(from, 1, accepted(1))));
    bench.core.propose(Bytes::from_static(b"x")).unwrap();
    let ready = bench.core.ready();
    let token = ready.append.expect("a batch").token;
    assert_eq!(ready.messages.len(), 2, "appends leave at once");
    (2..=3).for_each(|from| bench.core.step(message(from, 1, 1, accepted(2))));
    assert_eq!(bench.core.status().commit, 2);
    assert!(bench.core.ready().committed.is_empty(), "not applied before it is durable here");
    bench.core.persisted(token);
    assert_eq!(bench.core.ready().committed.len(), 1);
}
