//! Collects all records about each lease.

use std::collections::{BTreeMap, BTreeSet};

use super::before::Before;
use super::life::{Expiry, Lease};
use crate::history::{
    Blob, EXPIRY_PROCESS, ErrorAnswer, LeaseRequest, Outcome, PlainOp, PutRequest, Record, Request,
    Response, TxnRequest, TxnResponse,
};
use crate::linearizability::JudgedRange;
use crate::model::Store;

/// The leases of a recording or a part of it.
#[derive(Debug)]
pub(crate) struct Leases<'a> {
    pub(crate) all: BTreeMap<i64, Lease<'a>>,
    /// The knowledge from before these records.
    pub(crate) before: &'a Before,
    /// Every record called before this time is present; answers that returned before it have
    /// settled.
    pub(crate) by: u64,
    /// Whether the recording contains grants.
    pub(crate) granted: bool,
    /// The first call of a lost grant that let the server choose the number: it may have made any
    /// lease.
    pub(crate) nameless: Option<u64>,
    /// The keys that were perhaps put with each lease.
    attached: BTreeMap<i64, BTreeSet<&'a Blob>>,
    /// The number of records about leases.
    pub(crate) examined: u64,
}

impl<'a> Leases<'a> {
    /// Collects leases from records. `before` is the knowledge from earlier records; every record
    /// called before `by` is present.
    pub(crate) fn new(
        records: impl IntoIterator<Item = &'a Record>,
        before: &'a Before,
        by: u64,
    ) -> Self {
        let mut leases = Leases::nothing(before, by);
        for record in records {
            leases.examined += u64::from(leases.record(record));
        }
        for lease in before.attached.keys() {
            leases.of(*lease);
        }
        for lease in &before.old {
            leases.of(*lease).old = true;
        }
        for (id, lease) in &mut leases.all {
            lease.grants.sort_by_key(|grant| grant.call_ns);
            lease.revocations.sort_by_key(|end| end.call_ns);
            if let Some(over) = before.over.get(id) {
                lease.begin_again(*over);
            }
        }
        // Other leases may have been granted before the recording.
        leases.granted &= !before.unrecorded;
        leases
    }

    /// Whether the answer of a record has settled.
    pub(crate) fn has_settled(&self, record: &Record) -> bool {
        self.by == u64::MAX || record.return_ns.is_some_and(|at| at < self.by)
    }

    /// The leases of one record alone.
    pub(crate) fn alone(record: &'a Record, before: &'a Before) -> Self {
        let mut leases = Leases::nothing(before, u64::MAX);
        leases.examined += u64::from(leases.record(record));
        leases
    }

    fn nothing(before: &'a Before, by: u64) -> Self {
        Leases {
            all: BTreeMap::new(),
            before,
            by,
            granted: before.granted,
            nameless: before.nameless,
            attached: BTreeMap::new(),
            examined: 0,
        }
    }

