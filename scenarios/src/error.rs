//! What is wrong with a scenario file, where, and what to write instead.

use std::fmt;
use std::ops::Range;

/// Why a scenario or plan was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error(
        "cannot read {file}: {reason}\n  remedy: `cargo sim list` shows the scenarios there are"
    )]
    Unreadable {
        /// Path as given.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// Something in the file is wrong.
    #[error("{0}")]
    Wrong(Box<Complaint>),
    /// A plan's JSON is wrong.
    #[error("{file}:{line}:{column}: {reason}\n  remedy: {remedy}")]
    Plan {
        /// Path as given.
        file: String,
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
}

/// Something wrong at a place in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Path as given.
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// The line as it stands in the file.
    pub text: String,
    /// Characters of the line that are wrong.
    pub width: usize,
    /// What is wrong.
    pub problem: String,
    /// The words that could stand there; empty when it is no matter of words.
    pub allowed: Vec<String>,
    /// The nearest of them.
    pub nearest: Option<String>,
    /// What to do.
    pub remedy: String,
}

impl Complaint {
    /// A complaint about the bytes `span` of `source`.
    pub(crate) fn at(file: &str, source: &str, span: Range<usize>, problem: String) -> Complaint {
        let start = floor_char(source, span.start);
        let begin = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let stop = floor_char(source, span.end).clamp(start, end.max(start));
        Complaint {
            file: file.to_owned(),
            line: source[..start].matches('\n').count() + 1,
            column: source[begin..start].chars().count() + 1,
            text: source[begin..end].trim_end().to_owned(),
            width: source[start..stop].chars().count().max(1),
            problem,
            allowed: Vec::new(),
            nearest: None,
            remedy: String::new(),
        }
    }

    /// Adds the allowed words, and the nearest to the wrong one.
    pub(crate) fn allowed(mut self, wrong: &str, words: &[&str]) -> Complaint {
        self.allowed = words.iter().map(|word| (*word).to_owned()).collect();
        self.nearest = nearest(wrong, words).map(str::to_owned);
        self
    }

    /// Adds what to do.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Complaint {
        self.remedy = remedy.into();
        self
    }
}

impl From<Complaint> for LoadError {
    fn from(complaint: Complaint) -> LoadError {
        LoadError::Wrong(Box::new(complaint))
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.problem)?;
        let number = self.line.to_string();
        writeln!(f, "  {number} | {}", self.text)?;
        let indent = " ".repeat(number.len() + 2);
        let before = " ".repeat(self.column - 1);
        write!(f, "{indent} | {before}{}", "^".repeat(self.width))?;
        if !self.allowed.is_empty() {
            write!(f, "\n  allowed: {}", self.allowed.join(", "))?;
        }
        match &self.nearest {
            Some(word) => write!(f, "\n  remedy: did you mean `{word}`?"),
            None if self.remedy.is_empty() => Ok(()),
            None => write!(f, "\n  remedy: {}", self.remedy),
        }
    }
}

fn floor_char(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The word nearest to `wrong`, when it is near: at most a third of it differs.
pub fn nearest<'w>(wrong: &str, words: &[&'w str]) -> Option<&'w str> {
    let wrong = wrong.to_lowercase();
    let (distance, word) =
        words.iter().map(|word| (edits(&wrong, &word.to_lowercase()), *word)).min()?;
    let limit = (wrong.chars().count().max(word.chars().count()) / 3).max(1);
    (distance <= limit).then_some(word)
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        let words = ["partition", "pause", "power_loss"];
        assert_eq!(nearest("partiton", &words), Some("partition"));
        assert_eq!(nearest("puase", &words), Some("pause"));
        assert_eq!(nearest("Power_Loss", &words), Some("power_loss"));
        assert_eq!(nearest("meteor", &words), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn a_place_is_counted_in_characters() {
        let source = "a = 1\nü = \"ö\"\n";
        let complaint = Complaint::at("f", source, 11..15, "wrong".to_owned());
        assert_eq!((complaint.line, complaint.column, complaint.width), (2, 5, 3));
    }
}
