//! The choices of clients that depend on the history so far: which member, revision, compaction.

use mettle_checker::history::WatchCreateRequest;
use mettle_scenarios::Plan;

use crate::client::{Heard, WatchOver};
use crate::member::Member;
use crate::recorder::Recorder;
use crate::stream::Stream;
use crate::traffic::{Start, WatchPlan};

/// A different member, or the same one in a cluster of one.
pub(super) fn another(member: Member, members: u32, stream: &mut Stream) -> Member {
    let steps = 1 + stream.below(u64::from(members).saturating_sub(1));
    member.later(steps, members)
}

/// Any member.
pub(super) fn drawn(members: u32, stream: &mut Stream) -> Member {
    Member::of(1 + stream.below(members.into()) as u32)
}

/// One watcher: what was asked, and what was heard.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) request: WatchCreateRequest,
    pub(super) heard: Heard,
}

/// The stream before, with its watchers in the order of their requests.
#[derive(Clone, Debug)]
pub(super) struct LastWatch {
    pub(super) watched: Vec<Watched>,
    pub(super) member: Member,
}

/// Where a stream opens, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) member: Member,
    /// The first is the one that the plan names; one that is asked for later has its time.
    pub(super) requests: Vec<Asked>,
}

/// A watcher that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) request: WatchCreateRequest,
    /// Counted from the opening of the stream (ns).
    pub(super) after_ns: u64,
    pub(super) cancel_after_ns: Option<u64>,
}

impl Opening {
    /// The watchers in the order in which they are asked for.
    pub(super) fn order(&self) -> Vec<&Asked> {
        let mut order: Vec<&Asked> = self.requests.iter().collect();
        order.sort_by_key(|asked| asked.after_ns);
        order
    }
}

impl Asked {
    fn at_once(request: WatchCreateRequest) -> Asked {
        Asked { request, after_ns: 0, cancel_after_ns: None }
    }
}

/// Where watches begin: as planned; after a break, where they left off and at another member.
pub(super) fn begin(
    recorder: &Recorder,
    members: u32,
    plan: &WatchPlan,
    last: Option<LastWatch>,
) -> Opening {
    if let Some(LastWatch { watched, member }) = last {
        let broken = watched.first().is_some_and(|first| first.heard.over == WatchOver::Broken);
        if broken || (plan.start == Start::Resume && !watched.is_empty()) {
            let elsewhere =
                if plan.member == member { member.later(1, members) } else { plan.member };
            let requests = watched.into_iter().map(|watched| Asked::at_once(watched.goes_on()));
            return Opening { member: elsewhere, requests: requests.collect() };
        }
    }
    let first = started(recorder, &plan.request, plan.start);
    let beside = plan.beside.iter().map(|beside| Asked {
        request: started(recorder, &beside.request, beside.start),
        after_ns: beside.after_ns,
        cancel_after_ns: beside.cancel_after_ns,
    });
    let requests = std::iter::once(Asked::at_once(first)).chain(beside).collect();
    Opening { member: plan.member, requests }
}

impl Watched {
    /// The same request again, after the last revision that was heard.
    fn goes_on(self) -> WatchCreateRequest {
        let Watched { mut request, heard } = self;
        if heard.revision > 0 {
            request.start_revision = heard.revision + 1;
        }
        request
    }
}

/// A request that begins where it is to start.
fn started(recorder: &Recorder, request: &WatchCreateRequest, start: Start) -> WatchCreateRequest {
    let compacted = recorder.compacted().max(1);
    let revision = recorder.revision().max(1);
    let start_revision = match start {
        Start::Now | Start::Resume => 0,
        Start::Compacted => compacted,
        Start::Past(permille) => {
            compacted + (revision - compacted).max(0) * i64::from(permille) / 1000
        }
        Start::Stale(permille) => 1 + (compacted - 1) * i64::from(permille) / 1000,
        Start::Future(ahead) => revision + i64::from(ahead),
    };
    WatchCreateRequest { start_revision, ..request.clone() }
}

/// Mostly a new revision; at times one that must be refused.
pub(super) fn compact_revision(
    recorder: &Recorder,
    plan: &Plan,
    stream: &mut Stream,
) -> Option<i64> {
    let compacted = recorder.compacted();
    let newest = recorder.revision();
    let traffic = &plan.traffic;
    let allowed = if traffic.evidence && !traffic.compact_ahead {
        Member::all(plan.members).map(|member| recorder.delivered_by(member)).min().unwrap_or(0)
    } else {
        newest
    };
    let room = (allowed - compacted).max(0) as u64;
    let kind = stream.below(20);
    let forward = 1 + stream.below(room.max(1)) as i64;
    match kind {
        0 if compacted > 0 => Some(compacted),
        1 => Some(newest + 1_000_000),
        _ if room == 0 => None,
        _ => recorder.deleted_between(compacted, compacted + forward).or(Some(compacted + forward)),
    }
}

