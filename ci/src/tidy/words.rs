//! Words that say nothing, as names of files and types; and names in ARCHITECTURE.md that must exist.

use std::path::Path;

use super::{Finding, Source};

/// Words that no file and no type may have in its name: each fits anything.
const FORBIDDEN: [&str; 10] = [
    "manager", "helper", "helpers", "util", "utils", "common", "chaos", "mutant", "epoch",
    "prelude",
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for part in source.path.trim_end_matches(".rs").split('/') {
        if FORBIDDEN.contains(&part) {
            findings.push(Finding {
                place: source.path.clone(),
                what: format!("the name `{part}` says nothing: name the file after its one job"),
            });
        }
    }
    for (number, line) in source.text.lines().enumerate() {
        let Some(name) = declared(line) else { continue };
        let snake = snake(name);
        if let Some(word) = snake.split('_').find(|word| FORBIDDEN.contains(word)) {
            findings.push(Finding {
                place: format!("{}:{}", source.path, number + 1),
                what: format!("`{name}` contains `{word}`: name the type after its one job"),
            });
        }
    }
    findings
}

/// The name a line declares, if it declares a type, a trait or a module.
fn declared(line: &str) -> Option<&str> {
    let mut words = line.trim_start().split(' ').filter(|word| !word.starts_with("pub"));
    let kind = words.next()?;
    if !matches!(kind, "struct" | "enum" | "trait" | "mod" | "type") {
        return None;
    }
    let name = words.next()?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    Some(&name[..end])
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Every path that ARCHITECTURE.md names in backticks (a word with a `/` or an `.rs`) must exist.
pub(super) fn names_in_architecture(root: &Path, sources: &[Source]) -> Vec<Finding> {
    let Ok(text) = std::fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        let what = "is missing: the map of the house".to_string();
        return vec![Finding { place: "ARCHITECTURE.md".into(), what }];
    };
    let exists = |name: &str| {
        let bare = name.trim_end_matches('/');
        root.join(bare).exists()
            || sources.iter().any(|source| {
                source.path.ends_with(&format!("/{bare}"))
                    || source.path.ends_with(&format!("/{bare}.rs"))
                    || source.path.contains(&format!("/{bare}/"))
            })
    };
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2) {
            let is_rust = Path::new(name).extension().is_some_and(|ending| ending == "rs");
            let path_like = (name.contains('/') || is_rust)
                && name.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c))
                && !name.starts_with('/')
                && !name.starts_with("target");
            if path_like && !exists(name) {
                findings.push(Finding {
                    place: format!("ARCHITECTURE.md:{}", number + 1),
                    what: format!("`{name}` does not exist"),
                });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Source { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn words_that_say_nothing_are_found_in_paths_and_types() {
        assert_eq!(found("server/src/utils.rs", ""), 1);
        assert_eq!(found("server/src/wal.rs", "pub struct LogManager {\n"), 1);
        assert_eq!(found("server/src/wal.rs", "pub(crate) enum ChaosKind {\n"), 1);
        assert_eq!(found("server/src/wal.rs", "pub struct Segment;\nlet manager = 1;\n"), 0);
    }
}
