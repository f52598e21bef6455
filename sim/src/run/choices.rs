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

/// The watch before: what was asked, what was heard, at which member.
pub(super) type LastWatch = (WatchCreateRequest, Heard, Member);

/// Where a watch begins: as planned; after a break, where it left off and at another member.
pub(super) fn begin(
    recorder: &Recorder,
    members: u32,
    plan: &WatchPlan,
    last: Option<LastWatch>,
) -> (WatchCreateRequest, Member) {
    let compacted = recorder.compacted().max(1);
    let revision = recorder.revision().max(1);
    let start_revision = match (plan.start, last) {
        (start, Some((mut request, heard, member)))
            if start == Start::Resume || heard.over == WatchOver::Broken =>
        {
            if heard.revision > 0 {
                request.start_revision = heard.revision + 1;
            }
            let elsewhere =
                if plan.member == member { member.later(1, members) } else { plan.member };
            return (request, elsewhere);
        }
        (Start::Now | Start::Resume, _) => 0,
        (Start::Compacted, _) => compacted,
        (Start::Past(permille), _) => {
            compacted + (revision - compacted).max(0) * i64::from(permille) / 1000
        }
        (Start::Future(ahead), _) => revision + i64::from(ahead),
    };
    (WatchCreateRequest { start_revision, ..plan.request.clone() }, plan.member)
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
        }
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
        let start = |start| begin(&recorder, 3, &watch(start), None).0.start_revision;
        assert_eq!(start(Start::Now), 0);
        assert_eq!(start(Start::Resume), 0, "there was nothing before");
        assert_eq!(start(Start::Compacted), 10);
        assert_eq!(start(Start::Past(500)), 60);
        assert_eq!(start(Start::Future(4)), 114);
    }

    #[test]
    fn after_a_break_a_watch_goes_on_elsewhere_with_what_comes_next() {
        let recorder = recorder(110, 10);
        let broken = Heard { revision: 42, over: WatchOver::Broken, ..Heard::default() };
        let before = WatchCreateRequest { start_revision: 7, ..WatchCreateRequest::default() };
        let last = Some((before.clone(), broken, M1));
        let (request, member) = begin(&recorder, 3, &watch(Start::Now), last);
        assert_eq!((request.start_revision, request.prev_kv), (43, false), "the request of before");
        assert_eq!(member, Member::new(2));
        let unheard = Heard { over: WatchOver::Broken, ..Heard::default() };
        let again = begin(&recorder, 3, &watch(Start::Now), Some((before, unheard, M1)));
        assert_eq!(again.0.start_revision, 7, "nothing came: from the same revision again");
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
