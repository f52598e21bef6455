//! Plans load back, outlive new settings, and are refused when they cannot be run.
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::expect;
use proptest::option::of;
use proptest::prelude::*;

use super::PROBES;
use crate::Plan;
use crate::fault::{
    Crash, DiskFault, Fault, FileClass, Group, ImageFault, Kind, Link, NetworkFault, ProcessFault,
    Reset, Start, Target, Trigger, all, words,
};
use crate::plan::{PlannedFault, VERSION};
use crate::reader::Keys;
use crate::settings::{
    ClusterSettings, DiskSettings, Floor, Keep, Latency, LimitSettings, NetworkSettings, OpWeights,
    Random, ServiceSettings, TornFiles, Traffic, Unsynced,
};
use crate::time::SECOND;

/// A plan as it is kept; it has three crashes at a probe.
const KEPT: &str = include_str!("kept.json");

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

fn crash_at(probe: &str, down_ns: u64) -> Fault {
    ProcessFault::CrashAt { probe: probe.to_owned(), by: Crash::PowerLoss, down_ns }.into()
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let keep =
        prop_oneof![Just(Keep::None), Just(Keep::All), Just(Keep::Prefix), Just(Keep::Subset)];
    prop_oneof![
        Just(NetworkFault::Partition.into()),
        Just(NetworkFault::PartitionOneWay.into()),
        Just(NetworkFault::Isolate.into()),
        latency().prop_map(|latency| NetworkFault::SlowLink { latency }.into()),
        Just(NetworkFault::Reset { how: Reset::Silent }.into()),
        Just(ProcessFault::Kill.into()),
        (keep, 0..=1000u32, prop_oneof![Just(512), Just(4096)]).prop_map(
            |(keep, torn_permille, sector_bytes)| {
                let torn_files = TornFiles::Any;
                let unsynced = Unsynced { keep, torn_permille, sector_bytes, torn_files };
                ProcessFault::PowerLoss { unsynced }.into()
            }
        ),
        Just(ProcessFault::Pause.into()),
        (".*", any::<u64>()).prop_map(|(probe, down_ns)| crash_at(&probe, down_ns)),
        any::<bool>()
            .prop_map(|sticky| DiskFault::ReadError { files: FileClass::Any, sticky }.into()),
        any::<u64>().prop_map(|age_ns| ImageFault::Rollback { age_ns }.into()),
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
        Just(Group::Some),
        Just(Group::All),
        Just(Group::Struck),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        group().prop_map(Target::Group),
        (group(), group()).prop_map(|(from, to)| Target::Link(Link { from, to })),
        (group(), group()).prop_map(|(first, second)| Target::Both([first, second])),
    ]
}

prop_compose! {
    fn start()(follows in of(any::<u32>()), after in of(trigger()), delay_ns in any::<u64>(),
        until_ns in any::<u64>()) -> Start {
        Start { follows, after, delay_ns, until_ns }
    }
}

fn trigger() -> impl Strategy<Value = Trigger> {
    prop_oneof![
        Just(Trigger::LeaderElected),
        ".*".prop_map(Trigger::Probe),
        any::<u64>().prop_map(Trigger::Revision),
        ".+".prop_map(Trigger::Fault),
    ]
}

prop_compose! {
    fn planned()(id in any::<u32>(), fault in any_fault(), target in target(),
        at_ns in any::<u64>(), duration_ns in any::<u64>(), name in of("[a-z]{1,3}"),
        start in of(start())) -> PlannedFault {
        PlannedFault { id, fault, target, at_ns, duration_ns, name, start }
    }
}

