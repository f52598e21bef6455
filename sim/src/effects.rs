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
