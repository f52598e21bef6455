//! Starts members again after their processes ended, and drops the tasks of fenced members.

use std::time::Duration;

use mettle_reports::timeline::Stop;
use mettle_server::node::Fatal;
use tokio::sync::mpsc;

use super::{Cluster, Condition, STARTS_PER_MINUTE_MAX};
use crate::member::Member;

const MINUTE_NS: u64 = 60_000_000_000;

/// What the supervisor is told.
#[derive(Debug)]
pub(super) enum Event {
    /// `run` returned; the member is fenced and its tasks are being dropped.
    Ended {
        /// Which member.
        member: Member,
        /// In which life.
        life: u64,
        /// With what.
        ended: Result<(), Fatal>,
    },
    /// A trap fenced the member in the middle of a poll.
    Fenced {
        /// Which member.
        member: Member,
        /// In which life.
        life: u64,
        /// How long it stays down.
        down: Duration,
    },
}

/// Runs until the cluster is gone.
pub(super) async fn run(cluster: Cluster, mut events: mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Ended { member, life, ended } => cluster.ended(member, life, ended),
            Event::Fenced { member, life, down } => cluster.fenced(member, life, down),
        }
    }
}

impl Cluster {
    fn fenced(&self, number: Member, life: u64, down: Duration) {
        let node = {
            let members = self.members();
            let member = &members[&number];
            if member.life != life {
                return;
            }
            member.node
        };
        self.0.handle.kill(node);
        self.boot_after(number, down);
    }

    fn ended(&self, number: Member, life: u64, ended: Result<(), Fatal>) {
        let now_ns = self.0.environment.now_ns();
        let ended_well = ended.is_ok();
        let (reason, corruption) = match ended {
            Ok(()) => ("stopped".to_owned(), false),
            Err(fatal) => (fatal.to_string(), fatal.is_corruption()),
        };
        let last = {
            let mut members = self.members();
            let member = members.get_mut(&number).expect("a member of the plan");
            if member.life != life || member.condition != Condition::Up {
                return;
            }
            if ended_well && member.told_to_stop == Some(life) {
                member.condition = Condition::Down;
                drop(members);
                self.note(number, format_args!("has stopped"));
                return;
            }
            member.restarts.retain(|at| now_ns.saturating_sub(*at) < MINUTE_NS);
            let last = corruption || member.restarts.len() >= STARTS_PER_MINUTE_MAX;
            member.refused |= corruption;
            member.condition = if last { Condition::Gone } else { Condition::Down };
            if !last {
                member.restarts.push(now_ns);
            }
            last
        };
        self.note(number, format_args!("ended by itself: {reason}"));
        let explained = self.explained(number, corruption);
        let exit = Stop { member: number.into(), at_ns: now_ns, reason, last, explained };
        self.0.exits.lock().expect("no holder panics").push(exit);
        if !last {
            let mut stream = self.0.streams.open("supervisor", number.into(), life);
            let delay_ns = 750_000_000 + stream.below(500_000_000);
            self.boot_after(number, Duration::from_nanos(delay_ns));
        }
    }

    /// Whether a fault that struck the member's disk explains its end.
    ///
    /// Another disk than the member's own explains any end. Damaged sectors explain a refusal of
    /// corrupt data, as long as they stand or after somebody has read them; so do syncs that lied. Errors explain any
    /// other end of a life that began before the disk was healed.
    fn explained(&self, number: Member, corruption: bool) -> bool {
        let (faults, started_ns) = {
            let members = self.members();
            let member = &members[&number];
            (member.disk_faults.clone(), member.started_ns)
        };
        faults.into_iter().any(|(fault, healed_ns)| {
            let disk = &self.0.environment.disk;
            let effect = disk.effect_on(number, fault);
            let before_healing = healed_ns.is_none_or(|healed_ns| started_ns <= healed_ns);
            if corruption {
                effect.damaged_reads > 0
                    || effect.disks_replaced > 0
                    || effect.syncs_ignored > 0
                    || disk.is_damaged(number, fault)
            } else {
                effect.disks_replaced > 0 || effect.errors > 0 && before_healing
            }
        })
    }
}
