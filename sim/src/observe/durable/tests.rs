//! Logs written by the real log, shown to the rules as far as each story says they are durable.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use bytes::Bytes;
use mettle_server::consensus::types::{AppendBatch, AppendToken, Entry, Payload};
use mettle_server::identity::Identity;
use mettle_server::platform::real::platform;
use mettle_server::wal::{Options, Wal};

use super::*;

/// Bytes of a log after each entry: one a batch, one a sync, and entry 3 written twice.
fn log(member: u64) -> Vec<Vec<u8>> {
    let name = format!("mettle-durable-{}-{member}", std::process::id());
    let folder: PathBuf = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bytes = runtime.block_on(async {
        let disk = platform(&folder).unwrap().disk;
        let identity = Identity { cluster_id: 7, member_id: member };
        let (mut wal, _) = Wal::open(disk, "wal", identity, Options::default()).await.unwrap();
        let mut states = Vec::new();
        for (index, term) in [(1, 1), (2, 1), (3, 1), (3, 2), (4, 2)] {
            let entries = vec![Entry { term, index, payload: payload(index) }];
            let token = AppendToken(index);
            let batch = AppendBatch { token, hard_state: None, entries, snapshot: None };
            wal.append(&batch).await.unwrap();
            wal.sync().await.unwrap();
            states.push(fs::read(folder.join("wal/0000000000000001.wal")).unwrap());
        }
        states
    });
    fs::remove_dir_all(folder).unwrap();
    bytes
}

fn payload(index: u64) -> Payload {
    Payload::Command(Bytes::from(vec![index as u8; 5]))
}

fn entry(index: u64, term: u64) -> EntryId {
    EntryId { term, crc: payload(index).crc() }
}

/// Written once, for all tests.
static LOGS: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| (1..=3).map(log).collect());

/// What is durable of each member's log: the number of its file, and how many batches.
struct Disks {
    durable: Vec<(u32, usize)>,
}

impl Disks {
    fn new() -> Disks {
        Disks { durable: vec![(1, 0); 3] }
    }
}

impl Media for Disks {
    fn log(&self, member: Member, see: &mut dyn FnMut(&[Segment<'_>])) {
        let (file, batches) = self.durable[member.index()];
        let state = batches.checked_sub(1).map(|last| &LOGS[member.index()][last]);
        see(&[(1, file, state.map_or(&[][..], |bytes| bytes))]);
    }

    fn readable_log(&self, member: Member, see: &mut dyn FnMut(&[Segment<'_>])) {
        self.log(member, see);
    }
}

fn rule(broken: &Broken) -> Option<&'static str> {
    broken.as_ref().map(|(rule, _)| *rule)
}

#[test]
fn a_commit_needs_the_disks_of_a_quorum() {
    let (mut durable, mut disks) = (Durable::new(3), Disks::new());
    disks.durable = vec![(1, 2), (1, 1), (1, 0)];
    assert_eq!(durable.committed(&disks, 1, entry(1, 1)), None);
    assert_eq!(durable.applied(&disks, Member::new(2), 1), None);
    let broken = durable.committed(&disks, 2, entry(2, 1)).unwrap();
    assert_eq!(broken.0, COMMITTED_DURABLE);
    assert_eq!(
        broken.1,
        "entry 2 of term 1 is committed, and durable on the disk of m1 alone; a quorum is 2"
    );
}

#[test]
fn another_entry_in_its_place_does_not_count() {
    let (mut durable, mut disks) = (Durable::new(3), Disks::new());
    disks.durable = vec![(1, 4), (1, 3), (1, 3)];
    assert_eq!(rule(&durable.committed(&disks, 3, entry(3, 2))), Some(COMMITTED_DURABLE));
    let mut durable = Durable::new(3);
    disks.durable = vec![(1, 4), (1, 5), (1, 3)];
    assert_eq!(durable.committed(&disks, 3, entry(3, 2)), None);
}

#[test]
fn a_member_applies_what_its_own_disk_holds() {
    let (mut durable, mut disks) = (Durable::new(3), Disks::new());
    disks.durable = vec![(1, 2), (1, 2), (1, 1)];
    assert_eq!(durable.committed(&disks, 2, entry(2, 1)), None);
    assert_eq!(rule(&durable.applied(&disks, Member::new(3), 2)), Some(APPLIED_DURABLE));
}

#[test]
fn what_was_committed_stays() {
    let (mut durable, mut disks) = (Durable::new(3), Disks::new());
    disks.durable = vec![(1, 2), (1, 2), (1, 0)];
    assert_eq!(durable.committed(&disks, 2, entry(2, 1)), None);
    // A log that was replaced at boot by an equal copy has lost nothing.
    disks.durable = vec![(8, 2), (1, 2), (1, 0)];
    assert_eq!(durable.at_the_end(&disks), None);
    disks.durable = vec![(9, 1), (1, 2), (1, 0)];
    assert_eq!(rule(&durable.at_the_end(&disks)), Some(COMMITTED_DURABLE));
}

#[test]
fn a_disk_that_a_fault_replaced_counts_for_what_it_held() {
    let (mut durable, mut disks) = (Durable::new(3), Disks::new());
    disks.durable = vec![(1, 2), (1, 2), (1, 0)];
    assert_eq!(durable.committed(&disks, 2, entry(2, 1)), None);
    durable.damage(&disks, Member::new(2), Damage::Once);
    disks.durable = vec![(1, 4), (2, 0), (1, 0)];
    assert_eq!(durable.recall(), None, "the fault took it, not the server");
    let broken = durable.committed(&disks, 3, entry(3, 2));
    assert_eq!(rule(&broken), Some(COMMITTED_DURABLE), "it never held this one");
}

#[test]
fn a_disk_that_lies_counts_for_everything_and_the_others_for_what_they_hold() {
    let (mut durable, mut disks) = (Durable::new(3), Disks::new());
    durable.damage(&disks, Member::new(2), Damage::FromNowOn);
    disks.durable = vec![(1, 1), (1, 0), (1, 0)];
    assert_eq!(durable.committed(&disks, 1, entry(1, 1)), None);
    assert_eq!(durable.applied(&disks, Member::new(2), 1), None);
    let broken = durable.committed(&disks, 2, entry(2, 1));
    assert_eq!(rule(&broken), Some(COMMITTED_DURABLE), "no whole copy holds it");
}
