//! Each rule with a run that keeps it and one that breaks it, and the sentence that says so.

use std::ops::Range;

use expect_test::{Expect, expect};

use super::*;
use crate::history::{
    ErrorAnswer, Header, OnStream, PutRequest, PutResponse, RangeRequest, RangeResponse, Request,
    Response,
};

const MS: u64 = 1_000_000;

fn settings() -> ServiceSettings {
    ServiceSettings {
        latency_ns: 1_000 * MS,
        usual_ns: 250 * MS,
        recovery_ns: 5_000 * MS,
        pending_ns: 1_000 * MS,
        changes_per_fault: 2,
        change_every_ns: 2_000 * MS,
    }
}

/// A run of three members and 60 s.
#[derive(Default)]
struct Told {
    records: Vec<Record>,
    calls: BTreeMap<u64, Call>,
    faults: Vec<FaultSpan>,
    leaders: Vec<LeaderChange>,
}

impl Told {
    fn put(&mut self, member: u64, from_ms: u64) -> (u64, Record) {
        let id = self.records.len() as u64;
        let put = PutRequest { key: "a".into(), value: "1".into(), ..PutRequest::default() };
        (id, Record::called(id, id, member, from_ms * MS, Request::Put(put)))
    }

    fn ended(&mut self, id: u64, record: Record, to_ms: u64) {
        let call = Call { deadline_ns: 2_000 * MS, ended_ns: to_ms * MS, cancelled: false };
        self.calls.insert(id, call);
        self.records.push(record);
    }

    /// A put that was acknowledged.
    fn ok(&mut self, member: u64, from_ms: u64, to_ms: u64) {
        let (id, record) = self.put(member, from_ms);
        let header = Some(Header { revision: 2 + id as i64, ..Header::default() });
        let answer = Response::Put(PutResponse { header, ..PutResponse::default() });
        self.ended(id, record.ok(to_ms * MS, answer), to_ms);
    }

    /// A put of unknown outcome.
    fn lost(&mut self, member: u64, from_ms: u64, to_ms: u64) {
        let (id, record) = self.put(member, from_ms);
        let (code, message) = ("Unavailable".to_owned(), "server stopped".to_owned());
        self.ended(id, record.unknown(ErrorAnswer { code, message }), to_ms);
    }

    /// A put that was refused at once.
    fn refused(&mut self, member: u64, at_ms: u64, message: &str) {
        let (id, record) = self.put(member, at_ms);
        let (code, message) = ("InvalidArgument".to_owned(), message.to_owned());
        let refused = record.failed((at_ms + 1) * MS, ErrorAnswer { code, message });
        self.ended(id, refused, at_ms + 1);
    }

    /// A serializable read.
    fn read(&mut self, member: u64, at_ms: u64, revision: i64) {
        let id = self.records.len() as u64;
        let range = RangeRequest { key: "a".into(), serializable: true, ..Default::default() };
        let header = Some(Header { revision, ..Header::default() });
        let answer = Response::Range(RangeResponse { header, ..RangeResponse::default() });
        let record = Record::called(id, id, member, at_ms * MS, Request::Range(range));
        self.records.push(record.ok(at_ms * MS + 1, answer));
    }

    fn stream_over(&mut self, member: u64, at_ms: u64, error: Option<&str>) {
        let id = self.records.len() as u64;
        let on = OnStream { id, process: 9, member, at_ns: at_ms * MS, stream: id };
        let error = error.map(|message| ErrorAnswer {
            code: "Unavailable".to_owned(),
            message: message.to_owned(),
        });
        self.records.push(Record::watch_end(on, error));
    }

    fn fault(&mut self, what: &str, group: &[u64], rest: &[u64], held_ms: Range<u64>) {
        self.faults.push(FaultSpan {
            what: what.to_owned(),
            group: group.to_vec(),
            rest: rest.to_vec(),
            degrades: what.starts_with("slow"),
            start_ns: held_ms.start * MS,
            end_ns: held_ms.end * MS,
        });
    }

    fn leader(&mut self, member: u64, at_ms: u64) {
        let term = 2 + self.leaders.len() as u64;
        self.leaders.push(LeaderChange { at_ns: at_ms * MS, member, term });
    }

    fn judged(&self) -> Vec<ServiceCheck> {
        service(&ServedRun {
            records: &self.records,
            calls: &self.calls,
            members: 3,
            faults: &self.faults,
            leaders: &self.leaders,
            end_ns: 60_000 * MS,
            settings: settings(),
        })
    }

