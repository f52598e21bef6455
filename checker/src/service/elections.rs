//! Leaders: none is elected without a cause, and faults do not cause more than so many elections.

use super::windows::Window;
use super::{ELECTIONS, FaultSpan, LEADER, LeaderChange, ServedRun, ServiceCheck, ServiceFinding};
use crate::words;

/// The checks of leader changes.
pub(super) fn checks(run: &ServedRun<'_>, windows: &[Window]) -> Vec<ServiceCheck> {
    vec![uncaused(run, windows), bounded(run)]
}

/// In the steady part of a window nobody becomes leader.
fn uncaused(run: &ServedRun<'_>, windows: &[Window]) -> ServiceCheck {
    let mut check = ServiceCheck::new(LEADER);
    let steady = windows.iter().filter(|window| window.steady_ns(run) < window.to_ns);
    check.examined = steady.count() as u64;
    for change in run.leaders {
        let at = windows.partition_point(|window| window.to_ns < change.at_ns);
        let Some(window) = windows.get(at) else { continue };
        if !window.has(change.member) || !window.covers(run, change.at_ns, change.at_ns) {
            continue;
        }
        let reason = format!(
            "m{} became leader of term {} at {}, {}: nothing that was injected explains that",
            change.member,
            change.term,
            words::time(change.at_ns),
            window.told(change.at_ns)
        );
        let finding = ServiceFinding { reason, evidence: Vec::new(), at_ns: change.at_ns };
        if check.finding.is_none() {
            check.finding = Some(finding);
        }
    }
    check
}

/// Each fault grants a few changes of leader, and more while it holds.
fn bounded(run: &ServedRun<'_>) -> ServiceCheck {
    let mut check = ServiceCheck::new(ELECTIONS);
    for group in groups(run) {
        let (from_ns, to_ns) =
            (group.from_ns, group.to_ns.saturating_add(run.settings.recovery_ns));
        let elected: Vec<&LeaderChange> = run
            .leaders
            .iter()
            .filter(|change| from_ns <= change.at_ns && change.at_ns <= to_ns)
            .collect();
        let held_ns = group.to_ns.min(run.end_ns).saturating_sub(from_ns);
        let most = group.count * run.settings.changes_per_fault
            + held_ns / run.settings.change_every_ns.max(1);
        let found = elected.get(most as usize).map(|change| ServiceFinding {
            reason: format!(
                "from {} on, when the {} began, {} members became leader within {}; {} granted by \
                 {} that held for {}",
                words::time(from_ns),
                group.first,
                elected.len(),
                words::duration(to_ns.min(run.end_ns) - from_ns),
                if most == 1 { "one is".to_owned() } else { format!("{most} are") },
                words::count(group.count as usize, "fault"),
                words::duration(held_ns)
            ),
            evidence: Vec::new(),
            at_ns: change.at_ns,
        });
        check.look(found);
    }
    check
}

/// Faults whose effects may overlap in time.
struct Faults<'a> {
    first: &'a str,
    count: u64,
    from_ns: u64,
    to_ns: u64,
}

fn groups<'a>(run: &ServedRun<'a>) -> Vec<Faults<'a>> {
    let mut spans: Vec<&FaultSpan> = run.faults.iter().collect();
    spans.sort_by_key(|span| (span.start_ns, span.end_ns));
    let mut groups: Vec<Faults<'_>> = Vec::new();
    for span in spans {
        let end_ns = span.end_ns.max(span.start_ns);
        match groups.last_mut() {
            Some(last) if span.start_ns <= last.to_ns.saturating_add(run.settings.recovery_ns) => {
                last.count += 1;
                last.to_ns = last.to_ns.max(end_ns);
            }
            _ => groups.push(Faults {
                first: &span.what,
                count: 1,
                from_ns: span.start_ns,
                to_ns: end_ns,
            }),
        }
    }
    groups
}
