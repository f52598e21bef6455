//! Rules for one source file: its size, its module doc, biased selects, no ignored tests.

use super::{Finding, Source};

/// Lines of a file without its tests. Aim at 100-250.
const LINES_MAX: usize = 500;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, what: String| {
        findings.push(Finding { place: format!("{}:{line}", source.path), what });
    };
    if !source.text.starts_with("//! ") {
        find(
            1,
            "missing module doc: start with `//! ` and one sentence on what the file is for".into(),
        );
    }
    let lines = source.without_tests().lines().count();
    if lines > LINES_MAX {
        find(lines, format!("split the file: {lines} lines without tests, limit {LINES_MAX}"));
    }
    for (at, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("#[ignore") {
            let remedy = "make it an item of `cargo ci soak` (checker/tests/it/soak.rs)";
            find(at + 1, format!("a test that nobody runs: {remedy}"));
        }
    }
    for (number, line) in unbiased_selects(&source.text) {
        find(number, format!("`{line}` polls in random order: start it with `biased;`"));
    }
    findings
}

/// `select!` whose next word is not `biased;`.
fn unbiased_selects(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let Some(start) = code.find("select! {") else { continue };
        if code[..start].ends_with('"') || code[..start].ends_with('`') {
            continue;
        }
        let rest = code[start + "select! {".len()..].trim();
        let next = if rest.is_empty() { lines.get(at + 1).map_or("", |l| l.trim()) } else { rest };
        if !next.starts_with("biased;") {
            found.push((at + 1, line.trim().to_string()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.into(), text: text.into() };
        check(&source).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_file_without_a_module_doc_is_found() {
        assert_eq!(places("a.rs", "fn main() {}\n").len(), 1);
        assert!(places("a.rs", "//! A room.\nfn main() {}\n").is_empty());
    }

    #[test]
    fn a_select_that_is_not_biased_is_found() {
        let fair = "//! A room.\ntokio::select! {\n    biased;\n    x = y => {}\n}\n";
        assert!(places("a.rs", fair).is_empty());
        let unfair = fair.replace("    biased;\n", "");
        assert_eq!(places("a.rs", &unfair).len(), 1);
    }

    #[test]
    fn an_ignored_test_is_found() {
        let run = "//! A room.\n#[test]\nfn f() {}\n";
        assert!(places("a.rs", run).is_empty());
        let ignored = run.replace("#[test]", "#[test]\n#[ignore = \"long\"]");
        assert_eq!(places("a.rs", &ignored).len(), 1);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let long = format!("//! A room.\n{}", "fn f() {}\n".repeat(LINES_MAX));
        assert_eq!(places("a.rs", &long).len(), 1);
        let tests = format!("//! A room.\n\n#[cfg(test)]\nmod tests {{\n{}", "\n".repeat(700));
        assert!(places("a.rs", &tests).is_empty());
    }
}
