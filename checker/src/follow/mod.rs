//! Judges a recording while it is written, and keeps only the records that later ones may affect.
//!
//! The recording promises from time to time that every record called before a moment T is written
//! ([`Follower::called_before`]). Let M be the highest slot (see
//! [`linearizability`](crate::linearizability)) among operations that returned before T. A later
//! record was called after that return, so its slot is not lower, or real time is broken, which is
//! noticed when the record enters. So every slot up to 2r+1 is complete for a revision r with 2r+1
//! < M. The judge of whole recordings judges these revisions for good, starting from the store that
//! the previous judgement left.
//!
//! The follower keeps that store with its last revisions, records without a judgement, unplaced
//! indeterminate writes, compactions, and for each watcher its request and its last event. If
//! another indeterminate write has the same effect as the placed one, the store is certain all the
//! same, and both writes are kept: one of them took effect
//! ([`ambiguity`](crate::linearizability::followed::ambiguity)). If another write has a different
//! effect, no later revision is certain, and every record is kept until an answer decides. If that
//! exceeds [`FollowOptions::most`], the guess stands; a later contradiction of the guess is
//! reported as unknown.
//!
//! Of each lease a few records are kept that decide what later records may do with the lease
//! ([`lease`](crate::lease)).
//!
//! Without such promises every record is kept until the end. The same holds if the recording does
//! not name the initial store, since all answers together infer it.

mod advance;
mod end;
mod enter;
mod entry;
mod ledger;
mod options;
mod runs;
mod window;

use std::collections::BTreeMap;

use entry::{Asked, Clock, Flaw, Headers, Processes, Sessions};
use ledger::Ledger;
pub use options::FollowOptions;
use runs::Runs;

use crate::assumptions::by_itself;
use crate::budget::{FIXED, needed_for, too_much};
use crate::history::{History, Origin, Record, Role};
use crate::linearizability::Bounds;
use crate::linearizability::followed::ambiguity::AmbiguousRevision;
use crate::model::Store;
use crate::verdict::{Doubt, Figures, LINEARIZABILITY, Verdict};
use crate::{Contradiction, initial_store, refusal, words};

/// The progress of the judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Every revision up to this one is judged for good.
    pub revision: i64,
    /// Every record called before this time is written.
    pub called_before_ns: u64,
    /// The number of records read.
    pub records: u64,
    /// The number of records kept.
    pub kept: usize,
    /// Whether the verdict cannot change any more.
    pub decided: bool,
}

/// A record without a final judgement, and its role.
#[derive(Debug)]
struct Held {
    record: Record,
    role: Role,
}

/// Judges records one by one.
///
/// Invariant, after a judgement that let something go: what is held speaks of revisions above that
/// of the store, or of none, and has an id that was read.
#[derive(Debug)]
pub struct Follower {
    origin: Origin,
    options: FollowOptions,
    /// The store at the last judged revision; None before a record shows the initial store.
    store: Option<Store>,
    /// The return of the first record, if this record shows the initial store.
    begun: u64,
    ids: Runs,
    processes: Processes,
    asked: Asked,
    headers: Headers,
    sessions: Sessions,
    refusals: refusal::Found,
    clock: Clock,
    /// The revisions named by watch responses.
    named: Clock,
    /// The highest revision of a watch event.
    told: i64,
    called_before: u64,
    /// Records that have not entered yet.
    fresh: Vec<Record>,
    held: Vec<Held>,
    /// The bytes of the kept records at the last judgement.
    kept_bytes: u64,
    /// The bytes of the records since then.
    gathered_bytes: u64,
    /// The number of records from which the next judgement is worthwhile.
    enough: usize,
    unplaced: BTreeMap<u64, Bounds>,
    starts: BTreeMap<u64, i64>,
    quiet: BTreeMap<u64, i64>,
    ledger: Ledger,
    ambiguities: Vec<AmbiguousRevision>,
    /// Whether an answer without a place forces every record to be kept.
    whole: bool,
    /// Whether some records were judged and dropped.
    cut: bool,
    guessed: Option<i64>,
    /// Whether the last calls may be missing.
    interrupted: bool,
    broken: Option<Verdict>,
    evidence: Vec<Record>,
    unjudged: u64,
    records: u64,
    locals: u64,
    responses: u64,
    figures: Figures,
}

