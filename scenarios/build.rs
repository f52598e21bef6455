//! Lists the planted bugs: those that a scenario below `planted/` catches.

use std::fs;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=planted");
    let mut bugs = Vec::new();
    for entry in fs::read_dir("planted").expect("the folder of planted bugs is readable") {
        let path = entry.expect("the folder of planted bugs is readable").path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).expect("a scenario is readable");
            bugs.extend(caught(&text).map(str::to_owned));
        }
    }
    bugs.sort_by_key(|bug| place(bug));
    bugs.dedup();
    let out = std::env::var("OUT_DIR").expect("cargo says where a build script writes");
    fs::write(Path::new(&out).join("bugs.rs"), format!("{bugs:?}")).expect("it can be written");
}

/// The bug that a scenario catches.
fn caught(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("catches = \"")?.strip_suffix('"'))
}

/// R before C, then by number: bugs of the replicated store, then of consensus.
fn place(bug: &str) -> (std::cmp::Reverse<String>, u32) {
    let (letter, number) =
        bug.split_at(bug.find(|c: char| c.is_ascii_digit()).unwrap_or(bug.len()));
    (std::cmp::Reverse(letter.to_owned()), number.parse().unwrap_or(0))
}
