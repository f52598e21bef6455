//! Counts for each fault of the plan: armed, fired, and whether anything observable changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mettle_reports::timeline::FaultSpan;
use mettle_reports::verdict::FaultCount;
use mettle_scenarios::plan::PlannedFault;

use crate::member::Member;
use crate::recorder::Recorder;

/// What happened with the faults of a plan; clones are handles to the same one.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    spans: Vec<FaultSpan>,
    fired: BTreeMap<u32, u64>,
    effects: BTreeMap<u32, Vec<Effect>>,
}

/// Names one stretch of time in which a fault held.
#[derive(Clone, Copy, Debug)]
pub struct Span(usize);

/// What counts as an effect of a fault, looked at when the run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Seen already.
    Seen,
    /// A member answered a client again after this time (ns).
    Served {
        /// The member.
        member: Member,
        /// The start of its new life.
        since_ns: u64,
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
    pub fn fired(&self, id: u32, name: &str, target: String, now_ns: u64) -> Span {
        let mut state = self.state();
        *state.fired.entry(id).or_default() += 1;
        let name = name.to_owned();
        state.spans.push(FaultSpan { id, name, target, start_ns: now_ns, end_ns: None });
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

    /// When each fault held.
    pub fn spans(&self) -> Vec<FaultSpan> {
        self.state().spans.clone()
    }

    /// The count for each fault of the plan.
    pub fn counts(&self, faults: &[PlannedFault], history: &Recorder) -> Vec<FaultCount> {
        let state = self.state();
        let seen = |effect: &&Effect| match **effect {
            Effect::Seen => true,
            Effect::Served { member, since_ns } => history.served_since(member, since_ns),
            Effect::Missed { member, from_ns, to_ns } => {
                history.unanswered_between(member, from_ns, to_ns)
            }
        };
        let count = |planned: &PlannedFault| FaultCount {
            name: planned.fault.word().to_owned(),
            armed: 1,
            fired: state.fired.get(&planned.id).copied().unwrap_or(0),
            effect: state
                .effects
                .get(&planned.id)
                .map_or(0, |effects| u64::from(effects.iter().any(|effect| seen(&effect)))),
        };
        faults.iter().map(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use mettle_checker::history::{PutRequest, PutResponse, Request, Response};
    use mettle_scenarios::fault::{Fault, Group, ProcessFault, Target};

    use super::*;
    use crate::recorder::CallResult;

    fn planned(id: u32, fault: ProcessFault) -> PlannedFault {
        let target = Target::Group(Group::Any);
        PlannedFault { id, fault: Fault::Process(fault), target, at_ns: 5, duration_ns: 10 }
    }

    #[test]
    fn every_fault_of_the_plan_is_counted_and_has_at_most_one_effect() {
        let ledger = Ledger::default();
        let plan = [planned(1, ProcessFault::Kill), planned(2, ProcessFault::Pause)];
        let span = ledger.fired(1, "kill", "m2".to_owned(), 5);
        ledger.effect(1, Effect::Seen);
        ledger.effect(1, Effect::Seen);
        let counts = ledger.counts(&plan, &Recorder::default());
        let counts = counts.iter().map(|count| (count.armed, count.fired, count.effect));
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 1, 1), (1, 0, 0)]);
        assert_eq!(ledger.spans()[0].end_ns, None, "it still holds");
        ledger.healed(span, 15);
        let spans = ledger.spans();
        assert_eq!((spans[0].start_ns, spans[0].end_ns), (5, Some(15)));
        assert_eq!((spans[0].name.as_str(), spans[0].target.as_str()), ("kill", "m2"));
    }

    #[test]
    fn an_effect_may_turn_out_when_the_run_is_over() {
        let (ledger, recorder) = (Ledger::default(), Recorder::default());
        let member = Member::new(1);
        let plan = [planned(1, ProcessFault::Kill), planned(2, ProcessFault::Pause)];
        ledger.effect(1, Effect::Served { member, since_ns: 20 });
        ledger.effect(2, Effect::Missed { member, from_ns: 5, to_ns: 15 });
        let effects = |recorder: &Recorder| {
            ledger.counts(&plan, recorder).iter().map(|count| count.effect).collect::<Vec<_>>()
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
