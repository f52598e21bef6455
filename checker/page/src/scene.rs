//! The scene: the data that a page draws, in a compact form. A hundred thousand operations take
//! some MB.
//!
//! The scene has columns instead of objects, times as differences, and each word once. Of a longer
//! history only the part around the marked rows is drawn in full; counts cover the whole history.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lanes::{self, Lane};
use mettle_checker::changes::{Changed, Changes};
use mettle_checker::history::{Op, OpKind, Outcome};
use mettle_checker::words::row::Row;

/// A history of up to so many rows is drawn in full.
pub const ALL_ROWS: usize = 250_000;
/// Of a longer history so many rows around the marked ones are drawn.
pub const NEAR_ROWS: usize = 100_000;
/// The number of intervals for which operations of a longer history are counted.
const STRETCHES: u64 = 800;

/// The data of a page. Times count from `base`.
#[derive(Debug, Default, Serialize)]
pub struct Scene {
    /// The start of the scene.
    pub base: u64,
    /// The length of the scene.
    pub end: u64,
    /// Whether times are numbers of events, not nanoseconds.
    pub counted: bool,
    /// The interval whose rows are drawn; None for the whole history.
    pub part: Option<(u64, u64)>,
    /// The number of rows of the whole history.
    pub rows: usize,
    /// For each interval: operations answered, failed and unknown.
    pub overview: Option<[Vec<u32>; 3]>,
    /// The greatest length at which an indeterminate operation is drawn.
    pub deadline: u64,
    /// The number of members.
    pub members: u64,
    /// The first revision with an unknown change.
    pub hole: Option<i64>,
    lanes: Vec<Lane>,
    records: Columns,
}

/// The rows in the order of their calls.
#[derive(Debug, Default, Serialize)]
struct Columns {
    /// The name and the group of each kind, by its number in `op`.
    ops: Vec<(&'static str, usize)>,
    /// The names of the groups.
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
    /// 1 for the operation that made the revision.
    made: Vec<u8>,
    events: Vec<usize>,
    /// The changes of a row: key, value before (-1 for none) and its revision, value after (-1 for
    /// none), as numbers of words. A last entry with the key -1 counts the keys left out.
    diff: BTreeMap<usize, Vec<[i64; 4]>>,
}

/// Further inputs of the scene.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stage<'a> {
    /// The time that a client waits for an answer; 0 if unknown.
    pub deadline: u64,
    /// The start of the scene; None for the first call.
    pub base: Option<u64>,
    /// The end of the scene, if it is later than the last row.
    pub end: u64,
    /// Whether times are numbers of events.
    pub counted: bool,
    /// The ids of the rows to mark.
    pub marked: &'a [u64],
    /// The changes made by the rows, if they are known.
    pub changes: Option<&'a Changes>,
}

impl Scene {
    /// Builds the scene of the given rows.
    pub fn new(mut rows: Vec<Row>, stage: Stage<'_>) -> Self {
        rows.sort_by_key(|row| (row.call, row.id));
        let base = stage.base.unwrap_or_else(|| rows.first().map_or(0, |row| row.call));
        let last = rows.iter().map(|row| row.returned.unwrap_or(row.call)).max();
        let end = stage.end.max(last.unwrap_or(base)).saturating_sub(base).max(1);
        let took = rows.iter().filter_map(|row| Some(row.returned? - row.call)).max();
        let deadline = if stage.deadline > 0 { stage.deadline } else { took.unwrap_or(0).max(1) };
        // Members have numbers from 1; large numbers are names of another kind.
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

    /// The number of rows that are drawn.
    pub fn drawn(&self) -> usize {
        self.records.id.len()
    }
}

/// The rows around the marked ones, or the first rows, and the interval that they cover.
fn near(rows: Vec<Row>, base: u64, marked: &[u64]) -> (Vec<Row>, (u64, u64)) {
    let places: Vec<usize> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| marked.contains(&row.id))
        .map(|(place, _)| place)
        .collect();
    // The culprit stands at the end of the evidence.
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

/// One changed key with its words as numbers.
fn entry<'a>(changed: &'a Changed, word: &mut impl FnMut(&'a str) -> u32) -> [i64; 4] {
    let (was, at) = match &changed.before {
        Some((value, revision)) => (i64::from(word(value)), *revision),
        None => (-1, 0),
    };
    let now = changed.after.as_deref().map_or(-1, |value| i64::from(word(value)));
    [i64::from(word(&changed.key)), was, at, now]
}
