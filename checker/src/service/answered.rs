//! In the steady part of a window every operation at an able member is answered, and in time.

use super::windows::Window;
use super::{ANSWERED, LATENCY, ServedRun, ServiceCheck, ServiceFinding, THROUGHPUT};
use crate::history::{ErrorAnswer, Outcome, Record, Response, code_of};
use crate::words;

/// Fewer calls than this say nothing about what is usual.
const FEW: u64 = 20;

/// The checks of answers, latency and throughput.
pub(super) fn checks(run: &ServedRun<'_>, windows: &[Window]) -> Vec<ServiceCheck> {
    let mut answered = ServiceCheck::new(ANSWERED);
    let mut latency = ServiceCheck::new(LATENCY);
    let (mut calls, mut quick) = (0, 0);
    let mut slowest: Option<(&Record, u64)> = None;
    for (record, window) in steady(run, windows) {
        answered.look(unanswered(run, window, record));
        let Some(return_ns) = record.return_ns.filter(|_| record.outcome == Outcome::Ok) else {
            // A refusal by what was asked is an answer; whether it is earned is judged elsewhere.
            calls += u64::from(!run.impatient(record) && !is_refusal(record));
            continue;
        };
        let took_ns = return_ns - record.call_ns;
        calls += 1;
        quick += u64::from(took_ns <= run.settings.usual_ns);
        if slowest.is_none_or(|(_, slowest_ns)| slowest_ns < took_ns) {
            slowest = Some((record, took_ns));
        }
        latency.look(late(run, window, record, took_ns));
    }
    let mut throughput = ServiceCheck::new(THROUGHPUT);
    throughput.examined = calls;
    if calls >= FEW && quick * 10 < calls * 9 {
        let usual = words::duration(run.settings.usual_ns);
        let reason = format!(
            "of {calls} calls in times without a fault {quick} were answered within {usual}; nine of \
             ten have to be"
        );
        let (evidence, at_ns) =
            slowest.map_or((Vec::new(), 0), |(record, _)| (vec![record.id], record.call_ns));
        throughput.finding = Some(ServiceFinding { reason, evidence, at_ns });
    }
    vec![answered, latency, throughput]
}

/// The operations whose answer was due in the steady part of a window, at a member able to serve.
pub(super) fn steady<'a, 'b>(
    run: &ServedRun<'a>,
    windows: &'b [Window],
) -> impl Iterator<Item = (&'a Record, &'b Window)> {
    let run = *run;
    run.records.iter().filter(|record| record.request.op().is_operation()).filter_map(
        move |record| {
            let due_ns = record.call_ns.saturating_add(run.settings.latency_ns);
            let at = windows.partition_point(|window| window.to_ns < due_ns);
            let window = windows.get(at)?;
            let fits = window.has(record.member) && window.covers(&run, record.call_ns, due_ns);
            fits.then_some((record, window))
        },
    )
}

/// Whether the operation was refused with an error of the closed table.
pub(super) fn is_refusal(record: &Record) -> bool {
    let Some(Response::Error(error)) = &record.response else { return false };
    record.outcome == Outcome::Fail && code_of(&error.message).is_some()
}

fn unanswered(run: &ServedRun<'_>, window: &Window, record: &Record) -> Option<ServiceFinding> {
    let error = match &record.response {
        Some(Response::Error(error)) => error,
        _ => &ErrorAnswer { code: String::new(), message: "no answer".to_owned() },
    };
    match record.outcome {
        Outcome::Ok => return None,
        // Whether such a refusal is earned is another check's question.
        Outcome::Fail if code_of(&error.message).is_some() => return None,
        Outcome::Fail | Outcome::Unknown if run.impatient(record) => return None,
        Outcome::Fail | Outcome::Unknown => {}
    }
    let reason = format!(
        "{} at m{}, called at {}, ended with \"{}\" ({}), {}: nothing that was injected explains that",
        words::describe(record),
        record.member,
        words::time(record.call_ns),
        error.message,
        error.code,
        window.told(record.call_ns)
    );
    Some(ServiceFinding { reason, evidence: vec![record.id], at_ns: record.call_ns })
}

fn late(
    run: &ServedRun<'_>,
    window: &Window,
    record: &Record,
    took_ns: u64,
) -> Option<ServiceFinding> {
    if took_ns <= run.settings.latency_ns {
        return None;
    }
    let reason = format!(
        "{} at m{}, called at {}, was answered after {}, {}; the bound is {}",
        words::describe(record),
        record.member,
        words::time(record.call_ns),
        words::duration(took_ns),
        window.told(record.call_ns),
        words::duration(run.settings.latency_ns)
    );
    Some(ServiceFinding { reason, evidence: vec![record.id], at_ns: record.call_ns })
}
