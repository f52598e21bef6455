//! Stories of one volume: what a power loss, a kill and each fault of the disk leave behind.

use std::io::ErrorKind;
use std::task::Waker;

use super::*;

fn errno(result: std::io::Result<()>) -> Option<i32> {
    result.unwrap_err().raw_os_error()
}

#[test]
fn what_was_not_synced_is_lost_and_what_was_stays() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.sync_dir("");
    story.write(file, 0, b"durable").unwrap();
    story.sync(file).unwrap();
    assert!(!story.disk.has_unsynced(story.now));
    story.write(file, 0, b"volatil").unwrap();
    assert!(story.disk.has_unsynced(story.now));
    let effect = story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(story.content("state").unwrap(), b"durable");
    assert_eq!((effect.unsynced_sectors, effect.sectors_lost), (1, 1));
}

#[test]
fn a_sync_under_way_counts_for_nothing() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.sync_dir("");
    story.write(file, 0, b"bytes").unwrap();
    let done = story.disk.sync(story.caller(), file);
    story.now = done.due_ns - 1;
    story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(story.content("state").unwrap(), b"");
}

#[test]
fn a_sync_covers_only_what_was_written_before_it_was_called() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.sync_dir("");
    story.write(file, 0, b"before").unwrap();
    let done = story.disk.sync(story.caller(), file);
    story.write(file, 0, b"after!").unwrap();
    story.now = done.due_ns;
    story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(story.content("state").unwrap(), b"before");
}

#[test]
fn names_are_durable_only_after_their_directory() {
    let mut story = Story::new(1);
    let file = story.open("unsynced");
    story.write(file, 0, b"bytes").unwrap();
    story.sync(file).unwrap();
    assert_eq!(story.lose_power(PowerLoss::clean(Keep::Nothing)).names_lost, 1);
    assert_eq!(story.content("unsynced"), None);

    let file = story.open("old");
    story.write(file, 0, b"bytes").unwrap();
    story.sync(file).unwrap();
    story.sync_dir("");
    story.disk.rename(story.caller(), "old", "new").result.unwrap();
    assert_eq!(story.content("new").unwrap(), b"bytes");
    story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(story.content("new"), None);
    assert_eq!(story.content("old").unwrap(), b"bytes");

    story.disk.remove(story.caller(), "old").result.unwrap();
    story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(story.content("old").unwrap(), b"bytes", "a removal is undone too");
    story.disk.remove(story.caller(), "old").result.unwrap();
    story.sync_dir("");
    story.lose_power(PowerLoss::clean(Keep::Everything));
    assert_eq!(story.content("old"), None);
}

#[test]
fn a_file_in_a_directory_that_was_not_synced_is_lost_with_it() {
    let mut story = Story::new(1);
    story.disk.create_dir(story.caller(), "wal/deep").result.unwrap();
    let file = story.open("wal/deep/1");
    story.sync(file).unwrap();
    story.sync_dir("wal/deep");
    assert_eq!(
        story.disk.list(story.caller(), "wal").result.unwrap(),
        ["deep"],
        "names, not paths"
    );
    story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(
        story.disk.list(story.caller(), "wal").result.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_killed_process_leaves_its_page_cache_and_its_lock_behind() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.write(file, 0, b"cached").unwrap();
    story.disk.lock(story.caller()).result.unwrap();
    let again = story.disk.lock(story.caller()).result;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::WouldBlock);
    let ghost = story.caller();
    story.disk.kill(story.now);
    let write = story.disk.write(ghost, file, 0, Bytes::from_static(b"ghost!"));
    assert_eq!(errno(write.result), Some(libc::EIO));
    story.process = story.disk.boot(story.now);
    let write = story.disk.write(ghost, file, 0, Bytes::from_static(b"ghost!"));
    assert_eq!(errno(write.result), Some(libc::EIO));
    assert_eq!(errno(story.disk.sync(ghost, file).result), Some(libc::EIO));
    assert_eq!(story.content("state").unwrap(), b"cached");
    story.disk.lock(story.caller()).result.unwrap();
    story.lose_power(PowerLoss::clean(Keep::Nothing));
    assert_eq!(story.content("state"), None);
}

