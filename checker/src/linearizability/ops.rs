//! Sorts the operations of a history by their part in the order, and gives each answer its slot.

use std::collections::BTreeMap;

use crate::history::{
    Blob, History, Record, Recorded, Request, Response, Role, is_revocation, role,
};
use crate::model::Store;
use crate::verdict::{LINEARIZABILITY, Verdict, Violation};
use crate::words;

use super::by_revision::ByRevision;
use super::followed::ambiguity::AmbiguousRevision;
use super::judged_range::JudgedRange;

/// The operations of a history by their part in the order. A *place* is an index in `records`.
#[derive(Debug)]
pub(crate) struct Ops<'a> {
    pub(crate) records: &'a [Record],
    /// Lease ends without a request: expiries. Their places follow those of `records`.
    ends: &'a [Record],
    /// For each lease, where known: the first and the last revision that a put with the lease can
    /// have made.
    pub(crate) lives: BTreeMap<i64, (i64, i64)>,
    /// The keys that were attached at the start to each lease that may end.
    pub(crate) attached: Option<&'a BTreeMap<i64, Vec<Blob>>>,
    /// The fields that the recording has of each answer.
    pub(crate) recorded: Recorded,
    /// The revision of the store before the first operation.
    pub(crate) base: i64,
    /// At index i: the write that made revision `base + 1 + i`, if an answer names one.
    pub(crate) mutators: Vec<Option<u32>>,
    /// Answers that changed nothing, by the revision that each saw, then by call.
    pub(crate) observers: ByRevision<u32>,
    /// Answers from one member's own store, by revision, then by call.
    pub(crate) locals: ByRevision<u32>,
    /// Indeterminate writes, by call.
    pub(crate) unknown: Vec<u32>,
    /// Compactions that succeeded or may have succeeded.
    pub(crate) compactions: Vec<u32>,
    /// Definite errors.
    pub(crate) errors: Vec<u32>,
    /// The highest revision that an answer of the quorum shows.
    pub(crate) top: i64,
    /// Whether the recording goes on after these operations.
    pub(crate) goes_on: bool,
    /// Earlier revisions with several possible writers.
    pub(crate) ambiguities: Vec<AmbiguousRevision>,
    /// For each quiet period, by record id: the revision that earlier parts had shown when it
    /// began.
    pub(crate) quiet: BTreeMap<u64, i64>,
    /// A time by which the store had certainly reached `top`.
    pub(crate) seen_ns: u64,
}

/// The keys that are attached in a store to each lease which a record or an expiry may end.
pub(crate) fn attached(
    store: &Store,
    records: &[Record],
    ends: &[Record],
) -> BTreeMap<i64, Vec<Blob>> {
    let mut found = BTreeMap::new();
    for record in records.iter().chain(ends) {
        if let Request::LeaseRevoke(lease) = &record.request {
            found.entry(lease.id).or_insert_with(|| store.attached(lease.id));
        }
    }
    found
}

impl<'a> Ops<'a> {
    /// Sorts the operations. Fails when an answer names no revision, or when two writes claim one
    /// slot.
    pub(crate) fn new(
        history: &'a History,
        ends: &'a [Record],
        judged_range: &JudgedRange,
    ) -> Result<Self, Verdict> {
        let records = &history.records[..];
        let mut ops = Ops {
            records,
            ends,
            lives: BTreeMap::new(),
            attached: None,
            recorded: Recorded::of(&history.origin),
            base: judged_range.base,
            mutators: Vec::new(),
            observers: ByRevision::default(),
            locals: ByRevision::default(),
            unknown: Vec::new(),
            compactions: Vec::new(),
            errors: Vec::new(),
            top: judged_range.base,
            goes_on: judged_range.until.is_some(),
            ambiguities: judged_range.ambiguities.clone(),
            quiet: judged_range.quiet.clone(),
            seen_ns: judged_range.seen_ns,
        };
        let mut made: Vec<(i64, u32)> = Vec::new();
        let mut observers = Vec::new();
        let mut locals = Vec::new();
        for (place, record) in records.iter().chain(ends).enumerate() {
            let place = place as u32;
            match role(record) {
                Role::Mutator(revision) => made.push((revision, place)),
                Role::Observer(revision) => {
                    observers.push((revision, place));
                    // A revocation saw its revision, and may have made that revision.
                    if is_revocation(record) {
                        ops.unknown.push(place);
                    }
                }
                Role::Local(revision) => locals.push((revision, place)),
                Role::Unknown => ops.unknown.push(place),
                Role::Compaction => ops.compactions.push(place),
                Role::Error => ops.errors.push(place),
                Role::Nothing => {}
                Role::NoRevision => return Err(no_revision(record)),
            }
        }
        let count = records.len();
        let call = |place: &u32| match (*place as usize).checked_sub(count) {
            Some(end) => ends[end].call_ns,
            None => records[*place as usize].call_ns,
        };
        ops.unknown.sort_by_key(call);
        let by_call = |(revision, place): &(i64, u32)| (*revision, call(place));
        observers.sort_by_key(by_call);
        locals.sort_by_key(by_call);
        made.sort_unstable();
        ops.observers = ByRevision::new(observers);
        ops.locals = ByRevision::new(locals);
        ops.claim(&made, judged_range.until)?;
        Ok(ops)
    }

