//! The log against torn tails, flipped bytes, full and failing disks, and a model of what it holds.

mod asserted;
mod memory;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use expect_test::expect;
use futures_util::FutureExt;
use proptest::prelude::*;

use self::memory::MemoryDisk;
use super::layout::{SEGMENT_HEADER_LEN, decode_batch, next_page};
use super::*;
use crate::consensus::types::{
    AppendBatch, AppendToken, Entry, HardState, Membership, Payload, SnapshotMark,
};
use crate::identity::{Identity, Life};

const IDENTITY: Identity = Identity { cluster_id: 0xc1, member_id: 0x3e };
const LIFE: Life = Life { incarnation: 0xf00d, boot: 1 };
const FIRST: &str = "wal/0000000000000001.wal";
const SECOND: &str = "wal/0000000000000002.wal";

/// The memory disk never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the memory disk never waits")
}

fn open_sized(disk: &MemoryDisk, segment_bytes: u64) -> Result<(Wal, Recovered), WalError> {
    let options = Options { segment_bytes, ..Options::default() };
    now(Wal::open(Arc::new(disk.clone()), "wal", IDENTITY, options))
}

fn open(disk: &MemoryDisk) -> Result<(Wal, Recovered), WalError> {
    open_sized(disk, Options::default().segment_bytes)
}

fn entry(index: u64, term: u64, text: &str) -> Entry {
    Entry { term, index, payload: Payload::Command(Bytes::copy_from_slice(text.as_bytes())) }
}

fn batch(hard_state: Option<HardState>, entries: Vec<Entry>) -> AppendBatch {
    AppendBatch { token: AppendToken(0), hard_state, entries, snapshot: None }
}

fn mark(index: u64, term: u64) -> SnapshotMark {
    let membership = Membership { voters: vec![1, 2, 3], ..Membership::default() };
    SnapshotMark { index, term, membership }
}

fn hard(term: u64, vote: u64, commit: u64) -> HardState {
    HardState { term, vote, commit }
}

/// Four appends, the first three synced one by one; and what the log held after each batch.
fn small_log() -> (MemoryDisk, Vec<Recovered>) {
    let disk = MemoryDisk::default();
    let (mut wal, fresh) = open(&disk).unwrap();
    now(wal.begin_life(LIFE)).unwrap();
    let mut states = vec![fresh.clone(), Recovered { life: LIFE, ..fresh }];
    let appends = [
        batch(Some(hard(1, 2, 0)), vec![entry(1, 1, "a"), entry(2, 1, "bb")]),
        batch(None, vec![entry(2, 2, "c"), entry(3, 2, "d")]),
        batch(Some(hard(2, 0, 3)), vec![]),
        batch(None, vec![entry(4, 2, "eee")]),
    ];
    for (at, append) in appends.iter().enumerate() {
        now(wal.append(append)).unwrap();
        if at < 3 {
            now(wal.sync()).unwrap();
        }
        let mut state = states.last().unwrap().clone();
        if let Some(first) = append.entries.first() {
            state.entries.retain(|entry| entry.index < first.index);
            state.entries.extend(append.entries.iter().cloned());
        }
        state.hard_state = append.hard_state.unwrap_or(state.hard_state);
        states.push(state);
    }
    now(wal.sync()).unwrap();
    (disk, states)
}

/// Where each batch of a segment ends, and its `durable_to`.
fn batches(bytes: &[u8]) -> Vec<(usize, u64)> {
    let mut at = SEGMENT_HEADER_LEN;
    let mut ends = Vec::new();
    while at < bytes.len() {
        match decode_batch(&bytes[at..], IDENTITY) {
            Some(batch) => {
                at += batch.len();
                ends.push((at, batch.header.durable_to));
            }
            None => at = next_page(at as u64) as usize,
        }
    }
    ends
}

