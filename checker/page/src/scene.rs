//! Everything that a page draws, compact: a hundred thousand operations are a file of some MB.
//!
//! Columns instead of objects, times as differences, words once each. Of a longer history only the
//! part around what matters is drawn in full; counts over the whole of it stay.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lanes::{self, Lane};
use mettle_checker::changes::{Changed, Changes};
use mettle_checker::history::{Op, OpKind, Outcome};
use mettle_checker::words::row::Row;

/// Up to here every row is in the page.
pub const ALL_ROWS: usize = 250_000;
/// Of a longer history so many, around what matters.
pub const NEAR_ROWS: usize = 100_000;
/// Into so many stretches the counts over the whole are cut.
const STRETCHES: u64 = 800;

/// What is drawn. Times count from `base`.
#[derive(Debug, Default, Serialize)]
pub struct Scene {
    /// When it begins.
    pub base: u64,
    /// How long it is.
    pub end: u64,
    /// Whether times are numbers of events, not nanoseconds.
    pub counted: bool,
    /// The part of time whose rows are here; None for all of it.
    pub part: Option<(u64, u64)>,
    /// How many rows there are in all.
    pub rows: usize,
    /// By stretch of time: answered, failed, unknown.
    pub overview: Option<[Vec<u32>; 3]>,
    /// The longest that an operation of unknown outcome is drawn.
    pub deadline: u64,
    /// How many members were asked.
    pub members: u64,
    /// The first revision of which nobody knows what it changed.
    pub hole: Option<i64>,
    lanes: Vec<Lane>,
    records: Columns,
}

/// The rows in the order of their calls.
#[derive(Debug, Default, Serialize)]
struct Columns {
    /// The kinds by their number in `op`: name, and the number of what they are shown as.
    ops: Vec<(&'static str, usize)>,
    /// What kinds are shown as.
    kinds: [&'static str; OpKind::NAMES.len()],
    words: Vec<String>,
    id: Vec<i64>,
    lane: Vec<usize>,
    process: Vec<u64>,
    member: Vec<u64>,
    op: Vec<u8>,
    call: Vec<u64>,
    took: Vec<i64>,
    out: Vec<u8>,
    ask: Vec<u32>,
    say: Vec<u32>,
    rev: Vec<i64>,
    /// 1 for who made the revision.
    made: Vec<u8>,
    events: Vec<usize>,
    /// What a row changed: key, value before (-1 for none) and its revision, value after (-1 for
    /// none); the words by number. A last entry with the key -1 counts the keys left out.
    diff: BTreeMap<usize, Vec<[i64; 4]>>,
}

/// What else the scene depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stage<'a> {
    /// How long a client waits for an answer; 0 if not known.
    pub deadline: u64,
    /// When time begins; None for the first call.
    pub base: Option<u64>,
    /// When it ends, if later than the last row.
    pub end: u64,
    /// Whether times are numbers of events.
    pub counted: bool,
    /// The ids of the rows that matter.
    pub marked: &'a [u64],
    /// What the rows changed, if that is known.
    pub changes: Option<&'a Changes>,
}

impl Scene {
    /// Sets the rows out.
    pub fn new(mut rows: Vec<Row>, stage: Stage<'_>) -> Self {
        rows.sort_by_key(|row| (row.call, row.id));
        let base = stage.base.unwrap_or_else(|| rows.first().map_or(0, |row| row.call));
        let last = rows.iter().map(|row| row.returned.unwrap_or(row.call)).max();
        let end = stage.end.max(last.unwrap_or(base)).saturating_sub(base).max(1);
        let took = rows.iter().filter_map(|row| Some(row.returned? - row.call)).max();
        let deadline = if stage.deadline > 0 { stage.deadline } else { took.unwrap_or(0).max(1) };
        // Members are numbered from 1; whoever has large numbers named them otherwise.
        let members = rows.iter().map(|row| row.member).max().filter(|most| *most <= 64);
        let mut scene = Scene {
            base,
            end,
            counted: stage.counted,
            rows: rows.len(),
            deadline,
            members: members.unwrap_or(0),
            ..Scene::default()
        };
        if rows.len() > ALL_ROWS {
            scene.overview = Some(overview(&rows, base, end));
            let (near, part) = near(rows, base, stage.marked);
            rows = near;
            scene.part = Some(part);
        }
        let (lanes, of) = lanes::assign(&rows, deadline);
        scene.lanes = lanes;
        scene.hole = stage.changes.and_then(|changes| changes.hole);
        scene.records = Columns::of(&rows, base, &of, stage.changes);
        scene
    }

