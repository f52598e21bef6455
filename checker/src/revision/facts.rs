//! What the answers show of keys that unknown writes could have touched: hard evidence, since an
//! order that contradicts an answer is no order.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::ops::Ops;
use super::sights::{self, Sight, Source};
use super::unknown::Unknowns;
use crate::history::{
    Blob, Compare, DeleteRangeRequest, KeyValue, Operand, PutRequest, RangeRequest, Request,
    RequestOp, SortTarget, TxnRequest,
};
use crate::model::{KeyIndex, Span, Version};

/// A key was seen with a version of `written`, and still so at `until`.
#[derive(Clone, Copy, Debug)]
struct Fact<'a> {
    written: i64,
    until: i64,
    version: i64,
    create: i64,
    kv: &'a KeyValue,
    /// Whether the value was shown as well.
    full: bool,
}

/// Everything known of one key.
#[derive(Debug, Default)]
struct KeyFacts<'a> {
    /// By `written`, then `until`.
    seen: Vec<Fact<'a>>,
    /// Revisions at which it was seen to be absent.
    absent: Vec<i64>,
    /// Revisions of puts that were answered.
    puts: Vec<i64>,
    /// Revisions of answered requests that could have deleted it.
    deletes: Vec<i64>,
    /// Whether an unknown write could delete it.
    deletable: bool,
    /// Puts that nobody acknowledged and that must have been, in stretches that do not overlap.
    owed: Vec<Need>,
}

/// So many unknown puts of a key happened after one revision, and by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) after: i64,
    pub(crate) by: i64,
    pub(crate) count: i64,
}

/// Facts of all keys that matter.
#[derive(Debug)]
pub(crate) struct Facts<'a, 'b> {
    ops: &'b Ops<'a>,
    unknowns: &'b Unknowns<'a>,
    /// Whether answers say versions and revisions of creation, which lets puts be counted.
    counted: bool,
    /// For revisions without a known write: keys seen with that revision.
    holes: BTreeMap<i64, Vec<Seen<'a>>>,
    /// For such revisions: a key seen to be created there.
    births: BTreeMap<i64, &'a Blob>,
    /// For keys with values seen at such revisions: which.
    values: BTreeMap<(&'a Blob, &'a Blob), Vec<i64>>,
    compared: OnceCell<bool>,
    /// Gathered when they are first asked for: where watchers saw everything they never are.
    keys: OnceCell<Keys<'a>>,
}

/// The keys that unknown writes could touch, and what is known of them.
#[derive(Debug, Default)]
struct Keys<'a> {
    index: KeyIndex,
    known: Vec<KeyFacts<'a>>,
}

/// A key seen with a revision whose write is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) kv: &'a KeyValue,
    /// Whether the answer left values out.
    pub(crate) keys_only: bool,
    /// In `records`.
    pub(crate) place: u32,
}

/// How well a change of a key at a hole fits what is known of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// A change is still owed before the revision.
    Needed(i64),
    /// Nobody looks.
    Free,
    /// Possible only if the key is deleted later.
    Doubtful,
    /// Contradicts what is known, given the state now.
    Wrong,
    /// Contradicts what is known, whatever the state.
    Never,
}

impl<'a> Keys<'a> {
    /// Gathers from all answers of the quorum.
    fn gather(ops: &Ops<'a>, unknowns: &Unknowns<'a>, counted: bool) -> Self {
        let mut keys = Keys::default();
        for key in 0..unknowns.keys() {
            keys.enter(unknowns.key(key));
        }
        sights::each(ops, |source, sight| keys.sight(unknowns, source, sight));
        for source in sights::made(ops) {
            keys.deletions(&ops.record(source.place).request, source.revision);
        }
        for (number, known) in keys.known.iter_mut().enumerate() {
            known.seen.sort_by_key(|fact| (fact.written, fact.until));
            known.absent.sort_unstable();
            known.puts.sort_unstable();
            known.deletes.sort_unstable();
            if counted {
                known.count(ops.base);
            }
            known.deletable = !unknowns.deleters(keys.index.key(number as u32)).is_empty();
        }
        keys
    }

