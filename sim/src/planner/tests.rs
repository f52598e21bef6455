//! A plan depends on scenario and seed alone, and on each part of the scenario alone.

#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use std::fmt::Write as _;

use expect_test::expect;
use mettle_scenarios::parse;
use mettle_server::probe::NAMES;
use proptest::prelude::*;

use super::*;

const PARTITION: &str = r#"
[[fault]]
kind = "partition"
target = "leader"
at = "5s..20s"
for = "2s..5s"
"#;
const KILL: &str = r#"
[[fault]]
kind = "kill"
target = "any"
at = "1s..4s"
for = "1s..3s"
every = "5s..9s"
"#;
const POWER: &str = r#"
[[fault]]
kind = "power_loss"
target = "all"
"#;

fn scenario(faults: &[&str]) -> Scenario {
    let head = "title = 't'\nwhy = 'w'\n[cluster]\nmembers = 3\n";
    parse("x.toml", "test/x", &format!("{head}{}", faults.concat()), NAMES).unwrap()
}

fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    for fault in &plan.faults {
        let at = fault.at_ns as f64 / 1e9;
        let lasts = fault.duration_ns as f64 / 1e9;
        let id = fault.id;
        let kind = fault.fault.word();
        writeln!(text, "{id} at {at:.3} for {lasts:.3}: {kind} {}", fault.target).unwrap();
    }
    text
}

