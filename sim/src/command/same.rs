//! `same`: one seed is one run, whatever surrounds the process.
//!
//! Two processes run the same plan; they differ in environment, working folder and verbosity. Their
//! event hashes and the files of their reports must be equal; otherwise the first event that differs
//! is shown.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use mettle_reports::verdict::Verdict;

use super::chosen::one_scenario;
use super::report_folder::absolute;
use crate::args::SameArgs;
use crate::console::Console;
use crate::error::{EXIT_HARNESS, HarnessError};
use crate::parent::{self, RunJob};
use crate::planner;

/// Where both runs write.
const FOLDER: &str = "target/same";

/// Files that must be equal, the one that explains most first.
const FILES: [&str; 4] = ["trace.ndjson", "history.ndjson", "verdict.json", "plan.json"];

/// Runs a seed twice and compares.
pub(crate) fn same(args: &SameArgs) -> Result<u8, HarnessError> {
    let console = Console::new(false);
    let (_, scenario) = one_scenario(&args.scenario)?;
    let plan = planner::plan(&scenario, args.seed, &[]);
    console.say(&format!("sim=on {} seed={} (twice)", scenario.name, args.seed));
    let name = format!("{}-{}", scenario.name.replace('/', "-"), args.seed);
    let folders = ["a", "b"].map(|side| Path::new(FOLDER).join(format!("{name}-{side}")));
    let mut plain = RunJob::new(plan.clone());
    plain.report = Some(absolute(&folders[0])?);
    let mut odd = RunJob::new(plan);
    odd.report = Some(absolute(&folders[1])?);
    odd.verbose = true;
    odd.folder = Some(PathBuf::from("/"));
    odd.env = [
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "1"),
        ("HOME", "/nowhere"),
        ("TZ", "Asia/Kathmandu"),
        ("LANG", "tr_TR.UTF-8"),
        ("METTLE_SAME", "an environment of another size moves the stack"),
    ]
    .map(|(name, value)| (name, OsString::from(value)))
    .to_vec();
    let jobs = [plain, odd];
    let mut ends: [Option<Result<Verdict, HarnessError>>; 2] = [None, None];
    parent::each(&jobs, 2, parent::run, |place, end| {
        ends[place] = Some(end.verdict);
        true
    });
    let [Some(first), Some(second)] = ends else { unreachable!("both jobs end") };
    let (first, second) = (first?, second?);
    let difference = difference(&folders)?;
    if difference.is_none() && first.trace_hash == second.trace_hash {
        for folder in &folders {
            // Left behind, they only take room.
            let _ = std::fs::remove_dir_all(folder);
        }
        console.say(&format!("same: event hash {}", first.trace_hash));
        return Ok(0);
    }
    console.say(&format!(
        "different: event hashes {} and {}\n{}\n  reports: {} and {}",
        first.trace_hash,
        second.trace_hash,
        difference.unwrap_or_else(|| "  no kept event differs".to_owned()),
        folders[0].display(),
        folders[1].display(),
    ));
    Ok(EXIT_HARNESS)
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
