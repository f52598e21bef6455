//! Scenarios are read, wrong ones are refused with a complaint a person can act on, plans load back.
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use crate::fault::{Crash, Fault, FileClass, Group, Keep, Link, Target, Unsynced};
use crate::plan::*;
use crate::scenario::{FaultKind, FloorRule};
use crate::time::Draw;
use crate::{LoadError, Plan, parse};

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
    assert_eq!((scenario.members, scenario.seeds.as_slice()), (5, &[4, 5, 6][..]));
    assert_eq!(scenario.catches, Some(Bug::R2));
    assert_eq!(scenario.why, "It shows each key.");
    assert_eq!(scenario.cluster.heartbeat_ms, 50);
    assert_eq!(scenario.converge_ns, 20 * SECOND);
    assert_eq!(scenario.network.jitter, Draw::between(MILLISECOND, 2 * MILLISECOND));
    assert_eq!(scenario.disk.keep, Some(Keep::Subset));
    assert_eq!(scenario.traffic.weights.total(), 3);
    let [partition, crash, error] = scenario.faults.as_slice() else { panic!("three faults") };
    let link = Link { from: Group::Leader, to: Group::Member(2) };
    assert_eq!(partition.target, Target::Link(link));
    assert_eq!(partition.every, Some(Draw::exactly(10 * SECOND)));
    assert!(matches!(&crash.kind, FaultKind::CrashAt { probe, by: Crash::PowerLoss, .. }
        if probe == "wal batch written"));
    assert_eq!(error.kind, FaultKind::SyncError { files: FileClass::State, sticky: true });
    assert_eq!(scenario.floor, FloorRule { ok_operations: Some(10), ..FloorRule::default() });
}

#[test]
fn title_why_and_cluster_are_enough() {
    let scenario = parse("s.toml", "s", "title = 'a'\nwhy = 'b'\n[cluster]\n", &PROBES).unwrap();
    assert_eq!((scenario.members, scenario.faults.len()), (3, 0));
    assert_eq!(scenario.floor.of(2, true).faults_fired, 2);
}

fn refused(body: &str, says: Expect) {
    let text = format!("title = \"t\"\nwhy = \"w\"\n{body}");
    let error = parse("scenarios/x.toml", "x", &text, &PROBES).unwrap_err();
    says.assert_eq(&format!("{error}\n"));
}

fn refused_fault(body: &str, says: Expect) {
    refused(&format!("[cluster]\nmembers = 3\n[[fault]]\n{body}\n"), says);
}

