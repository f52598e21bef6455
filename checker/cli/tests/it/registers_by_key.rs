//! Registers by key, as Jepsen's tests with `jepsen.independent` record them: each key is judged as
//! if it were alone, and what mixes keys and none is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::world::Dice;
use mettle_check::import::{Format, Input, read_from};
use mettle_check::judge;
use mettle_checker::history::Limits;
use mettle_checker::{Options, Report, Verdict};

fn input(text: &str, format: Option<Format>) -> Result<Input, String> {
    let bytes = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
    read_from("h.edn", bytes, format, Limits::default()).map_err(|error| error.to_string())
}

fn judged(text: &str) -> Report {
    let input = input(text, None).unwrap_or_else(|error| panic!("{error}: {text}"));
    judge(&input, &Options::default())
}

fn verdict(text: &str) -> &'static str {
    judged(text).verdict.name()
}

fn refused(text: &str) -> String {
    input(text, None).map(drop).expect_err("must be refused")
}

/// Two keys with the same values at the same time; the last line is a read of key 3.
const GOOD: &str = "\
    {:process 0, :type :invoke, :f :write, :value [3 1], :time 1}\n\
    {:process 1, :type :invoke, :f :write, :value [4 2], :time 2}\n\
    {:process 0, :type :ok, :f :write, :value [3 1], :time 3}\n\
    {:process :nemesis, :type :info, :f :start, :value [3 9]}\n\
    {:process 1, :type :ok, :f :write, :value [4 2], :time 4}\n\
    {:process 2, :type :invoke, :f :cas, :value [3 [1 5]]}\n\
    {:process 2, :type :ok, :f :cas, :value [3 [1 5]]}\n\
    {:process 1, :type :invoke, :f :read, :value [4 nil]}\n\
    {:process 1, :type :ok, :f :read, :value [4 2]}\n\
    {:process 3, :type :invoke, :f :read, :value [\"new\" nil]}\n\
    {:process 3, :type :ok, :f :read, :value [\"new\" nil]}\n\
    {:process 4, :type :invoke, :f :write, :value [3 7]}\n\
    {:process 4, :type :info, :f :write, :value :timed-out, :error [3 4]}\n\
    {:process 1, :type :invoke, :f :read, :value [3 nil]}\n\
    {:process 1, :type :ok, :f :read, :value [3 5]}\n";

#[test]
fn each_key_is_a_register_of_its_own() {
    assert_eq!(verdict(GOOD), "legal");
    // The write of unknown outcome may have happened; what another key holds may not be read.
    assert_eq!(verdict(&GOOD.replace("[3 5]}", "[3 7]}")), "legal");
    let report = judged(&GOOD.replace("[3 5]}", "[3 2]}"));
    let Verdict::Broken(broken) = &report.verdict else { panic!("{report:?}") };
    assert!(broken.reason.contains("of key 3"), "{broken:?}");
    assert!(!broken.reason.contains("of key 4"), "{broken:?}");
    assert_eq!(report.figures.ok + report.figures.unknown, 7);
    assert_eq!(verdict(&GOOD.replace("[3 [1 5]]", "[4 [1 5]]")), "broken");
    assert_eq!(verdict(&GOOD.replace("\"new\"", "4")), "broken", "4 holds something");
}

#[test]
fn tuples_may_be_tagged_and_keys_be_words() {
    for tag in ["#jepsen.independent.Tuple", "#independent/tuple ", "#clojure.lang.MapEntry "] {
        let tagged = GOOD.replace(":value [", &format!(":value {tag}["));
        assert_eq!(verdict(&tagged), "legal", "{tagged}");
        assert_eq!(verdict(&tagged.replace("[3 5]}", "[3 2]}")), "broken");
    }
    for key in ["\"r\"", ":r", "-3"] {
        let named = GOOD.replace("[3 ", &format!("[{key} "));
        assert_eq!(verdict(&named), "legal", "{named}");
        assert_eq!(verdict(&named.replace(" 5]}", " 2]}")), "broken");
    }
    // The number, the string and the keyword are three keys.
    let three = GOOD.replace("\"new\"", "\"3\"");
    assert_eq!(verdict(&three), "legal");
    assert_eq!(verdict(&three.replace("\"3\"", ":3")), "legal");
    assert_eq!(verdict(&three.replace("\"3\"", "3")), "broken");
}

#[test]
fn logs_have_keys_too() {
    let head = "2020-02-03 INFO [jepsen worker 3] jepsen.util:";
    let good = format!(
        "{head} 3\t:invoke\t:write\t[0 4]\n{head} 3\t:ok\t:write\t[0 4]\n\
         {head} 5\t:invoke\t:cas\t[0, [4, 7]]\n{head} 5\t:info\t:cas\t[0 [4 7]]\t:timeout\n\
         {head} 3\t:invoke\t:write\t[1 9]\n{head} 3\t:ok\t:write\t[1 9]\n\
         {head} 3\t:invoke\t:read\t[0 nil]\n{head} 3\t:ok\t:read\t[0 7]\n"
    );
    assert_eq!(verdict(&good), "legal");
    assert_eq!(verdict(&good.replace("\t[0 7]", "\t[0 9]")), "broken");
    // A compare that was seen to fail says what was not there, unless it failed for another reason.
    let failed = |end: &str| {
        format!("{good}{head} 4\t:invoke\t:cas\t[0 [7 8]]\n{head} 4\t:fail\t:cas\t{end}\n")
    };
    assert_eq!(verdict(&failed("[0 [7 8]]")), "broken");
    assert_eq!(verdict(&failed("[0 [7 8]]\t:node-down")), "legal");
    assert_eq!(verdict(&failed(":timed-out")), "legal");
    let odd = refused(&good.replace("\t[1 9]", "\t[1 [9]]"));
    assert!(odd.contains("h.edn:5: the operation is not understood"), "{odd}");
    let odd = refused(&good.replace("\t[1 9]", "\t[1"));
    assert!(odd.contains("h.edn:5: the value is not understood"), "{odd}");
}

