//! What the event hash depends on, and which lines are kept.

use super::*;

fn event(verb: &'static str, numbers: [u64; 3]) -> Event {
    Event { verb, numbers }
}

fn sample(trace: &Trace) {
    trace.record(5, None, Kind::Fault, format_args!("cut {} -> {}", 1, 2));
    trace.record_bytes(6, Some(Member::new(1)), Kind::Net, event("tx", [1, 0, 3]), b"abc");
    trace.record_bytes(7, Some(Member::new(2)), Kind::Disk, event("sync", [1, 0, 0]), b"");
}

#[test]
fn what_is_kept_does_not_change_the_hash() {
    let traces = [Keep::Nothing, Keep::Kinds(vec![Kind::Net]), Keep::Everything].map(Trace::new);
    for trace in &traces {
        sample(trace);
        assert_eq!(trace.hash(), traces[0].hash());
        assert_eq!(trace.member_hash(Member::new(1)), traces[0].member_hash(Member::new(1)));
        assert_eq!(trace.events(), 3);
    }
    assert_eq!(traces.map(|trace| trace.take_lines().len()), [0, 1, 3]);
}

#[test]
fn every_part_of_an_event_changes_the_hash() {
    let hash = |at, member, kind, verb, number, bytes: &[u8]| {
        let trace = Trace::new(Keep::Nothing);
        trace.record_bytes(at, member, kind, event(verb, [number, 0, 0]), bytes);
        trace.hash()
    };
    let base = hash(1, Some(Member::new(1)), Kind::Net, "tx", 1, b"a");
    assert_eq!(base, hash(1, Some(Member::new(1)), Kind::Net, "tx", 1, b"a"));
    assert_ne!(base, hash(2, Some(Member::new(1)), Kind::Net, "tx", 1, b"a"));
    assert_ne!(base, hash(1, Some(Member::new(2)), Kind::Net, "tx", 1, b"a"));
    assert_ne!(base, hash(1, Some(Member::new(1)), Kind::Disk, "tx", 1, b"a"));
    assert_ne!(base, hash(1, Some(Member::new(1)), Kind::Net, "rx", 1, b"a"));
    assert_ne!(base, hash(1, Some(Member::new(1)), Kind::Net, "tx", 2, b"a"));
    assert_ne!(base, hash(1, Some(Member::new(1)), Kind::Net, "tx", 1, b"b"));
}

#[test]
fn a_members_hash_covers_only_its_own_events() {
    let (one, two) = (Trace::new(Keep::Nothing), Trace::new(Keep::Nothing));
    sample(&one);
    sample(&two);
    two.record_bytes(8, Some(Member::new(2)), Kind::Net, event("rx", [1, 1, 3]), b"");
    assert_eq!(one.member_hash(Member::new(1)), two.member_hash(Member::new(1)));
    assert_ne!(one.member_hash(Member::new(2)), two.member_hash(Member::new(2)));
    assert_ne!(one.hash(), two.hash());
}

#[test]
fn the_latest_lines_are_always_there() {
    let trace = Trace::new(Keep::Nothing);
    for round in 0..200 {
        trace.record(round, None, Kind::Note, format_args!("round {round}"));
    }
    let recent = trace.recent();
    assert_eq!(recent.len(), RECENT);
    assert_eq!(recent[RECENT - 1].to_string(), "   0.000000199 -   note    round 199");
    let json = serde_json::to_string(&recent[0]).unwrap();
    assert_eq!(json, r#"{"at_ns":150,"member":null,"kind":"note","detail":"round 150"}"#);
}