    /// The rules that are broken.
    fn broken(&self) -> Vec<&'static str> {
        let judged = self.judged().into_iter();
        judged.filter(|check| check.finding.is_some()).map(|check| check.name).collect()
    }

    /// One rule alone is broken, and says so.
    fn says(&self, name: &str, sentence: &Expect) {
        assert_eq!(self.broken(), [name]);
        let judged = self.judged();
        let check = judged.iter().find(|check| check.name == name).expect("the rule is there");
        let finding = check.finding.as_ref().expect("it is broken");
        sentence.assert_eq(&finding.reason);
        assert!(check.examined > 0, "{name} looked at nothing");
    }
}

/// A run in which nothing happens to the service.
fn calm() -> Told {
    let mut told = Told::default();
    told.leader(1, 1_200);
    for second in 2..58 {
        told.ok(1 + second % 3, second * 1_000, second * 1_000 + 12);
    }
    told
}

#[test]
fn a_calm_run_keeps_every_rule_and_most_look_at_something() {
    let told = calm();
    assert_eq!(told.broken(), [""; 0]);
    let judged = told.judged();
    let examined = judged.iter().filter(|check| check.examined > 0).map(|check| check.name);
    let examined: Vec<&str> = examined.collect();
    assert_eq!(examined, [ANSWERED, LATENCY, THROUGHPUT, LEADER, RECOVERY]);
}

