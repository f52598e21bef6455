//! The store itself: opening, reading, the one writer, and making durable.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};
use serde::{Deserialize, Serialize};

use super::backend::Measured;
use super::compact::STEP_RECORDS;
use super::engine::{Engine, guarded};
use super::index::{Index, Place};
use super::range::View;
use super::record::{self, Record, Revision};
use super::{StoreError, Writer};
use crate::command::{RangeRequest, RangeResponse, Rejected, TxnRequest, TxnResponse};
use crate::consensus::types::Membership;
use crate::identity::Identity;
use crate::probe;

/// Changes with every change of what the bytes mean.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// redb's cache unless [`Store::open_with_cache`] says otherwise.
const CACHE_BYTES: usize = 8 << 20;

/// Revision to sealed [`Record`].
pub(crate) const REVISIONS: TableDefinition<'static, (i64, u32), &'static [u8]> =
    TableDefinition::new("revisions");
/// The few other things the file holds, sealed, by name.
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("meta");
/// [`Head`], under this name in [`META`].
pub(crate) const HEAD: &str = "head";
/// [`State`].
pub(crate) const STATE: &str = "state";
/// [`Membership`].
pub(crate) const MEMBERSHIP: &str = "membership";
/// There while an import runs.
pub(crate) const IMPORTING: &str = "importing";

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    pub(crate) identity: Identity,
}

/// How far the log is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppliedMark {
    /// The last applied entry's place; 0 for none.
    pub index: u64,
    /// Its term.
    pub term: u64,
}

/// What changes together with the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) applied: AppliedMark,
    /// Stored, never derived from the records: the newest may be compacted away.
    pub(crate) revision: i64,
    /// History below this cannot be read; -1 while nothing was compacted, as in etcd.
    pub(crate) compact_revision: i64,
}

impl State {
    pub(crate) fn fresh() -> State {
        State { applied: AppliedMark::default(), revision: 1, compact_revision: -1 }
    }
}

/// What is kept in memory beside the file.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) index: Index,
    pub(crate) state: State,
    pub(crate) membership: Membership,
    /// Unreachable records still in the file.
    pub(crate) doomed: BTreeSet<Revision>,
    durable: AppliedMark,
    failed: bool,
}

/// The multi-version store of one member. One writer at a time; readers see whole batches.
#[derive(Debug)]
pub struct Store {
    db: Engine,
    identity: Identity,
    file_bytes: Arc<AtomicU64>,
    memory: RwLock<Memory>,
    /// Held through every write transaction.
    writing: Mutex<()>,
}

impl Store {
    /// Opens the state file, or makes a fresh one, and checks all that is in it.
    pub fn open(backend: Box<dyn StorageBackend>, identity: Identity) -> Result<Store, StoreError> {
        Store::open_with_cache(backend, identity, CACHE_BYTES)
    }

    /// The same with another size of redb's cache.
    pub fn open_with_cache(
        backend: Box<dyn StorageBackend>,
        identity: Identity,
        cache_bytes: usize,
    ) -> Result<Store, StoreError> {
        guarded(|| {
            let (mut db, file_bytes) = open_database(backend, cache_bytes)?;
            if !db.check_integrity()? {
                return Err(StoreError::Corrupt("redb found and repaired damage".to_owned()));
            }
            make_tables(&db, identity)?;
            Store::loaded(db, identity, file_bytes)
        })
    }

    /// Reads the file and makes the store.
    pub(crate) fn loaded(
        db: Database,
        identity: Identity,
        file_bytes: Arc<AtomicU64>,
    ) -> Result<Store, StoreError> {
        let memory = RwLock::new(load(&db, identity)?);
        Ok(Store { db: Engine::new(db), identity, file_bytes, memory, writing: Mutex::new(()) })
    }

    /// Whose store it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// How far the log is applied, in memory.
    pub fn applied(&self) -> AppliedMark {
        self.memory().state.applied
    }

    /// How far the log is applied on the disk.
    pub fn durable_applied(&self) -> AppliedMark {
        self.memory().durable
    }

    /// The current revision.
    pub fn revision(&self) -> i64 {
        self.memory().state.revision
    }

    /// History below this cannot be read; -1 while nothing was compacted, as in etcd.
    pub fn compact_revision(&self) -> i64 {
        self.memory().state.compact_revision
    }

    /// The membership last applied.
    pub fn membership(&self) -> Membership {
        self.memory().membership.clone()
    }

