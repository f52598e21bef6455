//! Wrong scenarios are refused with a complaint a person can act on.
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::{Expect, expect};

use super::PROBES;
use crate::fault::words;
use crate::{LoadError, parse};

/// The words of all faults are shown as `FAULTS`.
fn refused(body: &str, says: Expect) {
    let text = format!("title = \"t\"\nwhy = \"w\"\n{body}");
    let error = parse("scenarios/x.toml", "x", &text, &PROBES).unwrap_err();
    says.assert_eq(&format!("{}\n", error.to_string().replace(&words().join(", "), "FAULTS")));
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
              allowed: FAULTS
              remedy: did you mean `partition`?
        "#]],
    );
    refused_fault(
        "kind = \"meteor\"",
        expect![[r#"
            scenarios/x.toml:6:8: unknown fault kind `meteor`
              6 | kind = "meteor"
                |        ^^^^^^^^
              allowed: FAULTS
              remedy: write one of the allowed words
        "#]],
    );
    refused_fault(
        "target = \"m1\"",
        expect![[r#"
            scenarios/x.toml:5:1: `kind` is missing in [[fault]]
              5 | [[fault]]
                | ^^^^^^^^^
              allowed: FAULTS
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
              allowed: kind, target, name, at, after, every, times, then, for
              remedy: remove it
        "#]],
    );
    refused_fault(
        "kind = \"reset\"\nfor = \"1s\"",
        expect![[r#"
            scenarios/x.toml:7:1: unknown key `for` in [[fault]]
              7 | for = "1s"
                | ^^^
              allowed: kind, target, name, at, after, every, times, then, how
              remedy: remove it
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nweights = { puts = 3 }",
        expect![[r#"
            scenarios/x.toml:5:13: unknown key `puts` in [traffic.weights]
              5 | weights = { puts = 3 }
                |             ^^^^
              allowed: put, get, range, history, serializable, delete, delete_range, txn, cas, large_txn, delete_prefix, delete_all, paged, odd, malformed
              remedy: did you mean `put`?
        "#]],
    );
}

#[test]
fn wrong_types_and_negative_numbers_are_refused() {
    refused(
        "[cluster]\nmembers = \"three\"",
        expect![[r#"
            scenarios/x.toml:4:11: `members` is a string, not a whole number, a range such as "1..40" or a list such as [1, 3, 5]
              4 | members = "three"
                |           ^^^^^^^
              remedy: write a whole number, a range such as "1..40" or a list such as [1, 3, 5]
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
              allowed: m1, m2, m3, m4, m5, leader, follower, any, minority, majority, some, all, struck
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
fn numbers_that_cannot_be_drawn_are_refused() {
    refused(
        "[cluster]\nmembers = [1, 4]",
        expect![[r#"
            scenarios/x.toml:4:11: a cluster of 4 members
              4 | members = [1, 4]
                |           ^^^^^^
              remedy: write 1, 3 or 5, or a list of them
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nkeys = \"9..2\"",
        expect![[r#"
            scenarios/x.toml:5:8: `keys`: range runs backwards: 9 is more than 2
              5 | keys = "9..2"
                |        ^^^^^^
              remedy: write a range such as "1..40"
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nclients = \"0..20\"",
        expect![[r#"
            scenarios/x.toml:5:11: `clients` is out of range
              5 | clients = "0..20"
                |           ^^^^^^^
              remedy: write 1..200 or less
        "#]],
    );
    refused(
        "[cluster]\n[traffic]\nclients = []",
        expect![[r#"
            scenarios/x.toml:5:11: `clients` is a list, not a whole number, a range such as "1..40" or a list such as [1, 3, 5]
              5 | clients = []
                |           ^^
              remedy: write a whole number, a range such as "1..40" or a list such as [1, 3, 5]
        "#]],
    );
    refused(
        "[cluster]\nheartbeat = \"100ms..200ms\"\nelection = \"300ms..400ms\"",
        expect![[r#"
            scenarios/x.toml:5:12: `election` (400 ms) is shorter than five times `heartbeat` (100 ms)
              5 | election = "300ms..400ms"
                |            ^^^^^^^^^^^^^^
              remedy: raise `election` or lower `heartbeat`; mettled refuses this as well
        "#]],
    );
}

#[test]
fn keys_that_exclude_each_other_are_refused() {
    refused(
        "[cluster]\n[traffic]\nrate = 20\ndepth = 4",
        expect![[r#"
            scenarios/x.toml:6:9: `depth` is of a closed loop, and `rate` opens it
              6 | depth = 4
                |         ^
              remedy: remove `depth` or `rate`
        "#]],
    );
    refused(
        "[cluster]\n[floor]\ntraffic = { starts_skiped = 4 }",
        expect![[r#"
            scenarios/x.toml:5:13: unknown key `starts_skiped` in [floor.traffic]
              5 | traffic = { starts_skiped = 4 }
                |             ^^^^^^^^^^^^^
              allowed: most_in_flight, starts_skipped, abandoned, hurried_late, pages_read, malformed_refused, questions_answered, large_txns, large_values, watchers_beside, fragments, stopped_reading, watches_compacted
              remedy: did you mean `starts_skipped`?
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

#[test]
fn a_start_that_never_comes_is_refused() {
    refused_fault(
        "kind = \"kill\"\nafter = \"leader_electd\"",
        expect![[r#"
        scenarios/x.toml:7:9: unknown trigger `leader_electd`
          7 | after = "leader_electd"
            |         ^^^^^^^^^^^^^^^
          allowed: leader_elected, probe:NAME, revision:N, fault:NAME
          remedy: did you mean `leader_elected`?
    "#]],
    );
    refused_fault(
        "kind = \"kill\"\nafter = \"probe:wal sinced\"",
        expect![[r#"
        scenarios/x.toml:7:9: unknown probe `wal sinced`
          7 | after = "probe:wal sinced"
            |         ^^^^^^^^^^^^^^^^^^
          allowed: wal batch written, wal synced
          remedy: did you mean `wal synced`?
    "#]],
    );
    refused_fault(
        "kind = \"kill\"\nafter = \"fault:cut\"",
        expect![[r#"
        scenarios/x.toml:7:9: no fault is called `cut`
          7 | after = "fault:cut"
            |         ^^^^^^^^^^^
          remedy: add `name` to the fault that is waited for
    "#]],
    );
    refused_fault(
        "kind = \"kill\"\ndelay = \"1s\"",
        expect![[r#"
        scenarios/x.toml:7:1: unknown key `delay` in [[fault]]
          7 | delay = "1s"
            | ^^^^^
          allowed: kind, target, name, at, after, every, times, then, for
          remedy: remove it
    "#]],
    );
    refused_fault(
        "kind = \"kill\"\ntimes = 2",
        expect![[r#"
        scenarios/x.toml:7:9: `times` stands without `every`
          7 | times = 2
            |         ^
          remedy: add `every`, or remove it
    "#]],
    );
    refused_fault(
        "kind = \"kill\"\n[[fault.then]]\nkind = \"kill\"\nat = \"1s\"",
        expect![[r#"
        scenarios/x.toml:9:1: unknown key `at` in [[then]]
          9 | at = "1s"
            | ^^
          allowed: kind, target, name, after, delay, for
          remedy: remove it
    "#]],
    );
}

#[test]
fn targets_that_no_fault_can_strike_are_refused() {
    refused_fault(
        "kind = \"kill\"\ntarget = \"struck\"",
        expect![[r#"
        scenarios/x.toml:7:10: nobody is struck before this fault
          7 | target = "struck"
            |          ^^^^^^^^
          remedy: use `struck` in a step of `then`, or with `after = "fault:NAME"`
    "#]],
    );
    refused_fault(
        "kind = \"kill\"\ntarget = [\"m1\"]",
        expect![[r#"
        scenarios/x.toml:7:10: `target` is not a list of two words
          7 | target = ["m1"]
            |          ^^^^^^
          remedy: write `target = ["…", "…"]`
    "#]],
    );
    refused_fault(
        "kind = \"slow_link\"\ntarget = \"all\"",
        expect![[r#"
        scenarios/x.toml:7:10: nobody is left on the other side of `all`
          7 | target = "all"
            |          ^^^^^
          remedy: aim at a part of the cluster, or use `isolate`
    "#]],
    );
    refused_fault(
        "kind = \"loss\"\nbetween = \"clients\"\ntarget = { from = \"m1\", to = \"m2\" }",
        expect![[r#"
            scenarios/x.toml:8:10: a link lies between members, and the fault is to reach clients
              8 | target = { from = "m1", to = "m2" }
                |          ^^^^^^^^^^^^^^^^^^^^^^^^^^
              remedy: write one group, such as `target = "leader"`, or leave `between` out
        "#]],
    );
    refused(
        "[cluster]\nmembers = 1\n[[fault]]\nkind = \"loss\"",
        expect![[r#"
        scenarios/x.toml:6:8: this fault acts between members, and there is only one
          6 | kind = "loss"
            |        ^^^^^^
          remedy: raise `members` in [cluster]
    "#]],
    );
    refused(
        "[cluster]\nmembers = 1\n[[fault]]\nkind = \"partition_ring\"",
        expect![[r#"
        scenarios/x.toml:6:8: this fault needs 3 members, and there are 1
          6 | kind = "partition_ring"
            |        ^^^^^^^^^^^^^^^^
          remedy: raise `members` in [cluster]
    "#]],
    );
}