#[test]
fn an_operation_without_an_answer_needs_a_cause() {
    let mut told = calm();
    told.lost(2, 20_500, 22_500);
    told.says(ANSWERED, &expect![[r#"put a=1 by c56 at m2, called at 20.500000 s, ended with "server stopped" (Unavailable), 20 s after the start, with every member able to serve: nothing that was injected explains that"#]]);
    told.calls.get_mut(&56).expect("the call").cancelled = true;
    assert_eq!(told.broken(), [""; 0], "the client left by itself");
    told.calls.get_mut(&56).expect("the call").cancelled = false;
    told.fault("kill of m2", &[2], &[], 20_600..21_000);
    assert_eq!(told.broken(), [""; 0], "the member was killed meanwhile");
}

#[test]
fn a_fault_excuses_those_whom_it_strikes() {
    let mut told = calm();
    told.fault("kill of m2", &[2], &[], 20_000..40_000);
    told.lost(2, 30_000, 32_000);
    assert_eq!(told.broken(), [""; 0]);
    told.lost(3, 30_000, 32_000);
    told.says(ANSWERED, &expect![[r#"put a=1 by c57 at m3, called at 30.000000 s, ended with "server stopped" (Unavailable), 10 s after the kill of m2 began, with m1 and m3 able to serve: nothing that was injected explains that"#]]);
}

#[test]
fn a_partition_leaves_the_majority_able() {
    let mut told = calm();
    told.fault("partition of m1 | m2 m3", &[1], &[2, 3], 20_000..40_000);
    told.lost(1, 30_000, 32_000);
    assert_eq!(told.broken(), [""; 0]);
    told.lost(2, 30_000, 32_000);
    assert_eq!(told.broken(), [ANSWERED]);
}

/// Nothing takes the lead from a leader that is slow.
#[test]
fn a_slow_leader_makes_all_slow() {
    let slow = |member: u64| {
        let mut told = calm();
        let rest: Vec<u64> = (1..=3).filter(|other| *other != member).collect();
        told.fault("slow link", &[member], &rest, 20_000..40_000);
        told.lost(3, 30_000, 32_000);
        told.broken()
    };
    assert_eq!(slow(1), [""; 0], "m1 leads");
    assert_eq!(slow(2), [ANSWERED], "m1 leads and has m3");
}

#[test]
fn without_one_largest_quorum_nobody_has_to_serve() {
    let mut told = calm();
    // m1 and m3 are a quorum, and so are m2 and m3.
    told.fault("one way cut of m1 -> m2", &[1], &[2], 20_000..40_000);
    told.lost(1, 30_000, 32_000);
    told.lost(3, 30_000, 32_000);
    assert_eq!(told.broken(), [""; 0]);
    told.faults.clear();
    told.fault("isolation of everybody", &[1, 2, 3], &[1, 2, 3], 20_000..40_000);
    assert_eq!(told.broken(), [""; 0]);
}

#[test]
fn an_answer_needs_a_cause_to_be_late() {
    let mut told = calm();
    told.ok(2, 20_500, 21_600);
    told.says(LATENCY, &expect!["put a=1 by c56 at m2, called at 20.500000 s, was answered after 1.1 s, 20 s after the start, with every member able to serve; the bound is 1 s"]);
}

#[test]
fn most_answers_come_in_the_usual_time() {
    let mut told = calm();
    for second in 10..20 {
        told.ok(1, second * 1_000 + 100, second * 1_000 + 500);
    }
    told.says(THROUGHPUT, &expect!["of 63 calls in times without a fault 53 were answered within 250 ms; nine of ten have to be"]);
}

#[test]
fn a_refusal_that_a_request_earns_does_not_show_that_no_write_succeeds() {
    let mut told = Told::default();
    told.leader(1, 1_000);
    told.refused(1, 2_000, "etcdserver: key is not provided");
    assert!(!told.broken().contains(&RECOVERY), "{:?}", told.broken());
    let mut told = Told::default();
    told.leader(1, 1_000);
    told.lost(1, 2_000, 4_000);
    assert!(told.broken().contains(&RECOVERY), "{:?}", told.broken());
}

#[test]
fn a_refusal_that_a_request_earns_does_not_slow_the_service() {
    let mut told = calm();
    for second in 10..20 {
        told.refused(1, second * 1_000 + 100, "etcdserver: key is not provided");
    }
    assert_eq!(told.broken(), [""; 0]);
}

#[test]
fn a_stream_ends_by_its_client_or_for_a_cause() {
    let mut told = calm();
    told.stream_over(2, 20_500, None);
    told.fault("kill of m3", &[3], &[], 40_000..41_000);
    told.stream_over(3, 40_001, Some("broken"));
    assert_eq!(told.broken(), [""; 0]);
    told.stream_over(2, 20_500, Some("server stopped"));
    told.says(STREAM, &expect![[r#"the watch stream of c9 at m2 ended at 20.500000 s with "server stopped" (Unavailable), 20 s after the start, with every member able to serve: nothing that was injected explains that"#]]);
}

#[test]
fn a_leader_needs_a_cause() {
    let mut told = calm();
    told.leader(2, 30_000);
    told.says(LEADER, &expect!["m2 became leader of term 3 at 30.000000 s, 30 s after the start, with every member able to serve: nothing that was injected explains that"]);
    told.fault("kill of m1", &[1], &[], 29_000..29_500);
    assert_eq!(told.broken(), [""; 0]);
}

#[test]
fn a_fault_grants_a_few_elections() {
    let mut told = calm();
    told.fault("kill of m1", &[1], &[], 29_000..29_500);
    told.leader(2, 30_000);
    told.leader(3, 31_000);
    assert_eq!(told.broken(), [""; 0]);
    told.leader(2, 32_000);
    told.says(ELECTIONS, &expect!["from 29.000000 s on, when the kill of m1 began, 3 members became leader within 5.5 s; 2 are granted by 1 fault that held for 500 ms"]);
}

#[test]
fn writes_succeed_soon_after_a_fault() {
    let mut told = Told::default();
    told.fault("pause of m1 m2", &[1, 2], &[], 10_000..20_000);
    told.ok(1, 2_000, 2_010);
    told.lost(3, 21_000, 23_000);
    told.lost(3, 23_000, 24_900);
    told.says(RECOVERY, &expect!["no write at a member able to serve succeeded until 25.000000 s, 5 s after the pause of m1 m2 was over, with every member able to serve; put a=1 by c2 at m3, called at 23.000000 s, was one that was tried"]);
    told.ok(3, 24_000, 24_950);
    assert_eq!(told.broken(), [""; 0]);
}

#[test]
fn a_write_that_waited_for_an_election_is_answered_soon() {
    let mut told = calm();
    told.fault("kill of m1", &[1], &[], 20_000..30_000);
    told.leader(2, 21_500);
    told.ok(3, 20_100, 22_400);
    assert_eq!(told.broken(), [""; 0]);
    told.ok(3, 20_100, 22_600);
    told.says(PENDING, &expect!["put a=1 by c57 at m3, called at 20.100000 s, was neither answered nor refused until 22.600000 s, 1.1 s after m2 became leader of term 3; the bound is 1 s"]);
}

#[test]
fn a_member_left_alone_is_not_old() {
    let mut told = calm();
    // The put at second s made revision s.
    told.read(2, 20_500, 19);
    assert_eq!(told.broken(), [""; 0]);
    let mut quiet = calm();
    let id = quiet.records.len() as u64;
    quiet.records.push(Record::quiesced(id, 57_500 * MS, 59_900 * MS));
    quiet.read(3, 59_500, 56);
    assert_eq!(quiet.broken(), [STALE], "too near the end for a steady window");
    told.read(2, 20_500, 18);
    told.says(STALE, &expect!["serializable get a by c57 at m2, called at 20.500000 s, was answered from revision 18, 1.4 s after put a=1 by c17 was acknowledged at revision 19, 20 s after the start, with every member able to serve"]);
}