/// Every byte that a batch or header occupies, and some of the zeros between.
fn places(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut used = vec![false; bytes.len()];
    used[..SEGMENT_HEADER_LEN].fill(true);
    let mut at = SEGMENT_HEADER_LEN;
    while at < bytes.len() {
        match decode_batch(&bytes[at..], IDENTITY) {
            Some(batch) => {
                used[at..at + batch.len()].fill(true);
                at += batch.len();
            }
            None => at = next_page(at as u64) as usize,
        }
    }
    (0..bytes.len()).filter(move |at| used[*at] || at % 64 < 2)
}

fn hex(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes
        .chunks(20)
        .filter(|line| line.iter().any(|byte| *byte != 0))
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
        .collect();
    lines.join("\n")
}

#[test]
fn the_layout_is_pinned() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = open(&disk).unwrap();
    now(wal.append(&batch(Some(hard(5, 2, 1)), vec![entry(1, 5, "hi")]))).unwrap();
    now(wal.sync()).unwrap();
    expect![[r"
        4d 45 54 54 4c 45 4c 47 02 00 00 00 c1 00 00 00 00 00 00 00
        3e 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00
        00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 9c 99 ee 09
        4d 42 41 54 0d 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00
        00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 13 b7 96 91
        01 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 4d 42 41 54
        0e 00 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00
        01 00 00 00 00 00 00 00 13 b7 96 91 51 c1 19 ca 01 05 02 01
        00 00 00 01 05 01 01 02 68 69 00 00 00 00 00 00 00 00 00 00"]]
    .assert_eq(&hex(&disk.bytes(FIRST)));
}

#[test]
fn a_log_of_version_1_is_refused_by_name() {
    // The head of a segment as commit 057aa02 wrote it.
    let old = "4d455454 4c454c47 01000000 c1000000 00000000 3e000000 00000000 01000000 00000000 \
               01000000 00000000 01000000 00000000 00000000 90be952d";
    let digits: String = old.split_whitespace().collect();
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
    let disk = MemoryDisk::default();
    drop(open(&disk).unwrap());
    disk.set_bytes(FIRST, bytes.collect::<Result<_, _>>().unwrap());
    let text = open(&disk).map(|_| ()).unwrap_err().to_string();
    let expected = "log: wal/0000000000000001.wal has format version 1, this server reads 2; \
                    start the server that wrote it, or give this one an empty data directory in a \
                    new cluster and copy the keys over";
    assert_eq!(text, expected);
}

#[test]
fn every_segment_repeats_the_life() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = open_sized(&disk, 20_000).unwrap();
    now(wal.begin_life(LIFE)).unwrap();
    for index in 1..20 {
        now(wal.append(&batch(None, vec![entry(index, 1, &"x".repeat(3000))]))).unwrap();
        now(wal.sync()).unwrap();
    }
    now(wal.cut(&mark(15, 1))).unwrap();
    let (mut wal, recovered) = open_sized(&disk, 20_000).unwrap();
    assert!(
        !disk.names().iter().any(|name| FIRST.ends_with(name)),
        "the segment that the life was written to is gone"
    );
    assert_eq!(recovered.life, LIFE);
    let next = Life { boot: 2, ..LIFE };
    now(wal.begin_life(next)).unwrap();
    assert_eq!(open(&disk).unwrap().1.life, next);
}

#[test]
fn a_log_cut_at_every_byte_recovers_the_batches_before_the_cut() {
    let (disk, states) = small_log();
    let bytes = disk.bytes(FIRST);
    let ends = batches(&bytes);
    for len in places(&bytes).chain([bytes.len()]) {
        let disk = disk.copy();
        disk.set_bytes(FIRST, bytes[..len].to_vec());
        let (mut wal, recovered) = open(&disk).unwrap();
        let whole = ends.iter().filter(|(end, _)| *end <= len).count();
        let expected = &states[whole.saturating_sub(1)];
        assert_eq!(recovered.entries, expected.entries, "cut at {len}");
        assert_eq!(recovered.hard_state, expected.hard_state, "cut at {len}");
        assert_eq!(recovered.life, expected.life, "cut at {len}");
        assert_eq!(recovered.is_fresh(), whole < 2, "cut at {len}");
        // And it goes on from there.
        let next = entry(recovered.last_index() + 1, 9, "next");
        now(wal.append(&batch(None, vec![next.clone()]))).unwrap();
        now(wal.sync()).unwrap();
        assert_eq!(open(&disk).unwrap().1.entries.last(), Some(&next), "cut at {len}");
    }
}