    fn of(&mut self, id: i64) -> &mut Lease<'a> {
        self.all.entry(id).or_default()
    }

    fn record(&mut self, record: &'a Record) -> bool {
        let done = record.outcome != Outcome::Fail;
        for put in record.request.lease_puts().filter(|_| done) {
            self.attached.entry(put.lease).or_default().insert(&put.key);
            self.of(put.lease);
        }
        match (&record.request, &record.response) {
            (Request::LeaseGrant(_), Some(Response::LeaseGrant(answer))) => {
                self.granted = true;
                self.of(answer.id).grants.push(record);
            }
            (Request::LeaseGrant(request), _) => {
                self.granted = true;
                if done && request.id != 0 {
                    self.of(request.id).grants.push(record);
                }
                if done && request.id == 0 {
                    let earlier = self.nameless.map_or(u64::MAX, |before| before);
                    self.nameless = Some(earlier.min(record.call_ns));
                }
            }
            (Request::LeaseRevoke(request), _) if done => {
                self.of(request.id).revocations.push(record);
            }
            (Request::LeaseKeepAlive(request), Some(Response::LeaseKeepAlive(answer)))
                if self.has_settled(record) =>
            {
                self.of(request.id).renewals.push((record, answer.ttl));
            }
            (Request::LeaseKeepAlive(request), _) if done => {
                let lost = &mut self.of(request.id).lost_renewal;
                *lost = Some(lost.map_or(u64::MAX, |lost| lost).min(record.call_ns));
            }
            (Request::Put(put), Some(Response::Put(answer))) => {
                let revision = answer.header.map_or(0, |header| header.revision);
                return self.put(put, revision, record);
            }
            (Request::Txn(txn), Some(Response::Txn(answer))) => {
                let revision = answer.header.map_or(0, |header| header.revision);
                return self.txn(txn, answer, revision, record);
            }
            _ => return record.request.op().is_lease(),
        }
        true
    }

    /// Whether a key may ever have been attached to a lease.
    pub(crate) fn ever_attached(&self, lease: i64, key: &Blob) -> bool {
        let old = self.all.get(&lease).is_some_and(|lease| lease.old || lease.over.is_some());
        old || self.attached.get(&lease).is_some_and(|keys| keys.contains(key))
            || self.before.attached.get(&lease).is_some_and(|keys| keys.contains(key))
    }

    fn put(&mut self, put: &PutRequest, revision: i64, record: &'a Record) -> bool {
        if put.lease != 0 && self.has_settled(record) {
            self.of(put.lease).puts.push((revision, record));
        }
        put.lease != 0
    }

    fn txn(
        &mut self,
        txn: &TxnRequest,
        answer: &TxnResponse,
        revision: i64,
        record: &'a Record,
    ) -> bool {
        let mut found = false;
        for (op, _) in txn.answered_ops(answer) {
            if let PlainOp::Put(put) = op {
                found |= self.put(put, revision, record);
            }
        }
        found
    }

    /// Leases with an uncertain use: granted more than once, or named by a put in a transaction
    /// without an answer.
    pub(crate) fn unclear<'b>(&self, unknown: impl Iterator<Item = &'b Record>) -> BTreeSet<i64> {
        let again = self.all.iter().filter(|(_, lease)| lease.lives() > 1).map(|(id, _)| *id);
        let lost = unknown.filter(|record| matches!(record.request, Request::Txn(_)));
        let lost = lost.flat_map(|record| record.request.lease_puts());
        again.chain(lost.map(|put| put.lease)).collect()
    }

    /// Whether a lease certainly existed after a revision: it ended later, or a later revision
    /// answered its revocation.
    pub(crate) fn ended_after(&self, id: i64, after: i64) -> bool {
        let mut ends = self.all.get(&id).into_iter().flat_map(|lease| &lease.revocations);
        self.before.over.get(&id).is_some_and(|over| over.revision > after)
            || ends.any(|end| end.outcome == Outcome::Ok && revision(end) > after)
    }

    /// Those of the given leases that answered writes put keys with.
    pub(crate) fn put_with<'b>(
        &self,
        answered: impl Iterator<Item = &'b Record>,
        leases: &BTreeSet<i64>,
    ) -> BTreeSet<i64> {
        let named =
            |record: &&Record| record.request.lease_puts().any(|put| leases.contains(&put.lease));
        let put = answered.filter(named).flat_map(|record| {
            let alone = Leases::alone(record, self.before);
            let put = alone.all.into_iter().filter(|(_, lease)| !lease.puts.is_empty());
            put.map(|(id, _)| id).collect::<Vec<_>>()
        });
        put.collect()
    }

    /// Leases granted at most once.
    fn once(&self) -> BTreeSet<i64> {
        let once = self.all.iter().filter(|(_, lease)| lease.lives() <= 1);
        once.map(|(id, _)| *id).collect()
    }

    /// Tells a store which leases are granted once, and which again.
    pub(crate) fn prepare(&self, store: &mut Store) {
        store.grant_once(self.once());
        for (id, lease) in &self.all {
            if lease.lives() > 1 {
                store.granted_again(*id);
            }
        }
    }

    /// The first and the last revision in which a put with each lease is possible: after the grant,
    /// and not after an answered revocation. A lost grant came after every revision that had been
    /// answered when the grant was called.
    pub(crate) fn lives(
        &self,
        records: &[Record],
        stretch: &JudgedRange,
    ) -> BTreeMap<i64, (i64, i64)> {
        let shown = |record: &Record| Some(record.response.as_ref()?.header()?.revision);
        let mut answered: Option<Vec<(u64, i64)>> = None;
        let mut lives = BTreeMap::new();
        if !self.granted || self.nameless.is_some() {
            return lives;
        }
        for record in records {
            if let (Request::Put(put), Outcome::Unknown) = (&record.request, record.outcome)
                && self.before.over.contains_key(&put.lease)
                && self.all.get(&put.lease).is_none_or(|lease| lease.grants.is_empty())
            {
                lives.insert(put.lease, (i64::MAX, 0));
            }
        }
        for (id, lease) in &self.all {
            if lease.old || lease.over.is_some() || lease.grants.len() > 1 {
                continue;
            }
            let first = match lease.grant() {
                Some(grant) => shown(grant)
                    .unwrap_or_else(|| {
                        let answered = answered.get_or_insert_with(|| highest(records, shown));
                        let before = answered.partition_point(|(at, _)| *at < grant.call_ns);
                        let known = before.checked_sub(1).map_or(0, |last| answered[last].1);
                        // Records after the judged range are missing here, so its last revision
                        // counts as answered.
                        let later = stretch.until.filter(|_| stretch.seen_ns < grant.call_ns);
                        known.max(later.unwrap_or(0))
                    })
                    .saturating_add(1),
                None => i64::MAX,
            };
            lives.insert(*id, (first, lease.revoked().and_then(shown).unwrap_or(i64::MAX)));
        }
        lives
    }

    /// The expiries that may have happened up to a revision, as indeterminate writes. Without a
    /// tolerance a lease may expire at any time.
    pub(crate) fn ends(&self, tolerance_ns: Option<u64>, until: i64) -> Vec<Record> {
        let mut ends = Vec::new();
        for (id, lease) in &self.all {
            let revoked = lease.revocations.iter().any(|record| {
                record.outcome == Outcome::Ok
                    && (self.has_settled(record) || revision(record) <= until)
            });
            let attached = self.attached.contains_key(id) || self.before.attached.contains_key(id);
            let over = lease.over.is_some() && lease.grants.is_empty();
            if over || revoked && lease.lives() <= 1 || !lease.old && !attached {
                continue;
            }
            let spent = self.before.spent.get(id).copied().unwrap_or(0);
            let spent = spent + usize::from(lease.over.is_some());
            let expiries = lease.expiries(tolerance_ns.unwrap_or(0));
            for Expiry { at_ns: at, since } in expiries.into_iter().skip(spent) {
                let granted = lease.grants.first().map_or(0, |grant| grant.call_ns);
                let at = tolerance_ns.map_or(granted, |_| at);
                let since = since.or(lease.puts.first().map(|(_, put)| *put));
                let id_of = since.map_or(0, |since| since.id);
                let request = Request::LeaseRevoke(LeaseRequest { id: *id });
                let end = Record::called(id_of, EXPIRY_PROCESS, 0, at, request);
                let nothing = ErrorAnswer { code: String::new(), message: String::new() };
                ends.push(end.unknown(nothing));
            }
        }
        ends
    }
}

/// The highest revision answered so far, for each time of an answer.
fn highest(records: &[Record], shown: impl Fn(&Record) -> Option<i64>) -> Vec<(u64, i64)> {
    let answers = records.iter().filter_map(|record| Some((record.return_ns?, shown(record)?)));
    let mut all: Vec<(u64, i64)> = answers.collect();
    all.sort_unstable();
    let mut highest = 0;
    for (_, revision) in &mut all {
        highest = highest.max(*revision);
        *revision = highest;
    }
    all
}

pub(crate) fn revision(record: &Record) -> i64 {
    let header = record.response.as_ref().and_then(Response::header);
    header.map_or(0, |header| header.revision)
}
