//! Histories in the formats of others: small ones made here, and the recorded ones beside the
//! project where they are present.

use std::fs;
use std::path::{Path, PathBuf};

use mettle_check::import::{Format, Input, read};
use mettle_check::judge;
use mettle_checker::history::Limits;
use mettle_checker::{Options, Report, Verdict};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("others").join(name);
    fs::create_dir_all(&folder).expect("a folder for files");
    folder
}

fn judged(path: &Path) -> Report {
    let input = read(path, None, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    judge(&input, &Options::default())
}

fn text(name: &str, text: &str) -> &'static str {
    let path = folder("texts").join(name);
    fs::write(&path, text).expect("written");
    judged(&path).verdict.name()
}

fn refused(name: &str, text: &[u8], format: Option<Format>) -> String {
    let path = folder("texts").join(name);
    fs::write(&path, text).expect("written");
    let refused = read(&path, format, Limits::default()).map(|_| ());
    refused.expect_err("must be refused").to_string()
}

#[test]
fn jepsen_logs() {
    let good = "INFO  jepsen.util - 0\t:invoke\t:write\t1\n\
                INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]\n\
                INFO  jepsen.util - :nemesis\t:info\t:start\tnil\n\
                INFO  jepsen.util - 0\t:ok\t:write\t1\n\
                INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
                INFO  jepsen.util - 1\t:info\t:cas\t:timed-out\n\
                INFO  jepsen.util - 0\t:ok\t:read\t2\n\
                INFO  jepsen.util - 0\t:invoke\t:cas\t[1 5]\n\
                INFO  jepsen.util - 0\t:fail\t:cas\t[1 5]\n\
                INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
                INFO  jepsen.util - 0\t:fail\t:read\t:timed-out\n";
    assert_eq!(text("good.log", good), "legal");
    assert_eq!(text("bad.log", &good.replace(":ok\t:read\t2", ":ok\t:read\t3")), "broken");
    assert_eq!(text("seen.log", &good.replace("[1 5]", "[2 5]")), "broken", "it could succeed");
    let error = refused("cut.log", good.replace(":write\t1", ":write\t?").as_bytes(), None);
    assert!(error.contains("cut.log:1: the value is not understood"), "{error}");
}

#[test]
fn knossos_registers() {
    let good = "; a comment\n[{:process 0, :type :invoke, :f :write, :value 1}\n\
                {:process 0, :type :ok, :f :write, :value 1}\n\
                {:process :nemesis, :type :info, :f :start, :value \"x\"}\n\
                {:process 1, :type :invoke, :f :cas, :value [1 2]}\n\
                {:process 1, :type :fail, :f :cas, :value [1 2]}\n\
                {:process 0 :type :invoke :f :read :value nil}\n\
                {:process 0, :type :ok, :f :read, :value 1}]\n";
    assert_eq!(text("good.edn", good), "legal");
    assert_eq!(
        text("bad.edn", &good.replace(":f :read, :value 1", ":f :read, :value 2")),
        "broken"
    );
    let deep = format!(":value {}", "[".repeat(100_000));
    for (name, from, to, expected) in [
        ("open.edn", "]\n", "\n", "the vector is not closed"),
        ("twice.edn", ":type :ok, :f :write", ":type :invoke, :f :write", "while the last one"),
        ("kind.edn", ":type :ok, :f :write", ":type :done, :f :write", ":type is not"),
        ("deep.edn", ":value nil", &deep, "nested too deeply"),
    ] {
        let error = refused(name, good.replacen(from, to, 9).as_bytes(), None);
        assert!(error.contains(expected), "{name}: {error}");
    }
}

