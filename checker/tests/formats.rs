//! A history in another form is the same history, and gets the same verdict.

mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use mettle_checker::history::{History, Limits, read_file};
use mettle_checker::import::{Input, read};
use mettle_checker::{Options, check};
use world::damage::damage;
use world::{Dice, Shape, legal};

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formats");
    std::fs::create_dir_all(&folder).expect("a folder for files");
    folder.join(name)
}

/// Legal ones and broken ones of every kind of operation.
fn histories() -> impl Iterator<Item = History> {
    (0..60).map(|seed| {
        let mut history =
            legal(Shape { seed, operations: 120, watchers: seed % 3, ..Shape::default() });
        if seed % 2 == 1 {
            damage(&mut history, &mut Dice::new(seed));
        }
        history
    })
}

fn key_space(path: &Path) -> History {
    match read(path, None, Limits::default()).unwrap_or_else(|error| panic!("{error}")) {
        Input::KeySpace(history) => history,
        _ => panic!("a history of etcd's"),
    }
}

#[test]
fn the_compact_form_is_the_same_history() {
    for (number, history) in histories().enumerate() {
        let path = path("compact.mtl");
        let bytes = history.write_binary_to(Vec::new()).expect("memory");
        std::fs::write(&path, bytes).expect("written");
        assert_eq!(key_space(&path), history, "history {number}");
        assert_eq!(read_file(&path, Limits::default()).expect("readable"), history);
    }
}

#[test]
fn the_command_line_writes_other_forms() {
    let history = legal(Shape { operations: 100, watchers: 1, ..Shape::default() });
    let lines = history.write_to(Vec::new()).expect("memory");
    std::fs::write(path("command.ndjson"), &lines).expect("written");
    let export = |from: &str, form: &str, to: &str| {
        let status = Command::new(env!("CARGO_BIN_EXE_mettle-check"))
            .arg(path(from))
            .args(["--export", form])
            .arg(path(to))
            .status();
        status.expect("the program starts").code().expect("no signal")
    };
    assert_eq!(export("command.ndjson", "binary", "command.mtl"), 0);
    assert_eq!(export("command.mtl", "v1", "command-back.ndjson"), 0);
    assert_eq!(std::fs::read(path("command-back.ndjson")).expect("written"), lines);
    assert!(check(&key_space(&path("command.mtl")), &Options::default()).verdict.name() == "legal");
    assert_eq!(export("command.ndjson", "paper", "x"), 4);
    assert_eq!(export("nothing-there", "v1", "x"), 4);
    assert_eq!(export("command.ndjson", "v1", "no/such/folder"), 4);
}