#[cfg(test)]
mod tests {
    use mettle_checker::history::{CompactRequest, Header, PutResponse, Request, Response};
    use mettle_server::probe::NAMES;

    use super::*;
    use crate::planner;
    use crate::recorder::CallResult;
    use crate::stream::Streams;

    const M1: Member = Member::new(1);

    fn stream() -> Stream {
        Streams::new(1).open("test", 0, 0)
    }

    /// A history that has come to a revision, and is compacted up to another.
    fn recorder(revision: i64, compacted: i64) -> Recorder {
        let recorder = Recorder::default();
        let header = Some(Header { revision, ..Header::default() });
        let answer = Response::Put(PutResponse { header, prev_kv: None });
        let compact = Request::Compact(CompactRequest { revision: compacted, physical: false });
        let id = recorder.called(1, M1, 0, compact.clone());
        recorder.ended(id, 1, &CallResult::Answered(answer));
        recorder.called(1, M1, 2, compact);
        recorder
    }

    fn plan() -> Plan {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\nmembers = 3\n";
        let scenario = mettle_scenarios::parse("x", "test/x", text, NAMES).unwrap();
        planner::plan(&scenario, 1, &[])
    }

    fn watch(start: Start) -> WatchPlan {
        WatchPlan {
            request: WatchCreateRequest { prev_kv: true, ..WatchCreateRequest::default() },
            start,
            member: M1,
            listen_ns: 1,
            progress_ns: Vec::new(),
            cancel: false,
            beside: Vec::new(),
            stops_reading: None,
        }
    }

    /// The revision at which the first watcher of an opening starts.
    fn first(opening: &Opening) -> i64 {
        opening.requests[0].request.start_revision
    }

    fn last(watched: Vec<Watched>) -> LastWatch {
        LastWatch { watched, member: M1 }
    }

    #[test]
    fn another_member_is_another_as_long_as_there_is_one() {
        let mut stream = stream();
        for _ in 0..50 {
            assert_ne!(another(M1, 3, &mut stream), M1);
        }
        assert_eq!(another(M1, 1, &mut stream), M1);
    }

    #[test]
    fn a_watch_begins_where_the_plan_says() {
        let recorder = recorder(110, 10);
        let start = |start| first(&begin(&recorder, 3, &watch(start), None));
        assert_eq!(start(Start::Now), 0);
        assert_eq!(start(Start::Resume), 0, "there was nothing before");
        assert_eq!(start(Start::Compacted), 10);
        assert_eq!(start(Start::Past(500)), 60);
        assert_eq!(start(Start::Future(4)), 114);
        assert_eq!(start(Start::Stale(500)), 5, "which is compacted");
    }

    #[test]
    fn after_a_break_a_watch_goes_on_elsewhere_with_what_comes_next() {
        let recorder = recorder(110, 10);
        let broken = Heard { revision: 42, over: WatchOver::Broken, ..Heard::default() };
        let before = WatchCreateRequest { start_revision: 7, ..WatchCreateRequest::default() };
        let watched = Watched { request: before.clone(), heard: broken };
        let begun =
            begin(&recorder, 3, &watch(Start::Now), Some(last(vec![watched.clone(), watched])));
        let request = &begun.requests[0].request;
        assert_eq!((request.start_revision, request.prev_kv), (43, false), "the request of before");
        assert_eq!((begun.member, begun.requests.len()), (Member::new(2), 2), "both go on");
        let unheard = Heard { over: WatchOver::Broken, ..Heard::default() };
        let watched = vec![Watched { request: before, heard: unheard }];
        let again = begin(&recorder, 3, &watch(Start::Now), Some(last(watched)));
        assert_eq!(first(&again), 7, "nothing came: from the same revision again");
    }

    #[test]
    fn nothing_is_compacted_that_an_evidence_watcher_has_not_delivered() {
        let (recorder, plan) = (recorder(110, 10), plan());
        assert!(plan.traffic.evidence && !plan.traffic.compact_ahead);
        let mut stream = stream();
        let mut drawn = |recorder: &Recorder| -> Vec<i64> {
            (0..200).filter_map(|_| compact_revision(recorder, &plan, &mut stream)).collect()
        };
        let known = |revision: &i64| *revision != 10 && *revision < 1_000_000;
        assert!(!drawn(&recorder).iter().any(known), "nothing is delivered yet");
        for member in Member::all(3) {
            recorder.delivered(member, 30 + i64::from(member.number()));
        }
        let compacted: Vec<i64> = drawn(&recorder).into_iter().filter(known).collect();
        assert!(compacted.iter().all(|revision| (11..=31).contains(revision)), "{compacted:?}");
        assert!(compacted.contains(&31), "as far as the slowest has come: {compacted:?}");
    }
}
