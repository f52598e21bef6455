//! The invariants of a volume: they hold between any two operations.
//!
//! - A file's cached image is the durable one with the unsynced operations applied in order. Only a
//!   failed sync and bit rot set the two images apart. The same holds of names.
//! - Ordinals and times of unsynced operations ascend: a process that dies takes back the last ones.
//! - A sync ends after its call, and covers only operations before its call.
//! - Every name belongs to a file that has contents, and lies in a directory that exists. No file
//!   has two names.
//! - Only a running process holds the lock. Operations wait only while the disk is stalled.

use std::collections::BTreeSet;

use super::contents::{FileContents, apply};
use super::file::FileId;
use super::names::parent;
use super::volume::Volume;

/// The whole volume is looked at each time so many steps have passed.
const SCAN_EVERY: u64 = 1024;

impl Volume {
    /// Ends a step: what is cheap is looked at, and from time to time everything.
    pub(super) fn end_step(&mut self) {
        if cfg!(debug_assertions) {
            self.steps += 1;
            if self.steps.is_multiple_of(SCAN_EVERY) {
                self.check_invariants();
            } else {
                self.check_state();
            }
        }
    }

    /// Asserts everything that the head of this file says.
    pub fn check_invariants(&self) {
        self.check_state();
        self.check_names();
        for (id, contents) in &self.files {
            assert!(id.0 < self.next_file, "{id:?} is from the future: next is {}", self.next_file);
            contents.check(*id, self.last_ordinal);
        }
        for fault in &self.faults {
            let counted = self.effects.contains_key(&fault.id);
            assert!(counted, "fault {} on {} has no count of effects", fault.id.0, self.member);
        }
    }

    /// What holds of the volume apart from its files.
    fn check_state(&self) {
        let member = self.member;
        assert!(self.running || !self.locked, "nobody holds the lock of {member}'s disk");
        assert!(
            self.waiting.is_empty() || self.stalled_by().is_some(),
            "{} operations wait at {member}'s disk, which is not stalled",
            self.waiting.len()
        );
        for barrier in &self.barriers {
            assert!(
                barrier.issued_ns <= barrier.at_ns,
                "a sync of {member} is over at {}, and called at {}",
                barrier.at_ns,
                barrier.issued_ns
            );
            assert!(
                barrier.up_to <= self.last_ordinal,
                "a sync of {member} covers operation {}, the last one is {}",
                barrier.up_to,
                self.last_ordinal
            );
        }
    }

    fn check_names(&self) {
        let member = self.member;
        let mut named = BTreeSet::new();
        for (path, file) in &self.names.files {
            assert!(self.names.has_directory(parent(path)), "{path} of {member} lies nowhere");
            assert!(named.insert(*file), "{path} of {member} is a second name of {file:?}");
        }
        for (path, file) in self.names.files.iter().chain(&self.durable_names.files) {
            assert!(self.files.contains_key(file), "{path} of {member} names no contents");
        }
        let mut replayed = self.durable_names.clone();
        let mut last = 0;
        for op in &self.unsynced_names {
            assert!(last < op.ordinal, "name {} of {member} comes after {last}", op.ordinal);
            last = op.ordinal;
            replayed.apply(&op.change);
        }
        assert!(last <= self.last_ordinal, "name {last} of {member} is from the future");
        assert!(
            replayed == self.names,
            "the names of {member} are {:?}, the durable ones with the unsynced {replayed:?}",
            self.names
        );
    }
}

