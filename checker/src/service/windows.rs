//! Windows: when which members are able to serve.

use super::{FaultSpan, ServedRun};
use crate::words;

/// A set of members, by bit: member 1 is bit 0.
type Members = u32;

/// A stretch of time in which the same quorum is able to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Begin (ns).
    pub(super) from_ns: u64,
    /// End (ns).
    pub(super) to_ns: u64,
    able: Members,
    /// Whether all members are able.
    pub(super) whole: bool,
    /// What ended or began last, for sentences.
    since: String,
}

impl Window {
    /// Whether a member is able in this window.
    pub(super) fn has(&self, member: u64) -> bool {
        bit(member).is_some_and(|bit| self.able & bit != 0)
    }

    /// From when on the window is steady (ns).
    pub(super) fn steady_ns(&self, run: &ServedRun<'_>) -> u64 {
        self.from_ns.saturating_add(run.settings.recovery_ns)
    }

    /// Whether a stretch of time lies in the steady part.
    pub(super) fn covers(&self, run: &ServedRun<'_>, from_ns: u64, to_ns: u64) -> bool {
        from_ns >= self.steady_ns(run) && to_ns <= self.to_ns
    }

    /// `2.1 s after the kill of m2 was over, with m1 and m3 able to serve`.
    pub(super) fn told(&self, at_ns: u64) -> String {
        let after = words::duration(at_ns.saturating_sub(self.from_ns));
        if self.whole {
            return format!("{after} after {}, with every member able to serve", self.since);
        }
        format!("{after} after {}, with {} able to serve", self.since, names(self.able))
    }
}

/// The windows of a run, in order of time.
pub(super) fn windows(run: &ServedRun<'_>) -> Vec<Window> {
    let spans: Vec<FaultSpan> = run.faults.iter().map(lasting).collect();
    let mut edges: Vec<u64> = vec![0, run.end_ns];
    edges.extend(spans.iter().flat_map(|span| [span.start_ns, span.end_ns]));
    let degraded =
        |at: u64| spans.iter().any(|span| span.degrades && span.start_ns <= at && at < span.end_ns);
    edges.extend(run.leaders.iter().map(|one| one.at_ns).filter(|at| degraded(*at)));
    edges.retain(|edge| *edge <= run.end_ns);
    edges.sort_unstable();
    edges.dedup();
    let mut windows: Vec<Window> = Vec::new();
    for edge in edges.windows(2) {
        let (from_ns, to_ns) = (edge[0], edge[1]);
        let holding = spans.iter().filter(|span| span.start_ns <= from_ns && from_ns < span.end_ns);
        let holding: Vec<&FaultSpan> = holding.collect();
        let Some(able) = able(run.members, &holding) else { continue };
        if led_from_outside(run, from_ns, able, &holding) {
            continue;
        }
        let whole = u64::from(able.count_ones()) == run.members;
        let since = since(&spans, from_ns);
        // A fault that changes nothing for those who are able is an edge all the same: it may have
        // changed who they follow.
        windows.push(Window { from_ns, to_ns, able, whole, since });
    }
    windows
}

/// A fault without a length has one: it is an edge.
fn lasting(span: &FaultSpan) -> FaultSpan {
    let end_ns = span.end_ns.max(span.start_ns.saturating_add(1));
    FaultSpan { end_ns, ..span.clone() }
}

/// What happened at an edge.
fn since(spans: &[FaultSpan], at_ns: u64) -> String {
    let over = spans.iter().find(|span| span.end_ns == at_ns);
    let begun = spans.iter().find(|span| span.start_ns == at_ns);
    match (over, begun) {
        (_, Some(begun)) => format!("the {} began", begun.what),
        (Some(over), None) => format!("the {} was over", over.what),
        (None, None) if at_ns == 0 => "the start".to_owned(),
        (None, None) => "an election".to_owned(),
    }
}

/// The one largest quorum that no fault strikes and that no struck link divides. Where two are
/// equally large nobody can say who serves.
fn able(members: u64, holding: &[&FaultSpan]) -> Option<Members> {
    let everybody: Members = (1..=members).filter_map(bit).fold(0, |all, bit| all | bit);
    let quorum = (members / 2 + 1) as u32;
    let set = |some: &[u64]| some.iter().filter_map(|one| bit(*one)).fold(0, |all, bit| all | bit);
    let struck = holding.iter().filter(|span| span.rest.is_empty());
    let unstruck = everybody & !struck.fold(0, |all, span| all | set(&span.group));
    let links: Vec<(Members, Members)> = holding
        .iter()
        .filter(|span| !span.rest.is_empty())
        .map(|span| (set(&span.group), set(&span.rest)))
        .collect();
    let divided = |some: Members| {
        links.iter().any(|(from, to)| {
            let (from, to) = (some & from, some & to);
            // A member has no link to itself.
            from != 0 && to != 0 && (from != to || from.count_ones() > 1)
        })
    };
    let fits =
        |some: &Members| some & !unstruck == 0 && some.count_ones() >= quorum && !divided(*some);
    let all: Vec<Members> = (1..=everybody).filter(fits).collect();
    let largest = all.iter().map(|some| some.count_ones()).max()?;
    let mut best = all.into_iter().filter(|some| some.count_ones() == largest);
    match (best.next(), best.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Whether the leader is none of those who are able, and nothing that holds takes the lead from it.
fn led_from_outside(
    run: &ServedRun<'_>,
    at_ns: u64,
    able: Members,
    holding: &[&FaultSpan],
) -> bool {
    let before = run.leaders.partition_point(|one| one.at_ns <= at_ns);
    let leader = before.checked_sub(1).map(|last| run.leaders[last].member);
    let Some(leader) = leader.filter(|leader| bit(*leader).is_some_and(|bit| able & bit == 0))
    else {
        return false;
    };
    let on = |side: &[u64]| side.contains(&leader);
    let struck = |span: &&&FaultSpan| on(&span.group) || on(&span.rest);
    holding.iter().filter(struck).all(|span| span.degrades)
}

fn bit(member: u64) -> Option<Members> {
    let place = member.checked_sub(1)?;
    u32::try_from(place).ok().filter(|place| *place < 16).map(|place| 1 << place)
}

/// `m1 and m3`.
fn names(some: Members) -> String {
    let named = (1..=16).filter(|one| bit(*one).is_some_and(|bit| some & bit != 0));
    let all: Vec<String> = named.map(|one| format!("m{one}")).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => all.concat(),
    }
}
