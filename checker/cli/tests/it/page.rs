//! The page of a judgement: self-contained, its data intact, bounded for long histories.

use mettle_check::import::Input;
use mettle_check::page;
use mettle_check::rows::rows;
use mettle_checker::history::*;
use mettle_checker::{Options, Report, Verdict, check};
use mettle_page::table::table;

fn put(id: u64, process: u64, value: &str, revision: i64, (from, to): (u64, u64)) -> Record {
    let request = PutRequest {
        key: Blob::from("/a"),
        value: Blob::from(value.as_bytes()),
        ..PutRequest::default()
    };
    let header = Some(Header { revision, ..Header::default() });
    let answer = Response::Put(PutResponse { header, prev_kv: None });
    Record::called(id, process, 1, from, Request::Put(request)).ok(to, answer)
}

/// Two puts, then a read that began after them and saw the first.
fn stale() -> History {
    let ms = 1_000_000;
    let header = Some(Header { revision: 2, ..Header::default() });
    let kv = KeyValue {
        key: Blob::from("/a"),
        value: Blob::from("</script>"),
        create_revision: 2,
        mod_revision: 2,
        version: 1,
        lease: 0,
    };
    let answer = RangeResponse { header, kvs: vec![kv], count: 1, ..RangeResponse::default() };
    let request = RangeRequest { key: Blob::from("/a"), ..RangeRequest::default() };
    let read = Record::called(3, 3, 2, 24 * ms, Request::Range(request));
    let records = vec![
        put(1, 1, "</script>", 2, (ms, 2 * ms)),
        put(2, 1, "7", 3, (10 * ms, 12 * ms)),
        read.ok(25 * ms, Response::Range(answer)),
    ];
    History { records, ..History::default() }
}

fn page(file: &str, input: &Input, report: &Report) -> String {
    page::page(file, input, report, u64::MAX).expect("room")
}

fn data(page: &str) -> serde_json::Value {
    let (_, data) = page.split_once("id=\"run\">").expect("the data");
    let (data, _) = data.split_once("</script>").expect("its end");
    serde_json::from_str(data).expect("JSON")
}

#[test]
fn page_shows_the_sentence_and_marks_of_the_verdict() {
    let history = stale();
    let report = check(&history, &Options::default());
    let Verdict::Broken(found) = &report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(
        found.reason,
        "get /a by c3 began 12 ms after put /a=7 by c1 was acknowledged at revision 3, and was \
         answered from revision 2: a stale read"
    );
    assert_eq!(found.evidence, [3, 2]);
    let page = page("some/history.ndjson", &Input::KeySpace(history), &report);
    for outside in ["http://", "https://", "src=", "@import", "url(", "<link", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let data = data(&page);
    assert_eq!(data["findings"][0]["reason"], found.reason);
    assert_eq!(data["findings"][0]["records"], serde_json::json!([3, 2]));
    assert_eq!(data["records"]["id"], serde_json::json!([1, 1, 1]));
    assert_eq!(data["records"]["words"][0], "put /a=</script>");
    assert_eq!(data["violation"], 24_000_000);
    assert_eq!(data["revision"], 2);
}

/// `[key, before, its revision, after]` of a row, in words.
fn diff(data: &serde_json::Value, place: &str) -> Vec<[String; 3]> {
    let records = &data["records"];
    let word = |number: &serde_json::Value| match number.as_i64().expect("a number") {
        -1 => "-".to_owned(),
        number => records["words"][number as usize].as_str().expect("a word").to_owned(),
    };
    let rows = records["diff"][place].as_array().into_iter().flatten();
    rows.map(|row| [word(&row[0]), format!("{} @{}", word(&row[1]), row[2]), word(&row[3])])
        .collect()
}

#[test]
fn page_shows_what_a_write_changed() {
    let mut history = stale();
    let header = Some(Header { revision: 5, ..Header::default() });
    let delete = DeleteRangeRequest { key: Blob::from("/a"), ..DeleteRangeRequest::default() };
    let gone = DeleteRangeResponse { header, deleted: 1, ..DeleteRangeResponse::default() };
    // Revision 4 is of a write that nobody recorded.
    let at = (30_000_000, 31_000_000);
    let deletion = Record::called(4, 1, 1, at.0, Request::DeleteRange(delete));
    history.records.push(deletion.ok(at.1, Response::DeleteRange(gone)));
    let report = check(&history, &Options::default());
    let data = data(&page("some/history.ndjson", &Input::KeySpace(history), &report));
    let row = |words: [&str; 3]| vec![words.map(str::to_owned)];
    assert_eq!(diff(&data, "0"), row(["/a", "- @0", "</script>"]));
    assert_eq!(diff(&data, "1"), row(["/a", "</script> @2", "7"]));
    assert_eq!(diff(&data, "2"), Vec::<[String; 3]>::new(), "a read");
    assert_eq!(diff(&data, "3"), row(["/a", "7 @3", "-"]));
    assert_eq!(data["hole"], 4);
}

#[test]
fn the_scripts_know_every_kind_of_record() {
    let report = check(&stale(), &Options::default());
    let page = page("some/history.ndjson", &Input::KeySpace(stale()), &report);
    let data = data(&page);
    let ops = data["records"]["ops"].as_array().expect("the kinds of records");
    let kinds = data["records"]["kinds"].as_array().expect("what they are shown as");
    assert_eq!(ops.len(), Op::ALL.len());
    for (op, row) in Op::ALL.into_iter().zip(ops) {
        assert_eq!(row[0], op.label());
        assert_eq!(
            kinds[row[1].as_u64().expect("a number") as usize],
            OpKind::NAMES[op.kind() as usize]
        );
    }
    // Four of them the scripts know by name.
    for op in [Op::WatchCreate, Op::WatchCancel, Op::WatchResponse, Op::WatchEnd] {
        assert!(page.contains(&format!("\"{}\"", op.label())), "{}", op.label());
    }
}

#[test]
fn the_table_is_in_the_order_of_time() {
    let history = stale();
    let table = table(rows(&Input::KeySpace(history), &[]), false);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains("#2  0.010000 s +2 ms  c1 m1"), "{table}");
    assert!(lines[2].contains("get /a"), "{table}");
    assert!(lines[2].ends_with("revision 2: /a=</script> @2"), "{table}");
}

#[test]
fn long_history_is_drawn_around_its_violation() {
    let mut history = History::default();
    let many = 300_000;
    for number in 1..=many {
        let value = number.to_string();
        let revision = 1 + number as i64 - i64::from(number == 200_000);
        history.records.push(put(number, 1, &value, revision, (number * 10, number * 10 + 5)));
    }
    let report = check(&history, &Options::default());
    let Verdict::Broken(found) = &report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(found.evidence, [199_999, 200_000]);
    let data = data(&page("long", &Input::KeySpace(history), &report));
    assert_eq!(data["records"]["id"].as_array().expect("a list").len(), 100_000);
    assert_eq!(data["rows"], many);
    let part = &data["part"];
    assert!(part[0].as_u64() < Some(1_999_990) && part[1].as_u64() > Some(2_000_000), "{part}");
    let counts = data["overview"][0].as_array().expect("a list");
    let all: u64 = counts.iter().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(all, many);
}