#[test]
fn an_operation_that_the_process_did_not_live_to_see_never_happened() {
    for power in [false, true] {
        let mut story = Story::new(1);
        let file = story.open("state");
        story.sync_dir("");
        let metered = Caller { mode: IoMode::Metered, ..story.caller() };
        story.disk.begin_job();
        let write = |disk: &mut Volume, at, bytes| {
            disk.write(metered, file, at, Bytes::from_static(bytes)).result.unwrap();
        };
        write(&mut story.disk, 0, b"page");
        story.disk.sync(metered, file).result.unwrap();
        write(&mut story.disk, 4, b"header");
        assert_eq!(story.disk.end_job(), MS);
        assert_eq!(story.read(file), b"pageheader");
        // The header is written after a sync that is not over when the end comes.
        if power {
            story.lose_power(PowerLoss::clean(Keep::Everything));
        } else {
            story.disk.kill(story.now);
            story.process = story.disk.boot(story.now);
        }
        assert_eq!(story.content("state").unwrap(), b"page");
    }
}

#[test]
fn a_failed_sync_counts_its_pages_as_clean() {
    for (cache, seen) in [(FailedSync::Kept, &b"new"[..]), (FailedSync::Dropped, b"old")] {
        let mut story = Story::new(1);
        let file = story.open("log");
        story.sync_dir("");
        story.write(file, 0, b"old").unwrap();
        story.sync(file).unwrap();
        story.write(file, 0, b"new").unwrap();
        let class = FileClass::State;
        story.disk.inject(story.now, FAULT, DiskFault::SyncError { class, sticky: false, cache });
        assert_eq!(errno(story.sync(file)), Some(libc::EIO));
        assert_eq!(story.read(file), seen);
        story.sync(file).unwrap();
        assert_eq!(story.read(file), seen, "{cache:?}");
        story.lose_power(PowerLoss::clean(Keep::Everything));
        assert_eq!(story.content("log").unwrap(), b"old", "the second sync covered nothing");
        assert_eq!(story.disk.effect(FAULT).errors, 1);
    }
}

#[test]
fn errors_strike_their_class_once_or_for_good() {
    let mut story = Story::new(1);
    story.disk.create_dir(story.caller(), "wal").result.unwrap();
    let (wal, state) = (story.open("wal/1"), story.open("state"));
    let class = FileClass::Wal;
    story.disk.inject(0, FaultId(1), DiskFault::WriteError { class, sticky: false });
    assert_eq!(errno(story.write(wal, 0, b"x")), Some(libc::EIO));
    story.write(wal, 0, b"x").unwrap();
    story.disk.inject(0, FaultId(2), DiskFault::ReadError { class, sticky: true });
    for _ in 0..3 {
        let read = story.disk.read(story.caller(), wal, 0, 1).result;
        assert_eq!(read.unwrap_err().raw_os_error(), Some(libc::EIO));
    }
    assert_eq!(story.read(state), b"");
    story.disk.heal(0, FaultId(2));
    assert_eq!(story.read(wal), b"x");
    assert_eq!(
        (story.disk.effect(FaultId(1)).errors, story.disk.effect(FaultId(2)).errors),
        (1, 3)
    );
}

#[test]
fn a_full_disk_refuses_growth_and_nothing_else() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.write(file, 0, &[1; 100]).unwrap();
    story.disk.inject(0, FAULT, DiskFault::Full { quota_bytes: 150 });
    assert_eq!(errno(story.write(file, 100, &[1; 51])), Some(libc::ENOSPC));
    let grow = story.disk.set_len(story.caller(), file, 151).result;
    assert_eq!(errno(grow), Some(libc::ENOSPC));
    story.write(file, 50, &[2; 50]).unwrap();
    story.write(file, 100, &[1; 50]).unwrap();
    story.disk.heal(0, FAULT);
    story.write(file, 150, &[1; 1000]).unwrap();
    assert_eq!(story.disk.effect(FAULT).errors, 2);
}

