//! What lies in the state file, and how it is read at boot.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize};

use super::backend::Measured;
use super::index::{Index, IndexEntry};
use super::memory::{Memory, State};
use super::proposals::Proposals;
use super::record::{self, Record, RecordKey, Revision};
use super::{Cluster, StoreError};
use crate::identity::Identity;
use crate::probe;

/// Changes with every change of what the bytes mean.
///
/// 1: as commit 057aa02 wrote it. 2: proposals that were applied, and the lives of members.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// redb's cache unless [`Store::open_with_cache`](super::Store::open_with_cache) says otherwise.
pub(crate) const CACHE_BYTES: usize = 8 << 20;

/// Revision to sealed [`Record`].
pub(crate) const REVISIONS: TableDefinition<'static, RecordKey, &'static [u8]> =
    TableDefinition::new("revisions");
/// The few other things the file holds, sealed, by name.
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("meta");
/// [`Head`], under this name in [`META`].
pub(crate) const HEAD: &str = "head";
/// [`State`].
pub(crate) const STATE: &str = "state";
/// [`Cluster`].
pub(crate) const CLUSTER: &str = "cluster";
/// [`Proposals`].
pub(crate) const PROPOSALS: &str = "proposals";
/// There while an import runs.
pub(crate) const IMPORTING: &str = "importing";

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    pub(crate) identity: Identity,
}

/// Opens redb on a file; also says where the file's length can be read.
pub(crate) fn open_database(
    backend: Box<dyn StorageBackend>,
    cache_bytes: usize,
) -> Result<(Database, Arc<AtomicU64>), StoreError> {
    let (file, file_bytes) = Measured::new(backend).map_err(redb::Error::Io)?;
    let db = Database::builder().set_cache_size(cache_bytes).create_with_backend(file)?;
    Ok((db, file_bytes))
}

/// In a fresh file: the tables, the head and a fresh state, in one durable commit.
pub(crate) fn make_tables(db: &Database, identity: Identity) -> Result<(), StoreError> {
    if db.begin_read()?.list_tables()?.next().is_some() {
        return Ok(());
    }
    let txn = db.begin_write()?;
    txn.open_table(REVISIONS)?;
    put_meta(&txn, HEAD, &Head { format: FORMAT_VERSION, identity })?;
    put_meta(&txn, STATE, &State::fresh())?;
    put_meta(&txn, CLUSTER, &Cluster::default())?;
    put_meta(&txn, PROPOSALS, &Proposals::default())?;
    txn.commit()?;
    Ok(())
}

pub(crate) fn put_meta<T: Serialize>(
    txn: &WriteTransaction,
    name: &str,
    value: &T,
) -> Result<(), StoreError> {
    let sealed = record::seal(name.as_bytes(), value);
    txn.open_table(META)?.insert(name, sealed.as_slice())?;
    Ok(())
}

pub(crate) fn get_meta<T: serde::de::DeserializeOwned>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<T>, StoreError> {
    let Some(sealed) = meta.get(name)? else { return Ok(None) };
    record::open(name.as_bytes(), sealed.value())
        .map(Some)
        .map_err(|reason| StoreError::Corrupt(format!("{name}: {reason}")))
}

pub(crate) fn need_meta<T: serde::de::DeserializeOwned>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<T, StoreError> {
    get_meta(meta, name)?.ok_or_else(|| StoreError::Corrupt(format!("{name} is missing")))
}

/// Reads the whole file, checks it, and builds what is kept in memory.
pub(crate) fn load(db: &Database, identity: Identity) -> Result<Memory, StoreError> {
    let txn = db.begin_read()?;
    let meta = txn.open_table(META)?;
    if get_meta::<()>(&meta, IMPORTING)?.is_some() {
        return Err(StoreError::UnfinishedImport);
    }
    let head: Head = need_meta(&meta, HEAD)?;
    if head.format != FORMAT_VERSION {
        return Err(StoreError::Format { expected: FORMAT_VERSION, found: head.format });
    }
    if head.identity != identity {
        return Err(StoreError::Identity { expected: identity, found: head.identity });
    }
    let state: State = need_meta(&meta, STATE)?;
    state.check();
    let cluster = need_meta(&meta, CLUSTER)?;
    let proposals: Proposals = need_meta(&meta, PROPOSALS)?;
    proposals.check_invariants();
    let mut index = Index::default();
    let records = txn.open_table(REVISIONS)?;
    for entry in records.iter()? {
        let (key, sealed) = entry?;
        let revision = Revision::from_key(key.value());
        if revision.main > state.revision {
            return Err(StoreError::Corrupt(format!(
                "revision {revision} lies beyond the current revision {}",
                state.revision
            )));
        }
        let record = Record::open(revision, sealed.value())?;
        index.add(&record.key, IndexEntry::of(revision, &record, sealed.value().len()));
    }
    let awaiting_removal: BTreeSet<Revision> =
        index.compact(state.compact_revision).into_iter().collect();
    if !awaiting_removal.is_empty() {
        probe!("compaction resumed at boot");
    }
    let durable = state.applied;
    Ok(Memory { index, state, cluster, proposals, awaiting_removal, durable, failed: false })
}