/// The other ways in which Knossos' and Jepsen's histories are written down.
#[test]
fn knossos_registers_in_other_words() {
    let tuples = "[0 :invoke :write 1]\n[0 :ok :write 1]\n[:nemesis :info :start nil]\n\
                  [1 :invoke :read nil]\n[1 :ok :read 1]\n";
    let records = "(#jepsen.history.Op{:index 0, :time 7, :type :invoke, :process 0, :f :write, \
                   :value 1}\n #jepsen.history.Op{:index 1, :time 9, :type :ok, :process 0, :f :write, \
                   :value 1, :error [:a #{1 2} #inst \"2015-01-01\" \\{ {\"k\" 1.5M}]}\n \
                   #_#x{:type :no [1 2]} {:type :invoke, :process 1, :f :read}\n \
                   {:type :ok, :process 1, :f :read, :value 1N})";
    let lines = "{:process 0\n :type :invoke\n :f :write\n :value 1}\n{:process 0 :type :ok :f :write\n\
                 :value 1}{:process 1 :type :invoke :f :read :value nil}\n\
                 {:process 1 :type :ok :f :read :value 1}";
    for (name, good) in [("tuples.edn", tuples), ("records.edn", records), ("lines.edn", lines)] {
        assert_eq!(text(name, good), "legal", "{name}");
        let at = good.rfind('1').expect("the value read");
        let bad = format!("{}2{}", &good[..at], &good[at + 1..]);
        assert_eq!(text(name, &bad), "broken", "{name}");
    }
    let vector = format!("[{tuples}]");
    assert_eq!(text("vector.edn", &vector), "legal");
    assert!(refused("none.edn", b"[]", Format::named("knossos")).contains("holds no operation"));
    assert!(
        refused("behind.edn", b"{:process 0 :type :invoke :f :read} ({})", None)
            .contains("a list behind")
    );
    let other = "{:process 0 :type :invoke :f :enqueue :value 1}";
    assert!(
        refused("queue.edn", other.as_bytes(), None).contains("the operation is not understood")
    );
}

#[test]
fn jepsen_logs_of_later_years() {
    let head = "2020-02-03 10:11:12,345{GMT}\tINFO\t[jepsen worker 3] jepsen.util: ";
    let good = format!(
        "2020-02-03 INFO [main] jepsen.core: starting\n{head}3\t:invoke\t:write\t4\n\
         {head}3\t:ok\t:write\t4\n{head}5\t:invoke\t:cas\t[4, 7]\n\
         {head}:nemesis\t:info\t:start\t:majority\n{head}5\t:info\t:cas\t[4, 7]\t:timeout\n\
         {head}3\t:invoke\t:read\tnil\n{head}3\t:fail\t:read\tnil\t:timeout\n\
         {head}3\t:invoke\t:write\t5\n{head}3\t:info\t:write\t5\t[:unavailable \"x\"]\n\
         {head}4\t:invoke\t:read\tnil\r\n{head}4\t:ok\t:read\t7\r\n"
    );
    assert_eq!(text("later.log", &good), "legal");
    assert_eq!(text("later-bad.log", &good.replace(":read\t7", ":read\t8")), "broken");
    // 7 is there: that a compare with 7 failed is wrong, unless it failed for another reason.
    let failed =
        |end: &str| format!("{good}{head}4\t:invoke\t:cas\t[7 9]\n{head}4\t:fail\t:cas\t{end}\n");
    let compared =
        failed("[7 9]").replace("3\t:info\t:write\t5\t[:unavailable \"x\"]", "3\t:fail\t:write\t5");
    assert_eq!(text("compared.log", &compared), "broken");
    assert_eq!(text("down.log", &failed("[7 9]\t:node-down")), "legal");
    assert_eq!(text("out.log", &failed(":timed-out")), "legal");
}