#[test]
fn a_stalled_disk_completes_nothing_until_it_is_healed() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.sync_dir("");
    story.write(file, 0, b"bytes").unwrap();
    let done = story.disk.sync(story.caller(), file);
    story.disk.inject(story.now, FAULT, DiskFault::Stall);
    assert_eq!(story.disk.wait(story.now, done.due_ns, Waker::noop()), Wait::Until(done.due_ns));
    story.now = done.due_ns + 1_000 * MS;
    assert_eq!(story.disk.wait(story.now, done.due_ns, Waker::noop()), Wait::Stalled);
    assert_eq!(story.disk.image(story.now).bytes(), 0, "not even the sync under way");
    story.disk.heal(story.now, FAULT);
    assert_eq!(story.disk.take_wakes().len(), 1);
    assert_eq!(story.disk.wait(story.now, done.due_ns, Waker::noop()), Wait::Over);
    assert_eq!(story.disk.image(story.now).bytes(), 5);
    assert_eq!(story.disk.effect(FAULT).stalled, 1);
}

#[test]
fn slow_and_lying_syncs_are_what_they_say() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.sync_dir("");
    let start = story.now;
    story.disk.inject(start, FaultId(1), DiskFault::SlowSync { factor: 20 });
    story.sync(file).unwrap();
    assert_eq!(story.now - start, 20 * MS);
    assert_eq!(story.disk.effect(FaultId(1)).slowed_ns, 19 * MS);
    let lying = DiskFault::LyingSync { class: FileClass::Any };
    story.disk.inject(story.now, FaultId(2), lying);
    story.write(file, 0, b"bytes").unwrap();
    story.sync(file).unwrap();
    assert_eq!(story.disk.image(story.now).bytes(), 0);
    story.disk.heal(story.now, FaultId(2));
    story.sync(file).unwrap();
    assert_eq!(story.disk.image(story.now).bytes(), 5, "an honest sync makes up for it");
}

