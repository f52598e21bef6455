//! Which lane a process is drawn in: a client that goes on after an unknown outcome keeps its lane.

use std::collections::BTreeMap;

use serde::Serialize;

use super::row::Row;
use crate::history::{Op, Outcome};

/// One lane of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// `client 1` for clients, which may be several processes one after the other (`c1`, `c7`), `w1`
    /// for watchers, `compact` for who only compacts.
    pub name: String,
    /// Whether only watch streams are in it.
    pub watch: bool,
    /// The processes, one after the other.
    pub processes: Vec<u64>,
}

/// Processes of different kinds never follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Client,
    Compactor,
    Watcher,
}

struct Process {
    number: u64,
    kind: Kind,
    first_ns: u64,
    last_ns: u64,
    /// When its client probably went on as another process.
    ended_ns: Option<u64>,
}

/// The lanes, clients first, and the lane of each process. `deadline_ns` is that of an operation.
///
/// A history does not say which process follows which: a new one takes over the lane whose process
/// should have ended closest to its begin.
pub fn assign(rows: &[Row], deadline_ns: u64) -> (Vec<Lane>, BTreeMap<u64, usize>) {
    let mut lanes: Vec<(Kind, Lane)> = Vec::new();
    // Lanes whose process ended: its last sign of life, its probable end, the lane.
    let mut free: Vec<(u64, u64, usize)> = Vec::new();
    let mut of = BTreeMap::new();
    for process in processes(rows, deadline_ns) {
        let fitting = free
            .iter()
            .enumerate()
            .filter(|(_, (last_ns, _, lane))| {
                *last_ns < process.first_ns && lanes[*lane].0 == process.kind
            })
            .min_by_key(|(_, (_, ended_ns, _))| ended_ns.abs_diff(process.first_ns))
            .map(|(at, _)| at);
        let lane = fitting.map_or_else(
            || {
                let before = lanes.iter().filter(|lane| lane.0 == process.kind).count();
                lanes.push((process.kind, begin(process.kind, before)));
                lanes.len() - 1
            },
            |at| free.swap_remove(at).2,
        );
        lanes[lane].1.processes.push(process.number);
        of.insert(process.number, lane);
        if let Some(ended_ns) = process.ended_ns {
            free.push((process.last_ns, ended_ns, lane));
        }
    }
    (lanes.into_iter().map(|(_, lane)| lane).collect(), of)
}

/// The processes, kind by kind, in the order in which they began.
fn processes(rows: &[Row], deadline_ns: u64) -> Vec<Process> {
    let mut processes: BTreeMap<u64, Process> = BTreeMap::new();
    for row in rows {
        let kind = match row.op {
            Op::Compact => Kind::Compactor,
            op if op.is_watch() => Kind::Watcher,
            _ => Kind::Client,
        };
        let process = processes.entry(row.process).or_insert(Process {
            number: row.process,
            kind,
            first_ns: row.call,
            last_ns: row.call,
            ended_ns: None,
        });
        process.kind = process.kind.min(kind);
        process.first_ns = process.first_ns.min(row.call);
        process.last_ns = process.last_ns.max(row.returned.unwrap_or(row.call));
        if row.outcome == Outcome::Unknown {
            let waited_ns = if row.ran_out { deadline_ns } else { 0 };
            process.ended_ns = Some(row.call + waited_ns);
        }
    }
    let mut processes: Vec<Process> = processes.into_values().collect();
    processes.sort_by_key(|process| (process.kind, process.first_ns, process.number));
    processes
}

fn begin(kind: Kind, before: usize) -> Lane {
    let name = match kind {
        Kind::Client => format!("client {}", before + 1),
        Kind::Watcher => format!("w{}", before + 1),
        Kind::Compactor if before == 0 => "compact".to_owned(),
        Kind::Compactor => format!("compact{}", before + 1),
    };
    Lane { name, watch: kind == Kind::Watcher, processes: Vec::new() }
}
