//! The rules that hold at every instant: facts in, violations out, apart from time and tasks.

use std::collections::BTreeMap;

use mettle_reports::timeline::Leadership;
use mettle_server::probe::Fact;

use super::durable::{Broken, Damage, Durable, EntryId, Media};
use super::promises::{LogEnd, LogState, Promises, Vote};
use crate::member::Member;
use crate::outcome::Violation;

/// At most one member leads a term.
pub const ONE_LEADER: &str = "one leader per term";
/// A member votes for at most one candidate in a term, also across restarts.
pub const ONE_VOTE: &str = "one vote per member and term";
/// Members that hold an index to be committed hold the same entry.
pub const COMMITTED_EQUAL: &str = "committed prefix equal";
/// Nothing is applied that no member holds to be committed.
pub const APPLIED_COMMITTED: &str = "applied never ahead of committed";
/// Members that applied the same index arrived at the same revision.
pub const APPLIED_EQUAL: &str = "applied revisions equal";

/// Members at the same revision, equally compacted, hold the same.
pub const HASHES_EQUAL: &str = "hashes equal at equal revision";

/// What members have said so far.
#[derive(Debug, Default)]
pub struct Rules {
    leader_of: BTreeMap<u64, Member>,
    vote_of: BTreeMap<(Member, u64), u64>,
    committed: BTreeMap<u64, (u64, u32, Member)>,
    applied: BTreeMap<u64, (i64, Member)>,
    applied_by: BTreeMap<Member, (u64, i64)>,
    hashed: BTreeMap<(i64, i64), (u32, Member)>,
    durable: Durable,
    promises: Promises,
    leaders: Vec<Leadership>,
    violations: Vec<Violation>,
}

impl Rules {
    /// The rules of a cluster of so many members.
    pub fn new(members: u32) -> Rules {
        Rules { durable: Durable::new(members), ..Rules::default() }
    }

    /// Takes in what `member` says at `now_ns`, and holds it against what lies on the disks.
    pub fn hear(&mut self, now_ns: u64, member: Member, fact: Fact, media: &dyn Media) {
        let broken = match fact {
            Fact::BecameLeader { term } => self.leader(now_ns, member, term),
            Fact::Voted { term, candidate } => self.vote(member, term, candidate),
            Fact::Committed { index, term, crc } => self.commit(member, index, term, crc),
            Fact::Applied { index, revision } => self.apply(member, index, revision),
            Fact::Hashed { revision, compact_revision, hash } => {
                self.hash(member, revision, compact_revision, hash)
            }
            Fact::Acknowledged { .. } | Fact::Recovered { .. } | Fact::StandsAt { .. } => None,
        };
        self.note(now_ns, broken);
        let broken = match fact {
            Fact::Committed { index, term, crc } => {
                self.durable.committed(media, index, EntryId { term, crc })
            }
            Fact::Applied { index, .. } => self.durable.applied(media, member, index),
            _ => None,
        };
        self.note(now_ns, broken);
        self.promise(now_ns, member, fact, media);
    }

    /// Holds what a member promises, or has read of its promises, against its disk.
    fn promise(&mut self, now_ns: u64, member: Member, fact: Fact, media: &dyn Media) {
        if let Fact::Voted { .. } | Fact::Acknowledged { .. } | Fact::BecameLeader { .. } = fact {
            let broken = self.promises.takes_part(member);
            self.note(now_ns, broken);
        }
        let broken = match fact {
            Fact::Voted { term, candidate } => {
                let vote = Vote { term, candidate };
                let durable = self.durable.log_of(media, member);
                durable.and_then(|durable| self.promises.voted(member, vote, durable))
            }
            Fact::Acknowledged { term, index } => {
                let end = LogEnd { term, index };
                let durable = self.durable.log_of(media, member);
                durable.and_then(|durable| self.promises.acknowledged(member, end, durable))
            }
            Fact::Recovered { term, vote, start, last, digest } => {
                let read = LogState { term, vote, start, last, digest };
                self.promises.recovered(member, read)
            }
            Fact::StandsAt { index } => {
                self.promises.stands(member, index);
                None
            }
            Fact::Applied { index, .. } => self.promises.applied(member, index),
            _ => None,
        };
        self.note(now_ns, broken);
    }

