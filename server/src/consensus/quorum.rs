//! Arithmetic of majorities, plain and joint; it knows nothing of logs or elections.
//!
//! A joint configuration (`outgoing` not empty) decides only what both majorities decide.
//! The answers of learners are never counted.

use super::types::{Membership, NodeId};

/// How a vote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tally {
    /// A quorum said yes.
    Won,
    /// A quorum can no longer be reached.
    Lost,
    /// Neither yet.
    Open,
}

impl Membership {
    /// Whether `id` votes, in either half.
    pub(super) fn is_voter(&self, id: NodeId) -> bool {
        self.voters.contains(&id) || self.outgoing.contains(&id)
    }

    /// Everyone a leader replicates to, in rising order, itself included.
    pub(super) fn everyone(&self) -> Vec<NodeId> {
        let mut all = [&self.voters[..], &self.outgoing[..], &self.learners[..]].concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns the highest value that a quorum has reached, given what each voter has reached.
    pub(super) fn reached_by_quorum(&self, reached: impl Fn(NodeId) -> u64) -> u64 {
        self.halves().map(|voters| majority_reached(voters, &reached)).min().unwrap_or(0)
    }

    /// Counts a vote; `None` is a voter who has not answered.
    pub(super) fn tally(&self, answer: impl Fn(NodeId) -> Option<bool>) -> Tally {
        let mut result = Tally::Won;
        for voters in self.halves() {
            match majority_tally(voters, &answer) {
                Tally::Lost => return Tally::Lost,
                Tally::Open => result = Tally::Open,
                Tally::Won => {}
            }
        }
        result
    }

    /// Whether a quorum satisfies `is`.
    pub(super) fn quorum_is(&self, is: impl Fn(NodeId) -> bool) -> bool {
        self.tally(|id| Some(is(id))) == Tally::Won
    }

    /// The voter sets that must each agree; an empty `outgoing` has no say.
    fn halves(&self) -> impl Iterator<Item = &[NodeId]> {
        let outgoing = (!self.outgoing.is_empty()).then_some(&self.outgoing[..]);
        std::iter::once(&self.voters[..]).chain(outgoing)
    }
}

/// Votes that make a majority of `voters`.
fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

/// The highest value that a majority of `voters` has reached; 0 when there are none.
fn majority_reached(voters: &[NodeId], reached: &impl Fn(NodeId) -> u64) -> u64 {
    let mut values: Vec<u64> = voters.iter().map(|&id| reached(id)).collect();
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(majority(voters.len()) - 1).copied().unwrap_or(0)
}

/// Counts the vote of one half.
fn majority_tally(voters: &[NodeId], answer: &impl Fn(NodeId) -> Option<bool>) -> Tally {
    let yes = voters.iter().filter(|&&id| answer(id) == Some(true)).count();
    let no = voters.iter().filter(|&&id| answer(id) == Some(false)).count();
    let needed = majority(voters.len());
    if yes >= needed {
        Tally::Won
    } else if voters.len() - no < needed {
        Tally::Lost
    } else {
        Tally::Open
    }
}