#[test]
fn every_flipped_byte_is_refused_or_lies_beyond_what_is_known_durable() {
    let (disk, states) = small_log();
    let bytes = disk.bytes(FIRST);
    let ends = batches(&bytes);
    let proven = ends.iter().map(|(_, durable_to)| *durable_to as usize).max().unwrap();
    let (mut refused, mut cut) = (0, 0);
    for at in places(&bytes) {
        for mask in [0x01, 0x80, 0xff] {
            let disk = disk.copy();
            let mut damaged = bytes.clone();
            damaged[at] ^= mask;
            disk.set_bytes(FIRST, damaged);
            match open(&disk) {
                Ok((_, recovered)) => {
                    let whole = ends.iter().filter(|(end, _)| *end <= at).count();
                    assert!(whole >= proven, "flip at {at} lost a durable batch");
                    assert_eq!(recovered.entries, states[whole - 1].entries);
                    assert_eq!(recovered.hard_state, states[whole - 1].hard_state);
                    cut += 1;
                }
                Err(WalError::Corrupt { .. } | WalError::WrongVersion { .. }) => refused += 1,
                Err(other) => panic!("flip at {at}: {other}"),
            }
        }
    }
    assert!(refused > 3 * SEGMENT_HEADER_LEN && cut > 0, "{refused} refused, {cut} cut");
}

#[test]
fn a_sealed_log_refuses_every_flip_in_what_it_says() {
    let (disk, _) = small_log();
    let (mut wal, _) = open(&disk).unwrap();
    let before = batches(&disk.bytes(FIRST)).last().unwrap().0;
    now(wal.seal()).unwrap();
    let sealed = disk.bytes(FIRST);
    now(wal.seal()).unwrap();
    assert_eq!(disk.bytes(FIRST), sealed, "a sealed log is left alone");
    for at in places(&sealed[..before]) {
        let disk = disk.copy();
        let mut damaged = sealed.clone();
        damaged[at] ^= 0x10;
        disk.set_bytes(FIRST, damaged);
        assert!(open(&disk).is_err(), "flip at {at}");
    }
}

#[test]
fn damage_names_segment_offset_and_remedy() {
    let (disk, _) = small_log();
    let mut bytes = disk.bytes(FIRST);
    let offset = batches(&bytes)[1].0;
    bytes[offset - 1] ^= 1;
    disk.set_bytes(FIRST, bytes);
    let error = open(&disk).err().unwrap();
    let expected = expect![
        "log: wal/0000000000000001.wal is corrupt at byte 4096: batch 2 does not verify, and \
         batch 3 proves that it had been synced; keep the files and restore this member's disk \
         (replacing a member is not built yet)"
    ];
    expected.assert_eq(&error.to_string());
}

#[test]
fn the_log_of_another_member_is_refused() {
    let (disk, _) = small_log();
    let other = Identity { member_id: 0x77, ..IDENTITY };
    let opened = now(Wal::open(Arc::new(disk), "wal", other, Options::default()));
    let expected = expect![
        "log: wal/0000000000000001.wal belongs to member 3e of cluster c1, but this is member \
         77 of cluster c1; check the data directory, the initial cluster and its token"
    ];
    expected.assert_eq(&opened.err().unwrap().to_string());
}

#[test]
fn a_segment_of_another_version_is_refused() {
    let (disk, _) = small_log();
    let mut bytes = disk.bytes(FIRST);
    bytes[8] = 3;
    disk.set_bytes(FIRST, bytes);
    let expected = expect![
        "log: wal/0000000000000001.wal has format version 3, this server reads 2; start the \
         server that wrote it, or give this one an empty data directory in a new cluster and copy \
         the keys over"
    ];
    expected.assert_eq(&open(&disk).err().unwrap().to_string());
}

