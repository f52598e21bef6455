//! The store itself: opening, reading, the one writer, and making durable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase, StorageBackend, WriteTransaction,
};

use super::engine::{Engine, guarded};
use super::file::{
    CACHE_BYTES, CLUSTER, PROPOSALS, REVISIONS, STATE, load, make_tables, open_database, put_meta,
};
use super::memory::{AppliedMark, Memory, State};
use super::range::View;
use super::record::{RecordKey, Revision};
use super::{Applies, Cluster, StoreError, Writer};
use crate::command::{ProposalId, RangeRequest, RangeResponse, TxnRequest, TxnResponse};
use crate::identity::Identity;
use crate::limits::StoreLimits;

/// The multi-version store of one member. One writer at a time; readers see whole batches.
#[derive(Debug)]
pub struct Store {
    db: Engine,
    identity: Identity,
    limits: StoreLimits,
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
        let (db, limits, writing) = (Engine::new(db), StoreLimits::default(), Mutex::new(()));
        Ok(Store { db, identity, limits, file_bytes, memory, writing })
    }

    /// The same store with other limits than the usual ones.
    #[must_use]
    pub fn with_limits(self, limits: StoreLimits) -> Store {
        Store { limits, ..self }
    }

    /// How much the store does at a time.
    pub(crate) fn limits(&self) -> StoreLimits {
        self.limits
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

    /// The index at which this state came as a snapshot; 0 when it grew from nothing.
    pub fn installed(&self) -> u64 {
        self.memory().state.installed
    }

    /// The current revision.
    pub fn revision(&self) -> i64 {
        self.memory().state.revision
    }

    /// History below this cannot be read; -1 while nothing was compacted, as in etcd.
    pub fn compact_revision(&self) -> i64 {
        self.memory().state.compact_revision
    }

    /// What the log has said of the cluster so far.
    pub fn cluster(&self) -> Cluster {
        self.memory().cluster.clone()
    }

    /// Whether a proposal was applied, or will never be from now on.
    pub fn is_past(&self, id: ProposalId) -> bool {
        self.memory().proposals.is_past(id)
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
    pub fn range(&self, request: &RangeRequest) -> Applies<RangeResponse> {
        self.read(|view| view.range(request))
    }

    /// Runs a transaction that only reads ([`TxnRequest::is_read_only`]) on what is applied here.
    pub fn read_txn(&self, request: &TxnRequest) -> Applies<TxnResponse> {
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
        let (durable, applied) = (memory.durable.index, state.applied.index);
        assert!(durable <= applied, "durable up to {durable}, but applied up to {applied}");
        let step: Vec<Revision> = memory
            .awaiting_removal
            .iter()
            .copied()
            .take(self.limits.compaction_step_records)
            .collect();
        drop(memory);
        let committed = guarded(|| self.commit_flush(&step, &state));
        let mut memory = self.memory_mut();
        if let Err(error) = committed {
            memory.failed = true;
            return Err(error);
        }
        for revision in &step {
            memory.awaiting_removal.remove(revision);
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
                records.remove(revision.key())?;
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
        let before = memory.state;
        let value = guarded(|| {
            let mut txn = self.db.begin_write()?;
            txn.set_durability(durability)?;
            let value = self.run_writer(&txn, &mut memory, work)?;
            before.check_next(&memory.state);
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
        writer.compact_step(self.limits.compaction_step_records)?;
        if let Some(cluster) = writer.new_cluster() {
            put_meta(txn, CLUSTER, cluster)?;
        }
        if let Some(proposals) = writer.new_proposals() {
            put_meta(txn, PROPOSALS, proposals)?;
        }
        Ok(value)
    }

    /// Runs `work` on what is applied.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&View<'_, ReadOnlyTable<RecordKey, &'static [u8]>>) -> Result<T, StoreError>,
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
