//! What the page shows of a run: what the checker's page has, and faults, leaders and probes.

use std::collections::BTreeMap;

use mettle_checker::changes::changes;
use mettle_checker::history::History;
use mettle_checker::words::row::of_history;
use mettle_page::scene::{Scene, Stage};
use mettle_page::{Fault, Finding, Meanwhile, Page};
use mettle_scenarios::{Plan, fault as table};
use serde::Serialize;

use crate::timeline::{FaultSpan, Timeline};
use crate::verdict::Verdict;

/// What the page is told of a run besides its history and its faults, as one value: a new part of
/// the timeline needs nothing here.
#[derive(Serialize)]
struct Run<'a> {
    #[serde(flatten)]
    timeline: &'a Timeline,
    probes: &'a BTreeMap<String, u64>,
    traffic_end_ns: u64,
}

pub(super) fn collect<'a>(
    plan: &'a Plan,
    history: &History,
    verdict: &'a Verdict,
    timeline: &'a Timeline,
) -> Page<'a> {
    let marked: &[u64] = verdict.findings.first().map_or(&[], |first| &first.records);
    let changes = changes(history, &timeline.placed);
    let stage = Stage {
        deadline: plan.traffic.deadline_ns,
        base: Some(0),
        end: timeline.end_ns,
        counted: false,
        marked,
        changes: Some(&changes),
    };
    let mut scene = Scene::new(of_history(history, &timeline.placed), stage);
    scene.members = u64::from(plan.members);
    let planted = match &verdict.plants[..] {
        [] => String::new(),
        plants => format!(" · planted {}", plants.join(", ")),
    };
    let operations = verdict.operations;
    let findings = verdict.findings.iter().map(|finding| Finding {
        verdict: finding.verdict.name(),
        checker: &finding.checker,
        reason: &finding.reason,
        at_ns: finding.at_ns,
        records: &finding.records,
    });
    let faults = timeline.faults.iter().map(fault);
    let run = Run { timeline, probes: &verdict.probes, traffic_end_ns: plan.duration_ns };
    Page {
        title: plan.title.clone(),
        subtitle: format!("{} · seed {}{planted}", verdict.scenario, verdict.seed),
        verdict: verdict.verdict.name(),
        checker: verdict.checker.as_deref(),
        repro: verdict.repro(),
        figures: figures(verdict, scene.end),
        operations: [operations.ok, operations.fail, operations.unknown],
        findings: findings.collect(),
        violation: violation(verdict, history),
        revision: None,
        faults: faults.collect(),
        run: serde_json::to_value(run).expect("a timeline has only string keys"),
        scene,
    }
}

/// A fault with what the table of faults says of it; a name that is not there has no family.
fn fault(span: &FaultSpan) -> Fault<'_> {
    let row = table::named(&span.name);
    Fault {
        id: span.id,
        name: &span.name,
        family: row.map(|(family, _)| family.name),
        meanwhile: match row.map(|(_, kind)| kind.meanwhile) {
            None | Some(table::Meanwhile::Running) => Meanwhile::Running,
            Some(table::Meanwhile::Frozen) => Meanwhile::Frozen,
            Some(table::Meanwhile::Down) => Meanwhile::Down,
        },
        target: &span.target,
        start: span.start_ns,
        end: span.end_ns,
    }
}

fn figures(verdict: &Verdict, end_ns: u64) -> Vec<(String, String, String)> {
    let figure = |name: &str, value: String, small: String| (name.to_owned(), value, small);
    let mut all = vec![
        figure("simulated", format!("{:.1} s", end_ns as f64 / 1e9), String::new()),
        figure("elections", verdict.leaders.to_string(), String::new()),
    ];
    all.extend(verdict.faults.iter().map(|fault| {
        let fired = format!("{}/{}", fault.fired, fault.armed);
        figure(&fault.name.replace('_', " "), fired, format!(" fired · effect {}", fault.effect))
    }));
    let hash: String = verdict.trace_hash.chars().take(16).collect();
    all.push(figure("event hash", hash, "…".to_owned()));
    all
}

/// When the first finding showed: its own time, or when the last record of its evidence ended.
fn violation(verdict: &Verdict, history: &History) -> Option<u64> {
    let first = verdict.findings.first()?;
    let evidence = history.records.iter().filter(|record| first.records.contains(&record.id));
    first.at_ns.or_else(|| evidence.map(|record| record.return_ns.unwrap_or(record.call_ns)).max())
}