    fn enter(&mut self, key: &Blob) -> &mut KeyFacts<'a> {
        let number = self.index.enter(key) as usize;
        if number == self.known.len() {
            self.known.push(KeyFacts::default());
        }
        &mut self.known[number]
    }

    fn get(&self, key: &[u8]) -> Option<&KeyFacts<'a>> {
        self.index.get(key).map(|number| &self.known[number as usize])
    }

    fn sight(&mut self, unknowns: &Unknowns<'_>, source: Source, sight: Sight<'a>) {
        let key = match sight {
            Sight::There { kv, .. } => &kv.key,
            Sight::Absent { key, .. } | Sight::Put { key } => key,
        };
        let known = match self.index.get(key) {
            Some(number) => &mut self.known[number as usize],
            None if unknowns.swept(key) => self.enter(key),
            None => return,
        };
        match sight {
            Sight::There { kv, keys_only, at } => {
                let before = at - i64::from(source.mutator);
                let until = if kv.mod_revision == at { at } else { before };
                let (version, create) = (kv.version, kv.create_revision);
                let written = kv.mod_revision;
                known.seen.push(Fact { written, until, version, create, kv, full: !keys_only });
            }
            Sight::Absent { at, .. } => known.absent.push(at),
            Sight::Put { .. } => known.puts.push(source.revision),
        }
    }

    /// Notes that a request could have deleted keys of which something is known.
    fn deletions(&mut self, request: &Request, revision: i64) {
        match request {
            Request::DeleteRange(delete) => self.deletion(delete, revision),
            Request::Txn(txn) => self.txn_deletions(txn, revision),
            _ => {}
        }
    }

    fn txn_deletions(&mut self, txn: &TxnRequest, revision: i64) {
        for op in txn.success.iter().chain(&txn.failure) {
            match op {
                RequestOp::DeleteRange(delete) => self.deletion(delete, revision),
                RequestOp::Txn(inner) => self.txn_deletions(inner, revision),
                RequestOp::Range(_) | RequestOp::Put(_) => {}
            }
        }
    }

    fn deletion(&mut self, delete: &DeleteRangeRequest, revision: i64) {
        let span = Span::new(&delete.key, &delete.range_end);
        if span.is_one() {
            if let Some(number) = self.index.get(&delete.key) {
                self.known[number as usize].deletes.push(revision);
            }
            return;
        }
        for (number, known) in self.known.iter_mut().enumerate() {
            if span.contains(self.index.key(number as u32)) {
                known.deletes.push(revision);
            }
        }
    }
}

impl<'a, 'b> Facts<'a, 'b> {
    pub(crate) fn new(ops: &'b Ops<'a>, unknowns: &'b Unknowns<'a>) -> Self {
        let counted = ops.recorded.version && ops.recorded.create_revision;
        let mut facts = Facts {
            ops,
            unknowns,
            counted,
            holes: BTreeMap::new(),
            births: BTreeMap::new(),
            values: BTreeMap::new(),
            compared: OnceCell::new(),
            keys: OnceCell::new(),
        };
        if ops.mutators.iter().all(Option::is_some) {
            return facts;
        }
        let is_hole = |revision: i64| {
            revision > ops.base && revision <= ops.top && ops.mutator(revision).is_none()
        };
        sights::each(ops, |source, sight| {
            let Sight::There { kv, keys_only, .. } = sight else { return };
            let hole = kv.mod_revision;
            if is_hole(hole) {
                let seen = Seen { kv, keys_only, place: source.place };
                facts.holes.entry(hole).or_default().push(seen);
            }
            if counted && is_hole(kv.create_revision) {
                facts.births.insert(kv.create_revision, &kv.key);
            }
        });
        for (hole, seen) in &facts.holes {
            for Seen { kv, .. } in seen.iter().filter(|seen| !seen.keys_only) {
                let holes = facts.values.entry((&kv.key, &kv.value)).or_default();
                if holes.last() != Some(hole) {
                    holes.push(*hole);
                }
            }
        }
        facts
    }

