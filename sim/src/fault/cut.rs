//! Faults that cut the network in a shape: bridge, ring, flap, swizzle, and members without clients.

use mettle_scenarios::fault::CutFault;
use mettle_scenarios::plan::PlannedFault;

use super::links::{Direction, Disturbance, across, between, both, hold, to_clients};
use crate::effects::Effect;
use crate::member::Member;
use crate::net::{LinkFault, NetEffect};
use crate::run_context::RunContext;
use crate::stream::{FaultId, Stream};
use crate::target::ResolvedTarget;

/// Acts, and heals after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &CutFault,
) {
    let mut stream = run.environment.streams.open("cut shape", planned.id.into(), 0);
    let directions = match fault {
        CutFault::IsolateClient => both(&to_clients(run, resolved)),
        CutFault::PartitionBridge => bridge(resolved, &mut stream),
        CutFault::PartitionRing => ring(run.plan.members),
        CutFault::Flap { cut_ns, open_ns } => {
            return flap(run, planned, resolved, Rhythm { cut_ns: *cut_ns, open_ns: *open_ns })
                .await;
        }
        CutFault::Swizzle => return swizzle(run, planned, resolved, &mut stream).await,
    };
    let cut = Disturbance { directions, fault: LinkFault::Cut };
    hold(run, planned, resolved, cut, |effect: NetEffect| effect.bytes_held > 0).await;
}

/// The rest falls into two halves by coins.
fn bridge(resolved: &ResolvedTarget, stream: &mut Stream) -> Vec<Direction> {
    let rest = shuffled(&resolved.rest, stream);
    let (left, right) = rest.split_at(rest.len() / 2);
    let cut = left.iter().flat_map(|a| right.iter().map(|b| between(*a, *b)));
    both(&cut.collect::<Vec<_>>())
}

/// Members stand in a ring. Of five, each keeps its two neighbours; of three, each hears one only.
fn ring(members: u32) -> Vec<Direction> {
    let steps =
        |a: Member, b: Member| (b.index() + members as usize - a.index()) % members as usize;
    let all = Member::all(members).flat_map(|a| Member::all(members).map(move |b| (a, b)));
    let cut = all.filter(|(a, b)| match steps(*a, *b) {
        0 | 1 => false,
        last if last + 1 == members as usize => members == 3,
        _ => true,
    });
    cut.map(|(a, b)| between(a, b)).collect()
}

/// How a partition comes and goes.
struct Rhythm {
    cut_ns: u64,
    open_ns: u64,
}

async fn flap(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget, rhythm: Rhythm) {
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    let end_ns = (planned.at_ns + planned.duration_ns).min(run.plan.duration_ns);
    let span = run.fault_begins(planned, resolved);
    let (mut cycles, mut held) = (0, 0);
    while run.environment.now_ns() < end_ns {
        for (from, to) in both(&across(resolved)) {
            net.inject(id, from, to, LinkFault::Cut);
        }
        run.sleep_until((run.environment.now_ns() + rhythm.cut_ns).min(end_ns)).await;
        net.heal(id);
        let so_far = net.effect(id).bytes_held;
        cycles += u32::from(so_far > held);
        held = so_far;
        run.sleep_until((run.environment.now_ns() + rhythm.open_ns).min(end_ns)).await;
    }
    run.fault_ends(planned, span);
    if cycles >= 2 {
        run.ledger.effect(planned.id, Effect::Seen);
    }
}

/// Clogs the members one by one in the first half of the duration, and releases them in the second.
async fn swizzle(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    stream: &mut Stream,
) {
    let net = &run.environment.net;
    // Each member's clog has an id of its own, so that it is healed alone.
    let id = |member: Member| FaultId(planned.id | u32::from(member) << 28);
    let (clogged, released) =
        (shuffled(&resolved.group, stream), shuffled(&resolved.group, stream));
    let span = run.fault_begins(planned, resolved);
    let step_ns = planned.duration_ns / (2 * clogged.len() as u64 + 1);
    let mut at_ns = planned.at_ns;
    for member in &clogged {
        let others = Member::all(run.plan.members).filter(|other| other != member);
        for (from, to) in both(&others.map(|other| between(*member, other)).collect::<Vec<_>>()) {
            net.inject(id(*member), from, to, LinkFault::Clog);
        }
        at_ns += step_ns;
        run.sleep_until(at_ns).await;
    }
    for member in &released {
        at_ns += step_ns;
        run.sleep_until(at_ns).await;
        net.heal(id(*member));
    }
    run.fault_ends(planned, span);
    if released.iter().any(|member| net.effect(id(*member)).bytes_held > 0) {
        run.ledger.effect(planned.id, Effect::Seen);
    }
}

fn shuffled(members: &[Member], stream: &mut Stream) -> Vec<Member> {
    let mut left = members.to_vec();
    let mut shuffled = Vec::new();
    while !left.is_empty() {
        shuffled.push(left.remove(stream.below(left.len() as u64) as usize));
    }
    shuffled
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::host::Host;

    /// Whom each member hears, itself included.
    fn heard(members: u32) -> Vec<BTreeSet<Host>> {
        let cut = ring(members);
        let all = || Member::all(members).map(Host::Member);
        all().map(|to| all().filter(|from| !cut.contains(&(*from, to))).collect()).collect()
    }

    #[test]
    fn in_a_ring_every_member_hears_a_majority_and_no_two_the_same() {
        for members in [3, 5] {
            let heard = heard(members);
            assert!(heard.iter().all(|some| some.len() == members as usize / 2 + 1), "{heard:?}");
            assert_eq!(heard.iter().collect::<BTreeSet<_>>().len(), members as usize);
        }
    }
}