#[test]
fn an_unknown_fault_is_refused_with_the_allowed_words() {
    refused_fault(
        "kind = \"partiton\"",
        expect![[r#"
            scenarios/x.toml:6:8: unknown fault kind `partiton`
              6 | kind = "partiton"
                |        ^^^^^^^^^^
              allowed: partition, partition_one_way, isolate, slow_link, reset, kill, power_loss, pause, crash_at, sync_error
              remedy: did you mean `partition`?
        "#]],
    );
    refused_fault(
        "kind = \"meteor\"",
        expect![[r#"
            scenarios/x.toml:6:8: unknown fault kind `meteor`
              6 | kind = "meteor"
                |        ^^^^^^^^
              allowed: partition, partition_one_way, isolate, slow_link, reset, kill, power_loss, pause, crash_at, sync_error
              remedy: write one of the allowed words
        "#]],
    );
    refused_fault(
        "target = \"m1\"",
        expect![[r#"
            scenarios/x.toml:5:1: `kind` is missing in [[fault]]
              5 | [[fault]]
                | ^^^^^^^^^
              allowed: partition, partition_one_way, isolate, slow_link, reset, kill, power_loss, pause, crash_at, sync_error
              remedy: add `kind = "…"` with one of the allowed words
        "#]],
    );
}

#[test]
fn an_unknown_probe_is_refused_with_the_allowed_words() {
    refused_fault(
        "kind = \"crash_at\"\nprobe = \"wal sinced\"",
        expect![[r#"
        scenarios/x.toml:7:9: unknown probe `wal sinced`
          7 | probe = "wal sinced"
            |         ^^^^^^^^^^^^
          allowed: wal batch written, wal synced
          remedy: did you mean `wal synced`?
    "#]],
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_allowed_words() {
    refused(
        "[cluster]\nmember = 3",
        expect![[r#"
            scenarios/x.toml:4:1: unknown key `member` in [cluster]
              4 | member = 3
                | ^^^^^^
              allowed: members, heartbeat, election, snapshot_count, catch_up_entries, converge_within
              remedy: did you mean `members`?
        "#]],
    );
    refused_fault(
        "kind = \"kill\"\nprobe = \"x\"",
        expect![[r#"
            scenarios/x.toml:7:1: unknown key `probe` in [[fault]]
              7 | probe = "x"
                | ^^^^^
              allowed: kind, target, at, for, every
              remedy: remove it
        "#]],
    );
    refused_fault(
        "kind = \"reset\"\nfor = \"1s\"",
        expect![[r#"
            scenarios/x.toml:7:1: unknown key `for` in [[fault]]
              7 | for = "1s"
                | ^^^
              allowed: kind, target, at, every
              remedy: remove it
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nweights = { puts = 3 }",
        expect![[r#"
            scenarios/x.toml:5:13: unknown key `puts` in [traffic.weights]
              5 | weights = { puts = 3 }
                |             ^^^^
              allowed: put, get, range, history, serializable, delete, delete_range, txn, cas
              remedy: did you mean `put`?
        "#]],
    );
}

#[test]
fn wrong_types_and_negative_numbers_are_refused() {
    refused(
        "[cluster]\nmembers = \"three\"",
        expect![[r#"
            scenarios/x.toml:4:11: `members` is a string, not a whole number
              4 | members = "three"
                |           ^^^^^^^
              remedy: write a whole number
        "#]],
    );
    refused(
        "[cluster]\nmembers = -3",
        expect![[r#"
            scenarios/x.toml:4:11: `members` is negative
              4 | members = -3
                |           ^^
              remedy: write a number from 1 to 5
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nclients = 0",
        expect![[r#"
            scenarios/x.toml:5:11: `clients` is out of range
              5 | clients = 0
                |           ^
              remedy: write a number from 1 to 200
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nduration = 60",
        expect![[r#"
            scenarios/x.toml:5:12: `duration` is a number, not a time such as "10s" or "5s..20s"
              5 | duration = 60
                |            ^^
              remedy: write a time such as "10s" or "5s..20s"
        "#]],
    );
    refused(
        "seeds = [1, 2]\n[cluster]",
        expect![[r#"
            scenarios/x.toml:3:9: `seeds` holds 2 numbers
              3 | seeds = [1, 2]
                |         ^^^^^^
              remedy: write three, such as `seeds = [1, 2, 3]`
        "#]],
    );
    refused(
        "fault = 7\n[cluster]",
        expect![[r#"
            scenarios/x.toml:3:9: `fault` is a number, not tables: [[fault]]
              3 | fault = 7
                |         ^
              remedy: write tables: [[fault]]
        "#]],
    );
}

#[test]
fn targets_that_are_not_there_are_refused() {
    refused_fault(
        "kind = \"kill\"\ntarget = \"m4\"",
        expect![[r#"
            scenarios/x.toml:7:10: target names m4, and the cluster has 3 members
              7 | target = "m4"
                |          ^^^^
              remedy: write m1 to m3, or raise `members` in [cluster]
        "#]],
    );
    refused_fault(
        "kind = \"kill\"\ntarget = \"laeder\"",
        expect![[r#"
            scenarios/x.toml:7:10: unknown target `laeder`
              7 | target = "laeder"
                |          ^^^^^^^^
              allowed: m1, m2, m3, m4, m5, leader, follower, any, minority, majority, all
              remedy: did you mean `leader`?
        "#]],
    );
    refused_fault(
        "kind = \"kill\"\ntarget = { from = \"m1\", to = \"m2\" }",
        expect![[r#"
            scenarios/x.toml:7:10: this fault strikes members, not a link
              7 | target = { from = "m1", to = "m2" }
                |          ^^^^^^^^^^^^^^^^^^^^^^^^^^
              remedy: write one group, such as `target = "leader"`
        "#]],
    );
    refused_fault(
        "kind = \"partition\"\ntarget = { from = \"m1\" }",
        expect![[r#"
            scenarios/x.toml:7:10: `to` is missing in the link
              7 | target = { from = "m1" }
                |          ^^^^^^^^^^^^^^^
              remedy: write `target = { from = "leader", to = "follower" }`
        "#]],
    );
    refused_fault(
        "kind = \"partition\"\ntarget = { from = \"all\", to = \"all\" }",
        expect![[r#"
            scenarios/x.toml:7:10: nobody is left to hear when all speak to all
              7 | target = { from = "all", to = "all" }
                |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              remedy: name a part of the cluster at one end, or use `isolate`
        "#]],
    );
    refused_fault(
        "kind = \"partition\"\ntarget = \"all\"",
        expect![[r#"
            scenarios/x.toml:7:10: nobody is left on the other side of `all`
              7 | target = "all"
                |          ^^^^^
              remedy: aim at a part of the cluster, or use `isolate`
        "#]],
    );
    refused(
        "[cluster]\nmembers = 1\n[[fault]]\nkind = \"isolate\"",
        expect![[r#"
            scenarios/x.toml:6:8: this fault acts between members, and there is only one
              6 | kind = "isolate"
                |        ^^^^^^^^^
              remedy: raise `members` in [cluster]
        "#]],
    );
}

#[test]
fn times_that_make_no_sense_are_refused() {
    refused_fault(
        "kind = \"kill\"\nat = \"20s..5s\"",
        expect![[r#"
            scenarios/x.toml:7:6: `at`: range runs backwards: 20s is later than 5s
              7 | at = "20s..5s"
                |      ^^^^^^^^^
              remedy: write a time such as "10s", "250ms" or "5s..20s" (m, s, ms, us, ns)
        "#]],
    );
    refused_fault(
        "kind = \"kill\"\nat = \"-5s\"",
        expect![[r#"
            scenarios/x.toml:7:6: `at`: negative time `-5s`
              7 | at = "-5s"
                |      ^^^^^
              remedy: write a time such as "10s", "250ms" or "5s..20s" (m, s, ms, us, ns)
        "#]],
    );
    refused_fault(
        "kind = \"kill\"\nat = \"2m\"",
        expect![[r#"
            scenarios/x.toml:7:6: the fault may begin at 2m, and the traffic lasts 30s
              7 | at = "2m"
                |      ^^^^
              remedy: begin earlier, or raise `duration` in [traffic]
        "#]],
    );
    refused_fault(
        "kind = \"pause\"\nfor = \"5s..10s\"\nevery = \"8s\"",
        expect![[r#"
            scenarios/x.toml:8:9: repeated every 8s, the fault would begin again before it has ended (it lasts 5s..10s)
              8 | every = "8s"
                |         ^^^^
              remedy: raise `every` above the longest `for`
        "#]],
    );
    refused_fault(
        "kind = \"reset\"\nevery = \"1us\"",
        expect![[r#"
            scenarios/x.toml:7:9: `every` = 1us repeats the fault too often
              7 | every = "1us"
                |         ^^^^^
              remedy: repeat it less than 1000 times
        "#]],
    );
    refused(
        "[cluster]\nelection = \"200ms\"",
        expect![[r#"
            scenarios/x.toml:4:12: `election` (200 ms) is shorter than five times `heartbeat` (100 ms)
              4 | election = "200ms"
                |            ^^^^^^^
              remedy: raise `election` or lower `heartbeat`; mettled refuses this as well
        "#]],
    );
}

#[test]
fn what_must_be_there_is_asked_for() {
    refused(
        "",
        expect![[r#"
            scenarios/x.toml:1:1: `[cluster]` is missing
              1 | title = "t"
                | ^
              remedy: add `[cluster]` with `members = 3`
        "#]],
    );
    let error = parse("x.toml", "x", "title = \"t\"\n[cluster]\n", &PROBES).unwrap_err();
    expect![[r#"
        x.toml:1:1: `why` is missing in the scenario
          1 | title = "t"
            | ^
          remedy: add `why = "…"`
    "#]]
    .assert_eq(&format!("{error}\n"));
    let error = parse("x.toml", "x", "title = \"t\nwhy", &PROBES).unwrap_err();
    expect![[r#"
        x.toml:2:4: key with no value, expected `=`
          2 | why
            |    ^
          remedy: correct the TOML at this place
    "#]]
    .assert_eq(&format!("{error}\n"));
    let error = crate::load(std::path::Path::new("scenarios/not/there.toml"), &PROBES).unwrap_err();
    assert!(matches!(error, LoadError::Unreadable { .. }), "{error}");
}

fn latency() -> impl Strategy<Value = Latency> {
    (any::<u64>(), any::<u64>(), 0..=1000u32, any::<u64>()).prop_map(
        |(base_ns, jitter_ns, tail_permille, tail_ns)| Latency {
            base_ns,
            jitter_ns,
            tail_permille,
            tail_ns,
        },
    )
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let keep =
        prop_oneof![Just(Keep::None), Just(Keep::All), Just(Keep::Prefix), Just(Keep::Subset)];
    prop_oneof![
        Just(Fault::Partition),
        Just(Fault::PartitionOneWay),
        Just(Fault::Isolate),
        latency().prop_map(|latency| Fault::SlowLink { latency }),
        Just(Fault::Reset),
        Just(Fault::Kill),
        (keep, 0..=1000u32).prop_map(|(keep, torn_permille)| Fault::PowerLoss {
            unsynced: Unsynced { keep, torn_permille }
        }),
        Just(Fault::Pause),
        (".*", any::<u64>()).prop_map(|(probe, down_ns)| Fault::CrashAt {
            probe,
            by: Crash::PowerLoss,
            down_ns
        }),
        any::<bool>().prop_map(|sticky| Fault::SyncError { files: FileClass::Any, sticky }),
    ]
}

fn group() -> impl Strategy<Value = Group> {
    prop_oneof![
        (1..=3u32).prop_map(Group::Member),
        Just(Group::Leader),
        Just(Group::Follower),
        Just(Group::Any),
        Just(Group::Minority),
        Just(Group::Majority),
        Just(Group::All),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        group().prop_map(Target::Group),
        (group(), group()).prop_map(|(from, to)| Target::Link(Link { from, to })),
    ]
}

prop_compose! {
    fn planned()(id in any::<u32>(), fault in any_fault(), target in target(),
        at_ns in any::<u64>(), duration_ns in any::<u64>()) -> PlannedFault {
        PlannedFault { id, fault, target, at_ns, duration_ns }
    }
}

fn plan(seed: u64, network: Latency, faults: Vec<PlannedFault>) -> Plan {
    let unsynced = Unsynced { keep: Keep::Prefix, torn_permille: 5 };
    Plan {
        version: VERSION,
        scenario: "faults/x".to_owned(),
        title: "a \"title\"".to_owned(),
        seed,
        members: 3,
        duration_ns: 60 * SECOND,
        converge_ns: SECOND,
        plants: vec![Plant { bug: Bug::R10, member: Some(3) }, "C1".parse().unwrap()],
        cluster: ClusterSettings::default(),
        network: NetworkSettings { latency: network },
        disk: DiskSettings { read: network, write: network, sync: network, unsynced },
        traffic: Traffic {
            clients: 4,
            pace_ns: 1,
            keys: 2,
            weights: OpWeights::default(),
            deadline_ns: 3,
            compact_every_ns: 0,
            compact_ahead: false,
            watchers: 1,
            progress_every_ns: 0,
            evidence: true,
        },
        faults,
        floor: Floor { ok_operations: 1, faults_fired: 2, watch_events: 3 },
    }
}

proptest! {
    #[test]
    fn a_plan_loads_back_from_its_printed_form(
        seed in any::<u64>(), network in latency(),
        faults in proptest::collection::vec(planned(), 0..8),
    ) {
        let plan = plan(seed, network, faults);
        let probes: Vec<&str> = plan.faults.iter().filter_map(|planned| match &planned.fault {
            Fault::CrashAt { probe, .. } => Some(probe.as_str()),
            _ => None,
        }).collect();
        prop_assert_eq!(&Plan::parse("p", &plan.print(), &probes).unwrap(), &plan);
        // Whatever the name, and wherever it stands: refused, and not by a panic.
        prop_assert_eq!(Plan::parse("p", &plan.print(), &[]).is_err(), !probes.is_empty());
    }
}

#[test]
fn plans_that_cannot_be_run_are_refused() {
    let latency = Latency { base_ns: 1, jitter_ns: 2, tail_permille: 3, tail_ns: 4 };
    let good = plan(7, latency, Vec::new()).print();
    let says = |text: &str| Plan::parse("plan.json", text, &[]).unwrap_err().to_string();
    expect![[r#"
        plan.json:1:1: a plan of version 9; this is 1
          remedy: run it with the simulator that wrote it
        plan.json:1:1: m4 is named, and the cluster has 3 members
          remedy: name a member that is there
        plan.json:6:11: unknown field `membres`, expected one of `version`, `scenario`, `title`, `seed`, `members`, `duration_ns`, `converge_ns`, `plants`, `cluster`, `network`, `disk`, `traffic`, `faults`, `floor`
          remedy: take `plan.json` of a report folder as it was written
        plan.json:43:22: EOF while parsing a value
          remedy: take `plan.json` of a report folder as it was written
    "#]]
    .assert_eq(&format!(
        "{}\n{}\n{}\n{}\n",
        says(&good.replace("\"version\": 1", "\"version\": 9")),
        says(&good.replace("\"member\": 3", "\"member\": 4")),
        says(&good.replace("\"members\": 3", "\"membres\": 3")),
        says(&good[..good.len() / 2]),
    ));
}

#[test]
fn a_plan_with_an_unknown_probe_is_refused_with_the_allowed_words() {
    let latency = Latency { base_ns: 1, jitter_ns: 2, tail_permille: 3, tail_ns: 4 };
    let crash = |id, probe: &str| PlannedFault {
        id,
        fault: Fault::CrashAt { probe: probe.to_owned(), by: Crash::Kill, down_ns: 1 },
        target: Target::Group(Group::All),
        at_ns: 5,
        duration_ns: 6,
    };
    let faults = vec![crash(1, "wal synced"), crash(2, "wal sinced"), crash(3, "meteor")];
    let text = plan(7, latency, faults).print();
    let says = |text: &str| Plan::parse("kept.json", text, &PROBES).unwrap_err().to_string();
    expect![[r#"
        kept.json:96:18: unknown probe `wal sinced`
          96 |         "probe": "wal sinced",
             |                  ^^^^^^^^^^^^
          allowed: wal batch written, wal synced
          remedy: did you mean `wal synced`?
        kept.json:108:18: unknown probe `meteor`
          108 |         "probe": "meteor",
              |                  ^^^^^^^^
          allowed: wal batch written, wal synced
          remedy: write one of the allowed words, or run it with the build that wrote it
    "#]]
    .assert_eq(&format!("{}\n{}\n", says(&text), says(&text.replace("wal sinced", "wal synced"))));
    // The word is also the title: what is shown is the fault's.
    let titled = text.replace("a \\\"title\\\"", "wal sinced");
    assert_eq!(says(&titled), says(&text));
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