#[test]
fn porcupine_strings() {
    let good = r#"{:process 0, :type :invoke, :f :append, :key "a", :value "x"}
{:process 1, :type :invoke, :f :append, :key "a", :value "y"}
{:process 0, :type :ok, :f :append, :key "a", :value "x"}
{:process 1, :type :ok, :f :append, :key "a", :value "y"}
{:process 0, :type :invoke, :f :get, :key "a", :value nil}
{:process 0, :type :ok, :f :get, :key "a", :value "yx"}
{:process 1, :type :invoke, :f :put, :key "b", :value "z"}
"#;
    assert_eq!(text("good.txt", good), "legal");
    assert_eq!(text("bad.txt", &good.replace("\"yx\"", "\"y\"")), "broken");
    assert_eq!(text("swapped.txt", &good.replace("\"yx\"", "\"xy\"")), "legal");
}

fn report(name: &str, read: &str) -> Verdict {
    let folder = folder(name);
    fs::create_dir_all(folder.join("client-1")).expect("a folder");
    let put = |call: u64, value: &str, revision: i64, error: &str| {
        format!(
            r#"{{"ClientId":1,"Input":{{"Type":"txn","Txn":{{"Conditions":[{{"Key":"k","ExpectedRevision":{}}}],"OperationsOnSuccess":[{{"Type":"put-operation","Put":{{"Key":"k","Value":{{"Value":"{value}","Hash":0}}}}}}],"OperationsOnFailure":null}}}},"Call":{call},"Output":{{"Txn":{{"Failure":false,"Results":[{{"KVs":null,"Count":0,"Deleted":0}}]}},"Revision":{revision},"Error":"{error}"}},"Return":{}}}"#,
            revision - 1 - i64::from(revision == 2),
            call + 5
        )
    };
    let operations = [put(10, "1", 2, ""), put(20, "2", 3, "timeout"), read.to_owned()].concat();
    fs::write(folder.join("client-1/operations.json"), operations).expect("written");
    let watch = r#"{"Request":{"Key":"","Revision":1,"WithPrefix":true,"WithProgressNotify":true},"Responses":[{"Events":[{"Type":"put-operation","Key":"k","Value":{"Value":"1","Hash":0},"Revision":2}],"IsProgressNotify":false,"Revision":2,"Time":17},{"Events":[],"IsProgressNotify":true,"Revision":3,"Time":47}]}"#;
    fs::write(
        folder.join("client-1/watch.json"),
        watch.replace("\"Events\":[],", "\"Events\":null,"),
    )
    .expect("written");
    judged(&folder).verdict
}

#[test]
fn etcd_reports() {
    let read = |revision: i64, value: &str| {
        format!(
            r#"{{"ClientId":1,"Input":{{"Type":"range","Range":{{"Start":"k","End":"","Limit":0,"Revision":0}}}},"Call":30,"Output":{{"Range":{{"KVs":[{{"Key":"k","Value":{{"Value":"{value}","Hash":0}},"ModRevision":{revision}}}],"Count":1}},"Revision":{revision},"Error":""}},"Return":40}}"#
        )
    };
    assert_eq!(report("seen", &read(2, "1")), Verdict::Legal);
    // The write that timed out is seen, but the watcher was told that all up to 3 had come.
    let missed = report("missed", &read(3, "2"));
    assert!(matches!(&missed, Verdict::Broken(broken) if broken.checker == "watch.bookmarkable"));
    let wrong = report("wrong", &read(3, "9"));
    assert!(matches!(&wrong, Verdict::Broken(broken) if broken.checker == "linearizability"));
    let error = read_error("nothing");
    assert!(error.contains("no client-* folder"), "{error}");
}