impl Follower {
    /// Starts a recording with its first line.
    pub fn new(origin: Origin, options: FollowOptions) -> Self {
        let known = origin.start_revision.is_none_or(|revision| revision == 1);
        Follower {
            origin,
            options,
            store: known.then(Store::default),
            begun: 0,
            ids: Runs::default(),
            processes: Processes::default(),
            asked: Asked::default(),
            headers: Headers::default(),
            sessions: Sessions::default(),
            refusals: refusal::Found::default(),
            clock: Clock::default(),
            named: Clock::default(),
            told: 1,
            called_before: 0,
            fresh: Vec::new(),
            held: Vec::new(),
            kept_bytes: FIXED,
            gathered_bytes: 0,
            enough: options.window,
            unplaced: BTreeMap::new(),
            starts: BTreeMap::new(),
            quiet: BTreeMap::new(),
            ledger: Ledger::new(options.lease_tolerance_ns, options.cluster.every_grant),
            ambiguities: Vec::new(),
            whole: false,
            cut: false,
            guessed: None,
            interrupted: false,
            broken: None,
            evidence: Vec::new(),
            unjudged: 0,
            records: 0,
            locals: 0,
            responses: 0,
            figures: Figures::default(),
        }
    }

    /// Takes the next record.
    pub fn push(&mut self, record: Record) -> Result<Progress, Contradiction> {
        if self.broken.is_some() {
            self.records += 1;
            return Ok(self.progress());
        }
        by_itself(&record)
            .map_err(|(cause, remedy)| self.flaw(&record, (cause.to_owned(), remedy)))?;
        if !self.ids.insert(record.id) {
            let cause = format!("the id {} is used twice", record.id);
            return Err(self.flaw(&record, (cause, "give each record an id of its own")));
        }
        if record.call_ns < self.called_before {
            let cause = format!(
                "it was called before {}, and everything called before that is said to stand above",
                self.called_before
            );
            return Err(self.flaw(&record, (cause, "say so only when every call is written")));
        }
        if self.store.is_none() {
            let origin = self.origin.clone();
            let first = History { origin, records: vec![record.clone()] };
            let given =
                initial_store::given(&first).map_err(|cause| self.flaw(&record, (cause, START)))?;
            if let Some(store) = &given {
                self.ledger.begin(store);
            }
            self.store = given;
            self.begun = record.return_ns.unwrap_or(0);
        } else if record.call_ns < self.begun {
            let cause = "it was called before the first record returned".to_owned();
            return Err(self.flaw(&record, (cause, START)));
        }
        self.records += 1;
        self.gathered_bytes += needed_for(std::iter::once(&record)) + LISTS;
        self.fresh.push(record);
        self.keep_within_memory()?;
        Ok(self.progress())
    }

    /// Keeps within the memory allowed: judges early if memory runs short, and gives up if that
    /// does not help.
    fn keep_within_memory(&mut self) -> Result<(), Contradiction> {
        let most = self.options.memory_bytes;
        let needed = |follower: &Self| follower.kept_bytes + follower.gathered_bytes;
        if needed(self) > most && self.gathered_bytes > most / 8 {
            self.settle()?;
        }
        if needed(self) > most && self.broken.is_none() {
            self.end(Some(too_much(needed(self), &self.options.of_the_whole())));
        }
        Ok(())
    }

    /// Counts the bytes of the kept records.
    fn count_kept(&mut self) {
        let held = self.held.iter().map(|held| &held.record).chain(&self.fresh);
        let lists = (self.held.len() + self.fresh.len()) as u64 * LISTS;
        let store = self.store.as_ref().map_or(0, Store::held_bytes);
        self.kept_bytes = FIXED + store + lists + needed_for(held.chain(self.ledger.records()));
        self.gathered_bytes = 0;
    }

    /// Promises that every record called before a moment was pushed. A call in flight holds the
    /// promise back until it returns or is given up as unknown.
    pub fn called_before(&mut self, ns: u64) -> Result<Progress, Contradiction> {
        self.called_before = self.called_before.max(ns);
        if self.held.len() + self.fresh.len() >= self.enough {
            self.settle()
        } else {
            Ok(self.progress())
        }
    }

    /// Judges every complete revision now.
    pub fn settle(&mut self) -> Result<Progress, Contradiction> {
        if self.broken.is_none() && self.called_before > 0 {
            self.enter(Some(self.called_before))?;
            if self.broken.is_none() && !self.whole {
                self.judge();
            }
            if self.broken.is_none() && self.whole {
                self.wait_for_all();
            }
            self.count_kept();
        }
        Ok(self.progress())
    }

    /// The progress so far.
    pub fn progress(&self) -> Progress {
        Progress {
            revision: self.base().max(self.figures.revisions),
            called_before_ns: self.called_before,
            records: self.records,
            kept: self.held.len() + self.fresh.len(),
            decided: self.broken.is_some(),
        }
    }

    /// The violation, if one was found.
    pub fn broken(&self) -> Option<&Verdict> {
        self.broken.as_ref()
    }

    /// The records that the verdict names, as far as they were kept.
    pub fn evidence(&self) -> &[Record] {
        &self.evidence
    }