/// A log of several segments with 40 entries.
fn long_log() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let (mut wal, _) = open_sized(&disk, 20_000).unwrap();
    for index in 1..=40 {
        let append = batch(Some(hard(1, 1, index)), vec![entry(index, 1, "some value of a key")]);
        now(wal.append(&append)).unwrap();
        now(wal.sync()).unwrap();
    }
    disk
}

#[test]
fn segments_roll_and_read_back() {
    let disk = long_log();
    assert!(disk.names().len() > 4, "{:?}", disk.names());
    let (_, recovered) = open_sized(&disk, 20_000).unwrap();
    assert_eq!(recovered.entries.len(), 40);
    assert_eq!(recovered.hard_state, hard(1, 1, 40));
}

#[test]
fn a_cut_removes_whole_segments_and_keeps_state_and_mark() {
    let disk = long_log();
    let (mut wal, _) = open_sized(&disk, 20_000).unwrap();
    let removed = now(wal.cut(&mark(25, 1))).unwrap();
    assert!(removed > 1);
    assert_eq!(now(wal.cut(&mark(25, 1))).unwrap(), 0, "nothing to do the second time");
    assert!(!disk.names().contains(&FIRST.to_owned()));
    let (_, recovered) = open_sized(&disk, 20_000).unwrap();
    assert_eq!(recovered.snapshot, mark(25, 1));
    assert_eq!(recovered.hard_state, hard(1, 1, 40));
    let kept: Vec<u64> = recovered.entries.iter().map(|entry| entry.index).collect();
    assert_eq!(kept, (26..=40).collect::<Vec<_>>());
}

#[test]
fn an_installed_snapshot_ends_the_log_before_it() {
    let disk = long_log();
    let (mut wal, _) = open_sized(&disk, 20_000).unwrap();
    let append = AppendBatch {
        snapshot: Some(mark(90, 4)),
        ..batch(Some(hard(4, 0, 90)), vec![entry(91, 4, "after")])
    };
    now(wal.append(&append)).unwrap();
    now(wal.sync()).unwrap();
    let (mut wal, recovered) = open_sized(&disk, 20_000).unwrap();
    assert_eq!(recovered.snapshot, mark(90, 4));
    assert_eq!(recovered.entries, append.entries);
    assert!(now(wal.cut(&mark(91, 4))).unwrap() > 3);
    let (_, recovered) = open_sized(&disk, 20_000).unwrap();
    assert_eq!((recovered.snapshot, recovered.entries), (mark(91, 4), vec![]));
}

#[test]
fn a_missing_segment_is_refused() {
    let disk = long_log();
    disk.lose(SECOND);
    let expected = expect![
        "log: wal/0000000000000002.wal is corrupt at byte 0: the segment is missing; keep the \
         files and restore this member's disk (replacing a member is not built yet)"
    ];
    expected.assert_eq(&open(&disk).err().unwrap().to_string());
}

#[test]
fn a_missing_first_segment_is_refused() {
    let disk = long_log();
    disk.lose(FIRST);
    let error = open(&disk).err().unwrap();
    assert!(matches!(error, WalError::Corrupt { damage: Damage::Gap { wants: 1, .. }, .. }));
}

#[test]
fn damage_in_an_old_segment_is_refused_even_in_its_last_batch() {
    let disk = long_log();
    let mut bytes = disk.bytes(SECOND);
    let end = batches(&bytes).last().unwrap().0;
    bytes[end - 1] ^= 1;
    disk.set_bytes(SECOND, bytes.clone());
    assert!(matches!(open(&disk), Err(WalError::Corrupt { .. })));
    bytes.truncate(end - 1);
    disk.set_bytes(SECOND, bytes);
    assert!(matches!(open(&disk), Err(WalError::Corrupt { .. })));
}

