//! What the lines of a history say beside their content: their order says nothing, and too few of
//! them are no pass; the words of a verdict are true.

use std::fmt::Write as _;

use crate::world::{Shape, legal};
use mettle_check::import::{Input, read};
use mettle_check::judge;
use mettle_checker::history::*;
use mettle_checker::{Options, Verdict, assumptions, check};

fn recorded(seed: u64) -> History {
    legal(Shape { seed, operations: 200, watchers: 2, ..Shape::default() })
}

#[test]
fn order_of_lines_changes_no_verdict() {
    for seed in 0..50 {
        let mut history = recorded(seed);
        // Responses of one time stay in their order.
        let end = |record: &Record| record.return_ns.unwrap_or(record.call_ns);
        history.records.sort_by_key(|record| std::cmp::Reverse(end(record)));
        assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal, "seed {seed}");
    }
}

#[test]
fn watch_request_precedes_a_response_at_the_same_instant() {
    let mut history = recorded(3);
    let records = &mut history.records;
    let asked = records.iter().position(|record| record.request.op() == Op::WatchCreate);
    let create = records.remove(asked.expect("a watcher"));
    let Request::WatchCreate(request) = &create.request else { panic!("a watcher") };
    let own = Request::WatchResponse(StreamRef { stream: request.stream });
    let first = records.iter_mut().find(|record| record.request == own).expect("its answer");
    first.call_ns = create.call_ns;
    first.return_ns = Some(create.call_ns);
    records.push(create);
    assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal);
}

#[test]
fn watch_response_without_a_request_is_refused() {
    for late in [true, false] {
        let mut history = recorded(4);
        let last = history.records.iter().map(|record| record.call_ns).max().expect("records");
        let asked =
            history.records.iter().position(|record| record.request.op() == Op::WatchCreate);
        let create = &mut history.records[asked.expect("a watcher")];
        if late {
            create.call_ns = last + 1;
            create.return_ns = Some(last + 1);
        } else {
            history.records.remove(asked.expect("a watcher"));
        }
        let contradiction = assumptions(&history).expect_err("must be refused");
        assert!(contradiction.cause.contains("before anything was asked"), "{contradiction}");
        let about = &history.records[contradiction.place];
        assert_eq!(about.request.op(), Op::WatchResponse);
    }
}

#[test]
fn history_without_answers_is_unknown() {
    let put = Request::Put(PutRequest { key: Blob::from("a"), ..PutRequest::default() });
    for records in [Vec::new(), vec![Record::called(1, 1, 1, 5, put)]] {
        let history = History { records, ..History::default() };
        let report = check(&history, &Options::default());
        let Verdict::Unknown(doubt) = &report.verdict else { panic!("{:?}", report.verdict) };
        assert!(doubt.reason.contains("nothing to judge"), "{}", doubt.reason);
    }
}

/// Puts of 1, 2 and 3 to one key, then a read of the past that shows something else.
#[test]
fn stale_revision_read_names_the_write_it_missed() {
    let header = |revision| Some(Header { revision, ..Header::default() });
    let mut history = History::default();
    for number in 1..=3 {
        let value = Blob::from(number.to_string());
        let put = Request::Put(PutRequest { key: Blob::from("a"), value, ..PutRequest::default() });
        let answer = PutResponse { header: header(number as i64 + 1), prev_kv: None };
        let at = number * 10;
        let record = Record::called(number, 1, 1, at, put).ok(at + 5, Response::Put(answer));
        history.records.push(record);
    }
    let request = RangeRequest { key: Blob::from("a"), revision: 3, ..RangeRequest::default() };
    let kv = KeyValue {
        key: Blob::from("a"),
        value: Blob::from("9"),
        create_revision: 2,
        mod_revision: 3,
        version: 2,
        lease: 0,
    };
    let answer =
        RangeResponse { header: header(4), kvs: vec![kv], count: 1, ..RangeResponse::default() };
    let read = Record::called(9, 2, 1, 100, Request::Range(request));
    history.records.push(read.ok(105, Response::Range(answer)));
    let Verdict::Broken(found) = check(&history, &Options::default()).verdict else {
        panic!("broken")
    };
    assert!(found.reason.contains("last written by put a=2 by c1 at revision 3"), "{found:?}");
    assert_eq!(found.evidence, [9, 2]);
}

#[test]
fn register_conflict_names_its_lines() {
    let mut log = String::new();
    for value in 1..=20 {
        for kind in ["invoke", "ok"] {
            writeln!(log, "INFO  jepsen.util - 0\t:{kind}\t:write\t{value}").expect("memory");
        }
    }
    log.push_str(
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\t7\n",
    );
    let path = std::env::temp_dir().join("mettle-lines-register.log");
    std::fs::write(&path, log).expect("written");
    let input = read(&path, None, Limits::default()).expect("readable");
    let Input::Register(_) = &input else { panic!("a register") };
    let Verdict::Broken(found) = judge(&input, &Options::default()).verdict else {
        panic!("broken")
    };
    let reason = &found.reason;
    assert!(reason.contains("write 7 by c0, then write 8 by c0, then read by c0 (7)"), "{reason}");
    assert_eq!(found.evidence, [13, 15, 41]);
}
