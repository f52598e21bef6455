//! A history in another form is the same history, and gets the same verdict.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::damage::damage;
use crate::world::{Dice, Shape, legal};
use mettle_check::export;
use mettle_check::import::{Input, read};
use mettle_checker::history::{
    Blob, DeleteRangeRequest, Header, History, LeaseGrantRequest, LeaseGrantResponse, LeaseRequest,
    LeaseRevokeResponse, Limits, Op, PutRequest, PutResponse, Record, Request, Response, read_file,
};
use mettle_checker::{Options, Verdict, check};

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
fn compact_form_keeps_history_and_verdict() {
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
    let history = legal(Shape { operations: 100, watchers: 1, simple: true, ..Shape::default() });
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
    let _ = std::fs::remove_dir_all(path("command-report"));
    assert_eq!(export("command.ndjson", "etcd", "command-report"), 0);
    assert_eq!(
        check(&key_space(&path("command-report")), &Options::default()).verdict.name(),
        "legal"
    );
    assert_eq!(export("command.ndjson", "etcd", "command-report"), 4, "the folder is not empty");
    assert_eq!(export("command.ndjson", "paper", "x"), 4);
    assert_eq!(export("nothing-there", "v1", "x"), 4);
    assert_eq!(export("command.ndjson", "v1", "no/such/folder"), 4);
}

fn simple(seed: u64) -> History {
    let unknown_per_mille = 30 * (seed % 3);
    legal(Shape {
        seed,
        operations: 150,
        watchers: seed % 3,
        simple: true,
        unknown_per_mille,
        ..Shape::default()
    })
}

/// Written as a report of etcd's, and read from it.
fn through_etcd(history: &History, name: &str) -> (History, export::LeftOut) {
    let folder = path(name);
    let _ = std::fs::remove_dir_all(&folder);
    let left = export::etcd(history, &folder).unwrap_or_else(|error| panic!("{error}"));
    (key_space(&folder), left)
}

#[test]
fn legal_histories_stay_legal_as_etcd_reports() {
    for seed in 0..60 {
        let history = simple(seed);
        let (back, _) = through_etcd(&history, "legal-report");
        let report = check(&back, &Options::default());
        assert_eq!(report.verdict, Verdict::Legal, "seed {seed}");
        let count = |history: &History, op: Op| {
            history.records.iter().filter(|record| record.request.op() == op).count()
        };
        let writes = count(&history, Op::Put) + count(&history, Op::DeleteRange);
        assert_eq!(count(&back, Op::Txn), writes, "seed {seed}");
        assert!(report.figures.watchers > 0 || seed % 3 == 0);
    }
}

#[test]
fn legal_lease_histories_stay_legal_as_etcd_reports() {
    let mut written = 0;
    for seed in 0..60 {
        let shape = Shape { seed, operations: 30, simple: true, leases: 3, ..Shape::default() };
        let history = legal(shape);
        let folder = path("lease-report");
        let _ = std::fs::remove_dir_all(&folder);
        if let Err(error) = export::etcd(&history, &folder) {
            assert!(error.to_string().contains("expired"), "{error}");
            continue;
        }
        let report = check(&key_space(&folder), &Options::default());
        assert_eq!(report.verdict, Verdict::Legal, "seed {seed}");
        let granted = |record: &Record| record.request.op() == Op::LeaseGrant;
        written += u64::from(history.records.iter().any(granted));
    }
    assert!(written > 5, "{written} with a lease");
}

/// With everything that histories hold: what a report cannot say is refused or left out.
#[test]
fn etcd_report_refuses_or_leaves_out_what_it_cannot_carry() {
    let (mut refused, mut left_out) = (0, 0);
    for seed in 0..60 {
        let operations = if seed < 20 { 60 } else { 4 };
        let history = legal(Shape { seed, operations, watchers: 2, ..Shape::default() });
        let folder = path("whole-report");
        let _ = std::fs::remove_dir_all(&folder);
        match export::etcd(&history, &folder) {
            Err(error) => {
                assert!(error.to_string().contains("cannot carry"), "{error}");
                refused += 1;
            }
            Ok(left) => {
                let report = check(&key_space(&folder), &Options::default());
                assert_eq!(report.verdict, Verdict::Legal, "seed {seed}");
                left_out += usize::from(!left.is_empty());
            }
        }
    }
    assert!(refused > 0 && left_out > 0, "{refused} refused, {left_out} left out");
}

/// Breaks one thing that a report carries.
fn break_it(history: &mut History, what: u64) -> bool {
    let answers = history.records.iter_mut().filter_map(|record| record.response.as_mut());
    for answer in answers {
        match (what, answer) {
            (0, Response::Range(range)) if !range.kvs.is_empty() => range.count += 1,
            (1, Response::Range(range)) if !range.kvs.is_empty() => {
                range.kvs[0].value = Blob::from("never written");
            }
            (2, Response::Range(range)) if !range.kvs.is_empty() => range.kvs[0].version += 1,
            (3, Response::Put(PutResponse { header: Some(header), .. })) if header.revision > 9 => {
                header.revision -= 3;
            }
            (4, Response::DeleteRange(delete)) if delete.deleted == 0 => delete.deleted = 1,
            (5, Response::Watch(watch)) if watch.events.len() > 1 => watch.events.truncate(1),
            (6, Response::Watch(watch)) if !watch.events.is_empty() => {
                watch.events[0].kv.value = Blob::from("never written");
            }
            _ => continue,
        }
        return true;
    }
    false
}

