//! The line for machines, golden.

use expect_test::expect;

use crate::fixture::{broken, passed};

#[test]
fn the_line_of_a_pass() {
    let line = serde_json::to_string(&passed().line()).unwrap();
    assert!(!line.contains('\n'));
    expect![[r#"
        {"sim":"on",
        "scenario":"faults/leader-partition",
        "seed":7,
        "verdict":"pass",
        "checker":null,
        "reason":null,
        "sim_seconds":64.25,
        "wall_seconds":0.613,
        "cpu_seconds":0.551,
        "operations":{"ok":1204,
        "fail":3,
        "unknown":17},
        "faults":[{"name":"partition",
        "armed":4,
        "fired":4,
        "effect":3},{"name":"kill",
        "armed":1,
        "fired":1,
        "effect":1}],
        "probes":{"snapshot sent":1,
        "wal torn tail cut":2},
        "leaders":5,
        "trace_hash":"3f2a9c0d5e6b71844aa0192837465bcd",
        "plan_hash":"00112233445566778899aabbccddeeff",
        "report":"target/reports/faults-leader-partition-7"}"#]]
    .assert_eq(&line.replace(",\"", ",\n\""));
}

#[test]
fn a_failure_names_checker_and_reason_on_one_line() {
    let line = serde_json::to_string(&broken().line()).unwrap();
    assert!(!line.contains('\n'));
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["verdict"], "broken");
    assert_eq!(object["checker"], "linearizable");
}

#[test]
fn the_repro_command_names_plants() {
    assert_eq!(
        broken().repro,
        "cargo sim run scenarios/faults/leader-partition.toml --seed 7 --plant C3 --plant R2@m1"
    );
}