    fn known(&self, key: &[u8]) -> Option<&KeyFacts<'a>> {
        self.keys.get_or_init(|| Keys::gather(self.ops, self.unknowns, self.counted)).get(key)
    }

    /// Whether an answer shows that a key did not change at a revision.
    pub(crate) fn frozen(&self, key: &[u8], hole: i64) -> bool {
        self.known(key).is_some_and(|known| known.frozen(hole))
    }

    /// Revisions up to `at`, the last one first, at which answers show all of a key: None if it is
    /// not there.
    pub(crate) fn shown(
        &self,
        key: &[u8],
        at: i64,
    ) -> impl Iterator<Item = (i64, Option<&'a KeyValue>)> {
        let known = self.known(key).filter(|_| self.counted);
        let seen = known.map_or(&[][..], |known| {
            &known.seen[..known.seen.partition_point(|fact| fact.written <= at)]
        });
        let absent = known.map_or(&[][..], |known| {
            &known.absent[..known.absent.partition_point(|gone| *gone <= at)]
        });
        let mut seen = seen.iter().rev().filter(|fact| fact.full).peekable();
        let mut absent = absent.iter().rev().copied().peekable();
        std::iter::from_fn(move || {
            let there = seen.peek().map(|fact| fact.until.min(at));
            if absent.peek().copied() > there {
                return Some((absent.next()?, None));
            }
            let fact = seen.next()?;
            Some((there?, Some(fact.kv)))
        })
    }

    /// The unknown puts of a key that must happen in stretches that begin at a hole or later.
    pub(crate) fn owed(&self, key: &[u8], hole: i64) -> &[Need] {
        let owed = self.known(key).map_or(&[][..], |known| &known.owed);
        &owed[owed.partition_point(|need| need.after < hole)..]
    }

    /// A key that answers show to have been created at a hole.
    pub(crate) fn born_at(&self, hole: i64) -> Option<&'a Blob> {
        self.births.get(&hole).copied()
    }

    /// The holes at which a key was seen with a value, in order.
    pub(crate) fn holes_with(&self, key: &'a Blob, value: &'a Blob) -> &[i64] {
        self.values.get(&(key, value)).map_or(&[], Vec::as_slice)
    }

    /// Whether answers depend on values or leases in other ways than by showing them.
    pub(crate) fn values_matter(&self) -> bool {
        *self.compared.get_or_init(|| {
            self.ops.records.iter().any(|record| depends_on_values(&record.request))
        })
    }

    /// Keys seen with the revision of a hole.
    pub(crate) fn at_hole(&self, hole: i64) -> &[Seen<'a>] {
        self.holes.get(&hole).map_or(&[], Vec::as_slice)
    }

    /// How a put of a key at a hole would fit; `now` is the key before it.
    pub(crate) fn fit_put(&self, key: &Blob, hole: i64, now: Option<&Version>) -> Fit {
        let Some(known) = self.known(key) else { return Fit::Free };
        if known.frozen(hole) {
            return Fit::Never;
        }
        let next = known.next(hole);
        let gone = known.absent_after(hole);
        if let Some(gone) = gone.filter(|gone| next.is_none_or(|next| *gone < next.written)) {
            return known.deleted_within(hole, gone);
        }
        let Some(next) = next else { return Fit::Free };
        if !self.counted {
            return if next.written == hole { Fit::Needed(hole) } else { Fit::Free };
        }
        if let Some(now) = now
            && now.create_revision == next.create
        {
            let from = known.puts.partition_point(|put| *put < hole);
            let to = known.puts.partition_point(|put| *put <= next.written);
            let at_next = i64::from(known.puts.binary_search(&next.written).is_err());
            let owed = next.version.saturating_sub(now.version + (to - from) as i64 + at_next);
            let fits = if next.written == hole { owed == 0 } else { owed > 0 };
            return if fits { Fit::Needed(next.written) } else { Fit::Wrong };
        }
        match next.create.cmp(&hole) {
            std::cmp::Ordering::Equal => Fit::Needed(hole),
            // The transaction that created it may have deleted it before.
            std::cmp::Ordering::Greater => known.deleted_within(hole, next.create),
            std::cmp::Ordering::Less => Fit::Wrong,
        }
    }

    /// How a deletion of a key at a hole would fit; `now` is the key before it.
    pub(crate) fn fit_delete(&self, key: &Blob, hole: i64, now: &Version) -> Fit {
        let Some(known) = self.known(key) else { return Fit::Free };
        if known.frozen(hole) {
            return Fit::Never;
        }
        let gone = known.absent_after(hole);
        let next = known.next(hole);
        let by = match (next, gone) {
            (Some(next), Some(gone)) if gone < next.written => Some(gone),
            (Some(_), _) if !self.counted => return Fit::Free,
            (Some(next), _) if next.create == now.create_revision => return Fit::Wrong,
            (Some(next), _) => Some(next.create),
            (None, gone) => gone,
        };
        match by {
            Some(by) if !known.deletes.iter().any(|at| (hole..=by).contains(at)) => Fit::Needed(by),
            _ => Fit::Free,
        }
    }
}

