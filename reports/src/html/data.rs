//! What the page shows, as plain data.

use std::collections::BTreeMap;

use mettle_checker::history::{History, Outcome, Record, Response};
use mettle_scenarios::Plan;
use serde::Serialize;

use super::lanes::{self, Lane};
use crate::timeline::Timeline;
use crate::verdict::{FaultCount, Finding, Operations, Verdict, Word};
use mettle_checker::words;

#[derive(Serialize)]
pub(super) struct Data<'a> {
    scenario: &'a str,
    title: &'a str,
    seed: u64,
    plants: &'a [String],
    verdict: Word,
    checker: Option<&'a str>,
    reason: Option<&'a str>,
    repro: String,
    /// When traffic and faults stop and the cluster must converge.
    traffic_end: u64,
    end: u64,
    /// The longest that a client waits for an answer.
    deadline: u64,
    members: u32,
    operations: Operations,
    fault_counts: &'a [FaultCount],
    elections: u64,
    probes: &'a BTreeMap<String, u64>,
    trace_hash: &'a str,
    plan_hash: &'a str,
    findings: &'a [Finding],
    /// When the first violation showed.
    violation: Option<u64>,
    faults: Vec<Span<'a>>,
    leaders: Vec<(u64, u64, u32)>,
    stops: Vec<(u32, u64, &'a str)>,
    lanes: Vec<Lane>,
    records: Vec<Row>,
}

#[derive(Serialize)]
struct Span<'a> {
    id: u32,
    name: &'a str,
    target: &'a str,
    start: u64,
    end: Option<u64>,
}

/// One record. An array in JSON, since there are ten thousand of them: id, lane, process, member,
/// kind, call, return, outcome, request, answer, revision, events.
#[derive(Serialize)]
struct Row(u64, usize, u64, u64, u8, u64, Option<u64>, u8, String, String, Option<i64>, usize);

pub(super) fn collect<'a>(
    plan: &'a Plan,
    history: &History,
    verdict: &'a Verdict,
    timeline: &'a Timeline,
) -> Data<'a> {
    let (lanes, of) = lanes::assign(&history.records, plan.traffic.deadline_ns);
    let mut records: Vec<&Record> =
        history.records.iter().filter(|record| lanes::has_lane(record)).collect();
    records.sort_by_key(|record| (record.call_ns, record.id));
    let last = records.iter().map(|record| record.return_ns.unwrap_or(record.call_ns)).max();
    Data {
        scenario: &verdict.scenario,
        title: &plan.title,
        seed: verdict.seed,
        plants: &verdict.plants,
        verdict: verdict.verdict,
        checker: verdict.checker.as_deref(),
        reason: verdict.reason.as_deref(),
        repro: verdict.repro(),
        traffic_end: plan.duration_ns,
        end: timeline.end_ns.max(last.unwrap_or(0)),
        deadline: plan.traffic.deadline_ns,
        members: plan.members,
        operations: verdict.operations,
        fault_counts: &verdict.faults,
        elections: verdict.leaders,
        probes: &verdict.probes,
        trace_hash: &verdict.trace_hash,
        plan_hash: &verdict.plan_hash,
        findings: &verdict.findings,
        violation: violation(verdict, history),
        faults: timeline
            .faults
            .iter()
            .map(|fault| Span {
                id: fault.id,
                name: &fault.name,
                target: &fault.target,
                start: fault.start_ns,
                end: fault.end_ns,
            })
            .collect(),
        leaders: timeline.leaders.iter().map(|led| (led.at_ns, led.term, led.member)).collect(),
        stops: timeline
            .stops
            .iter()
            .map(|stop| (stop.member, stop.at_ns, stop.reason.as_str()))
            .collect(),
        records: records.into_iter().map(|record| row(record, &of)).collect(),
        lanes,
    }
}

fn row(record: &Record, lanes: &BTreeMap<u64, usize>) -> Row {
    let outcome = match record.outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Unknown => 2,
    };
    let events = match &record.response {
        Some(Response::Watch(watch)) => watch.events.len(),
        _ => 0,
    };
    Row(
        record.id,
        lanes[&record.process],
        record.process,
        record.member,
        record.request.op() as u8,
        record.call_ns,
        record.return_ns,
        outcome,
        words::request(&record.request),
        words::answer(record),
        words::revision(record),
        events,
    )
}

/// When the first finding showed: its own time, or when the last record of its evidence ended.
fn violation(verdict: &Verdict, history: &History) -> Option<u64> {
    let first = verdict.findings.first()?;
    let evidence = history.records.iter().filter(|record| first.records.contains(&record.id));
    first.at_ns.or_else(|| evidence.map(|record| record.return_ns.unwrap_or(record.call_ns)).max())
}
