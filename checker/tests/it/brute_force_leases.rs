//! Leases against brute force: every order that real time allows is tried, with every end that a
//! lease may come to by itself, on small histories, legal and damaged.

use std::collections::BTreeSet;

use crate::world::brute::{Server, brute, refused};
use crate::world::damage::damage;
use crate::world::leases::TICK_NS;
use crate::world::{Dice, Shape, legal};
use mettle_checker::history::*;
use mettle_checker::model::{Refusal, Store, differ, holds};
use mettle_checker::{Options, Verdict, check};
use proptest::prelude::*;

const NOT_FOUND: &str = "etcdserver: requested lease not found";
const EXISTS: &str = "etcdserver: lease already exists";

#[derive(Clone)]
struct State {
    store: Store,
    alive: BTreeSet<i64>,
}

impl Server for State {
    fn fits(&mut self, record: &Record) -> bool {
        if let Some(fits) = refused(refusal(self, &record.request), record) {
            return fits;
        }
        let before = self.store.revision();
        let Ok(expected) = self.store.execute(&record.request) else { return false };
        let mut changed = self.store.revision() > before;
        match &record.request {
            Request::LeaseGrant(grant) => changed |= self.alive.insert(grant.id),
            Request::LeaseRevoke(lease) => changed |= self.alive.remove(&lease.id),
            _ => {}
        }
        if record.outcome == Outcome::Unknown {
            return changed;
        }
        let Some(got) = &record.response else { return false };
        let granted = match (&record.request, got) {
            (Request::LeaseGrant(asked), Response::LeaseGrant(got)) => {
                asked.id == got.id && got.ttl >= asked.ttl
            }
            _ => true,
        };
        granted
            && got.header().is_none_or(|header| header.revision == self.store.revision())
            && differ(&record.request, &expected, got).is_ok()
    }
}

fn refusal(state: &State, request: &Request) -> Option<&'static str> {
    let missing = |id: i64| id != 0 && !state.alive.contains(&id);
    match request {
        Request::LeaseGrant(grant) => state.alive.contains(&grant.id).then_some(EXISTS),
        Request::LeaseRevoke(lease) => missing(lease.id).then_some(NOT_FOUND),
        Request::Put(put) if missing(put.lease) => Some(NOT_FOUND),
        Request::Txn(txn) if txn_missing(state, txn) => Some(NOT_FOUND),
        _ => state.store.now().refusal(request).map(Refusal::text),
    }
}

/// Whether a put on the way that a transaction takes names a lease that is not there.
fn txn_missing(state: &State, txn: &TxnRequest) -> bool {
    let view = state.store.now();
    let succeeded = txn.compare.iter().all(|compare| holds(view, compare));
    let chosen = if succeeded { &txn.success } else { &txn.failure };
    chosen.iter().any(|op| match op {
        RequestOp::Put(put) => put.lease != 0 && !state.alive.contains(&put.lease),
        RequestOp::Txn(inner) => txn_missing(state, inner),
        _ => false,
    })
}

/// For each grant that may have been done: an end that nobody asked for, from its time on.
fn ends(records: &[Record]) -> Vec<Record> {
    let tolerance_ns = Options::default().lease_tolerance_ns;
    let grants = records.iter().filter_map(|record| match (&record.request, &record.response) {
        (Request::LeaseGrant(_), Some(Response::LeaseGrant(answer))) => {
            Some((record, answer.id, answer.ttl))
        }
        (Request::LeaseGrant(request), _) if record.outcome == Outcome::Unknown => {
            Some((record, request.id, request.ttl))
        }
        _ => None,
    });
    let ends = grants.map(|(record, id, ttl)| {
        let at = record.call_ns + ttl.max(0) as u64 * 1_000_000_000 - tolerance_ns;
        let request = Request::LeaseRevoke(LeaseRequest { id });
        let nothing = ErrorAnswer { code: String::new(), message: String::new() };
        Record::called(1_000_000 + record.id, 0, 0, at, request).unknown(nothing)
    });
    ends.collect()
}

fn stretch(history: &mut History, by: impl Fn(u64) -> u64) {
    for record in &mut history.records {
        record.call_ns = by(record.call_ns);
        record.return_ns = record.return_ns.map(&by);
    }
}