    /// Bytes the file takes. Differs between members.
    pub fn size(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of all readable records. Depends on the applied log alone.
    pub fn size_in_use(&self) -> u64 {
        self.memory().index.bytes()
    }

    /// Reads a range from what is applied here.
    pub fn range(
        &self,
        request: &RangeRequest,
    ) -> Result<Result<RangeResponse, Rejected>, StoreError> {
        self.read(|view| view.range(request))
    }

    /// Runs a transaction that only reads ([`TxnRequest::is_read_only`]) on what is applied here.
    pub fn read_txn(
        &self,
        request: &TxnRequest,
    ) -> Result<Result<TxnResponse, Rejected>, StoreError> {
        self.read(|view| view.read_txn(request))
    }

    /// Makes everything applied durable and returns how far that is.
    pub fn flush(&self) -> Result<AppliedMark, StoreError> {
        let _writing = self.lock_writing();
        let memory = self.memory();
        if memory.failed {
            return Err(StoreError::Failed);
        }
        let state = memory.state;
        let step: Vec<Revision> = memory.doomed.iter().copied().take(STEP_RECORDS).collect();
        drop(memory);
        let committed = guarded(|| self.commit_flush(&step, &state));
        let mut memory = self.memory_mut();
        if let Err(error) = committed {
            memory.failed = true;
            return Err(error);
        }
        for revision in &step {
            memory.doomed.remove(revision);
        }
        memory.durable = state.applied;
        Ok(memory.durable)
    }

    /// Makes a mark durable ahead of the effects it speaks for (planted bug R1).
    pub(crate) fn commit_mark_early(&self, mark: AppliedMark) -> Result<(), StoreError> {
        let _writing = self.lock_writing();
        let state = State { applied: mark, ..self.memory().state };
        self.commit_flush(&[], &state)
    }

    fn commit_flush(&self, gone: &[Revision], state: &State) -> Result<(), StoreError> {
        let txn = self.db.begin_write()?;
        {
            let mut records = txn.open_table(REVISIONS)?;
            for revision in gone {
                records.remove(revision.place())?;
            }
        }
        put_meta(&txn, STATE, state)?;
        txn.commit()?;
        Ok(())
    }

    /// Runs `work` in one write transaction. An error, also of the commit, leaves the store failed.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _writing = self.lock_writing();
        let mut memory = self.memory_mut();
        if std::mem::replace(&mut memory.failed, true) {
            return Err(StoreError::Failed);
        }
        let value = guarded(|| {
            let mut txn = self.db.begin_write()?;
            txn.set_durability(durability)?;
            let value = self.run_writer(&txn, &mut memory, work)?;
            put_meta(&txn, STATE, &memory.state)?;
            txn.commit()?;
            Ok(value)
        })?;
        memory.failed = false;
        if matches!(durability, Durability::Immediate) {
            memory.durable = memory.state.applied;
        }
        Ok(value)
    }

    fn run_writer<T>(
        &self,
        txn: &WriteTransaction,
        memory: &mut Memory,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let records = txn.open_table(REVISIONS)?;
        let mut writer = Writer::new(memory, records, self.identity.member_id);
        let value = work(&mut writer)?;
        writer.compact_step()?;
        if let Some(membership) = writer.new_membership() {
            put_meta(txn, MEMBERSHIP, membership)?;
        }
        Ok(value)
    }

    /// Runs `work` on what is applied.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(
            &View<'_, redb::ReadOnlyTable<(i64, u32), &'static [u8]>>,
        ) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let memory = self.memory();
        if memory.failed {
            return Err(StoreError::Failed);
        }
        guarded(|| {
            let txn = self.db.begin_read()?;
            let records = txn.open_table(REVISIONS)?;
            work(&View::new(&memory, &records, memory.state.revision))
        })
    }

    /// A read transaction for what takes longer than one answer.
    pub(crate) fn begin_read(&self) -> Result<redb::ReadTransaction, StoreError> {
        Ok(self.db.begin_read()?)
    }

    pub(crate) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().expect("no writer panics")
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().expect("no writer panics")
    }

    fn lock_writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().expect("no writer panics")
    }
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

/// The size of redb's cache for an import.
pub(crate) const IMPORT_CACHE_BYTES: usize = CACHE_BYTES;

/// In a fresh file: the tables, the head and a fresh state, in one durable commit.
fn make_tables(db: &Database, identity: Identity) -> Result<(), StoreError> {
    if db.begin_read()?.list_tables()?.next().is_some() {
        return Ok(());
    }
    let txn = db.begin_write()?;
    txn.open_table(REVISIONS)?;
    put_meta(&txn, HEAD, &Head { format: FORMAT_VERSION, identity })?;
    put_meta(&txn, STATE, &State::fresh())?;
    put_meta(&txn, MEMBERSHIP, &Membership::default())?;
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

fn need_meta<T: serde::de::DeserializeOwned>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<T, StoreError> {
    get_meta(meta, name)?.ok_or_else(|| StoreError::Corrupt(format!("{name} is missing")))
}

/// Reads the whole file, checks it, and builds what is kept in memory.
fn load(db: &Database, identity: Identity) -> Result<Memory, StoreError> {
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
    let membership = need_meta(&meta, MEMBERSHIP)?;
    let mut index = Index::default();
    let records = txn.open_table(REVISIONS)?;
    for entry in records.iter()? {
        let (place, sealed) = entry?;
        let revision = Revision::at(place.value());
        if revision.main > state.revision {
            return Err(StoreError::Corrupt(format!(
                "revision {revision} lies beyond the current revision {}",
                state.revision
            )));
        }
        let record = Record::open(revision, sealed.value())?;
        index.add(&record.key, Place::of(revision, &record, sealed.value().len()));
    }
    let doomed: BTreeSet<Revision> = index.compact(state.compact_revision).into_iter().collect();
    if !doomed.is_empty() {
        probe!("compaction resumed at boot");
    }
    Ok(Memory { index, state, membership, doomed, durable: state.applied, failed: false })
}
