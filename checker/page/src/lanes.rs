//! Assigns processes to lanes: a client that continues after an unknown outcome keeps its lane.

use std::collections::BTreeMap;

use serde::Serialize;

use mettle_checker::history::{Op, Outcome};
use mettle_checker::words::row::Row;
use mettle_checker::words::who;

/// One lane of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// The processes by name, one after the other: `c1`, `c2 c9`, or `c2 … c31` if there are more.
    pub name: String,
    /// Whether the lane has watch streams only.
    pub watch: bool,
    /// The processes of the lane, one after the other.
    pub processes: Vec<u64>,
}

/// Processes of different kinds never share a lane.
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
    /// The probable time at which the client continued as a new process.
    ended_ns: Option<u64>,
}

/// The lanes, clients first, and the lane of each process. `deadline_ns` is an operation's
/// deadline.
///
/// A history does not say which process follows another. A new process takes over the lane of the
/// process that probably ended closest to its start.
pub fn assign(rows: &[Row], deadline_ns: u64) -> (Vec<Lane>, BTreeMap<u64, usize>) {
    let mut lanes: Vec<(Kind, Vec<u64>)> = Vec::new();
    // Lanes whose process ended: the last record, the probable end, the lane.
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
                lanes.push((process.kind, Vec::new()));
                lanes.len() - 1
            },
            |at| free.swap_remove(at).2,
        );
        lanes[lane].1.push(process.number);
        of.insert(process.number, lane);
        if let Some(ended_ns) = process.ended_ns {
            free.push((process.last_ns, ended_ns, lane));
        }
    }
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    order.sort_by_key(|lane| (lanes[*lane].0, lanes[*lane].1[0]));
    let mut places = vec![0; lanes.len()];
    for (place, lane) in order.iter().enumerate() {
        places[*lane] = place;
    }
    for lane in of.values_mut() {
        *lane = places[*lane];
    }
    let lane = |at: usize| {
        let (kind, processes) = &lanes[at];
        let (name, processes) = (named(processes), processes.clone());
        Lane { name, watch: *kind == Kind::Watcher, processes }
    };
    (order.into_iter().map(lane).collect(), of)
}

/// The processes, by kind, in the order in which they started.
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

/// The names of a lane's processes, short enough to stand beside the lane.
fn named(processes: &[u64]) -> String {
    const CHARS: usize = 12;
    let (first, last) = (who(processes[0]), who(processes[processes.len() - 1]));
    let name = match processes.len() {
        1 => return first,
        2 => format!("{first} {last}"),
        _ => format!("{first} … {last}"),
    };
    if name.chars().count() > CHARS { format!("{first} …") } else { name }
}