fn plan(seed: u64, network: Latency, faults: Vec<PlannedFault>) -> Plan {
    let (keep, torn_files) = (Keep::Prefix, TornFiles::Wal);
    let unsynced = Unsynced { keep, torn_permille: 5, sector_bytes: 512, torn_files };
    Plan {
        version: VERSION,
        scenario: "faults/x".to_owned(),
        title: "a \"title\"".to_owned(),
        seed,
        members: 3,
        duration_ns: 60 * SECOND,
        converge_ns: SECOND,
        unrestricted: true,
        plants: ["R10@m3", "C1"].map(|plant| plant.parse().unwrap()).into(),
        cluster: ClusterSettings::default(),
        limits: LimitSettings { turn_events: 9, ..LimitSettings::default() },
        network: NetworkSettings { latency: network, segment_bytes: 1, tail_lost_permille: 0 },
        disk: DiskSettings {
            read: network,
            write: network,
            sync: network,
            mib_ns: 1,
            record_ns: 2,
            unsynced,
        },
        traffic: Traffic { pace_ns: 1, keys: 2, progress_every_ns: 0, ..Traffic::default() },
        faults,
        service: ServiceSettings::default(),
        floor: Floor {
            ok_operations: 1,
            faults_fired: 2,
            watch_events: 3,
            traffic: [("starts_skipped".to_owned(), 4)].into(),
            not_examined: vec!["lease".to_owned()],
        },
    }
}

proptest! {
    #[test]
    fn a_plan_loads_back_from_its_printed_form(
        seed in any::<u64>(), network in latency(),
        faults in proptest::collection::vec(planned(), 0..8),
    ) {
        let plan = plan(seed, network, faults);
        let probes: Vec<&str> =
            plan.faults.iter().flat_map(PlannedFault::probes).map(|(probe, ..)| probe).collect();
        prop_assert_eq!(&Plan::parse("p", &plan.print(), &probes).unwrap(), &plan);
        // Whatever the name, and wherever it stands: refused, and not by a panic.
        prop_assert_eq!(Plan::parse("p", &plan.print(), &[]).is_err(), !probes.is_empty());
    }
}

#[test]
fn a_kept_plan_is_read() {
    let plan = Plan::parse("kept.json", KEPT, &PROBES).unwrap();
    let printed = plan.print();
    for line in KEPT.lines() {
        assert!(printed.contains(line.trim_end_matches(',')), "{line}");
    }
}

