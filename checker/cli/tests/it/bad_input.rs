//! Whatever is in a file: a clear error with file and line, exit 4, no panic, bounded memory
//! (`ulimit -v`, one gigabyte of addresses).

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::world::{Shape, legal};
use mettle_checker::history::History;

const HEAD: &str = "{\"version\":1}\n";

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad");
    std::fs::create_dir_all(&folder).expect("a folder for files");
    folder.join(name)
}

/// What the program says of a path when memory is scarce.
fn told(path: &Path) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new("sh")
        .args(["-c", "ulimit -v 1000000; exec \"$0\" \"$1\""])
        .arg(env!("CARGO_BIN_EXE_mettle-check"))
        .arg(path)
        .output()
        .expect("sh starts");
    let told = String::from_utf8_lossy(&stderr).into_owned() + &String::from_utf8_lossy(&stdout);
    (status.code().unwrap_or(-1), told)
}

/// Exit 4, an error that names the file (`expected` may hold the line), and nothing of a panic.
fn refused(path: &Path, expected: &str) {
    let (code, told) = told(path);
    let name = path.display().to_string();
    assert_eq!(code, 4, "{name}: {told}");
    assert!(told.contains(&name) && told.contains(expected), "{name}: {expected}: {told}");
    assert!(!told.contains("panicked") && told.lines().count() == 1, "{name}: {told}");
}

fn bytes(name: &str, content: &[u8], expected: &str) {
    let path = path(name);
    std::fs::write(&path, content).expect("written");
    refused(&path, expected);
    std::fs::remove_file(&path).expect("removed");
}

/// Ten gigabytes, of which only the beginning is on the disk.
fn sparse(name: &str, head: &[u8], expected: &str) {
    let path = path(name);
    let mut file = File::create(&path).expect("a file");
    file.write_all(head).expect("written");
    file.set_len(10 << 30).expect("long");
    drop(file);
    refused(&path, expected);
    std::fs::remove_file(&path).expect("removed");
}

fn history() -> History {
    legal(Shape { operations: 50, watchers: 1, simple: true, ..Shape::default() })
}

#[test]
fn huge_files() {
    let binary = history().write_binary_to(Vec::new()).expect("memory");
    sparse("sparse", b"", "is not a text");
    sparse("sparse-v1", HEAD.as_bytes(), ":2: a line is longer than 67108864 bytes");
    sparse("sparse-binary", &binary[..binary.len() - 10], "a block of a kind not known here");
    sparse("sparse-edn", b"{:process 0, :type :invoke, :f :read}\n", "is longer than");
    sparse("sparse-jepsen", b"INFO  jepsen.util - 0\t:invoke\t:read\tnil\n", "is longer than");
    let folder = path("sparse-report/client-1");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = File::create(folder.join("operations.json")).expect("a file");
    file.set_len(10 << 30).expect("long");
    refused(&path("sparse-report"), "operations.json: is too long");
    std::fs::remove_dir_all(path("sparse-report")).expect("removed");
}

#[test]
fn long_lines() {
    let long = "x".repeat(3_000_000);
    bytes("wide", long.as_bytes(), ":1: is not the first line of a history");
    bytes("wide-v1", format!("{HEAD}{long}").as_bytes(), ":2: expected value (column 1)");
    let record = format!("{HEAD}{{\"id\":1,\"op\":\"{long}\"}}");
    bytes("wide-record", record.as_bytes(), ":2: missing field");
    let edn = format!("{{:process 0, :type :invoke, :f :write, :value \"{long}\"}}");
    bytes("wide-edn", edn.as_bytes(), ":1: ");
    let log = format!("INFO  jepsen.util - 0\t:invoke\t:write\t{long}");
    bytes("wide-jepsen", log.as_bytes(), ":1: the value is not understood");
    let objects = format!("{HEAD}{{\"a\":[{}]}}", "{},".repeat(15_000_000));
    bytes("many", objects.as_bytes(), ":2: a line holds more than");
}

#[test]
fn deep_nesting() {
    let times = |text: &str| text.repeat(200_000);
    bytes("deep", times("[").as_bytes(), ":1: is not the first line");
    bytes("deep-v1", format!("{HEAD}{}", times("[")).as_bytes(), ":2: ");
    let record = |request: &str| {
        format!(
            "{HEAD}{{\"id\":1,\"process\":1,\"op\":\"txn\",\"call_ns\":1,\"outcome\":\"unknown\",\
             \"request\":{request}}}"
        )
    };
    let open = times("{\"success\":[{\"request_txn\":");
    let close = times("}]}");
    let nested = record(&format!("{open}{{}}{close}"));
    bytes("deep-txn", nested.as_bytes(), ":2: the request of op txn: recursion limit exceeded");
    let edn = format!("{{:process 0, :type :invoke, :f :write, :value {}", times("["));
    bytes("deep-edn", edn.as_bytes(), ":1: nested too deeply");
    let out = format!("#_{}{}", times("["), times("]"));
    bytes("out-edn", format!("{{:process 0 :type :ok :f :read}} {out}").as_bytes(), ":1: an end");
    report("deep-report", &format!("{{\"Input\":{}", times("[")), "operations.json:1: ");
    report("deep-output", &format!("{{\"Output\":{{\"x\":{}", times("[")), "operations.json:1: ");
}

fn report(name: &str, operations: &str, expected: &str) {
    let folder = path(name).join("client-1");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("operations.json"), operations).expect("written");
    refused(&path(name), expected);
    std::fs::remove_dir_all(path(name)).expect("removed");
}

