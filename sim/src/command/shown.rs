//! The page and the object of one judged run.

use std::path::Path;

use mettle_checker::history::{self, Limits};
use mettle_reports::summary::RunSummary;
use mettle_reports::text::{self, Palette};
use mettle_reports::verdict::Verdict;

use crate::console::Console;
use crate::error::HarnessError;
use crate::parent::Cost;

/// Prints the page, and the object when one was asked for.
pub(super) fn show(
    verdict: &Verdict,
    cost: Cost,
    report: &Path,
    repro: &str,
    console: Console,
) -> Result<(), HarnessError> {
    let summary = RunSummary {
        verdict: verdict.clone(),
        wall_seconds: cost.wall_seconds,
        cpu_seconds: cost.cpu_seconds,
        peak_mb: cost.peak_mb,
        report: Some(report.display().to_string()),
        repro: repro.to_owned(),
    };
    // Only findings need the words of their records; a page without them still names the ids.
    let history = if verdict.findings.is_empty() {
        None
    } else {
        history::read_file(&report.join("history.ndjson"), Limits::default()).ok()
    };
    console.say(text::page(&summary, history.as_ref(), &Palette::coloured()).trim_end());
    console.object(&summary.line())
}
