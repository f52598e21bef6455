//! The order of revisions against brute force: every order that real time allows is tried, on
//! small histories, legal and damaged.

use crate::world::brute::{Server, brute, refused};
use crate::world::damage::damage;
use crate::world::{Dice, Shape, legal, without_headers};
use mettle_checker::history::*;
use mettle_checker::model::{Refusal, Store, differ};
use mettle_checker::{Options, Verdict, check};
use proptest::prelude::*;

const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

#[derive(Clone)]
struct State {
    store: Store,
    compacted: i64,
}

fn past(request: &Request) -> Option<i64> {
    match request {
        Request::Range(range) => (range.revision > 0).then_some(range.revision),
        _ => None,
    }
}

impl Server for State {
    fn fits(&mut self, record: &Record) -> bool {
        if let Some(fits) = refused(refusal(self, &record.request), record) {
            return fits;
        }
        if let Request::Compact(compact) = &record.request {
            self.compacted = compact.revision;
            return true;
        }
        let before = self.store.revision();
        let Ok(expected) = self.store.execute(&record.request) else { return false };
        if record.outcome == Outcome::Unknown {
            return self.store.revision() > before;
        }
        let Some(got) = &record.response else { return false };
        let header = match got {
            Response::Range(range) => range.header,
            Response::Put(put) => put.header,
            Response::DeleteRange(delete) => delete.header,
            Response::Txn(txn) => txn.header,
            _ => None,
        };
        header.is_none_or(|header| header.revision == self.store.revision())
            && differ(&record.request, &expected, got).is_ok()
    }
}

fn refusal(state: &State, request: &Request) -> Option<&'static str> {
    match request {
        Request::Compact(compact) if compact.revision <= state.compacted => Some(COMPACTED),
        Request::Compact(compact) if compact.revision > state.store.revision() => {
            Some(Refusal::FutureRevision.text())
        }
        _ if past(request).is_some_and(|past| past < state.compacted) => Some(COMPACTED),
        _ => state.store.now().refusal(request).map(Refusal::text),
    }
}

fn is_local(record: &Record) -> bool {
    match &record.request {
        Request::Range(range) => range.serializable,
        Request::Txn(txn) => {
            let mut ops = txn.success.iter().chain(&txn.failure);
            ops.all(|op| matches!(op, RequestOp::Range(range) if range.serializable))
        }
        _ => false,
    }
}

pub(crate) fn agree(seed: u64) {
    let mut dice = Dice::new(seed ^ 0xabcd);
    let shape = Shape {
        seed,
        processes: 2 + dice.below(3),
        operations: 8 + dice.below(3),
        keys: 2,
        unknown_per_mille: [0, 150, 400][dice.below(3) as usize],
        watchers: 0,
        unique: dice.chance(70),
        simple: dice.chance(40),
        compaction: dice.chance(30),
        keeps: false,
        before: 0,
        quiet: false,
        leases: 0,
        renewals: false,
        twice: 0,
    };
    let mut history = legal(shape);
    history.records.retain(|record| !is_local(record));
    for record in &mut history.records {
        if let Some(Response::Compact(answer)) = &mut record.response {
            answer.header = None; // read after the fact: not the moment of the compaction
        }
    }
    for _ in 0..dice.below(4) {
        if !history.records.is_empty() {
            damage(&mut history, &mut dice);
        }
    }
    let report = check(&history, &Options::default());
    if report
        .checks
        .iter()
        .any(|check| check.name == "assumptions" && check.verdict != Verdict::Legal)
    {
        return;
    }
    let left: Vec<&Record> = history.records.iter().filter(|record| !is_local(record)).collect();
    let state = State { store: Store::default(), compacted: 0 };
    let fits = brute(&state, &left);
    let agree = match report.verdict {
        Verdict::Legal => {
            // Compactions and errors are placed one by one, not all together.
            fits || shape.compaction
        }
        Verdict::Broken(_) => !fits,
        Verdict::Unknown(_) => false,
    };
    if !agree {
        let path = std::env::temp_dir().join(format!("mettle-brute-{seed}.ndjson"));
        std::fs::write(&path, history.write_to(Vec::new()).expect("memory"))
            .expect("the temporary folder");
        panic!("{shape:?}: brute force says {fits}, not {:?}; {}", report.verdict, path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn brute_force_agrees(seed in any::<u64>()) {
        agree(seed);
    }
}

/// Without headers nothing says a revision: the general search decides.
fn agree_without_headers(seed: u64) {
    let mut dice = Dice::new(seed ^ 0x1234);
    let shape = Shape {
        seed,
        processes: 3,
        operations: 9,
        keys: 2,
        unknown_per_mille: 150,
        watchers: 0,
        keeps: false,
        ..Shape::default()
    };
    let mut history = legal(shape);
    history.records.retain(|record| !is_local(record));
    for _ in 0..dice.below(4) {
        if !history.records.is_empty() {
            damage(&mut history, &mut dice);
        }
    }
    without_headers(&mut history);
    let report = check(&history, &Options::default());
    if report.checks.first().is_some_and(|check| check.verdict != Verdict::Legal) {
        return;
    }
    let left: Vec<&Record> = history.records.iter().filter(|record| !is_local(record)).collect();
    let fits = brute(&State { store: Store::default(), compacted: 0 }, &left);
    assert_eq!(matches!(report.verdict, Verdict::Legal), fits, "seed {seed}: {:?}", report.verdict);
}

/// A compaction refused for the future, when the only reason could be another compaction.
#[test]
fn a_refusal_has_its_own_reason() {
    agree_without_headers(17_791_437_689_775_657_278);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn brute_force_agrees_without_headers(seed in any::<u64>()) {
        agree_without_headers(seed);
    }
}
