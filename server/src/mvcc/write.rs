//! Writing: the puts and deletes of one request, all at the next revision.

use redb::Table;

use super::event::{Changes, Event, EventKind};
use super::index::IndexEntry;
use super::memory::Memory;
use super::proposals::Proposals;
use super::range::View;
use super::record::{Record, RecordKey, Revision};
use super::{Cluster, StoreError};
use crate::command::{
    Attributes, DeleteRangeRequest, DeleteRangeResponse, KeyValue, ProposalId, PutRequest,
    PutResponse, Rejected,
};
use crate::consensus::types::Membership;
use crate::mvcc::AppliedMark;
use crate::planted;

/// The one writer, inside one write transaction of the file.
///
/// A request's changes are collected until [`Writer::end_request`]; only then does the revision
/// move. A request is checked before its first change, so it happens wholly or not at all.
pub(crate) struct Writer<'t> {
    pub(crate) memory: &'t mut Memory,
    pub(crate) records: Table<'t, RecordKey, &'static [u8]>,
    member: u64,
    cluster_is_new: bool,
    proposals_are_new: bool,
    /// Of the request that is going on.
    events: Vec<Event>,
}

impl<'t> Writer<'t> {
    pub(crate) fn new(
        memory: &'t mut Memory,
        records: Table<'t, RecordKey, &'static [u8]>,
        member: u64,
    ) -> Writer<'t> {
        let (cluster_is_new, proposals_are_new) = (false, false);
        Writer { memory, records, member, cluster_is_new, proposals_are_new, events: Vec::new() }
    }

    /// How far the log is applied.
    pub(crate) fn applied(&self) -> AppliedMark {
        self.memory.state.applied
    }

    /// Notes an entry as applied.
    pub(crate) fn set_applied(&mut self, mark: AppliedMark) {
        self.memory.state.applied = mark;
    }

    /// Notes a proposal as applied; false when it must not be applied (again).
    pub(crate) fn admit(&mut self, id: ProposalId) -> bool {
        let is_new = self.memory.proposals.admit(id);
        self.proposals_are_new |= is_new;
        is_new
    }

    /// What was applied of the members' proposals, when it is to be written.
    pub(crate) fn new_proposals(&self) -> Option<&Proposals> {
        self.proposals_are_new.then_some(&self.memory.proposals)
    }

    /// Notes the membership.
    pub(crate) fn set_membership(&mut self, membership: Membership) {
        self.memory.cluster.membership = membership;
        self.cluster_is_new = true;
    }

    /// Notes what a member says of itself.
    pub(crate) fn publish(&mut self, attributes: &Attributes) {
        self.memory.cluster.published.insert(attributes.member, attributes.clone());
        self.cluster_is_new = true;
    }

    /// What is known of the cluster, when it is to be written.
    pub(crate) fn new_cluster(&self) -> Option<&Cluster> {
        self.cluster_is_new.then_some(&self.memory.cluster)
    }

    /// The revision after the requests ended so far.
    pub(crate) fn revision(&self) -> i64 {
        self.memory.state.revision
    }

    /// What an operation of the request that is going on sees.
    pub(crate) fn view(&self) -> View<'_, Table<'t, RecordKey, &'static [u8]>> {
        View::new(self.memory, &self.records, self.seen_revision())
    }

    /// One more than before the request, once it has changed something.
    fn seen_revision(&self) -> i64 {
        self.memory.state.revision + i64::from(!self.events.is_empty())
    }

    /// Ends the request and returns its changes, if there are any.
    pub(crate) fn end_request(&mut self) -> Option<Changes> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return None;
        }
        self.memory.state.revision += 1;
        Some((self.memory.state.revision, events))
    }

    /// Whether a put alone may happen.
    ///
    /// # Source
    /// etcd `txn/put.go`: the lease is looked up first, then the key.
    pub(crate) fn check_put(&self, request: &PutRequest) -> Result<(), Rejected> {
        check_lease(request)?;
        self.view().check_kept(request)
    }

    /// Puts a key. [`Writer::check_put`], or a transaction's check, came before.
    pub(crate) fn put(&mut self, request: &PutRequest) -> Result<PutResponse, StoreError> {
        let main = self.memory.state.revision + 1;
        let before = self.view().current(&request.key);
        let prev_kv = before.map(|entry| self.view().kv(&entry)).transpose()?;
        let kept = prev_kv.as_ref();
        let mut put = Record {
            key: request.key.clone(),
            value: request.value.clone(),
            create_revision: kept.map_or(main, |kv| kv.create_revision),
            version: kept.map_or(1, |kv| kv.version + 1),
            lease: request.lease,
        };
        if let Some(kv) = kept {
            if request.ignore_value {
                put.value = kv.value.clone();
            }
            if request.ignore_lease {
                put.lease = kv.lease;
            }
        }
        if planted!("C14", "apply-differs") && self.misreads(&put.key) {
            put.value.truncate(put.value.len().saturating_sub(1));
        }
        let kv = put.clone().into_kv(main);
        let told = match before {
            Some(entry) if entry.revision.main == main => {
                self.view().kv_before(&put.key, put.version, main)?
            }
            _ => prev_kv.clone(),
        };
        self.add(put, Event { kind: EventKind::Put, kv, prev_kv: told })?;
        Ok(PutResponse { revision: main, prev_kv: prev_kv.filter(|_| request.prev_kv) })
    }

    /// Deletes the keys of a range.
    pub(crate) fn delete_range(
        &mut self,
        request: &DeleteRangeRequest,
    ) -> Result<DeleteRangeResponse, StoreError> {
        let main = self.memory.state.revision + 1;
        let seen = self.seen_revision();
        let found: Vec<IndexEntry> =
            self.memory.index.range(&request.range, seen).map(|(_, entry)| entry).collect();
        let mut response =
            DeleteRangeResponse { deleted: found.len() as i64, ..Default::default() };
        for entry in found {
            let prev_kv = self.view().kv(&entry)?;
            let key = prev_kv.key.clone();
            if request.prev_kv {
                response.prev_kvs.push(prev_kv.clone());
            }
            let told = if entry.revision.main == main {
                self.view().kv_before(&key, 0, main)?
            } else {
                Some(prev_kv)
            };
            let kv = KeyValue { key: key.clone(), mod_revision: main, ..KeyValue::default() };
            let event = Event { kind: EventKind::Delete, kv, prev_kv: told };
            self.add(Record::tombstone(key), event)?;
        }
        response.revision = self.seen_revision();
        Ok(response)
    }

    fn add(&mut self, added: Record, event: Event) -> Result<(), StoreError> {
        let sub = u32::try_from(self.events.len()).expect("a request has fewer changes than 2^32");
        let revision = Revision { main: self.memory.state.revision + 1, sub };
        let sealed = added.seal(revision);
        self.records.insert(revision.key(), sealed.as_slice())?;
        self.memory.index.add(&added.key, IndexEntry::of(revision, &added, sealed.len()));
        self.events.push(event);
        Ok(())
    }

    /// Some keys, others on each member: what apply must never depend on (planted bug C14).
    fn misreads(&self, key: &[u8]) -> bool {
        crc32c::crc32c_append(crc32c::crc32c(&self.member.to_le_bytes()), key).is_multiple_of(16)
    }
}

impl<T: redb::ReadableTable<RecordKey, &'static [u8]>> View<'_, T> {
    /// Whether a put finds what it wants to keep.
    pub(crate) fn check_kept(&self, request: &PutRequest) -> Result<(), Rejected> {
        let keeps = request.ignore_value || request.ignore_lease;
        if keeps && self.current(&request.key).is_none() {
            return Err(Rejected::KeyNotFound);
        }
        Ok(())
    }
}

/// Refuses every lease: leases cannot be granted yet.
pub(crate) fn check_lease(request: &PutRequest) -> Result<(), Rejected> {
    if request.lease == 0 { Ok(()) } else { Err(Rejected::LeaseNotFound) }
}
