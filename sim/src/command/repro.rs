//! The commands that make the same run again, as a shell takes them.

use std::path::Path;

use mettle_scenarios::Plan;

/// Of a scenario, its seed and its plants.
pub(super) fn scenario(file: &Path, plan: &Plan) -> String {
    let mut command = format!("cargo sim run {} --seed {}", quoted(file), plan.seed);
    for plant in &plan.plants {
        command = command + " --plant " + &plant.to_string();
    }
    command
}

/// Of a plan that was kept.
pub(super) fn kept(file: &Path) -> String {
    format!("cargo sim run {}", quoted(file))
}

/// Of a report folder.
pub(super) fn replay(folder: &Path) -> String {
    format!("cargo sim replay {}", quoted(folder))
}

/// A path as one word of a shell, and not as an option.
fn quoted(path: &Path) -> String {
    let mut path = path.display().to_string();
    if path.starts_with('-') {
        path.insert_str(0, "./");
    }
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use mettle_server::probe::NAMES;

    use super::*;
    use crate::planner;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        let words = [
            "target/reports/x-7",
            "a b",
            "it's",
            "$HOME/`x`",
            "a\nb",
            "",
            "~/x",
            "*",
            "--json",
            "größe",
            "a'b\"c\\d;e",
        ];
        for word in words {
            let script = format!("printf %s {}", quoted(Path::new(word)));
            let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            let seen = String::from_utf8(shell.stdout).unwrap();
            assert_eq!(seen.trim_start_matches("./"), word, "{script}");
        }
        assert_eq!(replay(Path::new("a b")), "cargo sim replay 'a b'");
        assert_eq!(kept(Path::new("scenarios/x.json")), "cargo sim run scenarios/x.json");
    }

    #[test]
    fn seed_and_plants_are_named() {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\n";
        let drawn = mettle_scenarios::parse("x", "faults/x", text, NAMES).unwrap();
        let plants = ["C1@m2".parse().unwrap(), "R2".parse().unwrap()];
        let plan = planner::plan(&drawn, 7, &plants);
        assert_eq!(
            scenario(Path::new("scenarios/faults/x.toml"), &plan),
            "cargo sim run scenarios/faults/x.toml --seed 7 --plant R2 --plant C1@m2"
        );
    }
}
