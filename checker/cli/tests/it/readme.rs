//! The tables of checker/README.md are those of the code. `UPDATE_EXPECT=1 cargo test -p mettle-check
//! readme` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use mettle_check::import::Format;
use mettle_checker::GUARANTEES;

/// The table of README under a head is the one that the rows make.
fn stands(head: &str, rows: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(&path).expect("README");
    let (before, rest) = text.split_once(&format!("{head}\n")).expect("the head of the table");
    let (found, after) = rest.split_once("\n\n").expect("the end of the table");
    if found == rows.trim_end() {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_EXPECT").is_some(),
        "checker/README.md: the table is not the code's; UPDATE_EXPECT=1 writes it anew:\n{rows}"
    );
    let written = format!("{before}{head}\n{}\n\n{after}", rows.trim_end());
    std::fs::write(&path, written).expect("README can be written");
}

#[test]
fn the_formats() {
    let mut rows = String::from("|---|---|---|\n");
    for about in Format::all().map(Format::about) {
        let _ = writeln!(rows, "| `{}` | {} | {} |", about.name, about.what, about.judged_as);
    }
    stands("| `--format` | what | judged as |", &rows);
}

#[test]
fn the_guarantees() {
    let mut rows = String::from("|---|---|\n");
    for guarantee in GUARANTEES {
        let _ = writeln!(rows, "| `{}` | {} |", guarantee.name, guarantee.question);
    }
    stands("| checker | question |", &rows);
}
