//! The words for a terminal: the verdict, the sentence, the records that contradict each other in the
//! order of time, and the figures.

use std::fmt::Write as _;

use mettle_checker::Verdict;
use mettle_checker::import::Input;
use mettle_checker::view::row::rows_of;
use mettle_checker::view::table::table;

use super::judged::Judged;

/// What is printed of one file; nothing when it cannot be read.
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
        for line in folded(reason) {
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

/// Breaks a long line between words.
fn folded(text: &str) -> Vec<String> {
    const WIDTH: usize = 98;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
