//! The ledger of leases in a followed recording: the records that later records may contradict.
//!
//! Every record called before a time T is present, so every answer that returned before T has
//! settled: no later grant, renewal or end can affect it. The ledger checks settled records once.
//! Of each lease it keeps only the records that a later record may contradict: the grant, the first
//! and the last use, the renewal with the latest end, and the first answer that did not find the
//! lease. Of a lease that is certainly over it keeps the number and the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Outcome, Record, Request, Response};
use crate::lease::{Before, Lease, Leases, NOT_FOUND, Over, granted, leases, named, revision};
use crate::model::Store;
use crate::verdict::Verdict;

/// The records kept about leases.
///
/// Invariants: a record is kept under its own id, and of a lease that is over no key is noted.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    before: Before,
    /// The records, by id.
    kept: BTreeMap<u64, Record>,
    /// Whether the recording contains a quiet period.
    quiet: bool,
    tolerance_ns: u64,
    every_grant: bool,
    /// The number of records about leases.
    pub(crate) examined: u64,
    /// The number of answers that show keys of a lease which was over long before: the ledger no
    /// longer knows its keys.
    pub(crate) unjudged: u64,
}

/// A certain expiry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) lease: i64,
    pub(crate) revision: i64,
    /// A time at which the expiry had happened.
    pub(crate) by: u64,
}

impl Ledger {
    /// A ledger in which a lease may end by so much too soon, and perhaps every grant is recorded.
    pub(crate) fn new(tolerance_ns: u64, every_grant: bool) -> Self {
        let before = Before::of(&Store::default(), every_grant);
        Ledger { before, tolerance_ns, every_grant, ..Ledger::default() }
    }

    /// Starts with the initial store.
    pub(crate) fn begin(&mut self, store: &Store) {
        self.before = Before::of(store, self.every_grant);
    }

    /// Whether the recording has no leases.
    pub(crate) fn is_idle(&self) -> bool {
        self.examined == 0 && self.before.attached.is_empty() && self.before.old.is_empty()
    }

    /// Notes a record. Records must come in the order of their calls.
    pub(crate) fn enter(&mut self, record: &Record) {
        match &record.request {
            Request::Quiesced(_) => self.quiet = true,
            Request::Range(_) if self.quiet && shows_lease(record) => {}
            Request::Put(put) if put.lease != 0 => {}
            Request::Txn(_) if record.request.lease_puts().next().is_some() => {}
            request if request.op().is_lease() => {}
            _ => return,
        }
        let alone = Leases::alone(record, &self.before);
        let (examined, granted, nameless) = (alone.examined, alone.granted, alone.nameless);
        self.examined += examined;
        (self.before.granted, self.before.nameless) = (granted, nameless);
        if record.outcome != Outcome::Fail {
            for put in record.request.lease_puts() {
                if !self.before.over.contains_key(&put.lease) {
                    self.before.attached.entry(put.lease).or_default().insert(put.key.clone());
                }
            }
        }
        self.kept.insert(record.id, record.clone());
    }

