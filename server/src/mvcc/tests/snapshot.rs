//! Export and import.

use bytes::Bytes;

use super::disk::Disk;
use super::{IDENTITY, apply_one, put};
use crate::apply;
use crate::command::{Attributes, Body, CompactRequest};
use crate::consensus::types::{Entry, Membership, Payload};
use crate::identity::{Identity, Life};
use crate::limits::StoreLimits;
use crate::mvcc::{Store, StoreError};

const OTHER: Identity = Identity { cluster_id: 0xc1, member_id: 0xb };

/// The usual bytes of a chunk.
fn chunk_bytes() -> usize {
    StoreLimits::default().snapshot_chunk_bytes
}

/// A store with small and large values, a membership and a compaction that is not done.
fn filled() -> Store {
    let store = Store::open(Disk::default().backend(), IDENTITY).unwrap();
    let membership = Membership { voters: vec![10, 11], ..Membership::default() };
    let entry = Entry { term: 3, index: 1, payload: Payload::Membership(membership) };
    apply::apply_batch(&store, &[entry]).unwrap();
    for n in 0..20 {
        apply_one(&store, Body::Put(put("small", &n.to_string()))).unwrap();
    }
    for n in 0..3u8 {
        let mut request = put(&format!("large-{n}"), "");
        request.value = Bytes::from(vec![n; chunk_bytes() + 1000]);
        apply_one(&store, Body::Put(request)).unwrap();
    }
    apply_one(&store, Body::Compact(CompactRequest { revision: 21, physical: false })).unwrap();
    let urls = vec!["http://10.0.0.2:2379".to_owned()];
    let said = Attributes {
        member: 2,
        name: "m2".to_owned(),
        client_urls: urls,
        life: Life { incarnation: 5, boot: 3 },
    };
    apply_one(&store, Body::Publish(said)).unwrap();
    assert!(!store.memory().awaiting_removal.is_empty());
    store
}

#[test]
fn another_member_of_the_cluster_takes_the_state() {
    let store = filled();
    let (mark, chunks) = store.export().unwrap();
    assert_eq!((mark.index, mark.term), (26, 1));
    assert_eq!(mark.membership.voters, [10, 11]);
    assert!(chunks.len() > 3 && chunks.iter().all(|chunk| chunk.len() <= chunk_bytes()));
    let disk = Disk::default();
    let taken = Store::import(disk.backend(), OTHER, chunks).unwrap();
    assert_eq!(taken.identity(), OTHER);
    assert_eq!(taken.state_hash().unwrap(), store.state_hash().unwrap());
    assert_eq!(taken.size_in_use(), store.size_in_use());
    assert_eq!(taken.durable_applied().index, 26);
    assert_eq!(taken.cluster().published[&2].name, "m2");
    // It is durable as it is, and goes on like the other.
    let left = disk.after_power_loss(|| false);
    let taken = Store::open(left.backend(), OTHER).unwrap();
    for store in [&taken, &store] {
        apply_one(store, Body::Put(put("small", "after"))).unwrap();
    }
    assert_eq!(taken.state_hash().unwrap(), store.state_hash().unwrap());
}

#[test]
fn the_export_stands_still_while_the_store_goes_on() {
    let store = filled();
    let hash = store.state_hash().unwrap();
    let (_, chunks) = store.export().unwrap();
    apply_one(&store, Body::Put(put("small", "later"))).unwrap();
    let taken = Store::import(Disk::default().backend(), OTHER, chunks).unwrap();
    assert_eq!(taken.state_hash().unwrap(), hash);
}

#[test]
fn another_cluster_refuses() {
    let (_, chunks) = filled().export().unwrap();
    let stranger = Identity { cluster_id: 0xc2, member_id: 0xb };
    let error = Store::import(Disk::default().backend(), stranger, chunks).unwrap_err();
    assert_eq!(error.to_string(), "the snapshot belongs to cluster c1, this member to cluster c2");
}

#[test]
fn damaged_missing_and_misplaced_chunks_are_refused() {
    let (_, whole) = filled().export().unwrap();
    let refused = |chunks: Vec<Bytes>| {
        let disk = Disk::default();
        let error = Store::import(disk.backend(), OTHER, chunks).unwrap_err();
        assert!(matches!(error, StoreError::Snapshot(_)), "{error}");
        let error = Store::open(disk.backend(), OTHER).unwrap_err();
        assert!(matches!(error, StoreError::UnfinishedImport), "{error}");
    };
    refused(vec![]);
    refused(whole[..whole.len() - 1].to_vec());
    refused(whole[1..].to_vec());
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    refused(swapped);
    let mut twice = whole.clone();
    twice.extend(whole.last().cloned());
    refused(twice);
    for chunk in 0..whole.len() {
        let mut damaged = whole.clone();
        let mut bytes = damaged[chunk].to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        damaged[chunk] = bytes.into();
        refused(damaged);
    }
}

#[test]
fn a_file_with_a_store_is_not_overwritten() {
    let (_, chunks) = filled().export().unwrap();
    let disk = Disk::default();
    drop(Store::open(disk.backend(), OTHER).unwrap());
    let error = Store::import(disk.backend(), OTHER, chunks).unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
}