    /// How many rows are drawn one by one.
    pub fn drawn(&self) -> usize {
        self.records.id.len()
    }
}

/// The rows around the marked ones, or the first, and the part of time that they cover.
fn near(rows: Vec<Row>, base: u64, marked: &[u64]) -> (Vec<Row>, (u64, u64)) {
    let places: Vec<usize> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| marked.contains(&row.id))
        .map(|(place, _)| place)
        .collect();
    // What broke lies at the end of the evidence.
    let middle = places.last().copied().unwrap_or(0);
    let from = middle.saturating_sub(NEAR_ROWS / 2).min(rows.len() - NEAR_ROWS);
    let to = from + NEAR_ROWS;
    let part = (rows[from].call - base, rows[to - 1].call - base);
    let kept = |(place, row): (usize, Row)| {
        let inside = (from..to).contains(&place) || marked.contains(&row.id);
        inside.then_some(row)
    };
    (rows.into_iter().enumerate().filter_map(kept).collect(), part)
}

fn overview(rows: &[Row], base: u64, end: u64) -> [Vec<u32>; 3] {
    let mut counts = [(); 3].map(|()| vec![0; STRETCHES as usize]);
    for row in rows.iter().filter(|row| !row.op.is_watch()) {
        let share = u128::from(row.call - base) * u128::from(STRETCHES) / (u128::from(end) + 1);
        counts[usize::from(outcome(row.outcome))][share as usize] += 1;
    }
    counts
}

fn outcome(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Unknown => 2,
    }
}

impl Columns {
    fn of<'a>(
        rows: &'a [Row],
        base: u64,
        lanes: &BTreeMap<u64, usize>,
        changes: Option<&'a Changes>,
    ) -> Self {
        let mut columns = Columns {
            ops: Op::ALL.map(|op| (op.label(), op.kind() as usize)).to_vec(),
            kinds: OpKind::NAMES,
            ..Columns::default()
        };
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        let (mut id, mut call) = (0, base);
        for (place, row) in rows.iter().enumerate() {
            let mut word = |text: &'a str| {
                *known.entry(text).or_insert_with(|| {
                    columns.words.push(text.to_owned());
                    columns.words.len() as u32 - 1
                })
            };
            let (ask, say) = (word(&row.ask), word(&row.say));
            if let Some((keys, more)) = changes.and_then(|changes| changes.by_id.get(&row.id)) {
                let mut diff: Vec<[i64; 4]> =
                    keys.iter().map(|key| entry(key, &mut word)).collect();
                if *more > 0 {
                    diff.push([-1, *more as i64, 0, -1]);
                }
                columns.diff.insert(place, diff);
            }
            columns.ask.push(ask);
            columns.say.push(say);
            columns.id.push(row.id as i64 - id);
            id = row.id as i64;
            columns.call.push(row.call - call);
            call = row.call;
            columns.took.push(row.returned.map_or(-1, |returned| (returned - row.call) as i64));
            columns.lane.push(lanes[&row.process]);
            columns.process.push(row.process);
            columns.member.push(row.member);
            columns.op.push(row.op as u8);
            columns.out.push(outcome(row.outcome));
            columns.rev.push(row.revision.unwrap_or(0));
            columns.made.push(u8::from(row.made));
            columns.events.push(row.events);
        }
        columns
    }
}

/// One changed key, its words by number.
fn entry<'a>(changed: &'a Changed, word: &mut impl FnMut(&'a str) -> u32) -> [i64; 4] {
    let (was, at) = match &changed.before {
        Some((value, revision)) => (i64::from(word(value)), *revision),
        None => (-1, 0),
    };
    let now = changed.after.as_deref().map_or(-1, |value| i64::from(word(value)));
    [i64::from(word(&changed.key)), was, at, now]
}