#[test]
fn plans_that_cannot_be_run_are_refused() {
    let good = KEPT;
    let says = |text: &str| Plan::parse("plan.json", text, &[]).unwrap_err().to_string();
    expect![[r#"
        plan.json:1:1: a plan of version 9; this is 1
          remedy: run it with the simulator that wrote it
        plan.json:1:1: m4 is named, and the cluster has 3 members
          remedy: name a member that is there
        plan.json:6:11: unknown field `membres`, expected one of `version`, `scenario`, `title`, `seed`, `members`, `duration_ns`, `converge_ns`, `unrestricted`, `plants`, `cluster`, `limits`, `network`, `disk`, `traffic`, `faults`, `service`, `floor`
          remedy: take `plan.json` of a report folder as it was written
        plan.json:65:5: EOF while parsing an object
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
    let text =
        KEPT.replacen("wal batch written", "wal sinced", 1).replace("wal batch written", "meteor");
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

/// Draws the middle of each range.
struct Middle;

impl Random for Middle {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + (high - low) / 2
    }
}

/// Each fault with its usual parameters, drawn.
fn usual_faults() -> impl Iterator<Item = (&'static Kind, Fault)> {
    all().map(|(_, kind)| (kind, Keys::usual(kind.read).draw(&mut Middle)))
}

#[test]
fn every_fault_is_written_under_its_word_and_loads_back() {
    for (kind, fault) in usual_faults() {
        assert_eq!(fault.word(), kind.word);
        let json = serde_json::to_value(&fault).unwrap();
        assert_eq!(json["kind"], kind.word);
        assert_eq!(serde_json::from_value::<Fault>(json).unwrap(), fault);
    }
}

#[test]
fn the_page_of_faults_is_what_the_table_says() {
    expect_test::expect_file!["../../FAULTS.md"].assert_eq(&crate::fault::page());
    for (_, kind) in all() {
        assert!(!kind.about.is_empty() && !kind.effect.is_empty(), "{}", kind.word);
    }
}

#[test]
fn a_fault_without_parameters_takes_no_other_key() {
    for (kind, fault) in usual_faults() {
        let mut json = serde_json::to_value(&fault).unwrap();
        json["nonsense"] = 1.into();
        let error = serde_json::from_value::<Fault>(json).unwrap_err().to_string();
        assert!(error.contains("unknown field `nonsense`"), "{}: {error}", kind.word);
    }
}

#[test]
fn no_two_faults_have_one_word() {
    let all = words();
    for (at, word) in all.iter().enumerate() {
        assert!(!all[..at].contains(word), "{word}");
    }
}

#[test]
fn faults_of_kept_plans_are_written_as_ever() {
    // A change of one of these lines needs a new version of the format.
    let kept = [
        r#"{"kind":"partition"}"#,
        r#"{"kind":"partition_one_way"}"#,
        r#"{"kind":"isolate"}"#,
        r#"{"kind":"slow_link","latency":{"base_ns":225000000,"jitter_ns":105000000,"tail_permille":20,"tail_ns":1250000000}}"#,
        r#"{"kind":"reset"}"#,
        r#"{"kind":"kill"}"#,
        r#"{"kind":"power_loss","unsynced":{"keep":"all","torn_permille":50}}"#,
        r#"{"kind":"pause"}"#,
        r#"{"kind":"crash_at","probe":"","by":"kill","down_ns":1750000000}"#,
        r#"{"kind":"sync_error","files":"wal","sticky":false}"#,
    ];
    let written: Vec<String> =
        usual_faults().map(|(_, fault)| serde_json::to_string(&fault).unwrap()).collect();
    for kept in kept {
        assert!(written.iter().any(|written| written == kept), "{kept}");
    }
}

#[test]
fn a_plan_without_a_key_of_a_setting_has_the_least_of_what_is_usual() {
    let latency = Latency { base_ns: 1, jitter_ns: 2, tail_permille: 3, tail_ns: 4 };
    let plan = plan(7, latency, Vec::new());
    let whole: serde_json::Value = serde_json::from_str(&plan.print()).unwrap();
    for table in ["cluster", "disk", "traffic"] {
        let mut without = whole.clone();
        without[table] = serde_json::json!({});
        let read = Plan::parse("plan.json", &without.to_string(), &[]).unwrap();
        let read = serde_json::to_value(&read).unwrap();
        for (key, value) in whole[table].as_object().unwrap() {
            let mut without = whole.clone();
            without[table].as_object_mut().unwrap().remove(key);
            let one = Plan::parse("plan.json", &without.to_string(), &[]).unwrap();
            let one = serde_json::to_value(&one).unwrap();
            let mut expected = whole.clone();
            expected[table][key] = read[table][key].clone();
            assert_eq!(one, expected, "{table}.{key}, which was {value}");
        }
    }
    let Traffic { clients, compact_every_ns, .. } = Traffic::default();
    assert_eq!((clients, compact_every_ns), (4, 4 * SECOND));
}

#[test]
fn an_operation_that_a_plan_does_not_name_has_weight_0() {
    let read: OpWeights = serde_json::from_str(r#"{"put": 3}"#).unwrap();
    assert_eq!(read, OpWeights { put: 3, ..OpWeights::default() });
    assert_eq!(read.total(), 3);
}

#[test]
fn an_unknown_key_of_a_setting_or_fault_is_refused() {
    let latency = Latency { base_ns: 1, jitter_ns: 2, tail_permille: 3, tail_ns: 4 };
    let planned = PlannedFault {
        id: 1,
        fault: NetworkFault::SlowLink { latency }.into(),
        target: Target::Group(Group::All),
        at_ns: 5,
        duration_ns: 6,
        name: None,
        start: None,
    };
    let text = plan(7, latency, vec![planned]).print();
    for (from, to, says) in [
        ("\"keys\": 2", "\"kyes\": 2", "unknown field `kyes`, expected one of `clients`, "),
        ("\"sync\"", "\"snyc\"", "unknown field `snyc`, expected one of `read`, `write`, `sync`, "),
        ("\"put\"", "\"putt\"", "unknown field `putt`, expected one of `put`, `get`, "),
        ("slow_link", "slow_lnk", "unknown variant `slow_lnk`, expected one of `partition`, "),
        ("\"kind\": \"slow_link\",", "", "missing field `kind`"),
        (
            "\"latency\": {\n          \"b",
            "\"l\": {\n          \"b",
            "unknown field `l`, expected `latency`",
        ),
        ("\"slow_link\"", "\"slow_link\", \"kind\": \"slow_link\"", "duplicate field `kind`"),
        ("\"slow_link\"", "{}", "invalid type: map, expected variant identifier"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Plan::parse("plan.json", &text.replacen(from, to, 1), &[]).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}
