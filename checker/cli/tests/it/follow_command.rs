//! `mettle-check --follow` as a user meets it: files that grow, pipes, interrupts.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::world::{Shape, legal};
use mettle_checker::history::{History, Response, Writer};

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("follow");
    std::fs::create_dir_all(&folder).expect("a folder for files");
    folder.join(name)
}

fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mettle-check"))
        .arg("--follow")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn ended(child: Child) -> (i32, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

fn recorded() -> History {
    let mut history = legal(Shape { operations: 4_000, watchers: 1, ..Shape::default() });
    history.records.sort_by_key(|record| record.call_ns);
    history.origin.start_revision = Some(1);
    history
}

/// Some of the records, with a word of what was called after each hundred.
fn write(file: &mut impl std::io::Write, history: &History, from: usize, to: usize) {
    let mut text = Vec::new();
    for (place, record) in history.records.iter().enumerate().take(to).skip(from) {
        if place % 100 == 0 {
            writeln!(text, "{{\"called_before_ns\":{}}}", record.call_ns).expect("memory");
        }
        serde_json::to_writer(&mut text, record).expect("memory");
        text.push(b'\n');
    }
    file.write_all(&text).expect("written");
}

fn begin(name: &str, history: &History) -> (File, String) {
    let path = path(name);
    let file = File::create(&path).expect("a file");
    let writer = Writer::new(file, &history.origin).expect("written");
    drop(writer.finish().expect("written"));
    let file = OpenOptions::new().append(true).open(&path).expect("opened");
    (file, path.display().to_string())
}

#[test]
fn growing_file_is_followed_to_its_end_record() {
    let history = recorded();
    let (mut file, name) = begin("grows", &history);
    let mut child = start(&["--json", &name]);
    for part in 0..8 {
        let from = part * history.records.len() / 8;
        write(&mut file, &history, from, (part + 1) * history.records.len() / 8);
        assert!(child.try_wait().expect("asked").is_none(), "it waits for more");
    }
    file.write_all(b"{\"end\":true}\n").expect("written");
    let (code, out, err) = ended(child);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((&json["verdict"], out.lines().count()), (&"legal".into(), 1));
    assert_eq!(json["checks"][0]["examined"], history.records.len());
    let whole = Command::new(env!("CARGO_BIN_EXE_mettle-check")).args(["--json", &name]).output();
    let whole: serde_json::Value =
        serde_json::from_slice(&whole.expect("it runs").stdout).expect("one object");
    assert_eq!(whole["verdict"], "legal", "the end is no record");
    assert_eq!(whole["figures"]["revisions"], json["figures"]["revisions"]);
}

#[test]
fn violation_ends_the_command_before_the_recording_ends() {
    let mut history = recorded();
    let answers = history.records.iter_mut().skip(1_000);
    let ranges = answers.filter_map(|record| match &mut record.response {
        Some(Response::Range(range)) if !range.kvs.is_empty() => Some(range),
        _ => None,
    });
    ranges.take(1).for_each(|range| range.kvs[0].value = "never written".into());
    let (mut file, name) = begin("broken", &history);
    write(&mut file, &history, 0, 3_000);
    let (code, out, err) = ended(start(&[&name]));
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains(": broken\n") && out.contains("never written"), "{out}");
}

#[test]
fn a_pipe_ends_with_its_writer() {
    let history = recorded();
    let mut child = start(&["-"]);
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(b"{\"version\":1,\"start_revision\":1}\n").expect("written");
    write(&mut pipe, &history, 0, history.records.len());
    drop(pipe);
    let (code, out, err) = ended(child);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("-: legal\n"), "{out}");
}

/// As soon as it catches interrupts: before, the signal would end it without a word.
#[cfg(unix)]
fn interrupt(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let catches = || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask & 2 != 0)
    };
    while !catches() {
        std::thread::yield_now();
    }
    let done = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(done.expect("kill runs").success());
}

#[cfg(unix)]
#[test]
fn interrupt_ends_the_command_with_a_verdict() {
    let history = recorded();
    let (mut file, name) = begin("interrupted", &history);
    write(&mut file, &history, 0, 2_000);
    file.write_all(b"{\"id\":1000000,\"proc").expect("written");
    let child = start(&["--json", &name]);
    interrupt(&child);
    let (code, out, _) = ended(child);
    let json: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert!(code == 0 || code == 3, "legal, or unknown where nothing was read yet: {json}");
}

#[cfg(unix)]
#[test]
fn interrupted_recording_downgrades_broken_to_unknown() {
    let name = path("in_flight").display().to_string();
    let put = "{\"version\":1,\"start_revision\":1}\n\
        {\"id\":1,\"process\":1,\"member\":1,\"op\":\"put\",\"call_ns\":1000,\"return_ns\":2000,\
        \"outcome\":\"ok\",\"request\":{\"key\":\"/a\",\"value\":\"1\"},\
        \"response\":{\"header\":{\"revision\":3}}}\n";
    std::fs::write(&name, put).expect("written");
    let (code, _, err) = ended(start(&["--until-end", &name]));
    assert_eq!((code, err.as_str()), (1, ""), "who made revision 2?");
    // It may be interrupted before it has read anything.
    let interrupted = (0..20).map(|_| {
        let child = start(&[&name]);
        interrupt(&child);
        ended(child)
    });
    let said: Vec<(i32, String)> = interrupted.map(|(code, out, _)| (code, out)).collect();
    assert!(said.iter().all(|(code, _)| *code == 3), "{said:?}");
    let why = "the recording was interrupted, and what was in flight is not in it";
    let text = |out: &str| out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.iter().any(|(_, out)| text(out).contains(why)), "{said:?}");
}

#[test]
fn until_end_stops_at_the_end_of_the_file() {
    let history = recorded();
    let (mut file, name) = begin("whole", &history);
    write(&mut file, &history, 0, history.records.len());
    let (code, out, err) = ended(start(&["--until-end", &name]));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    file.write_all(b"{\"id\":1000000,\"proc").expect("written");
    let (code, _, err) = ended(start(&["--until-end", &name]));
    assert!(code == 4 && err.contains("stops in the middle"), "{err}");
}

#[test]
fn contradictory_record_is_refused_with_its_line() {
    let history = recorded();
    let (mut file, name) = begin("late", &history);
    write(&mut file, &history, 0, 150);
    write(&mut file, &history, 20, 21);
    let (code, _, err) = ended(start(&["--until-end", &name]));
    assert!(code == 4 && err.contains("late:154: ") && err.contains("is used twice"), "{err}");
    let (mut file, name) = begin("called", &history);
    file.write_all(b"{\"called_before_ns\":1000}\n").expect("written");
    write(&mut file, &history, 0, 2);
    let (code, _, err) = ended(start(&["--until-end", &name]));
    assert!(code == 4 && err.contains("called:4: ") && err.contains("called before 1000"), "{err}");
    for wrong in [&["a", "b"][..], &["--format", "etcd", "a"], &["/does/not/exist"]] {
        assert_eq!(ended(start(wrong)).0, 4, "{wrong:?}");
    }
}
