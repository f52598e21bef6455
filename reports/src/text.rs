//! The page on the terminal: a dozen lines for a pass; for everything else what broke, its evidence
//! and the command that shows it again.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use mettle_checker::history::{History, Outcome, Record};

use crate::summary::RunSummary;
use crate::verdict::{Finding, Status, Verdict};
use mettle_checker::words;

/// So many records of evidence are printed; the page in the report folder shows all.
const EVIDENCE_MAX: usize = 12;
/// Characters of a line of a sentence.
const WIDTH: usize = 96;

/// The styles of the page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    good: Style,
    bad: Style,
    doubtful: Style,
    quiet: Style,
    strong: Style,
}

impl Palette {
    /// No styles at all.
    pub fn plain() -> Palette {
        Palette::default()
    }

    /// Colours that a terminal shows.
    pub fn coloured() -> Palette {
        Palette {
            good: AnsiColor::Green.on_default().bold(),
            bad: AnsiColor::Red.on_default().bold(),
            doubtful: AnsiColor::Yellow.on_default().bold(),
            quiet: Style::new().dimmed(),
            strong: Style::new().bold(),
        }
    }

    fn verdict(&self, word: Status) -> Style {
        match word {
            Status::Pass => self.good,
            Status::Broken => self.bad,
            Status::NoConvergence | Status::Unknown => self.doubtful,
        }
    }
}

/// The page, with a line feed at its end. `history` shows the evidence in words; without it, only
/// the ids of the records are named.
pub fn page(summary: &RunSummary, history: Option<&History>, palette: &Palette) -> String {
    let mut page = Page { text: String::new(), palette };
    let verdict = &summary.verdict;
    page.head(verdict);
    if let Some((first, further)) = verdict.findings.split_first() {
        page.finding(first, history);
        page.further(further);
    }
    page.figures(summary);
    if verdict.verdict != Status::Pass {
        let (strong, command) = (page.palette.strong, &summary.repro);
        page.row("reproduce", &format!("{strong}{command}{strong:#}"));
    }
    if let Some(report) = &summary.report {
        page.row("report", &format!("{}/index.html", report.trim_end_matches('/')));
    }
    page.text
}

/// Joins parts with commas into lines that fit the page.
fn wrapped(parts: &[String]) -> Vec<String> {
    const WIDTH: usize = 86;
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + 2 + part.len() <= WIDTH => {
                line.push_str(", ");
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

struct Page<'a> {
    text: String,
    palette: &'a Palette,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn row(&mut self, name: &str, value: &str) {
        let quiet = self.palette.quiet;
        self.line(&format!("  {quiet}{name:<11}{quiet:#}{value}"));
    }

    fn head(&mut self, verdict: &Verdict) {
        let style = self.palette.verdict(verdict.verdict);
        let word = match verdict.verdict {
            Status::Pass => "PASS",
            Status::Broken => "BROKEN",
            Status::NoConvergence => "NO CONVERGENCE",
            Status::Unknown => "UNKNOWN",
        };
        let mut line =
            format!("{style}{word}{style:#}  {}  seed {}", verdict.scenario, verdict.seed);
        if !verdict.plants.is_empty() {
            let _ = write!(line, "  planted {}", verdict.plants.join(" "));
        }
        self.line(&line);
    }

    fn finding(&mut self, finding: &Finding, history: Option<&History>) {
        let style = self.palette.verdict(finding.verdict);
        let at = finding.at_ns.map_or_else(String::new, |at| format!(" at {}", words::time(at)));
        self.line("");
        self.line(&format!("  {style}{}{style:#}{at}", finding.checker));
        for line in finding.reason.lines().flat_map(|line| words::folded(line, WIDTH)) {
            self.line(&format!("  {line}"));
        }
        self.line("");
        if finding.records.is_empty() {
            return;
        }
        let quiet = self.palette.quiet;
        self.line(&format!("  {quiet}evidence{quiet:#}"));
        for id in finding.records.iter().take(EVIDENCE_MAX) {
            let found = history.and_then(|all| all.records.iter().find(|record| record.id == *id));
            match found {
                Some(record) => self.evidence(record),
                None => self.line(&format!("    #{id}")),
            }
        }
        if let Some(left) = finding.records.len().checked_sub(EVIDENCE_MAX + 1) {
            self.line(&format!("    and {} more", left + 1));
        }
        self.line("");
    }

    fn evidence(&mut self, record: &Record) {
        let quiet = self.palette.quiet;
        let until = match record.return_ns {
            Some(end) if end == record.call_ns => String::new(),
            Some(end) => format!(" to {}", words::time(end)),
            None => " to ?".to_owned(),
        };
        let who = format!("process {} at m{}", record.process, record.member);
        self.line(&format!(
            "    #{:<6} {quiet}{}{until}, {who}{quiet:#}",
            record.id,
            words::time(record.call_ns)
        ));
        self.line(&format!("            {}", words::request(&record.request)));
        let style = match record.outcome {
            Outcome::Ok => self.palette.good,
            Outcome::Fail => self.palette.bad,
            Outcome::Unknown => self.palette.doubtful,
        };
        let outcome = match record.outcome {
            Outcome::Ok => "ok",
            Outcome::Fail => "fail",
            Outcome::Unknown => "unknown",
        };
        self.line(&format!("            {style}{outcome}{style:#} {}", words::answer(record)));
    }

    /// What else was found, by who found it: often one cause, seen again and again.
    fn further(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        let quiet = self.palette.quiet;
        self.line(&format!("  {quiet}also{quiet:#}"));
        let mut groups: Vec<(&Finding, usize)> = Vec::new();
        for finding in findings {
            match groups.iter_mut().find(|(first, _)| first.checker == finding.checker) {
                Some((_, count)) => *count += 1,
                None => groups.push((finding, 1)),
            }
        }
        for (first, count) in groups {
            let times = if count > 1 { format!(" ×{count}") } else { String::new() };
            let reason = first.reason.lines().next().unwrap_or_default();
            self.line(&format!("    {}{times}: {reason}", first.checker));
        }
        self.line("");
    }

    fn figures(&mut self, summary: &RunSummary) {
        let verdict = &summary.verdict;
        let simulated = verdict.sim_seconds;
        let (wall, cpu, peak) = (summary.wall_seconds, summary.cpu_seconds, summary.peak_mb);
        self.row(
            "time",
            &format!(
                "{simulated:.1} s simulated in {wall:.2} s ({cpu:.2} CPU-seconds, {peak:.0} MB)"
            ),
        );
        let operations = verdict.operations;
        self.row(
            "operations",
            &format!(
                "{} ok, {} fail, {} unknown",
                operations.ok, operations.fail, operations.unknown
            ),
        );
        let faults: Vec<String> = verdict
            .faults
            .iter()
            .map(|fault| {
                format!("{} {}/{} (effect {})", fault.name, fault.fired, fault.armed, fault.effect)
            })
            .collect();
        for (at, line) in wrapped(&faults).iter().enumerate() {
            self.row(if at == 0 { "faults" } else { "" }, line);
        }
        let reached = verdict.probes.values().filter(|count| **count > 0).count();
        self.row("leaders", &format!("{} elected, {reached} rare paths reached", verdict.leaders));
        self.row("hash", &verdict.trace_hash);
    }
}
