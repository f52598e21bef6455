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
            member.restarts.retain(|at| now_ns.saturating_sub(*at) < MINUTE_NS);
            let last = corruption || member.restarts.len() >= STARTS_PER_MINUTE_MAX;
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

    /// Whether a fault that struck the member's disk explains its end: a refusal of corrupt data
    /// only what damaged sectors, any other end an error of the disk.
    fn explained(&self, number: Member, corruption: bool) -> bool {
        let faults = self.members()[&number].disk_faults.clone();
        faults
            .into_iter()
            .map(|fault| self.0.environment.disk.effect(fault))
            .any(|effect| if corruption { effect.sectors_damaged > 0 } else { effect.errors > 0 })
    }
}
