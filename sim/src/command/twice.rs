//! One plan twice: two processes that differ in all that must not matter.
//!
//! The processes differ in environment, working folder and verbosity. Their event hashes and the files
//! of their reports must be equal; otherwise the first event that differs is told.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use mettle_reports::verdict::Verdict;
use mettle_scenarios::Plan;

use super::report_folder::absolute;
use crate::error::HarnessError;
use crate::parent::{self, RunJob};

/// Where both runs write.
const FOLDER: &str = "target/same";

/// Files that must be equal, the one that explains most first.
const FILES: [&str; 4] = ["trace.ndjson", "history.ndjson", "verdict.json", "plan.json"];

/// The end of two runs of one plan.
pub(super) struct Twice {
    first: Verdict,
    second: Verdict,
    folders: [PathBuf; 2],
    difference: Option<String>,
}

impl Twice {
    /// Whether both were one and the same run.
    pub(super) fn same(&self) -> bool {
        self.difference.is_none() && self.first.trace_hash == self.second.trace_hash
    }

    /// The event hash of the first run.
    pub(super) fn hash(&self) -> &str {
        &self.first.trace_hash
    }

    /// Where the runs differ, in a few lines.
    pub(super) fn told(&self) -> String {
        format!(
            "different: event hashes {} and {}\n{}\n  reports: {} and {}",
            self.first.trace_hash,
            self.second.trace_hash,
            self.difference.as_deref().unwrap_or("  no kept event differs"),
            self.folders[0].display(),
            self.folders[1].display(),
        )
    }
}

/// Runs a plan twice with reports and compares them. Equal reports are not left behind.
pub(super) fn run(plan: &Plan) -> Result<Twice, HarnessError> {
    let name = format!("{}-{}", plan.scenario.replace('/', "-"), plan.seed);
    let folders = ["a", "b"].map(|side| Path::new(FOLDER).join(format!("{name}-{side}")));
    let mut plain = RunJob::new(plan.clone());
    plain.report = Some(absolute(&folders[0])?);
    let mut odd = odd(RunJob::new(plan.clone()));
    odd.report = Some(absolute(&folders[1])?);
    let jobs = [plain, odd];
    let mut ends: [Option<Result<Verdict, HarnessError>>; 2] = [None, None];
    parent::each(&jobs, 2, parent::run, |place, end| {
        ends[place] = Some(end.verdict);
        true
    });
    let [Some(first), Some(second)] = ends else { unreachable!("both jobs end") };
    let (first, second) = (first?, second?);
    let difference = difference(&folders)?;
    let twice = Twice { first, second, folders, difference };
    if twice.same() {
        for folder in &twice.folders {
            // Left behind, they only take room.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
    Ok(twice)
}

/// The same job in surroundings that must not matter.
pub(super) fn odd(mut job: RunJob) -> RunJob {
    job.verbose = true;
    job.folder = Some(PathBuf::from("/"));
    job.env = [
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "1"),
        ("HOME", "/nowhere"),
        ("TZ", "Asia/Kathmandu"),
        ("LANG", "tr_TR.UTF-8"),
        ("METTLE_SAME", "an environment of another size moves the stack"),
    ]
    .map(|(name, value)| (name, OsString::from(value)))
    .to_vec();
    job
}

/// The first line in which two reports differ.
fn difference(folders: &[PathBuf; 2]) -> Result<Option<String>, HarnessError> {
    for name in FILES {
        let open = |folder: &PathBuf| {
            let path = folder.join(name);
            let file = File::open(&path).map_err(|cause| HarnessError::Path { path, cause })?;
            Ok::<_, HarnessError>(BufReader::new(file).split(b'\n'))
        };
        let (mut left, mut right) = (open(&folders[0])?, open(&folders[1])?);
        for number in 1.. {
            let (one, other) = (line(left.next())?, line(right.next())?);
            if one != other {
                let shown = |line: Option<String>| line.unwrap_or_else(|| "(end)".to_owned());
                let (one, other) = (shown(one), shown(other));
                return Ok(Some(format!(
                    "  first difference: {name} line {number}\n  - {one}\n  + {other}"
                )));
            }
            if one.is_none() {
                break;
            }
        }
    }
    Ok(None)
}

fn line(line: Option<std::io::Result<Vec<u8>>>) -> Result<Option<String>, HarnessError> {
    line.transpose()
        .map(|line| line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .map_err(|cause| HarnessError::ReportUnreadable { cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_found() {
        let folder = std::env::temp_dir().join(format!("mettle-same-{}", std::process::id()));
        let folders = ["a", "b"].map(|side| folder.join(side));
        for folder in &folders {
            std::fs::create_dir_all(folder).unwrap();
            for name in FILES {
                std::fs::write(folder.join(name), "one\ntwo\n").unwrap();
            }
        }
        assert_eq!(difference(&folders).unwrap(), None);
        std::fs::write(folders[1].join("history.ndjson"), "one\n").unwrap();
        let found = difference(&folders).unwrap().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        assert_eq!(found, "  first difference: history.ndjson line 2\n  - two\n  + (end)");
    }
}
