//! The format: what is written is read back, and bad input is refused with its line.

use proptest::prelude::*;

use super::*;

fn lines(text: &str) -> Result<Vec<Record>, ReadError> {
    Reader::new("h.ndjson".to_owned(), text.as_bytes(), Limits::default())?.collect()
}

fn refused(text: &str) -> String {
    lines(text).expect_err("must be refused").to_string()
}

fn kv() -> KeyValue {
    KeyValue {
        key: Blob::from("/a"),
        value: Blob::from(&[0xff, 0, 7]),
        create_revision: 2,
        mod_revision: 3,
        version: 2,
        lease: 0,
    }
}

pub(super) fn sample() -> History {
    let header = Some(Header { cluster_id: u64::MAX, member_id: 2, revision: 3, raft_term: 2 });
    let compare = Compare {
        key: Blob::from("/a"),
        range_end: Blob::default(),
        result: CompareResult::NotEqual,
        operand: Operand::Value(Blob::from("x")),
    };
    let txn = TxnRequest {
        compare: vec![compare],
        success: vec![RequestOp::Put(PutRequest { key: Blob::from("/a"), ..Default::default() })],
        failure: vec![RequestOp::Txn(TxnRequest::default())],
    };
    let txn_response = TxnResponse {
        header,
        succeeded: true,
        responses: vec![ResponseOp::Put(PutResponse::default())],
    };
    let event = Event {
        kind: EventType::Delete,
        kv: kv(),
        prev_kv: Some(kv()),
        is_create: Some(IsCreate(false)),
    };
    let watch = WatchResponse { events: vec![event], ..Default::default() };
    let error = ErrorAnswer { code: "Unavailable".to_owned(), message: "gone".to_owned() };
    let range = Request::Range(RangeRequest { key: Blob::from("/a"), ..Default::default() });
    let found = RangeResponse { header, kvs: vec![kv()], more: true, count: 2 };
    let create = WatchCreateRequest { stream: 4, prev_kv: true, ..Default::default() };
    History {
        origin: Origin {
            version: 1,
            seed: Some(7),
            scenario: Some("faults/x".to_owned()),
            lacks: vec![],
            start_revision: Some(57),
        },
        records: vec![
            Record::called(1, 1, 1, 5, range).ok(9, Response::Range(found)),
            Record::called(2, 1, 1, 10, Request::Txn(txn)).ok(11, Response::Txn(txn_response)),
            Record::called(3, 1, 1, 12, Request::Put(PutRequest::default())).unknown(error.clone()),
            Record::called(4, 2, 1, 12, Request::Compact(CompactRequest::default()))
                .on_connection(3)
                .failed(13, error.clone()),
            Record::sent(5, 3, 1, 1, Request::WatchCreate(create)),
            Record::watch_response(
                OnStream { id: 6, process: 3, member: 1, at_ns: 2, stream: 4 },
                watch,
            ),
            Record::watch_end(
                OnStream { id: 7, process: 3, member: 1, at_ns: 3, stream: 4 },
                Some(error),
            ),
            Record::quiesced(8, 15, 40),
        ],
    }
}

