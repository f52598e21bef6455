//! Damage and failing disks: the store stops, it never guesses.

use bytes::Bytes;

use super::disk::Disk;
use super::{IDENTITY, all, apply_one, put};
use crate::command::{Body, CompactRequest, DeleteRangeRequest, KeyRange, RangeRequest};
use crate::identity::Identity;
use crate::mvcc::{Store, StoreError};

fn read_all() -> RangeRequest {
    RangeRequest {
        range: all(),
        limit: 0,
        revision: 0,
        sort: None,
        serializable: false,
        keys_only: false,
        count_only: false,
        min_mod_revision: 0,
        max_mod_revision: 0,
        min_create_revision: 0,
        max_create_revision: 0,
    }
}

fn delete(key: &'static str) -> Body {
    Body::DeleteRange(DeleteRangeRequest { range: KeyRange::single(key), prev_kv: false })
}

fn compact(revision: i64) -> Body {
    Body::Compact(CompactRequest { revision, physical: false })
}

/// A durable store of 40 keys, closed.
fn filled() -> Disk {
    let disk = Disk::default();
    let store = Store::open(disk.backend(), IDENTITY).unwrap();
    for n in 0..40 {
        let mut request = put(&format!("key-{n:02}"), "");
        request.value = Bytes::from(vec![n as u8; 100]);
        apply_one(&store, Body::Put(request)).unwrap();
    }
    store.flush().unwrap();
    drop(store);
    disk
}

#[test]
fn another_members_file_is_refused_with_both_names() {
    let disk = filled();
    let other = Identity { cluster_id: 0xc1, member_id: 0xb };
    let error = Store::open(disk.backend(), other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the state file belongs to member a of cluster c1, this is member b of cluster c1"
    );
    assert!(error.is_corruption());
}

#[test]
fn any_flipped_bit_is_found_at_boot_or_harmless() {
    let disk = filled();
    let whole = Store::open(disk.backend(), IDENTITY).unwrap();
    let (hash, answer) = (whole.state_hash().unwrap(), whole.range(&read_all()).unwrap());
    drop(whole);
    let mut refused = 0;
    let bits = disk.len_bytes() * 8;
    for turn in 0..400 {
        let damaged = disk.after_power_loss(|| true);
        // A prime stride visits all parts of the file.
        damaged.flip_bit((turn * 1_000_003 + 17) % bits);
        match Store::open(damaged.backend(), IDENTITY) {
            Ok(store) => {
                assert_eq!(store.state_hash().unwrap(), hash);
                assert_eq!(store.range(&read_all()).unwrap(), answer);
            }
            Err(error) => {
                assert!(
                    error.is_corruption() || matches!(error, StoreError::Storage(_)),
                    "{error}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "no flip hit anything");
}

#[test]
fn a_value_damaged_while_open_is_found_when_it_is_read() {
    let disk = Disk::default();
    let store = Store::open_with_cache(disk.backend(), IDENTITY, 0).unwrap();
    let mut request = put("key", "");
    request.value = Bytes::from(vec![0x5a; 3000]);
    apply_one(&store, Body::Put(request)).unwrap();
    store.flush().unwrap();
    disk.flip_bit_of(&[0x5a; 100]);
    let error = store.range(&read_all()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("revision 2.0: checksum"), "{error}");
}

#[test]
fn a_failed_sync_leaves_the_store_failed() {
    let disk = Disk::default();
    let store = Store::open(disk.backend(), IDENTITY).unwrap();
    apply_one(&store, Body::Put(put("key", "value"))).unwrap();
    disk.fail_syncs();
    assert!(matches!(store.flush(), Err(StoreError::Storage(_))));
    assert!(matches!(store.flush(), Err(StoreError::Failed)));
    assert!(matches!(store.range(&read_all()), Err(StoreError::Failed)));
    assert_eq!(store.durable_applied().index, 0);
}

/// etcd #17780: the newest revision is a tombstone that compaction removes.
#[test]
fn the_revision_stays_when_its_record_is_compacted() {
    let disk = Disk::default();
    let store = Store::open(disk.backend(), IDENTITY).unwrap();
    apply_one(&store, Body::Put(put("key", "1"))).unwrap();
    apply_one(&store, delete("key")).unwrap();
    apply_one(&store, Body::Put(put("other", "2"))).unwrap();
    apply_one(&store, delete("other")).unwrap();
    apply_one(&store, compact(5)).unwrap();
    store.flush().unwrap();
    let left = disk.after_power_loss(|| false);
    let store = Store::open(left.backend(), IDENTITY).unwrap();
    assert_eq!((store.revision(), store.compact_revision()), (5, 5));
    assert_eq!(store.range(&read_all()).unwrap().unwrap().count, 0);
}

/// etcd #18089 and #19179: the deletion at the compact revision, before and after a restart, also
/// in the middle of a compaction of many steps.
#[test]
fn a_deletion_at_the_compact_revision_is_still_told() {
    let disk = Disk::default();
    let store = Store::open(disk.backend(), IDENTITY).unwrap();
    for n in 2..=9 {
        apply_one(&store, Body::Put(put("key", &n.to_string()))).unwrap();
    }
    apply_one(&store, delete("key")).unwrap();
    apply_one(&store, Body::Put(put("other", "11"))).unwrap();
    apply_one(&store, compact(10)).unwrap();
    let told = |store: &Store| store.events(&all(), 10, 11, 100).unwrap().unwrap().changes;
    let expected = told(&store);
    assert_eq!(expected.len(), 2, "the deletion and the put after it");
    // One of three steps was taken with the request.
    assert!(!store.memory().awaiting_removal.is_empty());
    store.flush().unwrap();
    assert!(!store.memory().awaiting_removal.is_empty());
    let mut left = disk;
    for _ in 0..4 {
        left = left.after_power_loss(|| false);
        let store = Store::open(left.backend(), IDENTITY).unwrap();
        assert_eq!(told(&store), expected);
        store.flush().unwrap();
    }
    assert!(Store::open(left.backend(), IDENTITY).unwrap().memory().awaiting_removal.is_empty());
}
