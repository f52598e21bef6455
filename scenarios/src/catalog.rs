//! Finds scenario files: one by path or name, or all below a folder, in a fixed order.

use std::path::{Path, PathBuf};

use crate::error::{LoadError, nearest};

/// Folder of the shipped scenarios, from the workspace root.
pub const FOLDER: &str = "scenarios";

/// All scenario files below a folder, sorted by path.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let unreadable = |reason: std::io::Error| LoadError::Unreadable {
        file: folder.display().to_string(),
        reason: reason.to_string(),
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden || path.ends_with("src") || path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "toml")
            && path.file_name().is_some_and(|name| name != "Cargo.toml")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The files a person means: a file, a folder, or a name such as `faults/standard`.
pub fn find(root: &Path, word: &str) -> Result<Vec<PathBuf>, LoadError> {
    let path = Path::new(word);
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.is_dir() {
        let files = below(path)?;
        if files.is_empty() {
            let reason = "no scenario in this folder".to_owned();
            return Err(LoadError::Unreadable { file: word.to_owned(), reason });
        }
        return Ok(files);
    }
    let named = Path::new(FOLDER).join(format!("{word}.toml"));
    if root.join(&named).is_file() {
        return Ok(vec![named]);
    }
    let known: Vec<String> = below(&root.join(FOLDER))
        .unwrap_or_default()
        .iter()
        .filter_map(|path| path.strip_prefix(root).ok())
        .map(|path| path.display().to_string())
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let reason = match nearest(word, &known) {
        Some(near) => format!("no such file; did you mean {near}?"),
        None => "no such file".to_owned(),
    };
    Err(LoadError::Unreadable { file: word.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::planted::Bug;
    use crate::{Scenario, load};

    /// Those that shipped scenarios wait for; that the server has them is the simulator's test.
    const PROBES: [&str; 5] = [
        "consensus vote given",
        "log cut",
        "snapshot in place",
        "wal synced",
        "wal written, not yet synced",
    ];

    fn shipped() -> Vec<Scenario> {
        let files = below(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        files
            .iter()
            .map(|file| load(file, &PROBES).unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    #[test]
    fn every_shipped_scenario_loads() {
        let names: Vec<String> = shipped().into_iter().map(|scenario| scenario.name).collect();
        assert!(names.len() >= 12, "{names:?}");
        for name in ["faults/standard", "faults/leader-partition", "smoke/basic-3"] {
            assert!(names.iter().any(|found| found == name), "{name} is missing");
        }
    }

    #[test]
    fn every_planted_bug_has_one_scenario_and_no_other_scenario_names_one() {
        let mut caught: BTreeMap<Bug, u32> = BTreeMap::new();
        for scenario in shipped() {
            assert_eq!(scenario.name.starts_with("planted/"), scenario.catches.is_some());
            if let Some(bug) = scenario.catches {
                *caught.entry(bug).or_default() += 1;
            }
        }
        assert_eq!(caught, Bug::all().map(|bug| (bug, 1)).collect());
    }

    #[test]
    fn small_floors_are_for_smoke_and_planted() {
        for scenario in shipped() {
            let small = scenario.floor.ok_operations.is_some_and(|floor| floor < 200);
            assert!(!small || !scenario.name.starts_with("faults/"), "{}", scenario.name);
        }
    }

    #[test]
    fn a_scenario_is_found_by_path_and_by_name() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let found = find(root, "faults/standard").unwrap();
        assert_eq!(found, [Path::new("scenarios/faults/standard.toml")]);
        let error = find(root, "scenarios/faults/standart.toml").unwrap_err().to_string();
        assert!(error.contains("did you mean scenarios/faults/standard.toml?"), "{error}");
    }
}