/// A report of one client in the JSON of later years, whose watcher shows all that happened.
fn later(name: &str, operations: &str) -> PathBuf {
    let folder = folder(name).join("TestRobustness/1735689600/client-3");
    fs::create_dir_all(&folder).expect("a folder");
    fs::create_dir_all(folder.join("../server-0/client-x")).expect("a folder");
    fs::write(folder.join("../history.html"), "<html>").expect("written");
    fs::write(folder.join("operations.json"), operations).expect("written");
    let watch = r#"{"Request":{"Key":"","Revision":0,"WithPrefix":true,"WithProgressNotify":false,"WithPrevKV":true},
        "Responses":[{"Events":[{"Type":"put-operation","Key":"k","Value":{"Value":"1"},"Revision":2,"IsCreate":true,"PrevValue":null},
        {"Type":"put-operation","Key":"k","Value":{"Hash":686313437},"Revision":3,"IsCreate":false,"PrevValue":{"Value":{"Value":"1"},"ModRevision":2,"Version":1}}],
        "IsProgressNotify":false,"Revision":3,"Time":70},{"Events":null,"IsProgressNotify":false,"Revision":0,"Time":90,"Error":"closed"}]}"#;
    fs::write(folder.join("watch.json"), watch).expect("written");
    self::folder(name)
}

