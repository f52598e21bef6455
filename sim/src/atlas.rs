//! The atlas of copies: which members' disks faults have damaged, so that a quorum stays whole.
//!
//! A cluster owes its clients what they were promised only while a quorum of copies is whole. A
//! fault that would damage more is skipped, unless the plan is unrestricted. A copy that was
//! damaged once counts as damaged to the end of the run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::member::Member;

/// The atlas of a run; clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Atlas(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// How many members may be damaged.
    most: usize,
    damaged: BTreeSet<Member>,
}

impl Atlas {
    /// Whole copies at all members.
    pub fn new(members: u32, unrestricted: bool) -> Atlas {
        let most = if unrestricted { members } else { (members - 1) / 2 } as usize;
        Atlas(Arc::new(Mutex::new(State { most, damaged: BTreeSet::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of `members` whose copy may be damaged now.
    pub fn open_to(&self, members: &[Member]) -> Vec<Member> {
        let state = self.state();
        let full = state.damaged.len() >= state.most;
        let open = |member: &Member| !full || state.damaged.contains(member);
        members.iter().copied().filter(open).collect()
    }

    /// Marks the copies of a group as damaged; refuses, and marks none, when too few stay whole.
    pub fn damage(&self, group: &[Member]) -> Result<(), TooMany> {
        let mut state = self.state();
        let all: BTreeSet<Member> = state.damaged.iter().chain(group).copied().collect();
        if all.len() > state.most {
            return Err(TooMany { damaged: all.len(), most: state.most });
        }
        state.damaged = all;
        Ok(())
    }

    /// Whether so many copies are damaged that no quorum of whole ones is left.
    pub fn is_short(&self, members: u32) -> bool {
        self.state().damaged.len() > (members as usize - 1) / 2
    }
}

/// Why a fault may not damage a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{damaged} damaged copies would be too many: at most {most} may be")]
pub struct TooMany {
    damaged: usize,
    most: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(numbers: &[u32]) -> Vec<Member> {
        numbers.iter().copied().map(Member::of).collect()
    }

    #[test]
    fn a_quorum_of_copies_stays_whole() {
        let atlas = Atlas::new(5, false);
        atlas.damage(&members(&[1, 2])).unwrap();
        atlas.damage(&members(&[2])).unwrap();
        let refused = atlas.damage(&members(&[2, 3])).unwrap_err().to_string();
        assert_eq!(refused, "3 damaged copies would be too many: at most 2 may be");
        assert_eq!(atlas.open_to(&members(&[1, 3, 5])), members(&[1]));
        assert!(!atlas.is_short(5));
    }

    #[test]
    fn a_cluster_of_one_has_no_copy_to_spare() {
        let atlas = Atlas::new(1, false);
        assert!(atlas.open_to(&members(&[1])).is_empty());
        assert!(atlas.damage(&members(&[1])).is_err());
    }

    #[test]
    fn an_unrestricted_plan_may_damage_all() {
        let atlas = Atlas::new(3, true);
        atlas.damage(&members(&[1, 2, 3])).unwrap();
        assert!(atlas.is_short(3));
    }
}