#[test]
fn broken_histories_stay_broken_as_etcd_reports() {
    for what in 0..7 {
        let mut broken = 0;
        for seed in 0..20 {
            let mut history = simple(3 * seed + 1 + seed % 2);
            if !break_it(&mut history, what) {
                continue;
            }
            let expected = check(&history, &Options::default()).verdict;
            let (back, _) = through_etcd(&history, "broken-report");
            let found = check(&back, &Options::default()).verdict;
            assert_eq!(found.name(), expected.name(), "{what}, {seed}: {expected:?}, {found:?}");
            broken += u64::from(expected.name() == "broken");
        }
        assert!(broken > 5, "kind {what}: {broken}");
    }
}

#[test]
fn etcd_reports_compare_long_values_by_hash() {
    let put = |id: u64, value: &[u8]| {
        let put = PutRequest { key: Blob::from("a"), value: value.into(), ..Default::default() };
        Record::called(id, id, 1, id, Request::Put(put))
    };
    let records = vec![put(1, b"12345678901234567890"), put(2, b"\xff\xfe"), put(3, b"short")];
    let history = History { records, ..History::default() };
    through_etcd(&history, "values");
    let mut written = String::new();
    for client in 2..5 {
        let file = path("values").join(format!("client-{client}/operations.json"));
        written += &std::fs::read_to_string(file).expect("written");
    }
    // FNV-1a of 32 bits, computed elsewhere.
    let values = [
        r#"{"Value":"","Hash":686313437}"#,
        r#"{"Value":"","Hash":3491674896}"#,
        r#"{"Value":"short","Hash":0}"#,
    ];
    for value in values {
        assert!(written.contains(value), "{value}: {written}");
    }
    assert!(path("values").is_dir());
    assert!(export::etcd(&history, &path("values")).is_err(), "the folder is not empty");
}

#[test]
fn export_names_the_record_it_cannot_carry() {
    let delete = DeleteRangeRequest {
        key: Blob::from("a"),
        range_end: Blob::from("b"),
        ..DeleteRangeRequest::default()
    };
    let record = Record::called(77, 1, 1, 1, Request::DeleteRange(delete));
    let history = History { records: vec![record], ..History::default() };
    let error = export::etcd(&history, &path("never")).expect_err("refused").to_string();
    assert!(error.contains("record 77 (delete") && error.contains("more than one key"), "{error}");
}

#[test]
fn etcd_report_carries_leases_until_one_can_have_expired() {
    let header = Some(Header { revision: 1, ..Header::default() });
    let grant = |ttl: i64| {
        let asked = Request::LeaseGrant(LeaseGrantRequest { id: 0, ttl });
        let answer = LeaseGrantResponse { header, id: 77, ttl };
        Record::called(1, 1, 1, 1, asked).ok(5, Response::LeaseGrant(answer))
    };
    let revoke = Request::LeaseRevoke(LeaseRequest { id: 77 });
    let answer = Response::LeaseRevoke(LeaseRevokeResponse { header });
    let revoke = Record::called(2, 1, 1, 4_000_000_000, revoke).ok(4_000_000_001, answer);
    let export = |ttl: i64, name: &str| {
        let history = History { records: vec![grant(ttl), revoke.clone()], ..History::default() };
        let _ = std::fs::remove_dir_all(path(name));
        export::etcd(&history, &path(name))
    };
    assert!(export(9, "leases").expect("written").is_empty());
    let file = path("leases").join("client-2/operations.json");
    let written = std::fs::read_to_string(file).expect("written");
    for part in [
        r#""Type":"leaseGrant","LeaseGrant":{"LeaseID":77}"#,
        r#""Type":"leaseRevoke","LeaseGrant":null,"LeaseRevoke":{"LeaseID":77}"#,
    ] {
        assert!(written.contains(part), "{part}: {written}");
    }
    let error = export(3, "expired").expect_err("refused").to_string();
    assert!(error.contains("record 1 (") && error.contains("may have expired"), "{error}");
}

#[test]
fn recorded_etcd_reports_survive_a_round_trip() {
    let shared =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/histories/etcd-robustness");
    let Ok(reports) = std::fs::read_dir(&shared) else {
        eprintln!("skipped: {} is not there", shared.display());
        return;
    };
    for report in reports {
        let history = key_space(&report.expect("an entry").path());
        let expected = check(&history, &Options::default());
        assert_eq!(expected.verdict, Verdict::Legal);
        let file = path("recorded.ndjson");
        let out = std::fs::File::create(&file).expect("a file");
        history.write_to(out).expect("written");
        let (back, left) = through_etcd(&key_space(&file), "recorded-report");
        assert!(left.is_empty(), "{left}");
        assert_eq!(back.records.len(), history.records.len());
        let found = check(&back, &Options::default());
        assert_eq!(
            (found.verdict, found.figures.placed),
            (Verdict::Legal, expected.figures.placed)
        );
    }
}
