//! Writes the report folder. All files but the page are equal bytes for equal seeds.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use mettle_checker::history::History;
use mettle_reports::html;
use mettle_reports::timeline::{FaultSpan, Leadership, Stop, Timeline};
use mettle_reports::verdict::Verdict;
use mettle_scenarios::Plan;

use crate::cli::Trouble;
use crate::world::Outcome;

/// Writes everything there is to know of a run.
pub(super) fn write(
    folder: &Path,
    plan: &Plan,
    history: &History,
    outcome: &Outcome,
    (verdict, placed): (&Verdict, &[(i64, u64)]),
) -> Result<(), Trouble> {
    let wrong = |what: &Path, why: io::Error| {
        format!(
            "cannot write {}: {why}\n  remedy: make room, or choose another folder with --report-dir",
            what.display()
        )
    };
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
    let fault = |span: &crate::world::FaultSpan| FaultSpan {
        id: span.id,
        name: span.name.clone(),
        target: span.target.clone(),
        start_ns: span.start_ns,
        end_ns: span.end_ns,
    };
    let leader = |led: &crate::world::Leadership| Leadership {
        at_ns: led.at_ns,
        term: led.term,
        member: led.member,
    };
    let stop = |exit: &crate::world::Exit| Stop {
        member: exit.member,
        at_ns: exit.at_ns,
        reason: exit.reason.clone(),
    };
    let panic = outcome.panic.as_ref().and_then(|panic| {
        let reason = format!("panic at {}: {}", panic.location, panic.message);
        Some(Stop { member: panic.member?, at_ns: panic.at_ns, reason })
    });
    Timeline {
        end_ns: outcome.sim_ns,
        faults: outcome.fault_lane.iter().map(fault).collect(),
        leaders: outcome.leaders.timeline.iter().map(leader).collect(),
        stops: outcome.exits.iter().map(stop).chain(panic).collect(),
        placed: placed.to_vec(),
    }
}