#[test]
fn a_segment_torn_while_it_was_created_is_made_again() {
    let disk = long_log();
    let last = disk.names().pop().unwrap();
    let header = disk.bytes(&last);
    let (_, whole) = open_sized(&disk, 20_000).unwrap();
    for len in [0, 1, SEGMENT_HEADER_LEN - 1] {
        let disk = disk.copy();
        disk.set_bytes(&last, header[..len].to_vec());
        let (mut wal, recovered) = open_sized(&disk, 20_000).unwrap();
        let kept = recovered.entries.len();
        assert!(kept < whole.entries.len() && recovered.entries == whole.entries[..kept]);
        let index = recovered.last_index() + 1;
        now(wal.append(&batch(None, vec![entry(index, 2, "again, in a segment made anew")])))
            .unwrap();
        now(wal.sync()).unwrap();
        assert_eq!(open_sized(&disk, 20_000).unwrap().1.last_index(), index);
    }
}

#[test]
fn a_failed_sync_poisons_the_log_and_its_pages_are_written_again_at_boot() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = open(&disk).unwrap();
    now(wal.append(&batch(None, vec![entry(1, 1, "doubtful")]))).unwrap();
    disk.fail_syncs(1);
    assert!(matches!(now(wal.sync()), Err(WalError::Io { action: "sync", .. })));
    assert!(matches!(now(wal.sync()), Err(WalError::Poisoned)));
    assert!(matches!(now(wal.append(&batch(None, vec![]))), Err(WalError::Poisoned)));
    // The restarted process finds the batch in the page cache, clean and yet not on the medium.
    let (_, recovered) = open(&disk).unwrap();
    assert_eq!(recovered.entries.len(), 1);
    disk.lose_power(&mut |_| 0);
    assert_eq!(open(&disk).unwrap().1.entries, recovered.entries, "what was heard of stays");
}

#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = open(&disk).unwrap();
    disk.set_full(true);
    now(wal.append(&batch(None, vec![entry(1, 1, "x")]))).unwrap();
    let expected = expect![
        "log: cannot write wal/0000000000000001.wal: no storage space; the member stops, \
         check the disk and its free space"
    ];
    expected.assert_eq(&now(wal.sync()).err().unwrap().to_string());
    disk.set_full(false);
    assert!(matches!(now(wal.sync()), Err(WalError::Poisoned)));
    assert_eq!(open(&disk).unwrap().1.entries, vec![]);
}

#[derive(Clone, Debug)]
enum Step {
    Append { back: u64, count: u64, size: usize, vote: bool },
    Sync,
    Seal,
    Cut { keep: u64 },
    Snapshot { ahead: u64 },
    Kill,
    FailSync,
    PowerLoss { seed: u64, in_sync: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4u64, 0..4u64, 0..700usize, any::<bool>())
            .prop_map(|(back, count, size, vote)| Step::Append { back, count, size, vote }),
        4 => Just(Step::Sync),
        1 => Just(Step::Seal),
        1 => (0..6u64).prop_map(|keep| Step::Cut { keep }),
        1 => (1..20u64).prop_map(|ahead| Step::Snapshot { ahead }),
        1 => Just(Step::Kill),
        1 => Just(Step::FailSync),
        3 => (any::<u64>(), any::<bool>())
            .prop_map(|(seed, in_sync)| Step::PowerLoss { seed, in_sync }),
    ]
}

/// The log beside a model of it: one state for each append that may still be lost.
struct Trial {
    disk: MemoryDisk,
    wal: Wal,
    /// The first is known durable.
    states: Vec<Recovered>,
    term: u64,
}

const TRIAL_SEGMENT_BYTES: u64 = 20_000;

impl Trial {
    fn new() -> Trial {
        let disk = MemoryDisk::default();
        let (wal, state) = open_sized(&disk, TRIAL_SEGMENT_BYTES).unwrap();
        Trial { disk, wal, states: vec![state], term: 1 }
    }

    fn last(&self) -> Recovered {
        self.states.last().unwrap().clone()
    }

    fn durable(&mut self) {
        self.states.drain(..self.states.len() - 1);
    }

    fn append(&mut self, append: AppendBatch) {
        let mut state = self.last();
        if let Some(mark) = &append.snapshot {
            (state.snapshot, state.entries) = (mark.clone(), vec![]);
        }
        if let Some(first) = append.entries.first() {
            state.entries.retain(|entry| entry.index < first.index);
            state.entries.extend(append.entries.iter().cloned());
        }
        state.hard_state = append.hard_state.unwrap_or(state.hard_state);
        now(self.wal.append(&append)).unwrap();
        self.states.push(state);
    }