#[test]
fn no_history_at_all() {
    bytes("nul", &[0; 5000], "is not a text");
    bytes("nul-v1", format!("{HEAD}\0\0\0\n").as_bytes(), ":2: expected value");
    bytes("nul-edn", b"{:process 0, :type :invoke,\n :f :read\0 :value nil}\n\0", ":3: ");
    bytes("nul-jepsen", b"INFO  jepsen.util - 0\t:invoke\t:read\tnil\0\n", ":1: the value is not");
    bytes("empty", b"", ":1: is empty");
    bytes("blank", b"\n\n  \n", "is empty");
    bytes("latin", b"INFO jepsen.util - 0 :invoke :read nil\n\xff\n", ":2: is not a text");
    bytes("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "but compressed");
    bytes("magic", b"\x89MTLH\r\n\x1a", "at byte 8: the file stops before its last block");
    report("no-operations", "", "has no operation");
    report("half-report", "{\"ClientId\":1,\"Input\":{\"Type\":\"ra", "operations.json:1: EOF");
    report("words-report", "garbage", "operations.json:1: expected value");
    let folder = path("empty-folder");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("client-1")).expect("a folder");
    refused(&folder, "has no operation");
    std::fs::remove_dir(folder.join("client-1")).expect("removed");
    refused(&folder, "has no client-* folder");
    std::fs::create_dir_all(folder.join("client-1/watch.json")).expect("a folder");
    refused(&folder, "watch.json: cannot be read");
    refused(&path("is-not-there"), "cannot be opened");
}

/// Every way to cut a file off is refused, or leaves whole lines, which are judged.
#[test]
fn truncated_files() {
    let lines = history().write_to(Vec::new()).expect("memory");
    let binary = history().write_binary_to(Vec::new()).expect("memory");
    for share in 1..12 {
        let cut = binary.len() * share / 12;
        bytes("cut.mtl", &binary[..cut], "at byte ");
        let cut = lines.len() * share / 12;
        if lines[cut - 1] != b'\n' && lines[cut] != b'\n' {
            let line = lines[..cut].split(|byte| *byte == b'\n').count();
            bytes("cut.ndjson", &lines[..cut], &format!(":{line}: the line stops in the middle"));
        }
    }
}

#[test]
fn contradictions() {
    let record = |id: u64, process: u64, call: u64, back: u64| {
        format!(
            "{{\"id\":{id},\"process\":{process},\"op\":\"range\",\"call_ns\":{call},\
             \"return_ns\":{back},\"outcome\":\"ok\",\"request\":{{}},\
             \"response\":{{\"header\":{{\"revision\":1}}}}}}\n"
        )
    };
    let one = record(1, 1, 10, 20);
    let cases = [
        ("twice", record(1, 2, 30, 40), ":4: get"),
        ("overlap", record(2, 1, 15, 40), ":4: get"),
        ("backwards", record(2, 1, 40, 30), ":4: return_ns 30 is before call_ns 40"),
    ];
    for (name, other, expected) in cases {
        // A blank line before it, so that the line is not the record's number.
        bytes(name, format!("{HEAD}{one}\n{other}").as_bytes(), expected);
    }
}

/// The compact form has no lines: the record's number stands for it.
#[test]
fn contradictions_in_the_compact_form() {
    let mut history = history();
    let twin = history.records[3].clone();
    history.records.insert(7, twin);
    let binary = history.write_binary_to(Vec::new()).expect("memory");
    bytes("twice.mtl", &binary, "twice.mtl: record 8, ");
}

/// Numbers at the ends of their ranges.
#[test]
fn extreme_numbers_do_not_panic() {
    let mut text = HEAD.to_owned();
    let extremes = ["-9223372036854775808", "-1", "0", "9223372036854775807"];
    for (id, revision) in extremes.iter().enumerate() {
        for (part, outcome) in ["ok", "unknown"].iter().enumerate() {
            let back = if *outcome == "ok" { "18446744073709551615" } else { "null" };
            let response = format!(
                "{{\"header\":{{\"revision\":{revision}}},\"count\":{revision},\"kvs\":[{{\"key\":\"a\",\
                 \"mod_revision\":{revision},\"version\":{revision},\"create_revision\":{revision}}}]}}"
            );
            let response = if *outcome == "ok" { response } else { "null".to_owned() };
            writeln!(
                text,
                "{{\"id\":{},\"process\":{},\"op\":\"range\",\"call_ns\":18446744073709551614,\
                 \"return_ns\":{back},\"outcome\":\"{outcome}\",\"request\":{{\"key\":\"a\",\"limit\":{revision},\
                 \"revision\":{revision}}},\"response\":{response}}}",
                2 * id + part,
                2 * id + part,
            )
            .expect("memory");
        }
    }
    let path = path("extreme.ndjson");
    std::fs::write(&path, text).expect("written");
    let (code, told) = told(&path);
    assert!([0, 1, 3].contains(&code) && !told.contains("panicked"), "{code}: {told}");
}

#[test]
fn a_hole_in_a_file_is_refused() {
    let path = path("hole");
    let mut file = File::create(&path).expect("a file");
    file.write_all(HEAD.as_bytes()).expect("written");
    file.seek(SeekFrom::Current(4_000_000)).expect("moved");
    file.write_all(b"\n").expect("written");
    refused(&path, ":2: expected value");
    std::fs::remove_file(&path).expect("removed");
}