impl<'a> KeyFacts<'a> {
    /// Counts the puts between sights of one life of the key: those that the versions tell, less
    /// those that are known. What happened up to `base` was not recorded.
    fn count(&mut self, base: i64) {
        let mut last: Option<Fact<'_>> = None;
        for fact in &self.seen {
            let born = Fact { written: fact.create, until: fact.create, version: 1, ..*fact };
            let before = match last {
                Some(last) if last.create == fact.create => last,
                // At its creation it was put once.
                _ => {
                    if fact.create > base && self.puts.binary_search(&fact.create).is_err() {
                        let (after, by) = (fact.create - 1, fact.create);
                        self.owed.push(Need { after, by, count: 1 });
                    }
                    born
                }
            };
            let after = before.written.max(before.until);
            if after >= base && fact.written > before.written {
                let put = |revision: i64| self.puts.partition_point(|put| *put <= revision) as i64;
                let known = put(fact.written) - put(before.written);
                let count = fact.version.saturating_sub(before.version).saturating_sub(known);
                if count > 0 {
                    self.owed.push(Need { after, by: fact.written, count });
                }
            }
            last = Some(*fact);
        }
    }

    /// Whether the key is known not to have changed at the hole.
    fn frozen(&self, hole: i64) -> bool {
        let before = self.seen.partition_point(|fact| fact.written < hole);
        // Facts of one version lie together, the longest last; of an older version none may reach
        // beyond a newer one, or no order would fit anyway.
        before > 0 && self.seen[before - 1].until >= hole
    }

    fn next(&self, hole: i64) -> Option<Fact<'a>> {
        let at = self.seen.partition_point(|fact| fact.written < hole);
        self.seen.get(at).copied()
    }

    fn absent_after(&self, hole: i64) -> Option<i64> {
        let at = self.absent.partition_point(|gone| *gone < hole);
        self.absent.get(at).copied()
    }

    fn deleted_within(&self, after: i64, by: i64) -> Fit {
        let from = self.deletes.partition_point(|delete| *delete <= after);
        if self.deletable || self.deletes.get(from).is_some_and(|delete| *delete <= by) {
            Fit::Doubtful
        } else {
            Fit::Never
        }
    }
}

fn depends_on_values(request: &Request) -> bool {
    let range = |range: &RangeRequest| range.sort_target == SortTarget::Value;
    let put = |put: &PutRequest| put.ignore_value || put.ignore_lease;
    match request {
        Request::Range(request) => range(request),
        Request::Put(request) => put(request),
        Request::Txn(txn) => txn_depends_on_values(txn, &range, &put),
        _ => false,
    }
}

fn txn_depends_on_values(
    txn: &TxnRequest,
    range: &impl Fn(&RangeRequest) -> bool,
    put: &impl Fn(&PutRequest) -> bool,
) -> bool {
    let compared =
        |compare: &Compare| matches!(compare.operand, Operand::Value(_) | Operand::Lease(_));
    txn.compare.iter().any(compared)
        || txn.success.iter().chain(&txn.failure).any(|op| match op {
            RequestOp::Range(request) => range(request),
            RequestOp::Put(request) => put(request),
            RequestOp::DeleteRange(_) => false,
            RequestOp::Txn(inner) => txn_depends_on_values(inner, range, put),
        })
}
