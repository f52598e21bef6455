//! What a member promises is on its disk when it says so, and is still there after a restart.
//!
//! A member promises its term and its vote when it gives the vote, and entries when it tells the
//! leader that its log matches. Each promise is held against the durable bytes at that moment. A
//! member that starts again and has read less than it promised is heard of when it takes part again:
//! a member that notices its loss and refuses has broken nothing.

use std::collections::BTreeMap;

use super::durable::Broken;
use crate::member::Member;

/// Term and vote are durable when the vote is given.
pub const VOTE_DURABLE: &str = "vote given only when durable";
/// Entries are durable when the member says that its log has them.
pub const ACKNOWLEDGED_DURABLE: &str = "entries acknowledged only when durable";
/// Term, vote and acknowledged entries never go back over a restart.
pub const PROMISES_KEPT: &str = "promises kept over a restart";
/// What a member reads at its start is what its log holds.
pub const RECOVERY_WHOLE: &str = "recovery reads what survived";
/// A member applies entry after entry, without a gap and none twice.
pub const APPLIED_IN_ORDER: &str = "applied one by one";

/// What a log says, or what a member says that it read from its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogState {
    /// The term.
    pub term: u64,
    /// Who got the member's vote in that term; 0 for nobody.
    pub vote: u64,
    /// The log begins after this entry.
    pub start: u64,
    /// The last entry.
    pub last: u64,
    /// Over indices, terms and contents of all entries.
    pub digest: u32,
}

/// A vote, as it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vote {
    pub(super) term: u64,
    pub(super) candidate: u64,
}

/// Where a log matches that of the leader of a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogEnd {
    pub(super) term: u64,
    pub(super) index: u64,
}

/// What each member promised, and where it stands.
#[derive(Debug, Default)]
pub(super) struct Promises {
    members: BTreeMap<Member, Promise>,
}

#[derive(Debug, Default)]
struct Promise {
    term: u64,
    vote: u64,
    /// The last entry acknowledged in `acknowledged_term`.
    acknowledged: u64,
    acknowledged_term: u64,
    /// What its log could be read as when it started last.
    survived: Option<LogState>,
    /// What it had forgotten when it started last.
    forgot: Option<String>,
    /// The next entry that it may apply, if known.
    next: Option<u64>,
    /// Whether a fault has damaged its disk, so that the disk shows less than was written.
    excused: bool,
}

impl Promises {
    fn of(&mut self, member: Member) -> &mut Promise {
        self.members.entry(member).or_default()
    }

    /// A member gave its vote; `durable` is what its disk says.
    pub(super) fn voted(&mut self, member: Member, vote: Vote, durable: LogState) -> Broken {
        let Vote { term, candidate } = vote;
        let LogState { term: durable_term, vote: durable_vote, .. } = durable;
        let promise = self.of(member);
        if term >= promise.term {
            (promise.term, promise.vote) = (term, candidate);
        }
        let kept = durable_term > term || durable_term == term && durable_vote == candidate;
        if kept || promise.excused {
            return None;
        }
        let reason = format!(
            "{member} gave its vote in term {term} to {candidate:x}, and its disk says term \
             {durable_term} and a vote for {durable_vote:x}"
        );
        Some((VOTE_DURABLE, reason))
    }

    /// A member told the leader of a term that its log matches up to an entry.
    pub(super) fn acknowledged(
        &mut self,
        member: Member,
        end: LogEnd,
        durable: LogState,
    ) -> Broken {
        let LogEnd { term, index } = end;
        let promise = self.of(member);
        if term > promise.acknowledged_term {
            (promise.acknowledged_term, promise.acknowledged) = (term, index);
        }
        if term == promise.acknowledged_term {
            promise.acknowledged = promise.acknowledged.max(index);
        }
        // The leader of a later term may have cut the log by now.
        let kept = durable.term > term || durable.last.max(durable.start) >= index;
        if kept || promise.excused {
            return None;
        }
        let reason = format!(
            "{member} told the leader of term {term} that it has the entries up to {index}, and its \
             disk has those up to {}",
            durable.last.max(durable.start)
        );
        Some((ACKNOWLEDGED_DURABLE, reason))
    }

    /// A fault damages a member's disk: from now on the disk says nothing of the member's promises.
    pub(super) fn excuse(&mut self, member: Member) {
        self.of(member).excused = true;
    }

    /// A member is about to start; `survived` is what its log can be read as.
    pub(super) fn starts(&mut self, member: Member, survived: LogState) {
        let promise = self.of(member);
        promise.survived = Some(survived);
        promise.next = None;
    }

    /// A member has read its log.
    pub(super) fn recovered(&mut self, member: Member, read: LogState) -> Broken {
        let promise = self.of(member);
        if promise.excused {
            return None;
        }
        promise.forgot = promise.forgotten(read);
        let survived = promise.survived.take()?;
        if survived == read {
            return None;
        }
        let told = |log: LogState| {
            format!(
                "term {}, a vote for {:x}, and entries after {} up to {} ({:08x})",
                log.term, log.vote, log.start, log.last, log.digest
            )
        };
        let reason = format!(
            "{member} read {} at its start, and its log holds {}",
            told(read),
            told(survived)
        );
        Some((RECOVERY_WHOLE, reason))
    }

    /// A member takes part: it votes, leads or acknowledges.
    pub(super) fn takes_part(&mut self, member: Member) -> Broken {
        let forgot = self.of(member).forgot.take()?;
        Some((PROMISES_KEPT, format!("{member} takes part again, and {forgot}")))
    }