    /// The leases, with every record called before `by` present.
    pub(crate) fn leases(&self, by: u64) -> Leases<'_> {
        Leases::new(self.kept.values(), &self.before, by)
    }

    /// Checks every record that settled before `by`.
    pub(crate) fn check(&mut self, by: u64) -> Verdict {
        if self.kept.is_empty() {
            self.before.looked = by;
            return Verdict::Legal;
        }
        let known = self.leases(by);
        let verdict = leases(self.kept.values(), &known, self.tolerance_ns);
        let (keep, unjudged) = (self.needed(&known), self.unjudged_keys(&known));
        self.unjudged += unjudged;
        self.kept.retain(|id, _| keep.contains(id));
        self.before.looked = by;
        verdict
    }

    fn unjudged_keys(&self, known: &Leases<'_>) -> u64 {
        let answers = self.kept.values().filter(|record| known.has_settled(record));
        let forgotten = answers.filter(|record| match &record.response {
            Some(Response::LeaseTimeToLive(answer)) => {
                self.before.over.contains_key(&answer.id) && !answer.keys.is_empty()
            }
            _ => false,
        });
        forgotten.count() as u64
    }

    /// The ids of the records that a later record may contradict.
    fn needed(&self, known: &Leases<'_>) -> BTreeSet<u64> {
        let mut keep = BTreeSet::new();
        for lease in known.all.values() {
            witnesses(lease, &mut keep);
        }
        let mut missed: BTreeMap<i64, &Record> = BTreeMap::new();
        let mut lost: BTreeMap<i64, &Record> = BTreeMap::new();
        let mut strange: Option<&Record> = None;
        for record in self.kept.values() {
            let earlier = |other: &&Record| other.return_ns <= record.return_ns;
            match (&record.request, &record.response) {
                (Request::LeaseKeepAlive(lease), _) if record.outcome == Outcome::Unknown => {
                    let first = lost.entry(lease.id).or_insert(record);
                    if record.call_ns < first.call_ns {
                        *first = record;
                    }
                }
                (Request::Quiesced(_), _) => drop(keep.insert(record.id)),
                (Request::Put(_) | Request::Txn(_) | Request::LeaseRevoke(_), _)
                    if record.outcome == Outcome::Unknown =>
                {
                    // Its keys are noted, and of ends the first one is kept.
                }
                _ if !known.has_settled(record) => drop(keep.insert(record.id)),
                (Request::LeaseLeases(_), Some(Response::LeaseLeases(answer))) => {
                    let granted =
                        |id: i64| known.all.get(&id).is_some_and(|lease| lease.lives() > 0);
                    let unheard = answer.leases.iter().any(|lease| !granted(lease.id));
                    if unheard && !known.granted && !strange.as_ref().is_some_and(earlier) {
                        strange = Some(record);
                    }
                }
                _ => {
                    let asked = misses(record);
                    let there = |id: &i64| was_granted(known, *id, record);
                    match asked[..] {
                        [id] if there(&id) && !missed.get(&id).is_some_and(earlier) => {
                            missed.insert(id, record);
                        }
                        [_, _, ..] if asked.iter().all(there) => drop(keep.insert(record.id)),
                        _ => {}
                    }
                }
            }
        }
        let single = missed.into_values().chain(lost.into_values()).chain(strange);
        keep.extend(single.map(|record| record.id));
        keep
    }

    /// Advances to a store: every revision up to the store's is judged, and the given expiries are
    /// certain.
    pub(crate) fn forward(&mut self, store: &mut Store, ended: &[Ended]) {
        let looked = self.before.looked;
        for end in ended {
            let (revision, by) = (end.revision, Some(end.by));
            let over = Over { revision, by, granted: 0, looked };
            *self.before.spent.entry(end.lease).or_default() += 1;
            self.before.ending.insert(end.lease, over);
        }
        let known = self.leases(looked);
        let mut first: BTreeMap<i64, u64> = BTreeMap::new();
        let unripe = |record: &&Record| record.return_ns.is_some() && !known.has_settled(record);
        for record in self.kept.values().filter(unripe) {
            for id in leases_of(record) {
                let first = first.entry(id).or_insert(u64::MAX);
                *first = record.call_ns.min(*first);
            }
        }
        let busy = |id: &i64, before: u64| first.get(id).is_some_and(|call| *call < before);
        let mut over: Vec<(i64, Over)> = Vec::new();
        for (id, lease) in known.all.iter().filter(|(id, _)| !busy(id, looked)) {
            let Some(grant) = lease.grant() else { continue };
            let Some(end) = lease.revoked() else { continue };
            if revision(end).max(revision(grant)) <= store.revision() {
                let (revision, granted) = (revision(end), granted(grant));
                over.push((*id, Over { revision, by: None, granted, looked }));
            }
        }
        let mut again: Vec<i64> = Vec::new();
        for (id, end) in &self.before.ending {
            match known.all.get(id) {
                Some(lease) if lease.lives() > 1 => again.push(*id),
                _ if busy(id, end.looked) => {}
                lease => {
                    let granted = lease.and_then(Lease::grant).map_or(0, granted);
                    over.push((*id, Over { granted, ..*end }));
                }
            }
        }
        for id in again {
            self.before.ending.remove(&id);
        }
        for (id, how) in over {
            self.before.over.insert(id, how);
            self.before.ending.remove(&id);
            self.before.spent.remove(&id);
            self.before.attached.remove(&id);
            self.before.old.remove(&id);
            store.forget_lease(id);
        }
        let over = &self.before.over;
        self.kept.retain(|_, record| {
            let own = leases_of(record);
            let old = |id: &i64| over.get(id).is_some_and(|over| record.call_ns < over.looked);
            own.is_empty() || !own.iter().all(old)
        });
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }

    /// Asserts the invariants, record by record and lease by lease.
    fn check_invariants(&self) {
        for (id, record) in &self.kept {
            assert_eq!(*id, record.id, "the id that a record is kept under and its own");
        }
        for (lease, keys) in &self.before.attached {
            let over = self.before.over.contains_key(lease);
            assert!(!over, "lease {lease} is over, but {} keys are noted of it", keys.len());
        }
    }

    /// The records kept.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.kept.values()
    }
}