#[test]
fn keyed_and_unkeyed_values_together_are_refused() {
    let line = |number: usize, with: &str| {
        let mut lines: Vec<&str> = GOOD.lines().collect();
        lines[number - 1] = with;
        refused(&lines.join("\n"))
    };
    for (number, with, cause) in [
        (2, "{:process 1, :type :invoke, :f :write, :value 2}", "without a key among those with"),
        (6, "{:process 2, :type :invoke, :f :cas, :value [1 5]}", "without a key among those with"),
        (8, "{:process 1, :type :invoke, :f :read, :value nil}", "without a key among those with"),
        (9, "{:process 1, :type :ok, :f :read, :value 2}", "no key, and its call has one"),
        (3, "{:process 0, :type :ok, :f :write, :value 1}", "no key, and its call has one"),
        (9, "{:process 1, :type :ok, :f :read, :value [3 1]}", "on another key than was called"),
        (13, "{:process 4, :type :info, :f :write, :value [4 7]}", "on another key"),
        (6, "{:process 2, :type :invoke, :f :cas, :value [3 5]}", "without a key among those with"),
        (6, "{:process 2, :type :invoke, :f :cas, :value [3 [4 [1 5]]]}", "is not understood"),
        (2, "{:process 1, :type :invoke, :f :write, :value [3 [1 5]]}", "is not understood"),
        (9, "{:process 1, :type :ok, :f :read, :value [4 [1 2]]}", "is not a number"),
        (2, "{:process 1, :type :invoke, :f :write, :value [3 1 5]}", "is not understood"),
    ] {
        let told = line(number, with);
        assert!(told.contains(&format!("h.edn:{number}: ")), "{with}: {told}");
        assert!(told.contains(cause) && told.contains("[KEY "), "{with}: {told}");
    }
    let plain = "{:process 0, :type :invoke, :f :write, :value 1}\n\
                 {:process 0, :type :ok, :f :write, :value 1}\n";
    let told = refused(&format!("{plain}{GOOD}"));
    assert!(told.contains("h.edn:3: an operation with a key among those without"), "{told}");
    let read =
        "{:process 0, :type :invoke, :f :read}\n{:process 0, :type :ok, :f :read, :value [1 1]}";
    let told = refused(&format!("{plain}{read}"));
    assert!(told.contains("h.edn:4: an answer with a key, and its call has none"), "{told}");
}

/// Operations of a few clients on a few keys; now and then a read is of another value.
struct Recorder {
    dice: Dice,
    values: BTreeMap<u64, u64>,
    keyed: String,
    alone: BTreeMap<u64, String>,
}

impl Recorder {
    fn line(&mut self, key: u64, (process, kind, name): (u64, &str, &str), value: &str) {
        let head = format!("{{:process {process}, :type :{kind}, :f :{name}, :value");
        let _ = writeln!(self.keyed, "{head} [{key} {value}]}}");
        let _ = writeln!(self.alone.entry(key).or_default(), "{head} {value}}}");
    }

    /// The calls of three clients, and then their answers; they take effect in an order of their own.
    fn round(&mut self) {
        let mut calls = Vec::new();
        for process in 0..3 {
            let (key, value) = (self.dice.below(3), self.dice.below(4));
            let now = self.values.get(&key).copied();
            let (name, asked, said) = match self.dice.below(3) {
                0 => ("write", value.to_string(), value.to_string()),
                1 if now.is_some() => {
                    let pair = format!("[{} {value}]", now.unwrap_or(0));
                    ("cas", pair.clone(), pair)
                }
                _ => {
                    let stale = self.dice.below(60) == 0;
                    let seen = if stale { Some(value) } else { now };
                    let seen = seen.map_or("nil".to_owned(), |seen| seen.to_string());
                    ("read", "nil".to_owned(), seen)
                }
            };
            if name != "read" {
                self.values.insert(key, value);
            }
            self.line(key, (process, "invoke", name), &asked);
            let lost = name != "read" && self.dice.below(10) == 0;
            calls.push((key, (process, if lost { "info" } else { "ok" }, name), said));
        }
        let first = self.dice.below(3) as usize;
        for place in 0..3 {
            let (key, what, said) = calls[(first + place) % 3].clone();
            self.line(key, what, &said);
        }
    }
}

#[test]
fn one_broken_key_breaks_the_history() {
    let mut seen = BTreeMap::new();
    for seed in 0..300 {
        let mut recorder = Recorder {
            dice: Dice::new(seed),
            values: BTreeMap::new(),
            keyed: String::new(),
            alone: BTreeMap::new(),
        };
        for _ in 0..12 {
            recorder.round();
        }
        let alone = recorder.alone.values().any(|text| verdict(text) == "broken");
        let expected = if alone { "broken" } else { "legal" };
        assert_eq!(verdict(&recorder.keyed), expected, "seed {seed}:\n{}", recorder.keyed);
        *seen.entry(expected).or_insert(0) += 1;
    }
    assert!(seen.values().all(|count| *count > 40) && seen.len() == 2, "{seen:?}");
}