#[test]
fn rot_stale_and_misdirected_writes_are_read_and_counted() {
    let mut story = Story::new(1);
    let file = story.open("state");
    story.sync_dir("");
    story.write(file, 0, &[0; 4096]).unwrap();
    story.sync(file).unwrap();
    story.disk.rot(story.now, FaultId(1), FileClass::State, 1);
    assert_eq!(story.read(file).iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    let effect = story.disk.effect(FaultId(1));
    assert_eq!((effect.sectors_damaged, effect.damaged_reads), (1, 1));

    let (class, ppm) = (FileClass::State, crate::stream::MILLION);
    story.disk.inject(story.now, FaultId(2), DiskFault::StaleWrite { class, ppm });
    story.write(file, 0, &[1; 512]).unwrap();
    assert!(!story.read(file).contains(&1));
    assert_eq!(story.disk.effect(FaultId(2)).damaged_reads, 1);
    story.disk.heal(story.now, FaultId(2));
    story.disk.inject(story.now, FaultId(3), DiskFault::MisdirectedWrite { class, ppm });
    story.write(file, 512, &[9; 512]).unwrap();
    let content = story.read(file);
    assert_eq!(content.len(), 4096);
    let landed: u32 = content.iter().map(|byte| u32::from(*byte == 9)).sum();
    assert_eq!(landed, 512, "it landed somewhere");
    assert!(story.disk.effect(FaultId(3)).damaged_reads > 0);
}

#[test]
fn disks_are_wiped_exchanged_and_set_back() {
    let (mut one, mut two) = (Story::new(1), Story::new(2));
    for (story, content) in [(&mut one, b"one"), (&mut two, b"two")] {
        let file = story.open("state");
        story.sync_dir("");
        story.write(file, 0, content).unwrap();
        story.sync(file).unwrap();
    }
    let early = one.disk.image(one.now);
    let file = one.open("state");
    one.write(file, 0, b"ONE").unwrap();
    one.disk.kill(one.now);
    two.disk.kill(two.now);
    one.disk.swap_contents(one.now, &mut two.disk);
    one.process = one.disk.boot(one.now);
    two.process = two.disk.boot(two.now);
    assert_eq!(one.content("state").unwrap(), b"two");
    assert_eq!(two.content("state").unwrap(), b"ONE");
    one.disk.kill(one.now);
    one.disk.roll_back(one.now, &early);
    one.process = one.disk.boot(one.now);
    assert_eq!(one.content("state").unwrap(), b"one");
    one.disk.kill(one.now);
    one.disk.wipe(one.now);
    one.process = one.disk.boot(one.now);
    assert_eq!(one.content("state"), None);
    one.open("state");
}

#[test]
fn the_files_of_a_class_are_lost_and_the_others_stay() {
    let mut story = Story::new(1);
    story.disk.create_dir(story.caller(), "wal").result.unwrap();
    for path in ["wal/1", "state"] {
        let file = story.open(path);
        story.write(file, 0, path.as_bytes()).unwrap();
        story.sync(file).unwrap();
    }
    story.sync_dir("");
    story.sync_dir("wal");
    story.disk.kill(story.now);
    story.disk.lose(story.now, FileClass::Wal);
    story.process = story.disk.boot(story.now);
    story.disk.check_invariants();
    assert_eq!(story.content("state").unwrap(), b"state");
    let listed = story.disk.list(story.caller(), "wal").result;
    assert_eq!(listed.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn opening_and_changing_names_fail_as_faults_say() {
    let mut story = Story::new(1);
    story.open("state");
    let class = FileClass::State;
    let eio = |error: std::io::Error| error.raw_os_error() == Some(libc::EIO);
    let unreadable = DiskFault::ReadError { class, sticky: true };
    story.disk.inject(story.now, FaultId(1), unreadable);
    assert!(eio(story.disk.open(story.caller(), "state", Open::Existing).result.unwrap_err()));
    assert!(eio(story.disk.list(story.caller(), "").result.unwrap_err()));
    story.disk.heal(story.now, FaultId(1));
    let unwritable = DiskFault::WriteError { class, sticky: true };
    story.disk.inject(story.now, FaultId(2), unwritable);
    let (rename, remove, create) = (
        story.disk.rename(story.caller(), "state", "other").result,
        story.disk.remove(story.caller(), "state").result,
        story.disk.open(story.caller(), "new", Open::Create).result.map(|_| ()),
    );
    assert!([rename, remove, create].into_iter().all(|result| eio(result.unwrap_err())));
    assert_eq!(story.disk.effect(FaultId(2)).errors, 3);
    story.disk.heal(story.now, FaultId(2));
    let listed = story.disk.list(story.caller(), "").result.unwrap();
    assert_eq!(listed, ["state"], "nothing was changed");
}

#[test]
fn garbage_reaches_what_was_synced_beside_a_write_but_not_the_header() {
    let policy = PowerLoss {
        garbage_ppm: crate::stream::MILLION,
        region: 4096,
        spares_header: true,
        ..PowerLoss::clean(Keep::Nothing)
    };
    let damaged = |path: &str, at: usize| -> Vec<usize> {
        let mut story = Story::new(1);
        story.disk.create_dir(story.caller(), "wal").result.unwrap();
        story.sync_dir("");
        let file = story.open(path);
        story.sync_dir("wal");
        story.sync_dir("");
        story.write(file, 0, &[7; 12288]).unwrap();
        story.sync(file).unwrap();
        story.write(file, at as u64, &[8; 512]).unwrap();
        story.lose_power(policy);
        let content = story.content(path).unwrap();
        (0..3).filter(|page| content[page * 4096..][..4096].iter().any(|b| *b != 7)).collect()
    };
    assert_eq!(damaged("wal/1", 5120), [1], "the page of the write, and no other");
    assert_eq!(damaged("wal/1", 512), [0]);
    assert_eq!(damaged("state", 512), [0; 0], "the header's page is spared");
    assert_eq!(damaged("state", 4096), [1]);
}