/// Collects the records of a lease that a later record may contradict.
fn witnesses(lease: &Lease<'_>, keep: &mut BTreeSet<u64>) {
    keep.extend(lease.grants.iter().map(|grant| grant.id));
    keep.extend(lease.revoked().map(|end| end.id));
    let first = lease.revocations.iter().min_by_key(|end| end.call_ns);
    keep.extend(first.map(|end| end.id));
    let renewals = || lease.renewals.iter().filter(|(_, ttl)| *ttl > 0);
    let end = |(record, ttl): &&(&Record, i64)| {
        u128::from(record.call_ns) + u128::from(ttl.unsigned_abs()) * 1_000_000_000
    };
    let chosen = [
        renewals().max_by_key(end),
        renewals().max_by_key(|(record, _)| record.call_ns),
        renewals().max_by_key(|(record, _)| record.return_ns),
        renewals().min_by_key(|(record, _)| record.return_ns),
        renewals().max_by_key(|(_, ttl)| *ttl),
    ];
    keep.extend(chosen.into_iter().flatten().map(|(record, _)| record.id));
    let puts = || lease.puts.iter();
    let chosen = [
        puts().max_by_key(|(at, _)| *at),
        puts().min_by_key(|(at, _)| *at),
        puts().max_by_key(|(_, put)| put.call_ns),
        puts().min_by_key(|(_, put)| put.return_ns),
    ];
    keep.extend(chosen.into_iter().flatten().map(|(_, put)| put.id));
}

/// The leases that an answer did not find.
fn misses(record: &Record) -> Vec<i64> {
    match (&record.request, &record.response) {
        (Request::LeaseKeepAlive(lease), Some(Response::LeaseKeepAlive(answer)))
            if answer.ttl <= 0 =>
        {
            vec![lease.id]
        }
        (Request::LeaseTimeToLive(lease), Some(Response::LeaseTimeToLive(answer)))
            if answer.ttl < 0 =>
        {
            vec![lease.id]
        }
        (request, Some(Response::Error(error)))
            if record.outcome == Outcome::Fail && error.message == NOT_FOUND =>
        {
            named(request)
        }
        _ => Vec::new(),
    }
}

/// Whether a lease was certainly granted before a record was called.
fn was_granted(known: &Leases<'_>, id: i64, record: &Record) -> bool {
    let grant = known.all.get(&id).and_then(Lease::grant);
    grant
        .is_some_and(|grant| grant.outcome == Outcome::Ok && grant.return_ns < Some(record.call_ns))
}

/// The leases that a record names.
fn leases_of(record: &Record) -> Vec<i64> {
    match (&record.request, &record.response) {
        (Request::LeaseGrant(_), Some(Response::LeaseGrant(answer))) => vec![answer.id],
        (Request::LeaseGrant(request), _) => vec![request.id],
        (Request::LeaseKeepAlive(lease), _) => vec![lease.id],
        (Request::LeaseTimeToLive(lease), _) => vec![lease.id],
        (Request::Put(_) | Request::Txn(_) | Request::LeaseRevoke(_), _) => named(&record.request),
        _ => Vec::new(),
    }
}

fn shows_lease(record: &Record) -> bool {
    let Some(Response::Range(answer)) = &record.response else { return false };
    answer.kvs.iter().any(|kv| kv.lease != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{LeaseRequest, PutRequest};

    /// A put with lease 1 and a renewal of lease 2, both without an answer.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(0, false);
        let put = PutRequest { key: "a".into(), lease: 1, ..PutRequest::default() };
        ledger.enter(&Record::called(1, 1, 1, 5, Request::Put(put)));
        let renewal = Request::LeaseKeepAlive(LeaseRequest { id: 2 });
        ledger.enter(&Record::called(2, 1, 1, 6, renewal));
        ledger.check_invariants();
        ledger
    }

    #[test]
    fn what_is_lost_stays() {
        let ledger = ledger();
        assert!(!ledger.is_idle());
        assert_eq!(ledger.records().map(|record| record.id).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_says_nothing_of_leases_is_not_kept() {
        let mut ledger = Ledger::new(0, false);
        let put = PutRequest { key: "a".into(), ..PutRequest::default() };
        ledger.enter(&Record::called(1, 1, 1, 5, Request::Put(put)));
        assert!(ledger.is_idle() && ledger.records().next().is_none());
    }

    #[test]
    #[should_panic(expected = "the id that a record is kept under and its own")]
    fn a_record_under_another_id_is_noticed() {
        let mut ledger = ledger();
        let record = ledger.kept[&1].clone();
        ledger.kept.insert(7, record);
        ledger.check_invariants();
    }

    #[test]
    #[should_panic(expected = "lease 1 is over, but 1 keys are noted of it")]
    fn a_key_of_a_lease_that_is_over_is_noticed() {
        let mut ledger = ledger();
        let over = Over { revision: 3, by: None, granted: 0, looked: 9 };
        ledger.before.over.insert(1, over);
        ledger.check_invariants();
    }
}
