//! `list`: the scenarios there are.

use std::path::Path;

use mettle_scenarios::catalog;
use mettle_server::probe::NAMES;

use crate::console::Console;
use crate::error::HarnessError;

/// Prints a line for each scenario; broken files are named at the end.
pub(crate) fn list(console: Console) -> Result<u8, HarnessError> {
    let files = catalog::below(Path::new(catalog::FOLDER))?;
    let mut wrong = Vec::new();
    let width = files.iter().map(|file| file.as_os_str().len()).max().unwrap_or(0);
    for file in &files {
        match mettle_scenarios::load(file, NAMES) {
            Ok(scenario) => {
                let catches =
                    scenario.catches.map_or_else(String::new, |bug| format!(" [catches {bug}]"));
                console.say(&format!(
                    "{:width$}  {} members, {:3} s  {}{catches}",
                    file.display().to_string(),
                    scenario.members,
                    scenario.duration_ns / 1_000_000_000,
                    scenario.title,
                ));
            }
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(0) } else { Err(HarnessError::Scenarios(wrong)) }
}