#[test]
fn a_plan_of_three_faults() {
    let plan = plan(&scenario(&[PARTITION, KILL, POWER]), 7, &["R2".parse().unwrap()]);
    expect![[r#"
        2000 at 1.352 for 1.915: kill any
        1000 at 7.354 for 2.148: partition leader
        2001 at 7.454 for 2.599: kill any
        3000 at 7.701 for 3.341: power_loss all
        2002 at 15.866 for 2.348: kill any
        2003 at 24.596 for 1.525: kill any
    "#]]
    .assert_eq(&shown(&plan));
    expect![[r#"
        PlannedFault {
            id: 2003,
            fault: Process(
                Kill,
            ),
            target: Group(
                Any,
            ),
            at_ns: 24596353001,
            duration_ns: 1524865421,
            name: None,
            start: None,
        }
    "#]]
    .assert_eq(&format!("{:#?}\n", plan.faults.last().unwrap()));
    expect![[r#"
        NetworkSettings { latency: Latency { base_ns: 1397116, jitter_ns: 685975, tail_permille: 5, tail_ns: 20084971 }, segment_bytes: 0, tail_lost_permille: 0 }
        Floor { ok_operations: 200, faults_fired: 6, watch_events: 1, traffic: {}, not_examined: [] }
        [Plant { bug: R2, member: None }]
    "#]]
    .assert_eq(&format!("{:?}\n{:?}\n{:?}\n", plan.network, plan.floor, plan.plants));
}

const SEQUENCE: &str = r#"
[[fault]]
kind = "partition"
name = "cut"
target = "leader"
after = "leader_elected"
every = "8s"
for = "2s..5s"
times = 2
[[fault.then]]
kind = "power_loss"
target = ["struck", "leader"]
after = "leader_elected"
delay = "1s..2s"
[[fault.then]]
kind = "kill"
target = "struck"
"#;

#[test]
fn steps_follow_one_another_and_leave_other_rules_as_they_were() {
    let with = plan(&scenario(&[PARTITION, SEQUENCE]), 7, &[]);
    let without = plan(&scenario(&[PARTITION]), 7, &[]);
    let of = |first: u32| with.faults.iter().filter(move |fault| fault.id % 10_000_000 == first);
    assert_eq!(of(1000).collect::<Vec<_>>(), without.faults.iter().collect::<Vec<_>>());
    assert_eq!(with.floor.faults_fired, 1, "what waits need not happen");
    for repeat in [2000, 2001] {
        let [cut, loss, kill] = of(repeat).collect::<Vec<_>>()[..] else { panic!("three steps") };
        let start = |fault: &PlannedFault| fault.start.clone().expect("it waits");
        assert_eq!((cut.name.as_deref(), start(cut).follows), (Some("cut"), None));
        assert_eq!(start(loss).follows, Some(cut.id));
        assert!((1_000_000_000..=2_000_000_000).contains(&start(loss).delay_ns));
        assert_eq!((start(kill).follows, start(kill).after), (Some(loss.id), None));
    }
    assert_eq!(of(2002).count(), 0, "twice at most");
}

#[test]
fn a_fault_taken_from_the_end_leaves_the_others_as_they_were() {
    let all = plan(&scenario(&[PARTITION, KILL, POWER]), 7, &[]);
    let fewer = plan(&scenario(&[PARTITION, KILL]), 7, &[]);
    let kept: Vec<_> = all.faults.into_iter().filter(|fault| fault.id < 3000).collect();
    assert_eq!(kept, fewer.faults);
}

fn with(cluster: &str, traffic: &str) -> Scenario {
    let text = format!(
        "title = 't'\nwhy = 'w'\n[cluster]\n{cluster}\n[traffic]\n{traffic}\n{PARTITION}{KILL}"
    );
    parse("x.toml", "test/x", &text, NAMES).unwrap()
}

#[test]
fn a_number_that_is_left_open_moves_no_other_draw() {
    let fixed = with("", "clients = 4\npace = '10ms..90ms'");
    let open = with("", "clients = '1..200'\npace = '10ms..90ms'");
    for seed in 1..50 {
        let mut drawn = plan(&open, seed, &[]);
        drawn.traffic.clients = 4;
        assert_eq!(drawn, plan(&fixed, seed, &[]));
    }
    assert_eq!(drawn(&fixed, 1), None);
    let clients = plan(&open, 1, &[]).traffic.clients;
    assert_eq!(drawn(&open, 1), Some(format!("clients {clients}")));
}

#[test]
fn open_numbers_take_every_value_that_is_written() {
    let open = with("members = [1, 3, 5]", "clients = '1..200'\nkeys = '1..10000'");
    let plans: Vec<Plan> = (1..200).map(|seed| plan(&open, seed, &[])).collect();
    for members in [1, 3, 5] {
        let some = plans.iter().filter(|plan| plan.members == members).count();
        assert!((40..100).contains(&some), "{some} of {members}");
    }
    let few = plans.iter().filter(|plan| plan.traffic.keys < 100).count();
    assert!((60..140).contains(&few), "few keys are as likely as many: {few}");
    assert!(plans.iter().any(|plan| plan.traffic.clients > 150));
}

#[test]
fn a_fault_that_needs_more_members_than_were_drawn_is_left_out() {
    let open = with("members = [1, 3]", "");
    for seed in 1..50 {
        let plan = plan(&open, seed, &[]);
        let partitions = plan.faults.iter().filter(|fault| fault.id / 1000 == 1).count();
        assert_eq!(partitions, usize::from(plan.members == 3));
        let left_out =
            drawn(&open, seed).unwrap().ends_with("no partition, which needs more members");
        assert_eq!(left_out, plan.members == 1);
    }
}

proptest! {
    #[test]
    fn a_drawn_election_is_at_least_five_drawn_heartbeats(
        seed: u64, heartbeat in 1u64..400, more in 0u64..400, election in 0u64..3000,
    ) {
        let election_ms = 5 * heartbeat + election;
        let cluster = format!(
            "heartbeat = '{heartbeat}ms..{}ms'\nelection = '{heartbeat}ms..{election_ms}ms'",
            heartbeat + more
        );
        let settings = plan(&with(&cluster, ""), seed, &[]).cluster;
        prop_assert!(settings.election_ms >= 5 * settings.heartbeat_ms);
        prop_assert!((heartbeat..=heartbeat + more).contains(&settings.heartbeat_ms));
        prop_assert!((heartbeat..=election_ms).contains(&settings.election_ms));
    }

    #[test]
    fn equal_seeds_draw_equal_plans_that_load_back(seed: u64) {
        let scenario = scenario(&[PARTITION, KILL, POWER]);
        let drawn = plan(&scenario, seed, &[]);
        prop_assert_eq!(&drawn, &plan(&scenario, seed, &[]));
        prop_assert_eq!(&drawn, &Plan::parse("p", &drawn.print(), NAMES).unwrap());
        prop_assert!(drawn.faults.is_sorted_by_key(|fault| fault.at_ns));
        prop_assert!(drawn.faults.iter().all(|fault| fault.at_ns < drawn.duration_ns));
        let kills: Vec<_> = drawn.faults.iter().filter(|fault| fault.id / 1000 == 2).collect();
        prop_assert!((3..=6).contains(&kills.len()), "{}", kills.len());
        for pair in kills.windows(2) {
            prop_assert!(pair[0].at_ns + pair[0].duration_ns < pair[1].at_ns);
        }
        prop_assert_ne!(drawn.print(), plan(&scenario, seed ^ 1, &[]).print());
    }
}