/// Whether the judge was more patient than brute force: refusals are explained one by one, not all
/// together.
pub(crate) fn agree(seed: u64) -> Option<bool> {
    let mut dice = Dice::new(seed ^ 0x1ea5e);
    let shape = Shape {
        seed,
        processes: 2 + dice.below(2),
        operations: 9 + dice.below(3),
        keys: 2,
        unknown_per_mille: [0, 0, 150, 300][dice.below(4) as usize],
        watchers: 0,
        unique: dice.chance(70),
        compaction: false,
        keeps: false,
        leases: 3,
        renewals: false,
        twice: 0,
        ..Shape::default()
    };
    let mut history = legal(shape);
    history.records.retain(|record| match &record.request {
        Request::Range(range) => !range.serializable && range.revision == 0,
        Request::Txn(txn) => !txn.success.iter().chain(&txn.failure).all(is_local),
        _ => true,
    });
    stretch(&mut history, |at| at / TICK_NS);
    for _ in 0..dice.below(3) {
        if !history.records.is_empty() {
            damage(&mut history, &mut dice);
        }
    }
    stretch(&mut history, |at| at * TICK_NS);
    let report = check(&history, &Options::default());
    let assumed = |check: &mettle_checker::Check| {
        check.name != "assumptions" || check.verdict == Verdict::Legal
    };
    if !report.checks.iter().all(assumed) {
        return None;
    }
    let ends = ends(&history.records);
    let left: Vec<&Record> = history.records.iter().chain(&ends).collect();
    let fits = brute(&State { store: Store::default(), alive: BTreeSet::new() }, &left);
    let refused = history.records.iter().any(|record| record.outcome == Outcome::Fail);
    // A recording without a grant does not say which leases there are, and which way a transaction
    // of unknown outcome went is for the replay alone.
    let grants = |record: &Record| matches!(record.request, Request::LeaseGrant(_));
    let lost = |record: &Record| {
        record.outcome == Outcome::Unknown && matches!(record.request, Request::Txn(_))
    };
    let vague = !history.records.iter().any(grants) || history.records.iter().any(lost);
    let patient = report.verdict == Verdict::Legal && !fits;
    let agree = match report.verdict {
        Verdict::Legal => fits || refused || vague,
        Verdict::Broken(_) => !fits,
        Verdict::Unknown(_) => false,
    };
    if !agree {
        let path = std::env::temp_dir().join(format!("mettle-leases-{seed}.ndjson"));
        std::fs::write(&path, history.write_to(Vec::new()).expect("memory"))
            .expect("the temporary folder");
        panic!("{shape:?}: brute force says {fits}, not {:?}; {}", report.verdict, path.display());
    }
    Some(patient)
}

fn is_local(op: &RequestOp) -> bool {
    matches!(op, RequestOp::Range(range) if range.serializable)
}

fn granted(id: u64, call_s: u64, return_s: u64, ttl: i64) -> Record {
    let request = Request::LeaseGrant(LeaseGrantRequest { id: 7, ttl });
    let header = Some(Header { revision: 1, ..Header::default() });
    let answer = Response::LeaseGrant(LeaseGrantResponse { header, id: 7, ttl });
    let (call, back) = (call_s * 1_000_000_000, return_s * 1_000_000_000);
    Record::called(id, id, 1, call, request).ok(back, answer)
}

/// Two grants of one number: one may follow the end of the other, if there is time for it.
#[test]
fn a_number_granted_twice() {
    let verdict = |records: Vec<Record>| {
        let origin = Origin { start_revision: Some(1), ..Origin::default() };
        check(&History { origin, records }, &Options::default()).verdict
    };
    let header = Some(Header { revision: 1, ..Header::default() });
    let answer = LeaseKeepAliveResponse { header, id: 7, ttl: 2 };
    let renewal =
        Record::called(9, 9, 1, 1_500_000_000, Request::LeaseKeepAlive(LeaseRequest { id: 7 }));
    let renewal = renewal.ok(1_600_000_000, Response::LeaseKeepAlive(answer));
    let renewed = |second: Record| vec![granted(1, 0, 1, 2), renewal.clone(), second];
    assert_eq!(verdict(renewed(granted(2, 60, 61, 2))), Verdict::Legal);
    assert_eq!(verdict(renewed(granted(2, 2, 3, 2))).name(), "broken");
    let at_once = vec![granted(1, 0, 9, 100), granted(2, 1, 2, 1)];
    assert_eq!(verdict(at_once), Verdict::Legal, "the second came first");
    assert_eq!(verdict(vec![granted(1, 0, 9, 100), granted(2, 1, 2, 20)]).name(), "broken");
}

/// The number was granted again after its lease had expired: what revoked the second did not keep
/// the first from expiring.
#[test]
fn a_number_granted_again() {
    agree(82_134);
}

/// A put with a lease whose grant was lost, and called only after the revision that nobody else can
/// have made was seen.
#[test]
fn a_grant_called_too_late() {
    agree(254_799);
}

/// A put that was acknowledged before either of two lost grants of its lease was called.
#[test]
fn two_grants_called_too_late() {
    agree(299_419);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn brute_force_agrees(seed in any::<u64>()) {
        agree(seed);
    }
}
