//! The whole terminal words of every sample: what an engineer reads who has never seen the tool.
//! `UPDATE_EXPECT=1 cargo test -p mettle-check sabotage` writes them anew; read what
//! changed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use expect_test::expect_file;
use mettle_checker::history::*;

use super::case::{Case, Row};
use super::{key_space, leases, watch};

/// What `mettle-check` prints of a file.
fn printed(name: &str, bytes: &[u8], args: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).expect("a folder for files");
    let path = folder.join(format!("words-{name}"));
    std::fs::write(&path, bytes).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_mettle-check"))
        .args(args)
        .arg(&path)
        .output()
        .expect("the program starts");
    let _ = std::fs::remove_file(&path);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let all = text(output.stdout) + &text(output.stderr);
    all.replace(&path.display().to_string(), "history")
}

/// The first history of a row that has something to alter, as it is printed.
fn of_row(row: &Row, leases: u64) -> String {
    let altered = (0..400).find_map(|seed| {
        let mut case = Case::with_leases(seed, leases);
        (row.alter)(&mut case).map(|()| case.records)
    });
    let mut records = altered.expect("some history has something to alter");
    // A tick of a world without leases is a nanosecond, which nobody can tell from another.
    let tick = if leases == 0 { 1_000_000 } else { 1 };
    for record in &mut records {
        record.call_ns *= tick;
        record.return_ns = record.return_ns.map(|at| at * tick);
    }
    let history = History { origin: Origin::default(), records };
    printed("row.ndjson", &history.write_to(Vec::new()).expect("memory"), &[])
}

fn of_rows(rows: &[Row], leases: u64) -> String {
    let mut all = String::new();
    for row in rows {
        let _ = writeln!(all, "## {}\n\n{}", row.name, of_row(row, leases));
    }
    all
}

/// The samples of a room: `## name`, perhaps `$ arguments`, and a history up to the next.
fn of_samples(room: &str) -> String {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sabotage/samples");
    let text = std::fs::read_to_string(samples.join(room)).expect("samples");
    let mut all = String::new();
    for sample in text.split("## ").skip(1) {
        let (name, rest) = sample.split_once('\n').expect("a name");
        let (args, history) = match rest.strip_prefix("$ ") {
            Some(rest) => rest.split_once('\n').expect("arguments"),
            None => ("", rest),
        };
        let args: Vec<&str> = args.split_whitespace().collect();
        let history = format!("{}\n", history.trim_end());
        let words = printed("sample", history.as_bytes(), &args);
        let _ = writeln!(all, "## {name}\n\n{words}");
    }
    all
}

#[test]
fn samples_in_words() {
    for room in ["follow", "key_space", "leases", "logs", "refusals", "start", "watch"] {
        let name = format!("{room}.txt");
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/sabotage/words")
            .join(format!("samples_{name}"));
        expect_file![path].assert_eq(&of_samples(&name));
    }
}

#[test]
fn rows_in_words() {
    expect_file!["words/key_space.txt"].assert_eq(&of_rows(key_space::ROWS, 0));
    expect_file!["words/watch.txt"].assert_eq(&of_rows(watch::ROWS, 0));
    expect_file!["words/leases.txt"].assert_eq(&of_rows(leases::ROWS, 6));
}