const LATER: &str = r#"
{"ClientId":1,"Input":{"Type":"txn","Txn":{"Conditions":[{"Key":"k","ExpectedRevision":0,"ExpectedVersion":0}],"OperationsOnSuccess":[{"Type":"put-operation","Range":{"Start":"","End":"","Limit":0},"Put":{"Key":"k","Value":{"Value":"1"},"LeaseID":0},"Delete":{"Key":""}}],"OperationsOnFailure":[{"Type":"range-operation","Range":{"Start":"k","End":"","Limit":0}}]},"Compact":null},"Call":10,"Output":{"Txn":{"Failure":false,"Results":[{"KVs":null,"Count":0,"Deleted":0}]},"ClientError":"","Revision":2,"Persisted":false,"PersistedRevision":0,"Error":""},"Return":20}
{"ClientId":1,"Input":{"Type":"txn","Txn":{"Conditions":null,"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"k","Value":{"Value":"12345678901234567890"}}}],"OperationsOnFailure":null}},"Call":30,"Output":{"Error":"timeout"},"Return":-1}
{"ClientId":2,"Input":{"Type":"range","Range":{"Start":"k","End":"","Limit":0,"Revision":0}},"Call":40,"Output":{"Range":{"KVs":[{"Key":"k","Value":{"Hash":686313437},"ModRevision":3,"Version":2}],"Count":1},"Revision":3},"Return":50}
{"ClientId":2,"Input":{"Type":"compact","Compact":{"Revision":3}},"Call":51,"Output":{"Compact":{},"Revision":-1},"Return":52}
{"ClientId":2,"Input":{"Type":"compact","Compact":{"Revision":2}},"Call":53,"Output":{"ClientError":"mvcc: required revision has been compacted","Revision":0},"Return":54}
{"ClientId":2,"Input":{"Type":"range","Range":{"Start":"k","End":"","Limit":0,"Revision":2}},"Call":55,"Output":{"Error":"etcdserver: mvcc: required revision has been compacted"},"Return":56}
{"ClientId":2,"Input":{"Type":"defragment","Defragment":{}},"Call":57,"Output":{"Defragment":{},"Revision":-1},"Return":58}
{"ClientId":3,"Input":{"Type":"txn","Txn":{"Conditions":[{"Key":"k","ExpectedRevision":0,"ExpectedVersion":2}],"OperationsOnSuccess":[{"Type":"range-operation","Range":{"Start":"k"}}],"OperationsOnFailure":[]}},"Call":60,"Output":{"Persisted":true,"PersistedRevision":3},"Return":70}
"#;

#[test]
fn etcd_reports_of_later_years() {
    let report = judged(&later("later", LATER));
    assert_eq!(report.verdict, Verdict::Legal);
    let figures = &report.figures;
    assert_eq!((figures.ok, figures.fail, figures.unknown, figures.placed), (3, 1, 3, 1));
    let changed = |name: &str, from: &str, to: &str| {
        assert!(LATER.contains(from));
        judged(&later(name, &LATER.replacen(from, to, 1))).verdict
    };
    let version = changed("later-version", "\"Version\":2}]", "\"Version\":1}]");
    assert!(matches!(&version, Verdict::Broken(broken) if broken.reason.contains("version")));
    // What is said of a creation holds for the write of unknown outcome, too.
    let watch = folder("later").join("TestRobustness/1735689600/client-3/watch.json");
    let told = fs::read_to_string(&watch).expect("written");
    for (from, to) in [
        (r#""Revision":2,"IsCreate":true"#, r#""Revision":2,"IsCreate":false"#),
        (r#""Revision":3,"IsCreate":false"#, r#""Revision":3,"IsCreate":true"#),
    ] {
        assert!(told.contains(from));
        fs::write(&watch, told.replacen(from, to, 1)).expect("written");
        let wrong = judged(&folder("later")).verdict;
        assert!(matches!(&wrong, Verdict::Broken(broken) if broken.checker == "watch.is_create"));
    }
    // Reports of earlier years do not say it.
    fs::write(&watch, told.replace(r#""IsCreate":true,"#, "")).expect("written");
    assert_eq!(judged(&folder("later")).verdict, Verdict::Legal);
    fs::write(&watch, told).expect("written");
    // That the compaction failed since another one was further says that there was one.
    let alone = changed(
        "later-alone",
        r#""Output":{"Compact":{},"Revision":-1}"#,
        r#""Output":{"ClientError":"mvcc: required revision has been compacted"}"#,
    );
    assert!(matches!(alone, Verdict::Broken(_)), "{alone:?}");
}

#[test]
fn etcd_reports_are_refused_with_file_and_line() {
    for (name, from, to, expected) in [
        ("kind", "\"compact\"", "\"snapshot\"", "operations.json:5: operation \"snapshot\""),
        ("field", "\"Conditions\":null", "\"Ops\":null", "operations.json:3: unknown field `Ops`"),
        (
            "empty",
            "\"Range\":{\"Start\":\"k\",\"End\":\"\",\"Limit\":0,\"Revision\":0}",
            "\"Range\":null",
            "operations.json:4: an operation of type \"range\" says not what",
        ),
        (
            "inner",
            "\"Type\":\"range-operation\"",
            "\"Type\":\"copy\"",
            "operations.json:2: operation \"copy\"",
        ),
        ("cut", "\"Persisted\":true", "", "operations.json:9: "),
        ("time", "\"Call\":51", "\"Call\":45", "operations.json:5: compact at revision 3 by c2"),
    ] {
        assert!(LATER.contains(from), "{name}");
        let error = read_error_at(&later(&format!("bad-{name}"), &LATER.replacen(from, to, 1)));
        assert!(error.contains(expected), "{name}: {error}");
    }
    let one = later("one-file", LATER).join("TestRobustness/1735689600/client-3/operations.json");
    let error = read_error_at(&one);
    assert!(error.contains("at most one client's part"), "{error}");
    fs::create_dir_all(folder("one-file").join("Other/client-1")).expect("a folder");
    let error = read_error_at(&folder("one-file"));
    assert!(error.contains("holds 2 reports"), "{error}");
}

fn read_error_at(path: &Path) -> String {
    let refused = read(path, None, Limits::default()).map(|_| ());
    refused.expect_err("must be refused").to_string()
}

fn read_error(name: &str) -> String {
    let refused = read(&folder(name), None, Limits::default()).map(|_| ());
    refused.expect_err("must be refused").to_string()
}

#[test]
fn garbage_is_refused() {
    for (name, bytes) in [
        ("noise", &[0u8, 159, 146, 150][..]),
        ("words", b"hello"),
        ("half", b"[{:process 0"),
        ("json", b"{\"a\":1}"),
    ] {
        for format in Format::all().map(Some).chain([None]) {
            let error = refused(name, bytes, format);
            assert!(error.contains(name), "{error}");
        }
    }
}

#[expect(clippy::print_stderr, reason = "says what was not tested")]
/// Beside the project's folder: recorded by others, with the verdicts that others reached.
fn recorded(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/histories").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = listing.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn recorded_by_porcupine() {
    let Some(folder) = recorded("porcupine-kv") else { return };
    for path in files(&folder) {
        let name = path.display().to_string();
        let expected = match () {
            () if name.ends_with("-ok.txt") => "legal",
            () if name.ends_with("-bad.txt") => "broken",
            () => continue,
        };
        assert_eq!(judged(&path).verdict.name(), expected, "{name}");
    }
}

#[test]
fn recorded_by_jepsen() {
    let Some(folder) = recorded("porcupine-jepsen-etcd") else { return };
    let expected = fs::read_to_string(folder.join("EXPECTED.tsv")).expect("verdicts");
    for line in expected.lines().skip(1) {
        let mut words = line.split('\t');
        let (name, verdict) = (words.next().expect("a name"), words.nth(1).expect("a verdict"));
        let expected = if verdict == "Ok" { "legal" } else { "broken" };
        assert_eq!(judged(&folder.join(name)).verdict.name(), expected, "{name}");
    }
}

#[test]
fn recorded_by_knossos() {
    let Some(folder) = recorded("knossos/cas-register") else { return };
    for (kind, expected) in [("good", "legal"), ("bad", "broken")] {
        for path in files(&folder.join(kind)) {
            assert_eq!(judged(&path).verdict.name(), expected, "{}", path.display());
        }
    }
}

#[test]
fn recorded_by_etcd() {
    let Some(folder) = recorded("etcd-robustness") else { return };
    for path in files(&folder) {
        if !path.is_dir() {
            continue;
        }
        let input = read(&path, None, Limits::default()).expect("readable");
        let Input::KeySpace(_) = &input else { panic!("operations of etcd") };
        let report = judge(&input, &Options::default());
        assert_eq!(report.verdict, Verdict::Legal, "{}", path.display());
        assert!(report.figures.placed > 0);
    }
}

/// Grants, puts with a lease and revocations are in the order of writes.
#[test]
fn leases_in_etcd_reports() {
    let line = |id: u64, input: &str, output: &str, revision: i64| {
        let (call, back) = (id * 10, id * 10 + 5);
        format!(
            r#"{{"ClientId":1,"Input":{{{input}}},"Call":{call},"Output":{{{output},"Revision":{revision}}},"Return":{back}}}"#
        )
    };
    let lease = r#"{"LeaseID":7}"#;
    let put = r#""Type":"txn","Txn":{"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"k","Value":{"Value":"1"},"LeaseID":7}}]}"#;
    let read = r#""Type":"range","Range":{"Start":"k","End":"","Limit":0,"Revision":0}"#;
    let done = r#""Txn":{"Failure":false,"Results":[{"KVs":null,"Count":0}]}"#;
    let report = |name: &str, last: i64| {
        let grant = format!(r#""Type":"leaseGrant","LeaseGrant":{lease}"#);
        let revoke = format!(r#""Type":"leaseRevoke","LeaseRevoke":{lease}"#);
        let lines = [
            line(1, &grant, &format!(r#""LeaseGrant":{lease}"#), 1),
            line(2, put, done, 2),
            line(3, &revoke, r#""LeaseRevoke":{}"#, last),
            line(4, read, r#""Range":{"KVs":null,"Count":0}"#, last),
        ];
        let client = folder(name).join("client-1");
        fs::create_dir_all(&client).expect("a folder");
        fs::write(client.join("operations.json"), lines.join("\n")).expect("written");
        fs::write(client.join("watch.json"), "").expect("written");
        judged(&folder(name)).verdict
    };
    assert_eq!(report("leases-revoked", 3), Verdict::Legal);
    // The revocation deleted the key: that is a revision.
    assert!(matches!(report("leases-lost", 2), Verdict::Broken(_)));
}
