//! Fills the page of a judgement: `mettle-check --html`.

use crate::import::Input;
use crate::page_budget::rows_within;
use mettle_checker::changes::{Changes, changes};
use mettle_checker::words::row::Row;
use mettle_checker::{Report, Verdict};
use mettle_page::scene::{Scene, Stage};
use mettle_page::{Finding, Page};

/// The page of a judged file; or the bytes needed, if the page and the history together exceed
/// `memory_bytes`.
pub fn page(file: &str, input: &Input, report: &Report, memory_bytes: u64) -> Result<String, u64> {
    let rows = rows_within(input, report, memory_bytes)?;
    Ok(made(file, input, report, rows))
}

fn made(file: &str, input: &Input, report: &Report, rows: Vec<Row>) -> String {
    let (word, checker, reason, evidence, revision) = parts(&report.verdict);
    let counted = !matches!(input, Input::KeySpace(_));
    let base = rows.iter().map(|row| row.call).min().unwrap_or(0);
    let broken = matches!(report.verdict, Verdict::Broken(_));
    let violation = if broken { when(&rows, evidence, base) } else { None };
    let changes = match input {
        Input::KeySpace(history) => changes(history, &report.placed),
        _ => Changes::default(),
    };
    let mut findings: Vec<Finding<'_>> = Vec::new();
    if let Some(checker) = checker {
        findings.push(Finding { verdict: word, checker, reason, at_ns: None, records: evidence });
    }
    for check in report.checks.iter().filter(|check| check.verdict != report.verdict) {
        let (verdict, checker, reason, records, _) = parts(&check.verdict);
        if let Some(checker) = checker {
            findings.push(Finding { verdict, checker, reason, at_ns: None, records });
        }
    }
    let figures = &report.figures;
    let mut numbers = vec![];
    let mut number = |name: &str, value: u64, small: &str| {
        if value > 0 {
            numbers.push((name.to_owned(), value.to_string(), small.to_owned()));
        }
    };
    number("revisions replayed", figures.revisions.unsigned_abs(), "");
    number("unknown writes placed", figures.placed, "");
    number("watchers", figures.watchers, "");
    number("watch events", figures.events, "");
    number("steps", figures.steps, "");
    let stage = Stage { counted, marked: evidence, changes: Some(&changes), ..Stage::default() };
    let scene = Scene::new(rows, stage);
    if let Some((from, to)) = scene.part {
        let all = scene.rows;
        let small = format!(" of {all}: around what matters, {}", part(from, to, counted));
        numbers.push(("records drawn".to_owned(), scene.drawn().to_string(), small));
    }
    let title = file.rsplit('/').next().unwrap_or(file);
    let page = Page {
        title: title.to_owned(),
        subtitle: format!("{file} · judged by mettle-check {}", env!("CARGO_PKG_VERSION")),
        verdict: word,
        checker,
        repro: format!("mettle-check {file}"),
        figures: numbers,
        operations: [figures.ok, figures.fail, figures.unknown],
        findings,
        violation,
        revision,
        scene,
        ..Page::default()
    };
    page.render()
}

fn part(from: u64, to: u64, counted: bool) -> String {
    if counted {
        format!("events {from} to {to}")
    } else {
        format!("{} to {}", mettle_checker::words::time(from), mettle_checker::words::time(to))
    }
}

/// The word, checker, reason, evidence and revision of a verdict.
fn parts(verdict: &Verdict) -> (&'static str, Option<&'static str>, &str, &[u64], Option<i64>) {
    match verdict {
        Verdict::Legal => ("legal", None, "", &[], None),
        Verdict::Broken(found) => {
            ("broken", Some(found.checker), &found.reason, &found.evidence, found.revision)
        }
        Verdict::Unknown(doubt) => {
            ("unknown", Some(doubt.checker), &doubt.reason, &doubt.evidence, None)
        }
    }
}

/// The time at which the last record of the evidence ended.
fn when(rows: &[Row], evidence: &[u64], base: u64) -> Option<u64> {
    let shown = rows.iter().filter(|row| evidence.contains(&row.id));
    shown.map(|row| row.returned.unwrap_or(row.call) - base).max()
}
