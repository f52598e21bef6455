//! A small judged run for the tests of this crate.

use std::collections::BTreeMap;

use mettle_checker::history::{
    ErrorAnswer, Header, History, KeyValue, Origin, PutRequest, PutResponse, RangeRequest,
    RangeResponse, Record, Request, Response,
};

use mettle_scenarios::Plan;
use mettle_scenarios::settings::{
    ClusterSettings, DiskSettings, Floor, Latency, LimitSettings, NetworkSettings, ServiceSettings,
    Traffic,
};

use crate::summary::RunSummary;
use crate::verdict::{FaultCount, Finding, Operations, Status, VERSION, Verdict};

const MILLISECOND: u64 = 1_000_000;

/// Two clients: a put, a stale read of it, and a put that was never answered.
pub(crate) fn history() -> History {
    let header = |revision| Some(Header { revision, ..Header::default() });
    let put = |value: &str| {
        Request::Put(PutRequest { key: "/a".into(), value: value.into(), ..PutRequest::default() })
    };
    let get = Request::Range(RangeRequest { key: "/a".into(), ..RangeRequest::default() });
    let old = KeyValue {
        key: "/a".into(),
        value: "</script>".into(),
        create_revision: 2,
        mod_revision: 2,
        version: 1,
        lease: 0,
    };
    let timed_out =
        ErrorAnswer { code: "DeadlineExceeded".to_owned(), message: "too late".to_owned() };
    let records = vec![
        Record::called(1, 1, 1, 10 * MILLISECOND, put("</script>"))
            .ok(12 * MILLISECOND, Response::Put(PutResponse { header: header(2), prev_kv: None })),
        Record::called(2, 1, 1, 20 * MILLISECOND, put("v2"))
            .ok(25 * MILLISECOND, Response::Put(PutResponse { header: header(3), prev_kv: None })),
        Record::called(3, 2, 3, 30 * MILLISECOND, get).ok(
            31 * MILLISECOND,
            Response::Range(RangeResponse {
                header: header(2),
                kvs: vec![old],
                more: false,
                count: 1,
            }),
        ),
        Record::called(4, 2, 3, 40 * MILLISECOND, put("v3")).unknown(timed_out),
        Record::called(5, 3, 2, 1040 * MILLISECOND, put("v4")).ok(
            1041 * MILLISECOND,
            Response::Put(PutResponse { header: header(4), prev_kv: None }),
        ),
    ];
    History { origin: Origin::default(), records }
}

pub(crate) fn passed() -> RunSummary {
    let fault = |name: &str, armed, fired, effect| FaultCount {
        name: name.to_owned(),
        armed,
        fired,
        effect,
        skipped: 0,
    };
    let verdict = Verdict {
        version: VERSION,
        scenario: "faults/leader-partition".to_owned(),
        seed: 7,
        plants: vec![],
        verdict: Status::Pass,
        checker: None,
        reason: None,
        findings: vec![],
        sim_seconds: 64.25,
        operations: Operations { ok: 1204, fail: 3, unknown: 17 },
        traffic: BTreeMap::new(),
        faults: vec![fault("partition", 4, 4, 3), fault("kill", 1, 1, 1)],
        probes: [("wal torn tail cut".to_owned(), 2), ("snapshot sent".to_owned(), 1)].into(),
        examined: [("lease".to_owned(), 3)].into(),
        seen: [("op put".to_owned(), 7)].into(),
        leaders: 5,
        trace_hash: "3f2a9c0d5e6b71844aa0192837465bcd".to_owned(),
        plan_hash: "00112233445566778899aabbccddeeff".to_owned(),
    };
    RunSummary {
        repro: verdict.repro(),
        verdict,
        wall_seconds: 0.613,
        cpu_seconds: 0.551,
        peak_mb: 31.4,
        report: Some("target/reports/faults-leader-partition-7".to_owned()),
    }
}

pub(crate) fn broken() -> RunSummary {
    let mut summary = passed();
    let verdict = &mut summary.verdict;
    verdict.plants = vec!["C3".to_owned(), "R2@m1".to_owned()];
    verdict.verdict = Status::Broken;
    verdict.findings = vec![
        Finding {
            verdict: Status::Broken,
            checker: "linearizable".to_owned(),
            reason: "get /a began 5 ms after put /a=v2 was acknowledged at revision 3, and was \
                     answered from revision 2"
                .to_owned(),
            at_ns: None,
            records: vec![3, 2],
        },
        Finding {
            verdict: Status::NoConvergence,
            checker: "converge".to_owned(),
            reason: "m2 never answered\nits log refused".to_owned(),
            at_ns: None,
            records: vec![],
        },
    ];
    verdict.checker = Some("linearizable".to_owned());
    verdict.reason = Some(verdict.findings[0].reason.clone());
    summary.repro = summary.verdict.repro();
    summary
}

pub(crate) fn plan() -> Plan {
    let latency = Latency { base_ns: MILLISECOND, jitter_ns: 0, tail_permille: 0, tail_ns: 0 };
    Plan {
        version: mettle_scenarios::plan::VERSION,
        scenario: "faults/leader-partition".to_owned(),
        title: "The leader is cut off".to_owned(),
        seed: 7,
        members: 3,
        unrestricted: false,
        duration_ns: 60_000 * MILLISECOND,
        converge_ns: 30_000 * MILLISECOND,
        plants: vec![],
        cluster: ClusterSettings::default(),
        limits: LimitSettings::default(),
        network: NetworkSettings { latency, segment_bytes: 0, tail_lost_permille: 0 },
        disk: DiskSettings::default(),
        traffic: Traffic { deadline_ns: 1000 * MILLISECOND, ..Traffic::default() },
        faults: vec![],
        service: ServiceSettings::default(),
        floor: Floor { ok_operations: 1, ..Floor::default() },
    }
}
