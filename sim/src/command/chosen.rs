//! The scenarios that the words of a command name.

use std::path::{Path, PathBuf};

use mettle_scenarios::{Scenario, catalog};
use mettle_server::probe::NAMES;

use super::repro;
use crate::error::HarnessError;

/// The one scenario that a word names.
pub(super) fn one_scenario(word: &str) -> Result<(PathBuf, Scenario), HarnessError> {
    no_plan(word)?;
    let mut files = catalog::find(Path::new("."), word)?;
    if files.len() != 1 || Path::new(word).is_dir() {
        let word = word.to_owned();
        return Err(HarnessError::FolderForScenario { word, scenarios: files.len() });
    }
    let path = files.remove(0);
    let scenario = mettle_scenarios::load(&path, NAMES)?;
    Ok((path, scenario))
}

/// Every scenario that the words name, once each.
pub(super) fn scenarios(words: &[String]) -> Result<Vec<(PathBuf, Scenario)>, HarnessError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for word in words {
        no_plan(word)?;
        for file in catalog::find(Path::new("."), word)? {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    let load = |file: PathBuf| Ok((file.clone(), mettle_scenarios::load(&file, NAMES)?));
    files.into_iter().map(load).collect()
}

/// Refuses a plan where a scenario is needed, which has no seed of its own.
fn no_plan(word: &str) -> Result<(), HarnessError> {
    let path = Path::new(word);
    if path.extension().is_none_or(|ending| ending != "json") {
        return Ok(());
    }
    Err(HarnessError::PlanForScenario { word: word.to_owned(), run: repro::kept(path) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_no_scenario() {
        let refused =
            "a b.json is a plan, not a scenario\n  remedy: run it with `cargo sim run 'a b.json'`";
        let same = one_scenario("a b.json").map(drop);
        assert_eq!(same.unwrap_err().to_string(), refused);
    }
}
