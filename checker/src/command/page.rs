//! The words for a terminal: verdict, figures, reason, and the records that contradict each other.

use std::fmt::Write as _;

use mettle_checker::Verdict;
use mettle_checker::history::Record;
use mettle_checker::import::Input;

use super::judged::Judged;

/// What is printed of one file; nothing when it cannot be read.
pub(crate) fn page(judged: &Judged) -> String {
    let Ok((input, report)) = &judged.outcome else { return String::new() };
    let figures = &report.figures;
    let mut page = format!(
        "{}: {}\n  {} operations ok, {} failed, {} unknown ({} placed); {} revisions; {} watchers, \
         {} events\n",
        judged.file,
        report.verdict.name(),
        figures.ok,
        figures.fail,
        figures.unknown,
        figures.placed,
        figures.revisions,
        figures.watchers,
        figures.events,
    );
    let (checker, reason, evidence) = match &report.verdict {
        Verdict::Legal => return page,
        Verdict::Broken(violation) => (violation.checker, &violation.reason, &violation.evidence),
        Verdict::Unknown(doubt) => (doubt.checker, &doubt.reason, &doubt.evidence),
    };
    let _ = writeln!(page, "  {checker}: {reason}");
    let Input::KeySpace(history) = input else { return page };
    for id in evidence {
        if let Some(record) = history.records.iter().find(|record| record.id == *id) {
            let _ = writeln!(page, "    {}", line(record));
        }
    }
    page
}

/// A record as in the file, cut where it gets long.
fn line(record: &Record) -> String {
    const MOST: usize = 400;
    let mut line = serde_json::to_string(record).expect("plain values serialize");
    if line.len() > MOST {
        let end = (0..=MOST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}