    /// A member's store stands at an entry: it was opened or replaced.
    pub(super) fn stands(&mut self, member: Member, index: u64) {
        self.of(member).next = Some(index + 1);
    }

    /// A member applied an entry.
    pub(super) fn applied(&mut self, member: Member, index: u64) -> Broken {
        let next = self.of(member).next.replace(index + 1)?;
        (index != next).then(|| {
            let reason = format!("{member} applied entry {index}, and the next one was {next}");
            (APPLIED_IN_ORDER, reason)
        })
    }
}

impl Promise {
    /// What is missing from a log that was read.
    fn forgotten(&self, read: LogState) -> Option<String> {
        let LogState { term, vote, .. } = read;
        if term < self.term {
            return Some(format!("it had voted in term {}, and read term {term}", self.term));
        }
        if term == self.term && self.vote != 0 && vote != self.vote {
            return Some(format!(
                "it had voted for {:x} in term {term}, and read a vote for {vote:x}",
                self.vote
            ));
        }
        // In a later term the log may have been cut by the leader of that term.
        let last = read.last.max(read.start);
        if term <= self.acknowledged_term && last < self.acknowledged {
            return Some(format!(
                "it had acknowledged the entries up to {}, and read those up to {last}",
                self.acknowledged
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M2: Member = Member::new(2);

    fn log(term: u64, vote: u64, last: u64) -> LogState {
        LogState { term, vote, start: 0, last, digest: 7 }
    }

    const VOTE: Vote = Vote { term: 3, candidate: 1 };

    fn end(index: u64) -> LogEnd {
        LogEnd { term: 3, index }
    }

    fn rule(broken: &Broken) -> Option<&'static str> {
        broken.as_ref().map(|(rule, _)| *rule)
    }

    #[test]
    fn a_vote_is_on_the_disk_when_it_is_given() {
        let mut promises = Promises::default();
        assert_eq!(promises.voted(M2, VOTE, log(3, 1, 0)), None);
        assert_eq!(promises.voted(M2, VOTE, log(4, 0, 0)), None, "a later term came since");
        assert_eq!(rule(&promises.voted(M2, VOTE, log(3, 0, 0))), Some(VOTE_DURABLE));
        assert_eq!(rule(&promises.voted(M2, VOTE, log(2, 1, 0))), Some(VOTE_DURABLE));
    }

    #[test]
    fn an_entry_is_on_the_disk_when_it_is_acknowledged() {
        let mut promises = Promises::default();
        assert_eq!(promises.acknowledged(M2, end(9), log(3, 1, 9)), None);
        assert_eq!(promises.acknowledged(M2, end(9), log(4, 1, 5)), None, "cut by a later leader");
        let broken = promises.acknowledged(M2, end(9), log(3, 1, 8));
        assert_eq!(rule(&broken), Some(ACKNOWLEDGED_DURABLE));
        let snapshot = LogState { start: 20, ..log(3, 1, 0) };
        assert_eq!(promises.acknowledged(M2, end(15), snapshot), None, "the state has it");
    }

    #[test]
    fn what_was_promised_is_there_after_a_restart() {
        let after = |read: LogState| {
            let mut promises = Promises::default();
            assert_eq!(promises.voted(M2, VOTE, log(3, 1, 9)), None);
            assert_eq!(promises.acknowledged(M2, end(9), log(3, 1, 9)), None);
            assert_eq!(promises.recovered(M2, read), None);
            rule(&promises.takes_part(M2))
        };
        assert_eq!(after(log(3, 1, 9)), None);
        assert_eq!(after(log(4, 0, 5)), None, "a later leader may have cut it");
        for less in [log(2, 1, 9), log(3, 2, 9), log(3, 1, 8), log(0, 0, 0)] {
            assert_eq!(after(less), Some(PROMISES_KEPT), "{less:?}");
        }
    }

    #[test]
    fn recovery_reads_what_its_log_holds() {
        let mut promises = Promises::default();
        promises.starts(M2, log(3, 1, 9));
        assert_eq!(promises.recovered(M2, log(3, 1, 9)), None);
        for other in [log(3, 1, 8), log(3, 0, 9), LogState { digest: 8, ..log(3, 1, 9) }] {
            promises.starts(M2, log(3, 1, 9));
            assert_eq!(rule(&promises.recovered(M2, other)), Some(RECOVERY_WHOLE), "{other:?}");
        }
    }

    #[test]
    fn a_damaged_disk_says_nothing_of_promises() {
        let mut promises = Promises::default();
        promises.excuse(M2);
        assert_eq!(promises.voted(M2, VOTE, log(2, 1, 0)), None);
        assert_eq!(promises.acknowledged(M2, end(9), log(3, 1, 8)), None);
        assert_eq!(promises.recovered(M2, log(2, 1, 0)), None);
        assert_eq!(promises.takes_part(M2), None);
    }

    #[test]
    fn entries_are_applied_one_by_one() {
        let mut promises = Promises::default();
        assert_eq!(promises.applied(M2, 40), None, "nobody knows where it stood");
        assert_eq!(promises.applied(M2, 41), None);
        assert_eq!(rule(&promises.applied(M2, 43)), Some(APPLIED_IN_ORDER), "a gap");
        assert_eq!(rule(&promises.applied(M2, 43)), Some(APPLIED_IN_ORDER), "again");
        promises.stands(M2, 20);
        assert_eq!(promises.applied(M2, 21), None, "after a restart");
        promises.starts(M2, LogState::default());
        assert_eq!(promises.applied(M2, 5), None);
    }
}
