//! The proposals of this member's clients: who waits for which, and which must be handed out (again).
//!
//! Plain bookkeeping without I/O. A proposal is handed to the core as soon as somebody leads: to this
//! member's own log, or to the link to the leader. It may be lost with either: a leader that lost its
//! office may lose the end of its log, and a link that broke may lose what was on it. The member that
//! holds the proposal knows of both, and hands it out again; the state machine applies the
//! first copy only (`mvcc`, proposals). So a client waits for one election, and not for its timeout.
//!
//! # Invariants
//! - Together the proposals take at most [`BYTES_MAX`], and their names span less than the window
//!   in which the state machine knows copies.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::event::{NodeError, Proposal, ProposalWaiter};
use crate::command::{Applied, ProposalId, Rejected};
use crate::consensus::types::{NodeId, Term};
use crate::mvcc::WINDOW;
use crate::probe;

/// Most bytes of proposals that wait here; more are refused at once.
const BYTES_MAX: usize = 64 << 20;

/// Who leads, and since which election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Office {
    /// The term.
    pub term: Term,
    /// Who leads in it; 0 for nobody.
    pub leader: NodeId,
}

/// See the head of the file.
pub struct Proposals {
    waiting: BTreeMap<u64, Waiting>,
    bytes: usize,
    /// To whom proposals were handed last.
    office: Office,
    /// How many are not handed out.
    idle: usize,
    /// Nobody led when it was asked last.
    is_leaderless: bool,
    /// Most proposals that wait for a leader; more are refused at once.
    waiting_max: usize,
}

struct Waiting {
    id: ProposalId,
    command: Bytes,
    reply: ProposalWaiter,
    is_handed_out: bool,
    /// Nobody led when it came.
    waited: bool,
}

impl Proposals {
    /// At most `waiting_max` proposals wait for a leader.
    pub fn new(waiting_max: usize) -> Proposals {
        Proposals {
            waiting: BTreeMap::new(),
            bytes: 0,
            office: Office::default(),
            idle: 0,
            is_leaderless: true,
            waiting_max,
        }
    }

    /// Takes a proposal, or refuses it when too much waits.
    pub fn join(&mut self, proposal: Proposal) {
        let Proposal { id, command, reply } = proposal;
        let oldest = self.waiting.first_key_value().map_or(id.sequence, |(oldest, _)| *oldest);
        let newest = self.waiting.last_key_value().map_or(id.sequence, |(newest, _)| *newest);
        let span = newest.max(id.sequence) - oldest.min(id.sequence);
        let is_full = self.is_leaderless && self.idle >= self.waiting_max
            || self.bytes + command.len() > BYTES_MAX;
        if is_full || span >= WINDOW {
            probe!("proposal refused, too many wait");
            let _ = reply.send(Err(NodeError::TooManyRequests));
            return;
        }
        self.bytes += command.len();
        self.idle += 1;
        let waiting = Waiting { id, command, reply, is_handed_out: false, waited: false };
        let before = self.waiting.insert(id.sequence, waiting);
        assert!(before.is_none(), "two proposals are named {id:?}");
    }

    /// What is to be handed out, now that `office` holds, oldest first.
    pub fn take(&mut self, office: Office) -> Vec<(ProposalId, Bytes)> {
        self.is_leaderless = office.leader == 0;
        if self.is_leaderless {
            self.waiting.values_mut().for_each(|waiting| waiting.waited |= !waiting.is_handed_out);
            return vec![];
        }
        if office != self.office {
            self.office = office;
            self.recall();
        }
        if self.idle == 0 {
            return vec![];
        }
        self.idle = 0;
        let idle = self.waiting.values_mut().filter(|waiting| !waiting.is_handed_out);
        idle.map(|waiting| {
            waiting.is_handed_out = true;
            if std::mem::take(&mut waiting.waited) {
                probe!("proposal waited for a leader");
            }
            (waiting.id, waiting.command.clone())
        })
        .collect()
    }

    /// The link to `to` broke: what was on it may be lost.
    pub fn link_broke(&mut self, to: NodeId) {
        if self.office.leader == to {
            self.recall();
        }
    }

    /// A proposal did not leave: it is handed out another time.
    pub fn refused(&mut self, id: ProposalId) {
        if let Some(waiting) = self.waiting.get_mut(&id.sequence)
            && std::mem::take(&mut waiting.is_handed_out)
        {
            self.idle += 1;
        }
    }

    fn recall(&mut self) {
        for waiting in self.waiting.values_mut() {
            if std::mem::take(&mut waiting.is_handed_out) {
                probe!("proposal handed out again");
                self.idle += 1;
            }
        }
    }

    /// A proposal was applied here.
    pub fn answer(&mut self, id: ProposalId, answer: Result<Applied, Rejected>) {
        if let Some(waiting) = self.remove(id.sequence) {
            let _ = waiting.reply.send(Ok(answer));
        }
    }

    /// The state came as a snapshot: what `is_past` in it was applied elsewhere, and its answer is not
    /// known.
    pub fn jumped(&mut self, is_past: impl Fn(ProposalId) -> bool) {
        let past: Vec<u64> = self
            .waiting
            .values()
            .filter(|waiting| is_past(waiting.id))
            .map(|waiting| waiting.id.sequence)
            .collect();
        for sequence in past {
            probe!("proposal applied by a snapshot");
            if let Some(waiting) = self.remove(sequence) {
                let _ = waiting.reply.send(Err(NodeError::Timeout));
            }
        }
    }

    /// A tick passed: those whose callers left are forgotten.
    pub fn tick(&mut self) {
        let left = self.waiting.values().filter(|waiting| waiting.reply.is_closed());
        let left: Vec<u64> = left.map(|waiting| waiting.id.sequence).collect();
        for sequence in left {
            self.remove(sequence);
        }
        self.check_invariants();
    }

    fn remove(&mut self, sequence: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&sequence)?;
        self.bytes -= waiting.command.len();
        self.idle -= usize::from(!waiting.is_handed_out);
        Some(waiting)
    }

    /// Asserts the invariants at the head of the file, and that the counts count.
    pub fn check_invariants(&self) {
        let bytes: usize = self.waiting.values().map(|waiting| waiting.command.len()).sum();
        assert_eq!(bytes, self.bytes, "bytes of the proposals that wait");
        assert!(bytes <= BYTES_MAX, "{bytes} bytes of proposals wait");
        let idle = self.waiting.values().filter(|waiting| !waiting.is_handed_out).count();
        assert_eq!(idle, self.idle, "proposals that are not handed out");
        let first = self.waiting.first_key_value().map_or(0, |(first, _)| *first);
        let last = self.waiting.last_key_value().map_or(0, |(last, _)| *last);
        assert!(last - first < WINDOW, "proposals {first} to {last} wait");
    }
}

#[cfg(test)]
mod tests;
