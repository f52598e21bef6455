//! Writes the report folder. All files but the page are equal bytes for equal seeds.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use mettle_checker::history::History;
use mettle_reports::html;
use mettle_reports::timeline::{Stop, Timeline};
use mettle_reports::verdict::Verdict;
use mettle_scenarios::Plan;

use crate::error::HarnessError;
use crate::outcome::Outcome;

/// Writes everything there is to know of a run.
pub(super) fn write(
    folder: &Path,
    plan: &Plan,
    history: &History,
    outcome: &Outcome,
    verdict: &Verdict,
    placed: &[(i64, u64)],
) -> Result<(), HarnessError> {
    let wrong = |path: &Path, cause| HarnessError::ReportUnwritten { path: path.to_owned(), cause };
    std::fs::create_dir_all(folder).map_err(|why| wrong(folder, why))?;
    let file = |name: &str, fill: &dyn Fn(&mut BufWriter<File>) -> io::Result<()>| {
        let path = folder.join(name);
        let write = || {
            let mut out = BufWriter::new(File::create(&path)?);
            fill(&mut out)?;
            out.flush()
        };
        write().map_err(|why| wrong(&path, why))
    };
    file("plan.json", &|out| out.write_all(plan.print().as_bytes()))?;
    file("history.ndjson", &|out| history.write_to(out).map(drop))?;
    file("trace.ndjson", &|out| {
        for line in &outcome.trace {
            serde_json::to_writer(&mut *out, line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })?;
    file("verdict.json", &|out| out.write_all(verdict.print().as_bytes()))?;
    let page = html::page(plan, history, verdict, &timeline(outcome, placed));
    file("index.html", &|out| out.write_all(page.as_bytes()))
}

/// The lanes of the page.
fn timeline(outcome: &Outcome, placed: &[(i64, u64)]) -> Timeline {
    let mut timeline = Timeline { placed: placed.to_vec(), ..outcome.timeline.clone() };
    timeline.stops.extend(outcome.panic.as_ref().and_then(|panic| {
        let reason = format!("panic at {}: {}", panic.location, panic.message);
        let (member, at_ns) = (panic.member?.into(), panic.at_ns);
        Some(Stop { member, at_ns, reason, last: true, explained: false })
    }));
    timeline
}
