//! `--junit FILE`: what continuous integration reads. One testsuite; a testcase for each history and
//! check. Broken is a failure; unknown and unreadable are errors, since neither is a pass.
//!
//! The document has no times: equal histories give equal bytes.

use std::fmt::Write as _;

use mettle_checker::{Check, Verdict};

use super::judged::Judged;

/// Collects testcases.
#[derive(Default)]
pub(crate) struct Junit {
    cases: String,
    tests: usize,
    failures: usize,
    errors: usize,
}

impl Junit {
    /// Adds the testcases of one file.
    pub(crate) fn add(&mut self, judged: &Judged) {
        match &judged.outcome {
            Err(error) => {
                self.errors += 1;
                let told = ("error", "input", &error.to_string()[..]);
                self.case(&judged.file, "input", Some(told));
            }
            Ok((_, report)) => {
                for check in &report.checks {
                    self.check(&judged.file, check);
                }
            }
        }
    }

    fn check(&mut self, file: &str, check: &Check) {
        let told = match &check.verdict {
            Verdict::Legal => None,
            Verdict::Broken(violation) => {
                self.failures += 1;
                Some(("failure", "broken", &violation.reason[..]))
            }
            Verdict::Unknown(doubt) => {
                self.errors += 1;
                Some(("error", "unknown", &doubt.reason[..]))
            }
        };
        self.case(file, check.name, told);
    }

    fn case(&mut self, file: &str, name: &str, told: Option<(&str, &str, &str)>) {
        self.tests += 1;
        let (file, name) = (escape(file), escape(name));
        let _ = write!(self.cases, "    <testcase classname=\"{file}\" name=\"{name}\"");
        match told {
            None => self.cases.push_str("/>\n"),
            Some((element, kind, reason)) => {
                let reason = escape(reason);
                let _ = write!(
                    self.cases,
                    ">\n      <{element} type=\"{kind}\" message=\"{reason}\">{reason}</{element}>\n    \
                     </testcase>\n"
                );
            }
        }
    }

    /// The whole document.
    pub(crate) fn document(&self) -> String {
        let Junit { cases, tests, failures, errors } = self;
        let counts = format!(
            "name=\"mettle-check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\""
        );
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
             <testsuite {counts} skipped=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
        )
    }
}

/// Escapes text and attributes in double quotes. Characters that XML cannot hold are written as in
/// Rust.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(c.escape_default());
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_xml_cannot_hold() {
        let escaped = escape("<a b=\"c\">&\u{1}\u{fffe}\n'é'");
        assert_eq!(escaped, "&lt;a b=&quot;c&quot;&gt;&amp;\\u{1}\\u{fffe}&#10;'é'");
    }
}
