//! The page: self-contained, its data intact, its lanes sensible.

use mettle_checker::history::{ErrorAnswer, PutRequest, Record, Request};
use mettle_checker::words::row::{of_history, of_record};
use mettle_page::lanes::assign;
use mettle_scenarios::fault::FAMILIES;

use super::page;
use crate::fixture::{broken, history, plan};
use crate::timeline::{FaultSpan, Leadership, Timeline};

fn whole() -> String {
    with(vec![(3, 4)])
}

fn held(name: &str) -> FaultSpan {
    let target = "m1 | m2 m3".to_owned();
    let (id, name) = (1, name.to_owned());
    let (group, rest) = (Vec::new(), Vec::new());
    FaultSpan { id, name, target, group, rest, degrades: false, start_ns: 5, end_ns: None }
}

fn with(placed: Vec<(i64, u64)>) -> String {
    let timeline = Timeline {
        end_ns: 64_250_000_000,
        faults: ["partition", "pause", "power_loss", "meteor"].map(held).into(),
        leaders: vec![Leadership { at_ns: 3, term: 2, member: 1 }],
        placed,
        ..Timeline::default()
    };
    page(&plan(), &history(), &broken().verdict, &timeline)
}

#[test]
fn an_unknown_write_is_shown_where_the_judge_put_it() {
    let (placed, nowhere) = (whole(), with(Vec::new()));
    let differ = placed.lines().zip(nowhere.lines()).filter(|(one, other)| one != other);
    let differ: Vec<(&str, &str)> = differ.collect();
    assert!(!differ.is_empty() && placed.lines().count() == nowhere.lines().count());
    assert!(differ.iter().all(|(one, other)| one.len() >= other.len()), "{differ:?}");
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = whole();
    for outside in ["http://", "https://", "src=", "@import", "url(", "<link", "fetch(", "import("]
    {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.contains("{{"), "a place was left open");
}

fn data(page: &str) -> serde_json::Value {
    let (_, data) = page.split_once("id=\"run\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn a_fault_has_the_family_of_the_table_and_another_name_has_none() {
    let shown = data(&whole());
    let shown = ["family", "meanwhile"].map(|key| {
        let faults = shown["faults"].as_array().unwrap().iter();
        faults.map(|fault| fault[key].as_str().unwrap_or("null").to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(shown[0], ["network", "process", "process", "null"]);
    assert_eq!(shown[1], ["running", "frozen", "down", "running"]);
}

#[test]
fn every_family_has_a_colour() {
    let page = whole();
    for family in FAMILIES {
        let (style, ink) = (format!("--{}: #", family.name), format!("\"{}\", ", family.name));
        assert!(page.matches(&style).count() == 2 && page.contains(&ink), "{}", family.name);
    }
}

#[test]
fn the_data_survives_hostile_values() {
    let data = data(&whole());
    assert_eq!(data["records"]["id"].as_array().unwrap().len(), 5);
    assert_eq!(data["records"]["words"][0], "put /a=</script>");
    assert_eq!(data["violation"], 31_000_000);
    assert_eq!(data["faults"][0]["end"], serde_json::Value::Null);
    assert_eq!(data["run"]["leaders"][0]["term"], 2);
    assert_eq!(data["run"]["probes"]["snapshot sent"], 1);
}

#[test]
fn a_client_keeps_its_lane_when_an_unknown_outcome_ends_its_process() {
    let (lanes, of) = assign(&of_history(&history(), &[]), 1_000_000_000);
    let names: Vec<&str> = lanes.iter().map(|lane| lane.name.as_str()).collect();
    assert_eq!(names, ["c1", "c2 c3"]);
    assert_eq!(lanes[1].processes, [2, 3]);
    assert_eq!(of[&3], 1);
}

#[test]
fn processes_at_the_same_time_never_share_a_lane() {
    let put = Request::Put(PutRequest::default());
    let lost = || ErrorAnswer { code: "Unavailable".to_owned(), message: String::new() };
    let records: Vec<Record> = (0..60)
        .map(|number| {
            let call_ns = number / 3 * 10;
            Record::called(number, number, 1, call_ns, put.clone()).unknown(lost())
        })
        .collect();
    let rows: Vec<_> = records.iter().map(|record| of_record(record, None)).collect();
    let (lanes, _) = assign(&rows, 0);
    assert_eq!(lanes.len(), 3);
    assert!(lanes.iter().all(|lane| lane.processes.len() == 20));
}
