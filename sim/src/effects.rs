//! Counts for each fault of the plan: armed, fired, and whether anything observable changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mettle_reports::timeline::FaultSpan;
use mettle_reports::verdict::FaultCount;
use mettle_scenarios::fault::{ClockFault, DiskFault, Fault, NetworkFault, ProcessFault};
use mettle_scenarios::plan::PlannedFault;

use crate::disk::{DiskEffect, DiskHandle};
use crate::member::Member;
use crate::recorder::Recorder;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// What happened with the faults of a plan; clones are handles to the same one.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    spans: Vec<FaultSpan>,
    fired: BTreeMap<u32, u64>,
    skipped: BTreeSet<u32>,
    struck: BTreeMap<u32, Vec<Member>>,
    effects: BTreeMap<u32, Vec<Effect>>,
}

/// Names one stretch of time in which a fault held.
#[derive(Clone, Copy, Debug)]
pub struct Span(usize);

/// What counts as an effect of a fault, looked at when the run is over.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// Seen already.
    Seen,
    /// What came of it on the disks.
    OnDisk {
        /// Whether that is an effect.
        seen: fn(DiskEffect) -> bool,
    },
    /// A member answered a client again after this time (ns).
    Served {
        /// The member.
        member: Member,
        /// The start of its new life.
        since_ns: u64,
    },
    /// An operation called at a member in this time took long, or had no answer.
    Slowed {
        /// The member.
        member: Member,
        /// Begin.
        from_ns: u64,
        /// End.
        to_ns: u64,
        /// How long at least.
        least_ns: u64,
    },
    /// Somebody ran out of patience with a member in this time (ns).
    Missed {
        /// The member.
        member: Member,
        /// Begin.
        from_ns: u64,
        /// End.
        to_ns: u64,
    },
}

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault happens now.
    pub fn fired(&self, planned: &PlannedFault, resolved: &ResolvedTarget, now_ns: u64) -> Span {
        let mut state = self.state();
        let id = planned.id;
        *state.fired.entry(id).or_default() += 1;
        state.struck.insert(id, resolved.group.clone());
        let Strike { group, rest, degrades } = strike(&planned.fault, resolved);
        let numbers = |some: Vec<Member>| some.into_iter().map(u32::from).collect();
        state.spans.push(FaultSpan {
            id,
            name: planned.fault.word().to_owned(),
            target: resolved.to_string(),
            group: numbers(group),
            rest: numbers(rest),
            degrades,
            start_ns: now_ns,
            end_ns: None,
        });
        Span(state.spans.len() - 1)
    }

    /// It is over.
    pub fn healed(&self, span: Span, now_ns: u64) {
        self.state().spans[span.0].end_ns = Some(now_ns);
    }

    /// Something that counts as an effect, or may turn out to.
    pub fn effect(&self, id: u32, effect: Effect) {
        self.state().effects.entry(id).or_default().push(effect);
    }

    /// A fault strikes nobody: there is nobody, or no more copies may be damaged.
    pub fn skipped(&self, id: u32) {
        self.state().skipped.insert(id);
    }

    /// Whom a fault struck; nobody before it begins.
    pub fn struck(&self, id: u32) -> Vec<Member> {
        self.state().struck.get(&id).cloned().unwrap_or_default()
    }

    /// When each fault held.
    pub fn spans(&self) -> Vec<FaultSpan> {
        self.state().spans.clone()
    }

    /// The count for each fault of the plan.
    pub fn counts(
        &self,
        faults: &[PlannedFault],
        history: &Recorder,
        disks: &DiskHandle,
    ) -> Vec<FaultCount> {
        let state = self.state();
        let seen = |id: u32, effect: &Effect| match *effect {
            Effect::Seen => true,
            Effect::OnDisk { seen } => seen(disks.effect(FaultId(id))),
            Effect::Served { member, since_ns } => history.served_since(member, since_ns),
            Effect::Slowed { member, from_ns, to_ns, least_ns } => {
                history.unanswered_between(member, from_ns, to_ns)
                    || history.slow_between(member, from_ns..=to_ns, least_ns)
            }
            Effect::Missed { member, from_ns, to_ns } => {
                history.unanswered_between(member, from_ns, to_ns)
            }
        };
        let count = |planned: &PlannedFault| FaultCount {
            name: planned.fault.word().to_owned(),
            armed: 1,
            fired: state.fired.get(&planned.id).copied().unwrap_or(0),
            skipped: u64::from(state.skipped.contains(&planned.id)),
            effect: state
                .effects
                .get(&planned.id)
                .map_or(0, |all| u64::from(all.iter().any(|effect| seen(planned.id, effect)))),
        };
        faults.iter().map(count).collect()
    }
}

/// Whom a fault keeps from serving.
struct Strike {
    /// Members, or one side of links.
    group: Vec<Member>,
    /// The other side of those links; empty when members are struck.
    rest: Vec<Member>,
    /// Whether those who are struck go on, only worse.
    degrades: bool,
}

