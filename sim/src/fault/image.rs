//! Faults of whole disks: wiped, exchanged, set back, and a log that is gone.

use mettle_scenarios::fault::ImageFault;
use mettle_scenarios::plan::PlannedFault;

use super::disk::class;
use crate::disk::Image;
use crate::effects::Effect;
use crate::member::Member;
use crate::observe::Damage;
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// Takes the members down, replaces what their disks hold, and starts them after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &ImageFault,
) {
    let disks = &run.environment.disk;
    match fault {
        ImageFault::Wipe => {
            replace(run, planned, resolved, |member| disks.wipe(id(planned), member)).await;
        }
        ImageFault::Lose { files } => {
            let class = class(*files);
            replace(run, planned, resolved, |member| disks.lose(id(planned), member, class)).await;
        }
        ImageFault::Rollback { age_ns } => {
            let group = &resolved.group;
            let images: Vec<Image> = group.iter().map(|member| disks.image(*member)).collect();
            run.sleep_until(run.environment.now_ns() + age_ns).await;
            let later = PlannedFault { at_ns: run.environment.now_ns(), ..planned.clone() };
            replace(run, &later, resolved, |member| {
                let place = group.iter().position(|other| *other == member);
                disks.roll_back(id(planned), member, &images[place.expect("one of the group")]);
            })
            .await;
        }
        ImageFault::Swap => swap(run, planned, resolved).await,
    }
}

fn id(planned: &PlannedFault) -> FaultId {
    FaultId(planned.id)
}

/// Two disks are exchanged.
async fn swap(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let [first, second, ..] = resolved.group[..] else { return };
    let pair = ResolvedTarget { group: vec![first, second], ..resolved.clone() };
    let mut exchanged = false;
    replace(run, planned, &pair, |_| {
        if !std::mem::replace(&mut exchanged, true) {
            run.environment.disk.swap(id(planned), first, second);
        }
    })
    .await;
}

/// The members are down while `work` replaces the contents of their disks, and for the duration.
async fn replace(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    mut work: impl FnMut(Member),
) {
    let id = id(planned);
    let taken = resolved.group.iter().copied().filter(|m| run.cluster.take_down(*m, id));
    let down: Vec<Member> = taken.collect();
    if down.len() < resolved.group.len() {
        // One that is down for good meanwhile: its disk stays as it is, and the others start again.
        for member in &down {
            run.cluster.release(*member, id);
        }
        return;
    }
    for member in &down {
        run.observer.disk_damaged(*member, Damage::Once);
        run.cluster.disk_fault(*member, id);
    }
    for member in &down {
        work(*member);
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    for member in &down {
        run.cluster.release(*member, id);
        if run.environment.is_alive(*member) {
            run.ledger.effect(planned.id, Effect::Seen);
        }
    }
    run.fault_ends(planned, span);
}