impl FileContents {
    fn check(&self, id: FileId, last_ordinal: u64) {
        let (mut last, mut issued_ns) = (0, 0);
        for op in &self.unsynced {
            assert!(last < op.ordinal, "operation {} of {id:?} comes after {last}", op.ordinal);
            assert!(
                issued_ns <= op.issued_ns,
                "operation {} of {id:?} is of {}, one before it of {issued_ns}",
                op.ordinal,
                op.issued_ns
            );
            (last, issued_ns) = (op.ordinal, op.issued_ns);
        }
        assert!(last <= last_ordinal, "operation {last} of {id:?} is from the future");
        if self.diverged || self.rotted {
            return;
        }
        let same = if self.unsynced.is_empty() {
            self.durable == self.cached
        } else {
            let mut replayed = self.durable.clone();
            self.unsynced.iter().for_each(|op| apply(&mut replayed, &op.change));
            replayed == self.cached
        };
        assert!(
            same,
            "{id:?}: the cache of {} bytes is not the durable {} with {} unsynced operations",
            self.cached.len(),
            self.durable.len(),
            self.unsynced.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::PowerLoss;
    use super::super::power::Keep;
    use super::super::tests::{FAULT, Story};
    use super::super::volume::{Barrier, Target};
    use super::*;

    /// A file with a durable byte and an unsynced one.
    fn story() -> (Story, FileId) {
        let mut story = Story::new(1);
        let file = story.open("state");
        story.sync_dir("");
        story.write(file, 0, b"d").unwrap();
        story.sync(file).unwrap();
        story.write(file, 1, b"u").unwrap();
        story.disk.check_invariants();
        (story, file)
    }

    fn contents(story: &mut Story, file: FileId) -> &mut FileContents {
        story.disk.files.get_mut(&file).expect("the story has this file")
    }

    #[test]
    fn a_power_loss_leaves_a_disk_in_order() {
        let (mut story, _) = story();
        story.lose_power(PowerLoss::clean(Keep::Subset));
        story.disk.check_invariants();
    }

    #[test]
    fn bits_that_rot_under_unsynced_writes_set_the_images_apart() {
        let (mut story, file) = story();
        story.write(file, 0, b"w").unwrap();
        story.disk.rot(story.now, FAULT, super::super::FileClass::Any, 1);
        story.disk.check_invariants();
        story.lose_power(PowerLoss::clean(Keep::Nothing));
        assert!(!contents(&mut story, file).rotted);
        story.disk.check_invariants();
    }

    #[test]
    #[should_panic(expected = "the cache of 2 bytes is not the durable 1 with 1 unsynced")]
    fn a_byte_that_nobody_wrote_is_seen() {
        let (mut story, file) = story();
        contents(&mut story, file).cached[0] = b'x';
        story.disk.check_invariants();
    }

    #[test]
    #[should_panic(expected = "one before it of")]
    fn an_operation_before_its_time_is_seen() {
        let (mut story, file) = story();
        story.write(file, 2, b"v").unwrap();
        contents(&mut story, file).unsynced[1].issued_ns = 0;
        story.disk.check_invariants();
    }

    #[test]
    #[should_panic(expected = "the names of m1 are")]
    fn a_name_that_nobody_made_is_seen() {
        let (mut story, _) = story();
        story.disk.names.directories.insert("ghost".to_owned());
        story.disk.check_invariants();
    }

    #[test]
    #[should_panic(expected = "other of m1 is a second name of")]
    fn a_second_name_is_seen() {
        let (mut story, file) = story();
        story.disk.names.files.insert("state.other".to_owned(), file);
        story.disk.check_invariants();
    }

    #[test]
    #[should_panic(expected = "a sync of m1 covers operation")]
    fn a_sync_of_what_is_not_there_yet_is_seen() {
        let (mut story, file) = story();
        let target = Target::File(file);
        let barrier = Barrier { target, up_to: 1_000, issued_ns: 0, at_ns: u64::MAX };
        story.disk.barriers.push(barrier);
        story.disk.end_step();
    }

    #[test]
    #[should_panic(expected = "nobody holds the lock of m1's disk")]
    fn a_lock_of_the_dead_is_seen() {
        let (mut story, _) = story();
        story.disk.kill(story.now);
        story.disk.locked = true;
        story.disk.end_step();
    }

    #[test]
    #[should_panic(expected = "1 operations wait at m1's disk, which is not stalled")]
    fn a_waiter_that_nobody_wakes_is_seen() {
        let (mut story, _) = story();
        story.disk.waiting.push(std::task::Waker::noop().clone());
        story.disk.end_step();
    }
}
