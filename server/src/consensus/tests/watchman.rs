//! Watches a test's cluster and panics when a promise of Raft is broken.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::draw;
use super::member::Member;
use crate::consensus::{Broken, Entry, Index, NodeId, Role, Term};

/// What has been seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchman {
    /// Who led each term.
    leaders: BTreeMap<Term, NodeId>,
    /// Every committed entry: its term, and the term in which it was committed.
    committed: BTreeMap<Index, (Term, Term)>,
    /// Every applied entry.
    applied: BTreeMap<Index, Entry>,
    /// What each read must see at least.
    reads: BTreeMap<Bytes, Index>,
    /// Members that stopped by themselves.
    pub(super) broken: Vec<(NodeId, Broken)>,
    /// Reads that were confirmed.
    pub(super) confirmed: usize,
}

impl Watchman {
    /// Looks at everyone, after anything happened.
    pub(super) fn watch<'a>(&mut self, members: impl Iterator<Item = &'a Member> + Clone) {
        assert_eq!(self.broken, [], "nobody finds its log broken");
        for member in members.clone().filter(|member| member.is_up) {
            self.watch_leadership(member);
        }
        for member in members.clone().filter(|member| member.is_up) {
            self.watch_commit(member, members.clone());
        }
    }

    /// Election safety: at most one leader in a term. Leader completeness: it holds everything
    /// committed in earlier terms.
    fn watch_leadership(&mut self, member: &Member) {
        let (id, core) = (member.config.id, &member.core);
        let term = core.status().term;
        if core.role() != Role::Leader || self.leaders.get(&term) == Some(&id) {
            return;
        }
        let before = self.leaders.insert(term, id);
        assert!(before.is_none(), "n{id} and n{} both lead term {term}", before.unwrap_or(0));
        for (&index, &(entry_term, commit_term)) in &self.committed {
            let is_forgotten = index + 1 < core.first_index();
            let holds = is_forgotten || core.term_at(index) == Some(entry_term);
            assert!(
                holds || commit_term >= term,
                "n{id} leads term {term} without {index}@{entry_term}, committed in {commit_term}"
            );
        }
    }

    /// Durability: what is committed lies on the disks of a quorum. And it never changes.
    fn watch_commit<'a>(
        &mut self,
        member: &Member,
        members: impl Iterator<Item = &'a Member> + Clone,
    ) {
        let (id, status) = (member.config.id, member.core.status());
        let seen = self.committed.last_key_value().map_or(0, |(&index, _)| index);
        let from = member.core.first_index().max(1);
        for index in from..=status.commit {
            let term = member.core.term_at(index).expect("what is committed is in the log");
            let &mut (known, _) = self.committed.entry(index).or_insert((term, status.term));
            assert_eq!(known, term, "n{id} commits {index}@{term} but it was @{known} before");
            if index > seen {
                let holds = |other: NodeId| {
                    let mut all = members.clone();
                    all.find(|m| m.config.id == other).is_some_and(|m| m.holds_durably(index, term))
                };
                assert!(
                    member.core.membership().quorum_is(holds),
                    "n{id} commits {index}@{term}, which is not on the disks of a quorum"
                );
            }
        }
    }

    /// State machine safety: the same entry at the same place everywhere.
    pub(super) fn applied(&mut self, id: NodeId, entries: &[Entry]) {
        for entry in entries {
            let known = self.applied.entry(entry.index).or_insert_with(|| entry.clone());
            let (ours, theirs) = (draw::entry(entry), draw::entry(known));
            assert_eq!(ours, theirs, "n{id} applies another entry than others did");
        }
    }

    /// What it will hold members to; two runs with the same promises are alike to it.
    pub(super) fn promises(&self) -> impl std::hash::Hash + PartialEq + '_ {
        (&self.leaders, &self.committed)
    }

    pub(super) fn read_asked(&mut self, context: Bytes, committed: Index) {
        let before = self.reads.insert(context, committed);
        assert!(before.is_none(), "a read's context is used once");
    }

    /// A confirmed read sees all that was committed when it was asked.
    pub(super) fn read_confirmed(&mut self, context: &Bytes, index: Index) {
        let committed = self.reads.remove(context).expect("a read is answered once, if asked");
        assert!(
            committed <= index,
            "read {context:?} at {index}, but {committed} was committed before it was asked"
        );
        self.confirmed += 1;
    }

    /// Log matching: entries of the same index and term have the same past.
    pub(super) fn match_logs<'a>(members: impl Iterator<Item = &'a Member> + Clone) {
        for a in members.clone() {
            for b in members.clone().filter(|b| b.config.id > a.config.id) {
                let low = a.core.first_index().max(b.core.first_index());
                let high = a.core.last_index().min(b.core.last_index());
                let is_equal = |index: Index| a.core.log.entry(index) == b.core.log.entry(index);
                let is_same_term = |index: &Index| a.core.term_at(*index) == b.core.term_at(*index);
                let Some(last) = (low..=high).rev().find(is_same_term) else { continue };
                for index in low..=last {
                    let (a, b) = (a.config.id, b.config.id);
                    assert!(is_equal(index), "n{a} and n{b} agree at {last} but not at {index}");
                }
            }
        }
    }
}