    /// A member is about to start.
    pub fn starts(&mut self, member: Member, media: &dyn Media) {
        if let Some(survived) = self.durable.readable(media, member) {
            self.promises.starts(member, survived);
        }
    }

    /// A fault is about to damage a member's disk.
    pub fn disk_damaged(&mut self, member: Member, damage: Damage, media: &dyn Media) {
        // A disk that was replaced is the member's to notice.
        if damage == Damage::FromNowOn {
            self.promises.excuse(member);
        }
        self.durable.damage(media, member, damage);
    }

    /// The run is over, and the disks are what they will be.
    pub fn end(&mut self, now_ns: u64, media: &dyn Media) {
        let broken = self.durable.at_the_end(media);
        self.note(now_ns, broken);
    }

    fn note(&mut self, at_ns: u64, broken: Broken) {
        if let Some((rule, reason)) = broken {
            self.violations.push(Violation { rule, reason, at_ns });
        }
    }

    fn hash(&mut self, member: Member, revision: i64, compacted: i64, hash: u32) -> Broken {
        let (first_hash, first) =
            *self.hashed.entry((revision, compacted)).or_insert((hash, member));
        (first_hash != hash).then(|| {
            let reason = format!(
                "at revision {revision}, compacted at {compacted}, {first} holds {first_hash:08x} \
                 and {member} {hash:08x}"
            );
            (HASHES_EQUAL, reason)
        })
    }

    fn leader(&mut self, at_ns: u64, member: Member, term: u64) -> Broken {
        self.leaders.push(Leadership { at_ns, term, member: member.into() });
        let first = *self.leader_of.entry(term).or_insert(member);
        (first != member)
            .then(|| (ONE_LEADER, format!("{first} and {member} both lead term {term}")))
    }

    fn vote(&mut self, member: Member, term: u64, candidate: u64) -> Broken {
        let first = *self.vote_of.entry((member, term)).or_insert(candidate);
        (first != candidate).then(|| {
            let reason =
                format!("{member} voted for {first:x} and for {candidate:x} in term {term}");
            (ONE_VOTE, reason)
        })
    }

    fn commit(&mut self, member: Member, index: u64, term: u64, crc: u32) -> Broken {
        let (first_term, first_crc, first) =
            *self.committed.entry(index).or_insert((term, crc, member));
        ((first_term, first_crc) != (term, crc)).then(|| {
            let reason = format!(
                "entry {index} is of term {first_term} with CRC {first_crc:08x} for {first}, of \
                 term {term} with CRC {crc:08x} for {member}"
            );
            (COMMITTED_EQUAL, reason)
        })
    }

    fn apply(&mut self, member: Member, index: u64, revision: i64) -> Broken {
        self.applied_by.insert(member, (index, revision));
        let committed = self.committed.last_key_value().map_or(0, |(index, _)| *index);
        if index > committed {
            let reason = format!("{member} applied entry {index}; committed so far: {committed}");
            return Some((APPLIED_COMMITTED, reason));
        }
        let (first_revision, first) = *self.applied.entry(index).or_insert((revision, member));
        (first_revision != revision).then(|| {
            let reason = format!(
                "after entry {index} {first} was at revision {first_revision}, {member} at {revision}"
            );
            (APPLIED_EQUAL, reason)
        })
    }

    /// The member that became leader in the highest term.
    pub fn leader_now(&self) -> Option<Member> {
        self.leader_of.last_key_value().map(|(_, member)| *member)
    }

    /// What a member applied last: index and revision.
    pub fn applied_by(&self, member: Member) -> Option<(u64, i64)> {
        self.applied_by.get(&member).copied()
    }

    /// How often a member became leader, up to now.
    pub fn leader_changes(&self) -> u64 {
        self.leaders.len() as u64
    }

    /// Hands over what was collected.
    pub fn take(&mut self) -> (Vec<Leadership>, Vec<Violation>) {
        (std::mem::take(&mut self.leaders), std::mem::take(&mut self.violations))
    }
}

#[cfg(test)]
mod tests;