/// Whom a fault strikes. Where links are struck one by one, or those of clients, everybody who takes
/// part in the fault counts as struck.
fn strike(fault: &Fault, resolved: &ResolvedTarget) -> Strike {
    let everybody: Vec<Member> = resolved.group.iter().chain(&resolved.rest).copied().collect();
    let (group, rest) = match fault {
        // Isolation also cuts the members of the group off from each other.
        Fault::Network(NetworkFault::Isolate) => (resolved.group.clone(), everybody),
        Fault::Network(_) => (resolved.group.clone(), resolved.rest.clone()),
        Fault::Cut(_)
        | Fault::Link(_)
        | Fault::Client(_)
        | Fault::Clock(ClockFault::ClockOfClient { .. }) => (everybody, Vec::new()),
        Fault::Process(_) | Fault::Disk(_) | Fault::Image(_) | Fault::Clock(_) => {
            (resolved.group.clone(), Vec::new())
        }
    };
    let degrades = match fault {
        Fault::Network(NetworkFault::SlowLink { .. })
        | Fault::Process(ProcessFault::SlowCpu { .. })
        | Fault::Disk(DiskFault::SlowDisk { .. } | DiskFault::SlowSync { .. })
        | Fault::Clock(_) => true,
        Fault::Network(_)
        | Fault::Cut(_)
        | Fault::Link(_)
        | Fault::Client(_)
        | Fault::Process(_)
        | Fault::Disk(_)
        | Fault::Image(_) => false,
    };
    Strike { group, rest, degrades }
}

#[cfg(test)]
mod tests {
    use mettle_checker::history::{PutRequest, PutResponse, Request, Response};
    use mettle_scenarios::fault::{Group, Target};

    use super::*;
    use crate::clock::Now;
    use crate::disk::DiskConfig;
    use crate::recorder::CallResult;
    use crate::stream::Streams;
    use crate::trace::{Keep, Trace};

    fn planned(id: u32, fault: ProcessFault) -> PlannedFault {
        let target = Target::Group(Group::Any);
        let (name, start) = (None, None);
        let fault = Fault::Process(fault);
        PlannedFault { id, fault, target, at_ns: 5, duration_ns: 10, name, start }
    }

    fn disks() -> DiskHandle {
        let trace = Trace::new(Keep::Nothing);
        DiskHandle::new(Streams::new(1), DiskConfig::default(), Now::new(|| 0), trace)
    }

    #[test]
    fn every_fault_of_the_plan_is_counted_and_has_at_most_one_effect() {
        let ledger = Ledger::default();
        let plan = [planned(1, ProcessFault::Kill), planned(2, ProcessFault::Pause)];
        let (group, rest) = (vec![Member::new(2)], vec![Member::new(1)]);
        let resolved = ResolvedTarget { group, rest, link: false };
        let span = ledger.fired(&plan[0], &resolved, 5);
        ledger.effect(1, Effect::Seen);
        ledger.effect(1, Effect::Seen);
        let counts = ledger.counts(&plan, &Recorder::default(), &disks());
        let counts = counts.iter().map(|count| (count.armed, count.fired, count.effect));
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 1, 1), (1, 0, 0)]);
        assert_eq!((ledger.struck(1), ledger.struck(2)), (vec![Member::new(2)], Vec::new()));
        assert_eq!(ledger.spans()[0].end_ns, None, "it still holds");
        ledger.healed(span, 15);
        let spans = ledger.spans();
        assert_eq!((spans[0].start_ns, spans[0].end_ns), (5, Some(15)));
        assert_eq!((spans[0].name.as_str(), spans[0].target.as_str()), ("kill", "m2"));
        assert_eq!((&spans[0].group[..], &spans[0].rest[..]), (&[2][..], &[][..]));
        let cut = |fault| strike(&Fault::Network(fault), &resolved).rest;
        assert_eq!(cut(NetworkFault::Partition), [Member::new(1)]);
        assert_eq!(cut(NetworkFault::Isolate), [Member::new(2), Member::new(1)]);
    }

    #[test]
    fn an_effect_may_turn_out_when_the_run_is_over() {
        let (ledger, recorder) = (Ledger::default(), Recorder::default());
        let member = Member::new(1);
        let plan = [planned(1, ProcessFault::Kill), planned(2, ProcessFault::Pause)];
        ledger.effect(1, Effect::Served { member, since_ns: 20 });
        ledger.effect(2, Effect::Missed { member, from_ns: 5, to_ns: 15 });
        let effects = |recorder: &Recorder| {
            ledger
                .counts(&plan, recorder, &disks())
                .iter()
                .map(|count| count.effect)
                .collect::<Vec<_>>()
        };
        assert_eq!(effects(&recorder), [0, 0]);
        recorder.called(1, member, 10, Request::Put(PutRequest::default()));
        assert_eq!(effects(&recorder), [0, 1], "a call in that time had no answer");
        let id = recorder.called(2, member, 30, Request::Put(PutRequest::default()));
        let answer = Response::Put(PutResponse::default());
        recorder.ended(id, 31, &CallResult::Answered(answer));
        assert_eq!(effects(&recorder), [1, 1], "it served again");
    }
}
