//! The output for a terminal: the verdict, its sentence, the records that contradict each other in
//! the order of time, and the figures.

use std::fmt::Write as _;

use mettle_check::import::Input;
use mettle_check::rows::rows_of;
use mettle_checker::Verdict;
use mettle_checker::words::folded;
use mettle_page::table::table;

use super::judged::Judged;

/// The width of the sentence, in characters.
const WIDTH: usize = 98;

/// The output for one file; empty if the file cannot be read.
pub(crate) fn page(judged: &Judged) -> String {
    let Ok((input, report)) = &judged.outcome else { return String::new() };
    let mut page = format!("{}: {}\n", judged.file, report.verdict.name());
    let told = match &report.verdict {
        Verdict::Legal => None,
        Verdict::Broken(violation) => {
            Some((violation.checker, violation.revision, &violation.reason, &violation.evidence))
        }
        Verdict::Unknown(doubt) => Some((doubt.checker, None, &doubt.reason, &doubt.evidence)),
    };
    if let Some((checker, revision, reason, evidence)) = told {
        for line in folded(reason, WIDTH) {
            let _ = writeln!(page, "  {line}");
        }
        let at = revision.map_or_else(String::new, |revision| format!(", revision {revision}"));
        let _ = writeln!(page, "  ({checker}{at})");
        let rows = rows_of(input, &report.placed, evidence);
        if !rows.is_empty() {
            let counted = !matches!(input, Input::KeySpace(_));
            let _ = write!(page, "\n{}\n", table(rows, counted));
        }
    }
    let figures = &report.figures;
    let _ = writeln!(
        page,
        "  {} operations ok, {} failed, {} unknown ({} placed); {} revisions; {} watchers, {} events",
        figures.ok,
        figures.fail,
        figures.unknown,
        figures.placed,
        figures.revisions,
        figures.watchers,
        figures.events,
    );
    page
}