#[test]
fn written_is_read_back() {
    let history = sample();
    let bytes = history.write_to(Vec::new()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(lines(&text).unwrap(), history.records, "{text}");
}

#[test]
fn bad_lines_are_named() {
    let head = "{\"version\":1}\n";
    let good = r#"{"id":1,"process":1,"member":1,"op":"put","call_ns":1,"return_ns":2,"outcome":"ok","request":{"key":"a"},"response":{"header":{"revision":2}}}"#;
    assert_eq!(lines(&format!("{head}{good}\n\n")).unwrap().len(), 1);
    assert!(refused("").contains("h.ndjson:1: is empty"));
    assert!(refused("{\"version\":2}").contains("version 2 is not known"));
    assert!(refused("\u{1}\u{2}").contains(":1: is not the first line"));
    let cut = &good[..good.len() - 20];
    assert!(refused(&format!("{head}{good}\n{cut}")).contains(":3: the line stops in the middle"));
    let cases = [
        ("\"op\":\"put\"", "\"op\":\"push\"", "op \"push\" is not known"),
        ("\"return_ns\":2", "\"return_ns\":0", "return_ns 0 is before call_ns 1"),
        ("\"return_ns\":2", "\"return_ns\":null", "no return_ns though"),
        ("\"outcome\":\"ok\"", "\"outcome\":\"unknown\"", "unknown with a return_ns"),
        ("\"outcome\":\"ok\"", "\"outcome\":\"fail\"", "fail with an answer"),
        ("{\"key\":\"a\"}", "{\"kay\":\"a\"}", "unknown field `kay`"),
        ("{\"key\":\"a\"}", "{\"key\":{\"base64\":\"?\"}}", "not base64"),
        ("\"id\":1,", "", "missing field `id`"),
        ("\"id\":1,", "\"id\":-1,", "invalid value"),
        ("\"op\":\"put\"", "\"op\":\"quiesced\"", "unknown field `key`"),
    ];
    for (from, to, expected) in cases {
        let text = refused(&format!("{head}{}", good.replace(from, to)));
        assert!(text.contains(expected) && text.contains("h.ndjson:2"), "{text}");
    }
}

#[test]
fn long_input_is_refused() {
    let limits = Limits { line_bytes: 100, total_bytes: 150, ..Limits::default() };
    let read = |text: String| {
        let reader = Reader::new("h".to_owned(), text.as_bytes(), limits);
        reader.and_then(Iterator::collect::<Result<Vec<_>, _>>).expect_err("refused").to_string()
    };
    assert!(read("x".repeat(101)).contains("longer than 100 bytes"));
    let text = format!("{{\"version\":1}}\n{}", format!("{}\n", " ".repeat(60)).repeat(3));
    assert!(read(text).contains("longer than 150 bytes in all"));
}

#[test]
fn too_much_memory_is_refused() {
    let text = sample().write_to(Vec::new()).unwrap();
    let binary = sample().write_binary_to(Vec::new()).unwrap();
    let limits = Limits { memory_bytes: 1_500, ..Limits::default() };
    for bytes in [text, binary] {
        let error = read_stream("h".to_owned(), &bytes[..], limits).expect_err("refused");
        assert!(error.cause.contains("more than 1500 bytes of memory"), "{error}");
    }
    let line = format!("{{\"a\":[{}]}}", "{},".repeat(5 << 20));
    assert!(refused(&format!("{{\"version\":1}}\n{line}")).contains(":2: a line holds more than"));
}

#[test]
fn only_answers_of_the_table_are_certain() {
    let compacted = "etcdserver: mvcc: required revision has been compacted";
    assert_eq!(outcome_of("OutOfRange", compacted), Outcome::Fail);
    assert_eq!(outcome_of("Unavailable", compacted), Outcome::Unknown);
    assert_eq!(outcome_of("Unavailable", "etcdserver: no leader"), Outcome::Unknown);
    assert_eq!(outcome_of("DeadlineExceeded", ""), Outcome::Unknown);
}

proptest! {
    #[test]
    fn any_bytes_survive(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let blob = Blob::from(bytes);
        let text = serde_json::to_string(&blob).unwrap();
        prop_assert_eq!(serde_json::from_str::<Blob>(&text).unwrap(), blob);
    }

    #[test]
    fn garbage_never_panics(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut text = b"{\"version\":1}\n".to_vec();
        text.extend(tail);
        let reader = Reader::new("h".to_owned(), &text[..], Limits::default()).unwrap();
        reader.for_each(drop);
    }

    #[test]
    fn mangled_files_never_panic(at in 0usize..2000, byte in any::<u8>(), cut in 0usize..3000) {
        let mut text = sample().write_to(Vec::new()).unwrap();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        text.truncate(cut.max(1));
        if let Ok(reader) = Reader::new("h".to_owned(), &text[..], Limits::default()) {
            reader.for_each(drop);
        }
    }
}

#[test]
fn says_what_was_called() {
    let put = |id: u64, call_ns: u64| {
        let request = Request::Put(PutRequest::default());
        Record::called(id, id, 1, call_ns, request)
            .unknown(ErrorAnswer { code: "Unavailable".to_owned(), message: String::new() })
    };
    let records: Vec<Record> = (0..10_000).map(|id| put(id, 1_000_000 - id / 2)).collect();
    let long = History { records, ..History::default() };
    let bytes = long.write_to(Vec::new()).expect("memory");
    let text = String::from_utf8(bytes.clone()).expect("text");
    let said = |text: &str| text.lines().filter(|line| line.contains("called_before_ns")).count();
    assert_eq!(said(&text), 2);
    let mut reader = Reader::new(String::new(), &bytes[..], Limits::default()).expect("a history");
    assert!((&mut reader).map(|record| record.expect("right")).eq(long.records));
    assert_eq!(reader.line(), 10_004);

    let mut writer = Writer::new(Vec::new(), &Origin::default()).expect("memory");
    writer.write(&put(1, 7)).and_then(|()| writer.called_before(9)).expect("memory");
    writer.write(&put(2, 9)).expect("memory");
    writer.end().expect("memory");
    let bytes = writer.finish().expect("memory");
    let mut lines = Reader::new(String::new(), &bytes[..], Limits::default()).expect("a history");
    lines.next_line();
    assert_eq!(lines.next_line(), Some(Ok(Line::CalledBefore(9))));
    assert!(matches!(lines.next_line(), Some(Ok(Line::Record(_)))));
    assert!(lines.next_line() == Some(Ok(Line::End)) && lines.next_line().is_none());
}