    /// The number of answers about dropped revisions, which were not judged.
    pub fn unjudged(&self) -> u64 {
        self.unjudged + self.ledger.unjudged
    }

    fn base(&self) -> i64 {
        self.store.as_ref().map_or(0, Store::revision)
    }

    fn flaw(&self, record: &Record, (cause, remedy): Flaw) -> Contradiction {
        let what = words::describe(record);
        Contradiction { place: self.records as usize, id: record.id, what, cause, remedy }
    }

    /// Ends the judgement: the verdict cannot change any more.
    fn end(&mut self, verdict: Option<Verdict>) {
        let held = std::mem::take(&mut self.held);
        let records: Vec<Record> = held.into_iter().map(|held| held.record).collect();
        if let Some(verdict) = &verdict {
            self.show(verdict, &records);
        }
        self.broken = verdict.map(|verdict| self.weigh(verdict));
        self.fresh.clear();
    }

    /// Keeps the records that a verdict names.
    fn show(&mut self, verdict: &Verdict, records: &[Record]) {
        let named = match verdict {
            Verdict::Broken(violation) => &violation.evidence,
            Verdict::Unknown(doubt) => &doubt.evidence,
            Verdict::Legal => return,
        };
        let of_leases = self.ledger.records().filter(|record| named.contains(&record.id));
        let records = records.iter().filter(|record| named.contains(&record.id));
        let all: BTreeMap<u64, &Record> =
            of_leases.chain(records).map(|record| (record.id, record)).collect();
        self.evidence = all.into_values().cloned().collect();
    }

    /// Downgrades a violation to unknown if it follows a guess or rests on an incomplete recording.
    fn weigh(&self, verdict: Verdict) -> Verdict {
        let Verdict::Broken(violation) = verdict else { return verdict };
        let why = match self.guessed {
            Some(revision) => format!("which unknown write made revision {revision} was guessed"),
            None if self.interrupted => {
                "the recording was interrupted, and what was in flight is not in it".to_owned()
            }
            None => return Verdict::Broken(violation),
        };
        let reason = format!("{why}, so this proves nothing: {}", violation.reason);
        Verdict::Unknown(Doubt { checker: violation.checker, reason, evidence: violation.evidence })
    }

    /// Asserts the invariant, record by record.
    fn check_invariants(&self) {
        let base = self.base();
        for Held { record, role } in &self.held {
            let id = record.id;
            assert!(self.ids.contains(id), "record {id} is held, but was not read");
            if let Role::Mutator(at) | Role::Observer(at) | Role::Local(at) = role {
                assert!(*at > base, "record {id} of revision {at} is held, {base} is certain");
            }
        }
    }

    /// Defers the judgement to the end of the recording, unless that takes too much memory.
    fn wait_for_all(&mut self) {
        if self.held.len() > self.options.whole {
            let reason = format!(
                "more than {} records would have to be kept to the end: the recording does not say \
                 what the store held before it, or an answer has no header; judge the whole of it without following it",
                self.options.whole
            );
            self.end(Some(Verdict::unknown(LINEARIZABILITY, reason, Vec::new())));
        }
        self.wait();
    }

    fn wait(&mut self) {
        let kept = self.held.len();
        self.enough = kept + self.fresh.len() + self.options.window.max(kept);
    }
}

/// A judgement moves a record between lists, and a list may be half empty.
const LISTS: u64 = 2 * size_of::<Held>() as u64;

const START: &str = "begin with a range over all keys before anything else is called, or leave \
                     start_revision out";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Header, PutRequest, PutResponse, Request, Response};

    /// Four puts were read, one after another, and all but the last are judged.
    fn follower() -> Follower {
        let mut follower = Follower::new(Origin::default(), FollowOptions::default());
        for id in 1..=4 {
            let request = Request::Put(PutRequest { key: "a".into(), ..PutRequest::default() });
            let header = Some(Header { revision: id as i64 + 1, ..Header::default() });
            let answer = Response::Put(PutResponse { header, prev_kv: None });
            let record = Record::called(id, 1, 1, 10 * id, request).ok(10 * id + 5, answer);
            follower.push(record).expect("a right record");
        }
        follower.called_before(100).expect("a right moment");
        follower.settle().expect("a right recording");
        assert!(follower.broken().is_none() && follower.progress().kept < 4);
        follower.check_invariants();
        follower
    }

    #[test]
    #[should_panic(expected = "record 9 is held, but was not read")]
    fn a_record_from_nowhere_is_noticed() {
        let mut follower = follower();
        follower.held[0].record.id = 9;
        follower.check_invariants();
    }

    #[test]
    #[should_panic(expected = "of revision 2 is held")]
    fn a_record_of_a_revision_that_is_certain_is_noticed() {
        let mut follower = follower();
        follower.held[0].role = Role::Mutator(2);
        follower.check_invariants();
    }
}
