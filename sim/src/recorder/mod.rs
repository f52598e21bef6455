//! The recorder: the history while it is written, and what a run reads from it meanwhile.
//!
//! - The *tape* holds the records: ids in order of the calls, times of one true clock.
//! - *Steering* is what traffic depends on: the highest revision, the compact revision, and the
//!   revision that each evidence watcher has delivered.
//! - *Values* are held once, however often they are answered.
//! - *Counts* are what traffic came to, for the floor of the run.
//! - *Effects* are questions to the tape: did a fault change what a client saw?

mod counts;
mod effects;
mod steering;
mod tape;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mettle_checker::history::{
    ErrorAnswer, OnStream, Outcome, Record, Request, Response, WatchResponse, outcome_of,
};
use mettle_checker::service::Call;
use mettle_reports::verdict::Operations;

pub use counts::Count;
pub use values::Values;

use crate::member::Member;
use counts::Counts;
use steering::Steering;
use tape::Tape;

/// Takes down what clients do and see; clones are handles to the same history.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    state: Arc<Mutex<State>>,
    values: Values,
}

#[derive(Debug, Default)]
struct State {
    tape: Tape,
    steering: Steering,
    counts: Counts,
    breaches: Vec<Breach>,
}

/// A rule that an answer broke which the history has no words for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: &'static str,
    /// What happened, in words.
    pub reason: String,
    /// When (ns).
    pub at_ns: u64,
}

/// How a call came back.
#[derive(Clone, Debug)]
pub enum CallResult {
    /// With an answer.
    Answered(Response),
    /// With an error before anything was put on the wire.
    NeverSent(ErrorAnswer),
    /// With an error of the server or of the transport.
    Refused(ErrorAnswer),
}

/// One watch stream of one client.
#[derive(Clone, Copy, Debug)]
pub struct WatchStream {
    /// The process that listens.
    pub process: u64,
    /// At which member.
    pub member: Member,
    /// The stream's number in the history.
    pub stream: u64,
}

impl WatchStream {
    fn record(self, id: u64, at_ns: u64) -> OnStream {
        let WatchStream { process, member, stream } = self;
        OnStream { id, process, member: member.into(), at_ns, stream }
    }
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        // What was recorded before a panic is still what happened.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The long values of the history.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// A new sequential process.
    pub fn process(&self) -> u64 {
        self.state().tape.process()
    }

    /// A new watch stream.
    pub fn stream(&self) -> u64 {
        self.state().tape.stream()
    }

    /// An operation is about to be sent: its id. Its outcome stays unknown until [`Recorder::ended`].
    pub fn called(&self, process: u64, member: Member, now_ns: u64, request: Request) -> u64 {
        let mut state = self.state();
        state.steering.asked(&request);
        state.counts.called();
        state.tape.push(|id| Record::called(id, process, member.into(), now_ns, request))
    }

    /// How long the client is ready to wait for an operation, and whether it may leave before.
    pub fn waits(&self, id: u64, deadline_ns: u64, may_leave: bool) {
        self.state().tape.waits(id, deadline_ns, may_leave);
    }

    /// What is known of each call beside its record, by the record's id.
    pub fn calls(&self) -> BTreeMap<u64, Call> {
        self.state().tape.calls()
    }

    /// The answer to an operation.
    pub fn ended(&self, id: u64, now_ns: u64, ending: &CallResult) -> Outcome {
        let mut state = self.state();
        state.counts.ended();
        state.tape.over(id, now_ns);
        if let CallResult::Answered(response) = ending {
            state.steering.answered(response);
        }
        state.tape.replace(id, |called| match ending {
            CallResult::Answered(response) => called.ok(now_ns, response.clone()),
            CallResult::NeverSent(error) => called.failed(now_ns, error.clone()),
            CallResult::Refused(error) => match outcome_of(&error.code, &error.message) {
                Outcome::Fail => called.failed(now_ns, error.clone()),
                Outcome::Ok | Outcome::Unknown => called.unknown(error.clone()),
            },
        })
    }

    /// An operation was answered on this connection.
    pub fn connected(&self, id: u64, connection: u64) {
        self.state().tape.connected(id, connection);
    }

    /// Something was sent on a watch stream.
    pub fn sent(&self, on: WatchStream, now_ns: u64, request: Request) {
        let WatchStream { process, member, stream: _ } = on;
        let record = |id| Record::sent(id, process, member.into(), now_ns, request);
        self.state().tape.push(record);
    }

    /// Something arrived on a watch stream.
    pub fn arrived(&self, on: WatchStream, now_ns: u64, response: WatchResponse) {
        let mut state = self.state();
        state.steering.watched(&response);
        state.tape.push(|id| Record::watch_response(on.record(id, now_ns), response));
    }

    /// A watch stream is over.
    pub fn stream_over(&self, on: WatchStream, now_ns: u64, error: Option<ErrorAnswer>) {
        self.state().tape.push(|id| Record::watch_end(on.record(id, now_ns), error));
    }

    /// From then to now nothing was wrong, and everybody listened.
    pub fn quiesced(&self, from_ns: u64, now_ns: u64) {
        self.state().tape.push(|id| Record::quiesced(id, from_ns, now_ns));
    }

    /// The evidence watcher at `member` has delivered everything up to `revision`.
    pub fn delivered(&self, member: Member, revision: i64) {
        self.state().steering.delivered(member, revision);
    }

    /// Up to where the evidence watcher at `member` has delivered.
    pub fn delivered_by(&self, member: Member) -> i64 {
        self.state().steering.delivered_by(member)
    }

    /// The last revision above `after` and up to `to` that is known to delete something.
    pub fn deleted_between(&self, after: i64, to: i64) -> Option<i64> {
        self.state().steering.deleted_between(after, to)
    }

    /// Highest revision seen by anybody.
    pub fn revision(&self) -> i64 {
        self.state().steering.revision()
    }

    /// How many requests so far may have made a revision.
    pub fn writes(&self) -> i64 {
        self.state().steering.writes()
    }

    /// Highest revision anybody asked to compact.
    pub fn compacted(&self) -> i64 {
        self.state().steering.compacted()
    }

    /// Whether an operation called at `from_ns` or later was answered by `member`.
    pub fn served_since(&self, member: Member, from_ns: u64) -> bool {
        effects::served_since(self.state().tape.records(), member, from_ns)
    }

    /// Whether an operation called at `member` in this time had no answer.
    pub fn unanswered_between(&self, member: Member, from_ns: u64, to_ns: u64) -> bool {
        effects::unanswered(self.state().tape.records(), member, from_ns..=to_ns)
    }

    /// Whether an operation called at `member` in this time took so long or longer.
    pub fn slow_between(&self, member: Member, time: RangeInclusive<u64>, least_ns: u64) -> bool {
        effects::slow(self.state().tape.records(), member, time, least_ns)
    }

    /// How the operations ended so far.
    pub fn operations(&self) -> Operations {
        self.state().tape.operations()
    }

    /// Something happened that is no record of the history.
    pub fn count(&self, what: Count) {
        self.state().counts.add(what);
    }

    /// An answer broke a rule.
    pub fn broken(&self, breach: Breach) {
        self.state().breaches.push(breach);
    }

    /// Hands over the rules that were broken.
    pub fn take_breaches(&self) -> Vec<Breach> {
        std::mem::take(&mut self.state().breaches)
    }

    /// What traffic came to, by the word that a floor has for it.
    pub fn traffic(&self) -> BTreeMap<String, u64> {
        self.state().counts.by_word()
    }

    /// Hands the history over.
    pub fn take(&self) -> Vec<Record> {
        self.state().tape.take()
    }
}