    fn reopen(&mut self) {
        let (wal, mut found) = open_sized(&self.disk, TRIAL_SEGMENT_BYTES).unwrap();
        found.torn_bytes = 0;
        assert!(self.states.contains(&found), "{found:#?} is none of {:#?}", self.states);
        self.states = vec![found];
        self.wal = wal;
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append { back, count, size, vote } => {
                self.term += 1;
                let state = self.last();
                let first = (state.last_index() + 1 - back.min(state.entries.len() as u64))
                    .max(state.hard_state.commit + 1);
                let text = "v".repeat(size);
                let entries: Vec<Entry> =
                    (first..first + count).map(|index| entry(index, self.term, &text)).collect();
                let commit = state.hard_state.commit;
                self.append(batch(vote.then_some(hard(self.term, 1, commit)), entries));
            }
            Step::Sync => {
                now(self.wal.sync()).unwrap();
                self.durable();
            }
            Step::Seal => {
                now(self.wal.seal()).unwrap();
                self.durable();
            }
            Step::Cut { keep } => {
                let mut state = self.last();
                let Some(at) = state.entries.len().checked_sub(1 + keep as usize) else { return };
                let mark = mark(state.entries[at].index, state.entries[at].term);
                now(self.wal.cut(&mark)).unwrap();
                state.entries.drain(..=at);
                state.snapshot = mark;
                self.states = vec![state];
            }
            Step::Snapshot { ahead } => {
                self.term += 1;
                let index = self.last().last_index() + ahead;
                let append = batch(Some(hard(self.term, 0, index)), vec![]);
                self.append(AppendBatch { snapshot: Some(mark(index, self.term)), ..append });
            }
            Step::Kill => self.reopen(),
            Step::FailSync => {
                self.disk.fail_syncs(1);
                let failed = now(self.wal.sync()).is_err();
                self.disk.fail_syncs(0);
                if failed {
                    self.reopen();
                }
            }
            Step::PowerLoss { seed, in_sync } => {
                if in_sync {
                    self.disk.interrupt_syncs(true);
                    drop(now(self.wal.sync()));
                    self.disk.interrupt_syncs(false);
                }
                let mut state = seed;
                self.disk.lose_power(&mut |below| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 33) % below
                });
                self.reopen();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_crash_loses_what_was_synced_or_invents_anything(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut trial = Trial::new();
        for step in steps {
            trial.take(step);
        }
        trial.disk.lose_power(&mut |_| 0);
        trial.reopen();
    }
}

/// Whatever the log held, whoever reads its bytes from outside finds what a restart would.
#[test]
fn a_scan_finds_what_a_restart_finds() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = open_sized(&disk, 3 * 4096).unwrap();
    let mut scan = Scan::default();
    for round in 0..40u64 {
        let term = 1 + round / 7;
        let first = round * 2 + 1 - u64::from(round % 5 == 4);
        now(wal.append(&batch(
            Some(hard(term, 2, 0)),
            vec![
                entry(first, term, "one"),
                entry(first + 1, term, "other"),
                entry(first + 2, term, "last"),
            ],
        )))
        .unwrap();
        now(wal.sync()).unwrap();
        for name in disk.names() {
            let Some(hex) = name.strip_prefix("wal/").and_then(|name| name.strip_suffix(".wal"))
            else {
                continue;
            };
            let number = u64::from_str_radix(hex, 16).unwrap();
            if scan.segment().is_none_or(|segment| number >= segment) {
                scan.read(number, &disk.bytes(&name));
            }
        }
        let (_, recovered) = open_sized(&disk.copy(), 3 * 4096).unwrap();
        assert_eq!(scan.start(), recovered.snapshot.index);
        for entry in &recovered.entries {
            let found = scan.entry(entry.index);
            assert_eq!(found, Some((entry.term, entry.payload.crc())), "round {round}");
        }
        assert_eq!(scan.entry(recovered.last_index() + 1), None);
    }
    assert!(scan.segment() > Some(2), "the log has several segments");
}
