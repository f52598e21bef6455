//! What a scenario file says is read.

mod plans;
mod refusals;

use crate::fault::{
    Crash, DiskFault, FailedSync, Fault, FileClass, Group, Link, ProcessFault, Target,
};
use crate::number::Number;
use crate::parse;
use crate::planted::{Bug, Plant};
use crate::settings::{FloorRule, Keep};
use crate::time::{Draw, MILLISECOND, SECOND};

/// The probes of the server that these scenarios are for.
const PROBES: [&str; 2] = ["wal batch written", "wal synced"];

const WHOLE: &str = r#"
title = "Everything at once"
why = """
It shows each key."""
seeds = [4, 5, 6]
catches = "R2"

[cluster]
members = 5
heartbeat = "50ms"
election = "500ms"
snapshot_count = 100
catch_up_entries = 10
converge_within = "20s"

[network]
base = "1ms"
jitter = "1ms..2ms"
tail = "20ms"
tail_permille = 3

[disk]
sync = "2ms"
keep = "subset"
torn_permille = 7

[traffic]
duration = "60s"
clients = 6
pace = "50ms"
keys = 3
deadline = "1s"
compact_every = "5s"
compact_ahead = true
watchers = 0
progress_every = "500ms"
evidence = false
weights = { put = 1, cas = 2 }

[[fault]]
kind = "partition"
target = { from = "leader", to = "m2" }
at = "5s..20s"
for = "3s"
every = "10s"

[[fault]]
kind = "crash_at"
target = "all"
probe = "wal batch written"
by = "power_loss"

[[fault]]
kind = "sync_error"
target = "m5"
files = "state"
sticky = true

[floor]
ok_operations = 10
"#;

#[test]
fn every_key_is_read() {
    let scenario = parse("w.toml", "test/w", WHOLE, &PROBES).unwrap();
    assert_eq!(scenario.members, Number::One(5));
    assert_eq!(scenario.seeds, [4, 5, 6]);
    assert_eq!(scenario.catches.map(Bug::name), Some("R2"));
    assert_eq!(scenario.why, "It shows each key.");
    assert_eq!(scenario.cluster.heartbeat_ms, Number::One(50));
    assert_eq!(scenario.converge_ns, 20 * SECOND);
    assert_eq!(scenario.network.latency.jitter_ns, Draw::between(MILLISECOND, 2 * MILLISECOND));
    assert_eq!(scenario.disk.unsynced.keep, Some(Keep::Subset));
    assert_eq!(scenario.traffic.weights.total(), 3);
    let [partition, crash, error] = scenario.faults.as_slice() else { panic!("three faults") };
    let link = Link { from: Group::Leader, to: Group::Member(2) };
    assert_eq!(partition.target, Target::Link(link));
    assert_eq!(partition.every, Some(Draw::exactly(10 * SECOND)));
    assert!(matches!(&crash.fault, Fault::Process(ProcessFault::CrashAt { probe, by, .. })
        if probe == "wal batch written" && *by == Crash::PowerLoss));
    let sync_error =
        DiskFault::SyncError { files: FileClass::State, sticky: true, cache: FailedSync::Kept };
    assert_eq!(error.fault, sync_error.into());
    assert_eq!(scenario.floor, FloorRule { ok_operations: Some(10), ..FloorRule::default() });
}

#[test]
fn title_why_and_cluster_are_enough() {
    let scenario = parse("s.toml", "s", "title = 'a'\nwhy = 'b'\n[cluster]\n", &PROBES).unwrap();
    assert_eq!((scenario.members, scenario.faults.len()), (Number::One(3), 0));
    assert_eq!(scenario.floor.of(2, true).faults_fired, 2);
}

#[test]
fn plants_are_written_as_they_are_read() {
    for text in ["R2", "C15@m3"] {
        assert_eq!(text.parse::<Plant>().unwrap().to_string(), text);
    }
    assert_eq!("R2@2".parse::<Plant>().unwrap().to_string(), "R2@m2");
    for text in ["R3", "R2@m0", "R2@", "@m1", ""] {
        assert!(text.parse::<Plant>().is_err(), "{text}");
    }
}
