//! `mettle-check` as a user meets it: exit codes, pages, bad input.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::world::{Shape, legal};
use mettle_checker::history::*;

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned();
    std::fs::create_dir_all(&folder).expect("a folder for files");
    folder
}

fn mettle_check(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_mettle-check"))
        .args(args)
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

/// With something on standard input.
fn piped(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mettle-check"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may refuse before it has read all.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

fn file(name: &str, bytes: &[u8]) -> String {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

fn recorded() -> History {
    legal(Shape { operations: 200, watchers: 2, ..Shape::default() })
}

#[test]
fn legal_is_0() {
    let path = file("legal.ndjson", &recorded().write_to(Vec::new()).expect("memory"));
    let (code, out, err) = mettle_check(&[&path]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains(": legal\n"), "{out}");
    let marked = [b"\xef\xbb\xbf", &std::fs::read(&path).expect("written")[..]].concat();
    assert_eq!(mettle_check(&[&file("marked.ndjson", &marked)]).0, 0, "a byte order mark");
    let (code, out, _) = mettle_check(&["--json", &path]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &json["verdict"]), (0, &"legal".into()));
    assert_eq!(out.lines().count(), 1);
}

#[test]
fn broken_is_1() {
    let mut history = recorded();
    for record in &mut history.records {
        if let Some(Response::Range(range)) = &mut record.response {
            range.count += 1;
            break;
        }
    }
    let path = file("broken.ndjson", &history.write_to(Vec::new()).expect("memory"));
    let (code, out, _) = mettle_check(&[&path]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("(linearizability, revision "), "{out}");
    assert!(out.contains("    #") && out.contains("  get "), "{out}");
    let html = folder().join("broken.html").display().to_string();
    let (code, _, err) = mettle_check(&[&path, "--html", &html]);
    assert_eq!((code, err), (1, String::new()));
    let page = std::fs::read_to_string(&html).expect("it was written");
    assert!(page.starts_with("<!doctype html>") && page.contains("\"verdict\":\"broken\""));
    let (code, _, err) = mettle_check(&[&path, &path, "--html", &html]);
    assert_eq!((code, err.contains("--html shows one history")), (4, true), "{err}");
    let (code, _, err) = mettle_check(&[&path, "--html", "/no/such/folder/page.html"]);
    assert_eq!((code, err.contains("cannot be written")), (1, true), "{err}");
    let (code, out, _) = mettle_check(&[&path, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &json["checker"]), (1, &"linearizability".into()));
}

#[test]
fn bad_input_is_4() {
    let good = recorded().write_to(Vec::new()).expect("memory");
    let text = String::from_utf8(good.clone()).expect("text");
    let second = text.lines().nth(1).expect("a record");
    let twice = format!("{text}{second}\n");
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", ":1: is empty"),
        ("garbage", &[0xff, 0, 7, b'\n', 9], "is not a text"),
        ("cut", &good[..good.len() - 30], "stops in the middle"),
        ("other", b"{\"version\":9}\n", "version 9 is not known"),
        ("twice", twice.as_bytes(), "is used twice"),
        ("words", b"{\"version\":1}\n{\"id\":1,\"op\":\"jump\"}\n", ":2: "),
    ];
    for (name, bytes, expected) in cases {
        let path = file(name, bytes);
        let (code, out, err) = mettle_check(&[&path]);
        assert_eq!((code, out.as_str()), (4, ""), "{name}: {err}");
        assert!(err.contains(expected) && err.contains(&path), "{name}: {err}");
    }
    assert_eq!(mettle_check(&["/does/not/exist"]).0, 4);
    assert_eq!(mettle_check(&[&folder().display().to_string()]).0, 4);
    assert_eq!(mettle_check(&["--colour", "blue"]).0, 4);
    assert_eq!(mettle_check(&[]).0, 4);
    assert_eq!(mettle_check(&["--help"]).0, 0);
}

#[test]
fn worst_verdict_of_several_files_decides_the_exit_code() {
    let good = file("several-good.ndjson", &recorded().write_to(Vec::new()).expect("memory"));
    let text = std::fs::read_to_string(&good).expect("text");
    let broken = text.replacen("\"count\":1", "\"count\":7", 1);
    assert_ne!(text, broken, "some range of one key");
    let broken = file("several-broken.ndjson", broken.as_bytes());
    let garbage = file("several-garbage", b"garbage");
    let cases: [(&[&str], i32); 5] = [
        (&[&good, &good], 0),
        (&[&good, &garbage], 4),
        (&[&garbage, &good], 4),
        (&[&broken, &garbage], 1),
        (&[&garbage, &good, &broken], 1),
    ];
    for (files, expected) in cases {
        let args: Vec<&str> = ["--json"].iter().chain(files).copied().collect();
        let (code, out, err) = mettle_check(&args);
        assert_eq!(code, expected, "{files:?}: {out}{err}");
        let named: Vec<String> = out.lines().map(file_of).collect();
        assert_eq!(named, files, "one object a line, in order");
    }
}

fn file_of(line: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(line).expect("an object");
    assert!(json["verdict"].is_string());
    json["file"].as_str().expect("a name").to_owned()
}

#[test]
fn standard_input_and_pipes() {
    let good = recorded().write_to(Vec::new()).expect("memory");
    for name in ["-", "/dev/stdin"] {
        let (code, out, err) = piped(&[name], &good);
        assert_eq!((code, err.as_str()), (0, ""), "{name}: {out}");
        assert!(out.starts_with(&format!("{name}: legal\n")), "{out}");
        let (code, _, err) = piped(&[name], b"{\"version\":1}\n\nx\n");
        assert_eq!(code, 4, "{name}");
        assert!(err.contains(&format!("{name}:3: ")), "{err}");
    }
    let log = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
               INFO  jepsen.util - 0\t:ok\t:read\tnil\n";
    assert_eq!(piped(&["-"], log.as_bytes()).0, 0, "other formats are recognised too");
    let pipe = folder().join("pipe");
    let _ = std::fs::remove_file(&pipe);
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let name = pipe.display().to_string();
    let (code, _, err) = mettle_check(&[&name]);
    assert_eq!(code, 4);
    assert!(err.contains("nobody writes into this pipe"), "{err}");
    let writer = Command::new("sh")
        .args(["-c", "cat \"$0\" > \"$1\""])
        .args([&file("to-pipe.ndjson", &good), &name])
        .spawn();
    assert_eq!(mettle_check(&[&name]).0, 0);
    writer.expect("sh starts").wait().expect("it ends");
}

#[test]
fn junit_has_a_case_for_each_history_and_check() {
    let good = file("junit-good.ndjson", &recorded().write_to(Vec::new()).expect("memory"));
    let text = std::fs::read_to_string(&good).expect("text");
    let broken = text.replacen("\"count\":1", "\"count\":7", 1);
    let broken = file("junit-<broken>&.ndjson", broken.as_bytes());
    let none = file("junit-none.ndjson", b"{\"version\":1}\n");
    let garbage = file("junit-garbage", b"garbage");
    let report = folder().join("junit.xml").display().to_string();
    let (code, ..) = mettle_check(&[&good, &broken, &none, &garbage, "--junit", &report]);
    assert_eq!(code, 1);
    let xml = std::fs::read_to_string(&report).expect("written");
    let counted = |what: &str| xml.matches(what).count();
    let cases = counted("<testcase ");
    assert!(xml.contains(&format!("tests=\"{cases}\" failures=\"1\" errors=\"3\"")), "{xml}");
    // Nothing above a broken order can be said: an error too.
    assert_eq!((counted("<failure "), counted("<error "), counted("<testsuite ")), (1, 3, 1));
    let words = ["junit-&lt;broken&gt;&amp;.ndjson", "nothing to judge", "name=\"watch.unique\"/>"];
    for word in words {
        assert!(xml.contains(word), "{word}: {xml}");
    }
    assert_eq!(mettle_check(&[&good, "--junit", "/does/not/exist.xml"]).0, 4);
}

#[test]
fn page_beyond_the_memory_limit_is_not_written() {
    let history = legal(Shape { operations: 400, ..Shape::default() });
    let path = file("paged.ndjson", &history.write_to(Vec::new()).expect("memory"));
    let page = folder().join("paged.html");
    let shown = page.display().to_string();
    let _ = std::fs::remove_file(&page);
    let (code, out, err) = mettle_check(&["--memory", "1", "--html", &shown, &path]);
    assert!(code == 0 && out.contains(": legal\n"), "the verdict stands: {out}{err}");
    assert!(err.contains("paged.html: not written: making the page takes "), "{err}");
    assert!(!page.exists());
    let (_, needed) = err.split_once("--memory ").expect("what would do");
    let (needed, _) = needed.split_once(' ').expect("a number");
    let (code, _, err) = mettle_check(&["--memory", needed, "--html", &shown, &path]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(page.exists());
}
