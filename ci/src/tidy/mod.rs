//! Rules that no compiler knows, each a function from the tree to findings.

mod edges;
mod planted;
mod prose;
mod rooms;
mod signatures;
mod source;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) use prose::Sentence;

/// A broken rule: the place, the problem, and the remedy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) place: String,
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A source file: its path below the root and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The text without its tests: nothing of a file that is all tests or benches.
    fn without_tests(&self) -> &str {
        let is_test =
            ["/tests/", "/benches/", "/fuzz/"].iter().any(|part| self.path.contains(part))
                || self.path.ends_with("tests.rs");
        if is_test {
            return "";
        }
        let end = self.text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        &self.text[..end]
    }
}

/// All rules over the whole tree.
pub(crate) fn all(root: &Path) -> Vec<Finding> {
    let sources = sources(root);
    let mut findings = Vec::new();
    for source in &sources {
        findings.extend(source::check(source));
        findings.extend(words::check(source));
        findings.extend(signatures::check(source));
        findings.extend(prose::check(source));
    }
    findings.extend(words::names_in_architecture(root, &sources));
    findings.extend(rooms::check(root, &sources));
    findings.extend(edges::check(root));
    findings.extend(planted::check(root));
    findings
}

/// The floors of every crate as its imports have them, and the circles that leave a crate without.
pub(crate) fn floors(root: &Path) -> (String, Vec<Finding>) {
    rooms::print(&sources(root))
}

/// The sentences in comments that lean on pronouns most.
pub(crate) fn hard_sentences(root: &Path, count: usize) -> Vec<Sentence> {
    prose::densest(&sources(root), count)
}

/// Every Rust file of ours, sorted.
fn sources(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in ["server", "sim", "checker", "scenarios", "reports", "ci"] {
        walk(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            let path = path.strip_prefix(root).ok()?.to_string_lossy().into_owned();
            Some(Source { path, text })
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}
