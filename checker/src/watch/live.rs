//! **Live**: when the recording says that it waited, everything that was due has come. What came alone cannot say that: a recording must say
//! that it waited ([`QuiescedRequest`](crate::history::QuiescedRequest)).
//!
//! Of a quiet time from A to B: all that answers had shown until A is owed by B, to each watcher
//! that was created until A and neither over nor told to end before B; a create request sent until
//! A is answered by B, a request to cancel a live watcher as well.

use super::promise::Promise;
use super::walk::{Found, Position, Walk, Watched};
use crate::history::{Outcome, Record, Request};
use crate::linearizability::ops::Ops;
use crate::streams::{Streams, Unanswered, Watcher};
use crate::verdict::{Guarantee, Violation};
use crate::words;

pub(crate) const LIVE: &str = "watch.live";

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: LIVE,
    question: "when the recording says that it waited (`quiesced`), everything that was due has come; `examined` says for how many watchers it could be asked",
    needs_order: true,
    survives_inferred_start: false,
});

/// A time in which nothing was wrong.
#[derive(Clone, Copy, Debug)]
struct Quiet<'a> {
    record: &'a Record,
    /// What answers had shown when it began.
    revision: i64,
}

/// All quiet times of a history.
#[derive(Debug)]
pub(super) struct Due<'a> {
    quiet: Vec<Quiet<'a>>,
    /// Whether the recording goes on: then what lives on is owed nothing yet.
    goes_on: bool,
}

/// What one watcher is owed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed<'a> {
    quiet: Quiet<'a>,
    /// The end of the watcher, which was asked for in time.
    end: Option<&'a Record>,
}

impl<'a> Due<'a> {
    pub(super) fn new(ops: &Ops<'a>, streams: &Streams<'_>) -> Self {
        let times = ops.records.iter().filter(|record| {
            matches!(record.request, Request::Quiesced(_)) && record.outcome == Outcome::Ok
        });
        let mut quiet: Vec<Quiet<'a>> = times.map(|record| Quiet { record, revision: 1 }).collect();
        if quiet.is_empty() {
            return Due { quiet, goes_on: ops.goes_on };
        }
        let mut shown: Vec<(u64, i64)> = Vec::new();
        ops.each_slot(|slot, place| {
            shown.extend(ops.record(place).return_ns.map(|at| (at, slot / 2)));
        });
        let events = streams.watchers.iter().flat_map(Watcher::events);
        shown.extend(events.map(|(told, event)| (told.call_ns, event.kv.mod_revision)));
        shown.sort_unstable();
        let mut highest = 1;
        for (_, revision) in &mut shown {
            highest = highest.max(*revision);
            *revision = highest;
        }
        for Quiet { record, revision } in &mut quiet {
            let before = shown.partition_point(|(at, _)| *at <= record.call_ns);
            *revision = before.checked_sub(1).map_or(1, |place| shown[place].1);
            if let Some(earlier) = ops.quiet.get(&record.id) {
                *revision = (*revision).max(*earlier);
            }
        }
        Due { quiet, goes_on: ops.goes_on }
    }

    /// What a watcher is owed, in the last quiet time that it lived through.
    pub(super) fn of(&self, watcher: &Watcher<'a>) -> Option<Owed<'a>> {
        if self.goes_on && watcher.over_ns.is_none() {
            return None;
        }
        let lived = self.quiet.iter().filter(|Quiet { record, .. }| {
            watcher.created.record.call_ns <= record.call_ns
                && watcher.over_ns.is_none_or(|over| Some(over) > record.return_ns)
        });
        let quiet = *lived.max_by_key(|quiet| quiet.record.call_ns)?;
        match watcher.cancel {
            Some(cancel) if cancel.call_ns <= quiet.record.call_ns => {
                Some(Owed { quiet, end: Some(cancel) })
            }
            Some(cancel) if Some(cancel.call_ns) <= quiet.record.return_ns => None,
            None | Some(_) => Some(Owed { quiet, end: None }),
        }
    }

    /// Create requests that had time to be answered, and were not.
    pub(super) fn unanswered(&self, streams: &Streams<'_>, watched: &mut Watched) {
        let over = |at: &&Unanswered<'_>| !self.goes_on || at.over_ns.is_some();
        for asked in streams.unanswered.iter().filter(over) {
            let lived = self.quiet.iter().find(|Quiet { record, .. }| {
                asked.create.call_ns <= record.call_ns
                    && asked.over_ns.is_none_or(|over| Some(over) > record.return_ns)
            });
            let Some(Quiet { record, .. }) = lived else { continue };
            watched.due += 1;
            let reason = format!(
                "{}, asked at {}: {}, and the request was not answered",
                words::describe(asked.create),
                words::time(asked.create.call_ns),
                waited(record)
            );
            watched.wrong.push(Violation {
                checker: LIVE,
                reason,
                evidence: vec![asked.create.id, record.id],
                revision: None,
            });
        }
    }
}

/// Everything that was due has come.
pub(super) fn live(walk: &Walk<'_, '_>, position: Position, owed: &Owed<'_>) -> Found {
    let Quiet { record, revision } = owed.quiet;
    let waited = waited(record);
    if let Some(cancel) = owed.end {
        let what = format!(
            "it was told to end at {}, {waited}, and it did not",
            words::time(cancel.call_ns)
        );
        let mut found = walk.wrong(LIVE, revision, what, record);
        if let Err(violation) = &mut found {
            violation.evidence.insert(0, cancel.id);
        }
        return found;
    }
    if position.open {
        let part = walk.watcher.arrivals.last().map_or(record, |arrival| arrival.record);
        let what = format!(
            "a part of a response came at {}, {waited}, and its rest did not",
            words::time(part.call_ns)
        );
        return walk.wrong_with(LIVE, revision, what, &[record, part]);
    }
    // A start below 1 is not one that etcd promises anything for.
    if walk.watcher.request.start_revision < 0 {
        return Ok(());
    }
    let Some((missing, change)) = walk.first_missing(position.done, revision) else {
        return Ok(());
    };
    let kind = if change.now.is_deletion() { "deletion" } else { "put" };
    let what = format!(
        "revision {revision} had been shown, {waited}, and yet the {kind} of {} at revision \
         {missing} did not come",
        words::short(change.key)
    );
    walk.wrong(LIVE, missing, what, record)
}

/// `then nothing was wrong for 19 s from 22.760000 s on`
fn waited(quiet: &Record) -> String {
    let length = quiet.return_ns.unwrap_or(quiet.call_ns) - quiet.call_ns;
    let from = words::time(quiet.call_ns);
    format!("then nothing was wrong for {} from {from} on", words::duration(length))
}
