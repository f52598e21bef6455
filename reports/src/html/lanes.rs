//! Which lane a process is drawn in: a client that goes on after an unknown outcome keeps its lane.

use std::collections::BTreeMap;

use mettle_checker::history::{Outcome, Record};
use serde::Serialize;

/// One lane of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Lane {
    /// `c1` for clients, `w1` for watchers.
    pub(super) name: String,
    /// Whether only watch streams are in it.
    pub(super) watch: bool,
    /// The processes, one after the other.
    pub(super) processes: Vec<u64>,
}

struct Process {
    number: u64,
    first_ns: u64,
    last_ns: u64,
    watch: bool,
    ended: bool,
}

/// The lanes, clients first, and the lane of each process.
///
/// A history does not say which process follows which: a new one takes over the lane whose process
/// ended (with an unknown outcome) last before it began.
pub(super) fn assign(records: &[Record]) -> (Vec<Lane>, BTreeMap<u64, usize>) {
    let mut processes: BTreeMap<u64, Process> = BTreeMap::new();
    for record in records {
        let process = processes.entry(record.process).or_insert(Process {
            number: record.process,
            first_ns: record.call_ns,
            last_ns: record.call_ns,
            watch: true,
            ended: false,
        });
        process.first_ns = process.first_ns.min(record.call_ns);
        process.last_ns = process.last_ns.max(record.return_ns.unwrap_or(record.call_ns));
        process.watch &= record.request.op().is_watch();
        process.ended |= record.outcome == Outcome::Unknown;
    }
    let mut processes: Vec<Process> = processes.into_values().collect();
    processes.sort_by_key(|process| (process.watch, process.first_ns, process.number));
    let mut lanes: Vec<Lane> = Vec::new();
    // Lanes whose process ended, by when.
    let mut free: Vec<(u64, usize)> = Vec::new();
    let mut of = BTreeMap::new();
    for process in processes {
        let fitting = free
            .iter()
            .enumerate()
            .filter(|(_, (ended, lane))| {
                *ended < process.first_ns && lanes[*lane].watch == process.watch
            })
            .max_by_key(|(_, (ended, _))| *ended)
            .map(|(at, _)| at);
        let lane = fitting.map_or_else(
            || {
                let before = lanes.iter().filter(|lane| lane.watch == process.watch).count();
                let letter = if process.watch { 'w' } else { 'c' };
                let name = format!("{letter}{}", before + 1);
                lanes.push(Lane { name, watch: process.watch, processes: Vec::new() });
                lanes.len() - 1
            },
            |at| free.swap_remove(at).1,
        );
        lanes[lane].processes.push(process.number);
        of.insert(process.number, lane);
        if process.ended {
            free.push((process.last_ns, lane));
        }
    }
    (lanes, of)
}
