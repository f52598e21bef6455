//! A sweep goes on where its file ends, and only its own file.

use super::*;
use crate::command::sweep::ended::Judged;

fn head(to: u64) -> Head {
    let scenarios = BTreeMap::from([("test/x".to_owned(), "0".to_owned())]);
    let (version, build) = (VERSION, "b".to_owned());
    Head { version, build, scenarios, from: 0, to, shard: Shard::WHOLE, same_permille: 0 }
}

fn ended(seed: u64) -> Ended {
    Ended {
        scenario: "test/x".to_owned(),
        seed,
        judged: Judged::Error("stuck".to_owned()),
        cpu_seconds: 0.1,
        peak_mb: 1.5,
        repeated: false,
        report: None,
        repro: "cargo sim run x".to_owned(),
    }
}

fn file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mettle-kept-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn a_sweep_goes_on_where_its_file_ends() {
    let path = file("resumed");
    let (mut keeper, done) = Keeper::open(&path, &head(5)).unwrap();
    assert!(done.is_empty());
    keeper.keep(&ended(1)).unwrap();
    keeper.keep(&ended(2)).unwrap();
    drop(keeper);
    // The process died in the middle of a line.
    let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
    torn.write_all(b"{\"scenario\":\"test/x\",\"se").unwrap();
    let (mut keeper, done) = Keeper::open(&path, &head(5)).unwrap();
    assert_eq!(done, [ended(1), ended(2)]);
    keeper.keep(&ended(3)).unwrap();
    let kept = read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(kept.ended, [ended(1), ended(2), ended(3)]);
    assert_eq!(kept.head.runs(), 5);
}

#[test]
fn the_file_of_another_sweep_is_refused() {
    let path = file("other");
    drop(Keeper::open(&path, &head(5)).unwrap());
    let refused = Keeper::open(&path, &head(6)).unwrap_err().to_string();
    assert!(refused.contains("keeps another sweep"), "{refused}");
    std::fs::write(&path, "{}\n").unwrap();
    let refused = Keeper::open(&path, &head(5)).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(refused.contains(":1: not a line of a sweep"), "{refused}");
}

#[test]
fn shares_of_one_sweep_belong_together_whoever_built_them() {
    let share = |number| Head { shard: Shard { number, of: 2 }, ..head(5) };
    let elsewhere = Head { build: "other".to_owned(), ..share(2) };
    assert!(elsewhere.is_shard_of(&share(1)));
    assert!(!head(5).is_shard_of(&share(1)));
    assert!(!Head { to: 6, ..share(2) }.is_shard_of(&share(1)));
}
