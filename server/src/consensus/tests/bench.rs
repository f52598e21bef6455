//! One core on the bench: fed by hand, with a disk that is done at once.

use super::cluster::{ELECTION_TIMEOUT_TICKS, entries_of, message};
use crate::consensus::log::EntryId;
use crate::consensus::{
    Broken, Config, Core, Entry, HardState, Index, Membership, Message, MessageBody, NodeId,
    ReadState, Role, SnapshotMark, Stored, Term,
};

pub(super) struct Bench {
    pub(super) core: Core,
    pub(super) applied: Vec<Entry>,
    pub(super) reads: Vec<ReadState>,
    pub(super) snapshots_to: Vec<NodeId>,
    pub(super) broken: Option<Broken>,
}

/// A follower of three, with a log of the given terms, in `term`.
pub(super) fn follower_with(terms: &[Term], term: Term) -> Bench {
    Bench::new(3, terms, term)
}

/// An append of entries with the given terms.
pub(super) fn append(
    prev_index: Index,
    prev_term: Term,
    terms: &[Term],
    commit: Index,
) -> MessageBody {
    let entries = entries_of(prev_index + 1, terms);
    MessageBody::Append { prev_index, prev_term, entries, commit }
}

pub(super) fn accepted(index: Index) -> MessageBody {
    MessageBody::AppendAccepted { index }
}

pub(super) fn heartbeat(commit: Index) -> MessageBody {
    MessageBody::Heartbeat { commit, context: bytes::Bytes::new() }
}

pub(super) fn vote(last_index: Index, last_term: Term) -> MessageBody {
    MessageBody::Vote { last_index, last_term, transfer: false }
}

impl Bench {
    /// Member 1 of `voters`, with a log of the given terms, in `term`.
    pub(super) fn new(voters: u64, terms: &[Term], term: Term) -> Self {
        Self::boot(
            1,
            voters,
            1,
            Stored {
                hard_state: HardState { term, ..HardState::default() },
                entries: entries_of(1, terms),
                ..Stored::default()
            },
        )
    }

    pub(super) fn seeded(voters: u64, seed: u64) -> Self {
        Self::boot(1, voters, seed, Stored::default())
    }

    pub(super) fn with_id(id: NodeId, voters: u64, seed: u64) -> Self {
        Self::boot(id, voters, seed, Stored::default())
    }

    fn boot(id: NodeId, voters: u64, seed: u64, mut stored: Stored) -> Self {
        let voters = (1..=voters).collect();
        stored.snapshot.membership = Membership { voters, ..Membership::default() };
        let config = Config {
            id,
            election_timeout_ticks: ELECTION_TIMEOUT_TICKS,
            heartbeat_ticks: 1,
            append_bytes_max: 1 << 20,
            inflight_max: 16,
            seed,
        };
        Self {
            core: Core::new(config, stored),
            applied: Vec::new(),
            reads: Vec::new(),
            snapshots_to: Vec::new(),
            broken: None,
        }
    }

    /// The leader of term 1; its first entry is durable here.
    pub(super) fn leader(voters: u64) -> Self {
        Self::leader_after(voters, &[], 0)
    }

    /// A leader whose log had the given terms; it leads the term after `term`.
    pub(super) fn leader_after(voters: u64, terms: &[Term], term: Term) -> Self {
        let mut bench = Self::new(voters, terms, term);
        bench.campaign();
        (2..=voters / 2 + 1).for_each(|from| {
            bench.hear(from, term + 1, MessageBody::VoteResponse { granted: true });
        });
        assert_eq!(bench.core.role(), Role::Leader);
        bench
    }

    /// The same member of three, of term 1, in each of its roles.
    pub(super) fn in_every_role() -> [(Role, Self); 4] {
        let mut asking = Self::new(3, &[], 1);
        asking.core.campaign();
        let mut candidate = Self::new(3, &[], 0);
        candidate.campaign();
        let all = [Self::new(3, &[], 1), asking, candidate, Self::leader(3)];
        all.map(|bench| (bench.core.role(), bench))
    }

    pub(super) fn term(&self) -> Term {
        self.core.status().term
    }

    /// Terms of the log.
    pub(super) fn terms(&self) -> Vec<Term> {
        let indexes = self.core.first_index()..=self.core.last_index();
        indexes.map(|index| self.core.term_at(index).expect("inside the log")).collect()
    }

    /// Takes a message and returns what is said to it.
    pub(super) fn hear(&mut self, from: NodeId, term: Term, body: MessageBody) -> Vec<Message> {
        self.core.step(message(from, self.core.config.id, term, body));
        self.drain()
    }

    /// Does all that the core says, the disk at once; returns the messages.
    pub(super) fn drain(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while self.core.has_ready() {
            let ready = self.core.ready();
            messages.extend(ready.messages);
            self.applied.extend(ready.committed);
            self.reads.extend(ready.reads);
            self.snapshots_to.extend(ready.snapshots_to);
            self.broken = ready.broken;
            if let Some(batch) = ready.append {
                self.core.persisted(batch.token);
            }
        }
        messages
    }

    /// Enters the next term as a candidate; returns whom it asked for votes.
    pub(super) fn campaign(&mut self) -> Vec<NodeId> {
        self.core.ask_for_votes(false);
        let is_vote = |m: &&Message| matches!(m.body, MessageBody::Vote { .. });
        self.drain().iter().filter(is_vote).map(|m| m.to).collect()
    }

    /// Lets time pass until the member asks for pre-votes.
    pub(super) fn ticks_until_it_asks(&mut self) -> u32 {
        for ticks in 1..=4 * ELECTION_TIMEOUT_TICKS {
            self.core.tick();
            let asks = |m: &Message| matches!(m.body, MessageBody::PreVote { .. });
            if self.drain().iter().any(asks) {
                return ticks;
            }
        }
        panic!("no election within four timeouts");
    }

    /// A snapshot from `from`, which ends with the entry `last`, was installed.
    pub(super) fn install(&mut self, from: NodeId, term: Term, last: EntryId) {
        let membership = self.core.membership().clone();
        let mark = SnapshotMark { index: last.index, term: last.term, membership };
        self.hear(from, term, MessageBody::Snapshot { mark });
    }
}
