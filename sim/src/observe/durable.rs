//! The oracle of durability: a committed entry is on the durable bytes of a quorum, then and ever
//! after, whatever the members say.
//!
//! Members' logs are read from the medium, batch by batch as they grow, without the bytes that a
//! power loss could take. A log's start mark says up to which entry the durable state covers it:
//! entries below the mark count as held.

use std::collections::{BTreeMap, BTreeSet};

use mettle_server::consensus::types::HardState;
use mettle_server::wal::Scan;

use super::promises::LogState;
use crate::member::Member;

/// What a member holds to be committed is on the durable bytes of a quorum.
pub const COMMITTED_DURABLE: &str = "committed on a durable quorum";
/// A member applies only what is on its own durable bytes.
pub const APPLIED_DURABLE: &str = "applied never ahead of durable";

/// A segment of a log on a disk: its number, the number of its file, its durable bytes.
pub type Segment<'a> = (u64, u32, &'a [u8]);

/// The bytes of the members' logs.
pub trait Media {
    /// Shows the segments of a member's log as they are durable, in order.
    fn log(&self, member: Member, see: &mut dyn FnMut(&[Segment<'_>]));

    /// Shows the segments of a member's log as a process reads them, in order.
    fn readable_log(&self, member: Member, see: &mut dyn FnMut(&[Segment<'_>]));
}

/// How a fault damages a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Now, as a whole or in part.
    Once,
    /// Whatever is written from now on may not be there.
    FromNowOn,
}

/// The identity of an entry at an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryId {
    pub(super) term: u64,
    pub(super) crc: u32,
}

/// A broken rule, in words.
pub(super) type Broken = Option<(&'static str, String)>;

/// Follows the logs of all members; by default of nobody, and so finds nothing.
#[derive(Debug, Default)]
pub struct Durable {
    logs: BTreeMap<Member, Log>,
    /// What was on disks before faults replaced or damaged them: that counts as held for ever.
    lost: Vec<(Member, Log)>,
    /// Members whose disks a fault has made to lie: they count as holding everything.
    distrusted: BTreeSet<Member>,
    /// What is committed at each index.
    committed: BTreeMap<u64, EntryId>,
    /// A log was read anew: it may have lost what was committed long ago.
    doubtful: bool,
    /// Found broken once; what follows from it says no more.
    broken: bool,
}

#[derive(Debug, Default)]
struct Log {
    scan: Scan,
    files: Vec<u32>,
    bytes: Vec<usize>,
}

impl Log {
    /// Reads what is new. Answers whether anything but new bytes was found.
    fn look(&mut self, segments: &[Segment<'_>]) -> bool {
        let files: Vec<u32> = segments.iter().map(|(_, file, _)| *file).collect();
        let bytes: Vec<usize> = segments.iter().map(|(_, _, bytes)| bytes.len()).collect();
        if files == self.files && bytes == self.bytes {
            return false;
        }
        let again = !files.starts_with(&self.files)
            || self.bytes.iter().zip(&bytes).any(|(before, now)| now < before);
        if again {
            self.scan = Scan::default();
        }
        for (number, _, bytes) in segments {
            if self.scan.segment().is_none_or(|segment| *number >= segment) {
                self.scan.read(*number, bytes);
            }
        }
        (self.files, self.bytes) = (files, bytes);
        again
    }

    fn state(&self) -> LogState {
        let HardState { term, vote, .. } = self.scan.hard_state();
        let (start, last) = (self.scan.start(), self.scan.last());
        LogState { term, vote, start, last, digest: self.scan.digest() }
    }

    fn holds(&self, index: u64, entry: EntryId) -> bool {
        index <= self.scan.start() || self.scan.entry(index) == Some((entry.term, entry.crc))
    }
}

impl Durable {
    /// Follows the logs of `members` members.
    pub fn new(members: u32) -> Durable {
        let logs = Member::all(members).map(|member| (member, Log::default())).collect();
        Durable { logs, ..Durable::default() }
    }

    /// A fault is about to damage a member's disk: what the disk holds now was durable, and the
    /// server is not to blame when it is gone.
    pub(super) fn damage(&mut self, media: &dyn Media, member: Member, damage: Damage) {
        self.look(media);
        match damage {
            Damage::Once => {
                let log = self.logs.insert(member, Log::default());
                self.lost.extend(log.map(|log| (member, log)));
            }
            Damage::FromNowOn => {
                self.distrusted.insert(member);
            }
        }
    }

    /// Whether a member holds an entry, or held it before a fault took it.
    fn holds(&self, member: Member, index: u64, entry: EntryId) -> bool {
        let lost = self.lost.iter().filter(|(of, _)| *of == member).map(|(_, log)| log);
        self.distrusted.contains(&member)
            || self.logs.get(&member).into_iter().chain(lost).any(|log| log.holds(index, entry))
    }

    fn look(&mut self, media: &dyn Media) {
        for (member, log) in &mut self.logs {
            media.log(*member, &mut |segments| self.doubtful |= log.look(segments));
        }
    }

    /// A member holds an entry to be committed.
    pub(super) fn committed(&mut self, media: &dyn Media, index: u64, entry: EntryId) -> Broken {
        if self.broken || self.committed.contains_key(&index) {
            return None;
        }
        self.committed.insert(index, entry);
        self.look(media);
        let broken = self.lacks(index, entry).or_else(|| self.recall());
        self.broken |= broken.is_some();
        broken
    }

    /// Looks at all that was ever committed.
    pub(super) fn at_the_end(&mut self, media: &dyn Media) -> Broken {
        if self.broken {
            return None;
        }
        self.look(media);
        self.doubtful = true;
        self.recall()
    }

    /// What a member's log says durably.
    pub(super) fn log_of(&mut self, media: &dyn Media, member: Member) -> Option<LogState> {
        let log = self.logs.get_mut(&member)?;
        media.log(member, &mut |segments| self.doubtful |= log.look(segments));
        Some(log.state())
    }

    /// What a member would read from its log.
    pub(super) fn readable(&self, media: &dyn Media, member: Member) -> Option<LogState> {
        self.logs.get(&member)?;
        let mut log = Log::default();
        media.readable_log(member, &mut |segments| {
            log.look(segments);
        });
        Some(log.state())
    }

    /// A member applied an entry.
    pub(super) fn applied(&mut self, media: &dyn Media, member: Member, index: u64) -> Broken {
        let entry = *self.committed.get(&index)?;
        if self.broken || !self.logs.contains_key(&member) {
            return None;
        }
        if !self.holds(member, index, entry)
            && let Some(log) = self.logs.get_mut(&member)
        {
            media.log(member, &mut |segments| self.doubtful |= log.look(segments));
        }
        if self.holds(member, index, entry) {
            return None;
        }
        self.broken = true;
        let reason = format!("{member} applied entry {index}, which its disk could still lose");
        Some((APPLIED_DURABLE, reason))
    }

    /// After a log was read anew: is everything committed still where it was?
    fn recall(&mut self) -> Broken {
        if !std::mem::take(&mut self.doubtful) {
            return None;
        }
        self.committed.iter().find_map(|(index, entry)| self.lacks(*index, *entry))
    }

    fn lacks(&self, index: u64, entry: EntryId) -> Broken {
        let members = self.logs.keys().copied();
        let holders: Vec<Member> =
            members.filter(|member| self.holds(*member, index, entry)).collect();
        let quorum = self.logs.len() / 2 + 1;
        if self.logs.is_empty() || holders.len() >= quorum {
            return None;
        }
        let on = match holders[..] {
            [] => "nobody's disk".to_owned(),
            [only] => format!("the disk of {only} alone"),
            _ => {
                let numbers: Vec<u32> = holders.iter().copied().map(u32::from).collect();
                format!("the disks of {numbers:?} alone")
            }
        };
        let reason = format!(
            "entry {index} of term {} is committed, and durable on {on}; a quorum is {quorum}",
            entry.term
        );
        Some((COMMITTED_DURABLE, reason))
    }
}

// They write logs on a real disk, which is not there in the simulated world.
#[cfg(test)]
#[cfg(not(madsim))]
mod tests;