    pub(crate) fn record(&self, place: u32) -> &'a Record {
        let place = place as usize;
        self.records.get(place).unwrap_or_else(|| &self.ends[place - self.records.len()])
    }

    /// Calls `with` for each operation that has a slot, with slot and place.
    pub(crate) fn each_slot(&self, mut with: impl FnMut(i64, u32)) {
        for (revision, place) in self.made() {
            with(2 * revision, place);
        }
        for (revision, place) in self.observers.all() {
            with(2 * revision + 1, *place);
        }
    }

    /// The revisions that an answer claims as a change, each with the place of that write.
    pub(crate) fn made(&self) -> impl Iterator<Item = (i64, u32)> + Clone {
        let made = self.mutators.iter().enumerate();
        made.filter_map(|(number, place)| Some((self.base + 1 + number as i64, (*place)?)))
    }

    /// The revisions that no answer claims.
    pub(crate) fn holes(&self) -> impl Iterator<Item = i64> {
        let holes = self.mutators.iter().enumerate().filter(|(_, place)| place.is_none());
        holes.map(|(number, _)| self.base + 1 + number as i64)
    }

    /// The write that claims a revision.
    pub(crate) fn mutator(&self, revision: i64) -> Option<u32> {
        let place = usize::try_from(revision.checked_sub(self.base + 1)?).ok()?;
        self.mutators.get(place).copied().flatten()
    }

    fn claim(&mut self, made: &[(i64, u32)], until: Option<i64>) -> Result<(), Verdict> {
        if let Some(pair) = made.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(self.same_revision(pair[0].1, pair[1].1, pair[0].0));
        }
        let base = self.base;
        let lowest = made.first().filter(|(revision, _)| *revision <= base);
        let below = self.observers.all().first().filter(|(revision, _)| *revision < base);
        if let Some(&(revision, place)) = lowest.or(below) {
            let record = self.record(place);
            let store = if base == 1 { "a fresh store is" } else { "the recording starts" };
            let as_what = if lowest.is_some() { "as a change" } else { "from the store" };
            let reason = format!(
                "{} was answered {as_what} at revision {revision}, but {store} at revision {base} \
                 and its first write makes revision {}",
                words::describe(record),
                base + 1
            );
            return Err(broken(reason, vec![record.id], revision));
        }
        let last = |list: &[(i64, u32)]| list.last().map_or(base, |(revision, _)| *revision);
        let shown = last(made).max(last(self.observers.all())).max(self.compacted_top());
        self.top = until.unwrap_or(shown);
        // A revision far above the others has too few writers below it. Find that before `mutators`
        // takes memory for it.
        let most = made.len() as i64 + self.unknown.len() as i64;
        if self.top.saturating_sub(base) > most {
            return Err(self.too_high(made));
        }
        self.mutators = vec![None; (self.top - base) as usize];
        for (revision, place) in made {
            self.mutators[(*revision - base) as usize - 1] = Some(*place);
        }
        Ok(())
    }

    /// The revision that an answered compaction shows as reached: its own, or the header's if that
    /// is higher.
    pub(crate) fn shown_by_compaction(&self, place: u32) -> Option<i64> {
        match (&self.record(place).request, &self.record(place).response) {
            (Request::Compact(request), Some(Response::Compact(answer))) => {
                let read = answer.header.map_or(1, |header| header.revision);
                Some(read.max(request.revision))
            }
            _ => None,
        }
    }

    fn compacted_top(&self) -> i64 {
        let shown = self.compactions.iter().filter_map(|place| self.shown_by_compaction(*place));
        shown.max().unwrap_or(self.base)
    }

    fn same_revision(&self, a: u32, b: u32, revision: i64) -> Verdict {
        let (a, b) = (self.record(a), self.record(b));
        let reason = format!(
            "two writes claim revision {revision}: {} and {}, {}",
            words::describe(a),
            words::describe(b),
            words::relative(b, a)
        );
        broken(reason, vec![a.id, b.id], revision)
    }

    /// The violation at the first revision for which all indeterminate writes together are too few.
    fn too_high(&self, made: &[(i64, u32)]) -> Verdict {
        let mut spare = self.unknown.len() as i64;
        let mut next = self.base + 1;
        for (revision, _) in made {
            if revision - next > spare {
                break;
            }
            spare -= revision - next;
            next = revision + 1;
        }
        let hole = next + spare;
        let seen = self.observers.all().iter().find(|(revision, _)| *revision >= hole);
        let claimed = made.iter().find(|(revision, _)| *revision >= hole);
        let witness = [seen, claimed].into_iter().flatten().min();
        let mut evidence = Vec::new();
        let mut by = String::new();
        let compacted = || {
            let all = self.compactions.iter();
            let mut shown =
                all.filter_map(|place| Some((self.shown_by_compaction(*place)?, *place)));
            shown.find(|(revision, _)| *revision >= hole)
        };
        if let Some((revision, place)) = witness.copied().or_else(compacted) {
            let record = self.record(place);
            let shows = if self.compactions.contains(&place) { "shows" } else { "was answered at" };
            by = format!(" ({} {shows} revision {revision})", words::describe(record));
            evidence.push(record.id);
        }
        let reason = format!(
            "revision {hole} was reached{by}, but no write can have made it: all writes called by \
             then, those of unknown outcome included, make no more than {}",
            hole - self.base - 1
        );
        broken(reason, evidence, hole)
    }
}

fn no_revision(record: &Record) -> Verdict {
    let reason = format!(
        "{} was answered without a header, so its place in the order of writes is not known",
        words::describe(record)
    );
    Verdict::unknown(LINEARIZABILITY, reason, vec![record.id])
}

pub(crate) fn broken(reason: String, evidence: Vec<u64>, revision: i64) -> Verdict {
    let revision = Some(revision);
    Verdict::Broken(Violation { checker: LINEARIZABILITY, reason, evidence, revision })
}
