//! What the answers show of keys that unknown writes could have touched: hard evidence, since an
//! order that contradicts an answer is no order.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::ops::Ops;
use super::sights::{self, Sight, Source};
use super::unknown::Unknowns;
use crate::history::{Blob, DeleteRangeRequest, KeyValue, Request, RequestOp, TxnRequest};
use crate::model::{KeyIndex, Span, Version};

/// A key was seen with a version of `written`, and still so at `until`.
#[derive(Clone, Copy, Debug)]
struct Fact {
    written: i64,
    until: i64,
    version: i64,
    create: i64,
}

/// Everything known of one key.
#[derive(Debug, Default)]
struct KeyFacts {
    /// By `written`, then `until`.
    seen: Vec<Fact>,
    /// Revisions at which it was seen to be absent.
    absent: Vec<i64>,
    /// Revisions of puts that were answered.
    puts: Vec<i64>,
    /// Revisions of answered requests that could have deleted it.
    deletes: Vec<i64>,
    /// Whether an unknown write could delete it.
    deletable: bool,
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
    /// Gathered when they are first asked for: where watchers saw everything they never are.
    keys: OnceCell<Keys>,
}

/// The keys that unknown writes could touch, and what is known of them.
#[derive(Debug, Default)]
struct Keys {
    index: KeyIndex,
    known: Vec<KeyFacts>,
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

impl Keys {
    /// Gathers from all answers of the quorum.
    fn gather(ops: &Ops<'_>, unknowns: &Unknowns<'_>) -> Self {
        let mut keys = Keys::default();
        for key in unknowns.names() {
            keys.enter(key);
        }
        sights::each(ops, |source, sight| keys.sight(unknowns, source, sight));
        for source in sights::made(ops) {
            keys.deletions(&ops.record(source.place).request, source.revision);
        }
        for (number, known) in keys.known.iter_mut().enumerate() {
            known.seen.sort_unstable_by_key(|fact| (fact.written, fact.until));
            known.absent.sort_unstable();
            known.puts.sort_unstable();
            known.deletes.sort_unstable();
            known.deletable = !unknowns.deleters(keys.index.key(number as u32)).is_empty();
        }
        keys
    }

    fn enter(&mut self, key: &Blob) -> &mut KeyFacts {
        let number = self.index.enter(key) as usize;
        if number == self.known.len() {
            self.known.push(KeyFacts::default());
        }
        &mut self.known[number]
    }

    fn get(&self, key: &[u8]) -> Option<&KeyFacts> {
        self.index.get(key).map(|number| &self.known[number as usize])
    }

    fn sight(&mut self, unknowns: &Unknowns<'_>, source: Source, sight: Sight<'_>) {
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
            Sight::There { kv, at, .. } => {
                let before = at - i64::from(source.mutator);
                let until = if kv.mod_revision == at { at } else { before };
                let (version, create) = (kv.version, kv.create_revision);
                known.seen.push(Fact { written: kv.mod_revision, until, version, create });
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
        let mut facts =
            Facts { ops, unknowns, counted, holes: BTreeMap::new(), keys: OnceCell::new() };
        if ops.mutators.iter().all(Option::is_some) {
            return facts;
        }
        sights::each(ops, |source, sight| {
            if let Sight::There { kv, keys_only, .. } = sight {
                let hole = kv.mod_revision;
                let is_hole = hole >= 2 && hole <= ops.top && ops.mutator(hole).is_none();
                if is_hole {
                    let seen = Seen { kv, keys_only, place: source.place };
                    facts.holes.entry(hole).or_default().push(seen);
                }
            }
        });
        facts
    }

    fn known(&self, key: &[u8]) -> Option<&KeyFacts> {
        self.keys.get_or_init(|| Keys::gather(self.ops, self.unknowns)).get(key)
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
            std::cmp::Ordering::Greater => known.deleted_within(hole, next.create - 1),
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
            (Some(next), _) => Some(next.create.saturating_sub(1)),
            (None, gone) => gone,
        };
        match by {
            Some(by) if !known.deletes.iter().any(|at| (hole..=by).contains(at)) => Fit::Needed(by),
            _ => Fit::Free,
        }
    }
}

impl KeyFacts {
    /// Whether the key is known not to have changed at the hole.
    fn frozen(&self, hole: i64) -> bool {
        let before = self.seen.partition_point(|fact| fact.written < hole);
        // Facts of one version lie together, the longest last; of an older version none may reach
        // beyond a newer one, or no order would fit anyway.
        before > 0 && self.seen[before - 1].until >= hole
    }

    fn next(&self, hole: i64) -> Option<Fact> {
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
