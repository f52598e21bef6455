//! Random runs of a cluster: messages are dropped, doubled and reordered, disks are slow, members
//! lose power with writes in flight; the watchman looks on. At the end all is healed, and the
//! cluster must agree and go on.

use proptest::prelude::*;

use super::cluster::{Cluster, Setup};
use super::watchman::Watchman;
use crate::consensus::{NodeId, Role};

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Tick { id: u64, ticks: u8 },
    Ready(u64),
    Persist(u64),
    Deliver(usize),
    Double(usize),
    Drop(usize),
    Propose(u64),
    Read(u64),
    Campaign(u64),
    Overthrow(u64),
    Crash { id: u64, flush: bool },
    Restart(u64),
    Compact(u64),
    Unreachable { at: u64, id: u64 },
    Cut { from: u64, to: u64 },
    Heal,
    Stabilize,
}

fn event() -> impl Strategy<Value = Event> {
    let id = || 0..5_u64;
    prop_oneof![
        6 => (id(), 1..12_u8).prop_map(|(id, ticks)| Event::Tick { id, ticks }),
        20 => id().prop_map(Event::Ready),
        10 => id().prop_map(Event::Persist),
        40 => any::<usize>().prop_map(Event::Deliver),
        3 => any::<usize>().prop_map(Event::Double),
        3 => any::<usize>().prop_map(Event::Drop),
        8 => id().prop_map(Event::Propose),
        5 => id().prop_map(Event::Read),
        2 => id().prop_map(Event::Campaign),
        2 => id().prop_map(Event::Overthrow),
        1 => (id(), any::<bool>()).prop_map(|(id, flush)| Event::Crash { id, flush }),
        2 => id().prop_map(Event::Restart),
        1 => id().prop_map(Event::Compact),
        1 => (id(), id()).prop_map(|(at, id)| Event::Unreachable { at, id }),
        1 => (id(), id()).prop_map(|(from, to)| Event::Cut { from, to }),
        2 => Just(Event::Heal),
        2 => Just(Event::Stabilize),
    ]
}

struct Run {
    cluster: Cluster,
    voters: u64,
    asked: u64,
}

impl Run {
    fn id(&self, number: u64) -> NodeId {
        number % self.voters + 1
    }

    fn happen(&mut self, event: Event) {
        let Some(id) = self.live_target(&event) else { return };
        let wire = self.cluster.wire.len().max(1);
        match event {
            Event::Tick { ticks, .. } => (0..ticks).for_each(|_| self.cluster.core(id).tick()),
            Event::Ready(_) => {
                self.cluster.ready(id);
            }
            Event::Persist(_) => {
                self.cluster.persist(id);
            }
            Event::Deliver(at) if !self.cluster.wire.is_empty() => {
                let packet = self.cluster.wire.remove(at % wire);
                self.cluster.deliver(packet);
            }
            Event::Double(at) if !self.cluster.wire.is_empty() => {
                let packet = self.cluster.wire[at % wire].clone();
                if packet.state.is_none() {
                    self.cluster.wire.push(packet);
                }
            }
            Event::Drop(at) if !self.cluster.wire.is_empty() => {
                let packet = self.cluster.wire.remove(at % wire);
                self.cluster.lost(&packet);
            }
            Event::Propose(_) => {
                self.asked += 1;
                self.cluster.propose(id, &format!("c{}", self.asked));
            }
            Event::Read(_) => {
                self.asked += 1;
                self.cluster.read(id, &format!("r{}", self.asked));
            }
            Event::Campaign(_) => self.cluster.core(id).campaign(),
            Event::Overthrow(_) if self.cluster.core(id).role() != Role::Leader => {
                self.cluster.core(id).ask_for_votes(true);
            }
            Event::Crash { flush, .. } => {
                let member = self.cluster.member(id);
                member.flushed = if flush { member.state.len() } else { member.flushed };
                member.crash();
            }
            Event::Restart(_) => self.cluster.member(id).restart(),
            Event::Compact(_) => {
                let member = self.cluster.member(id);
                member.compact(member.applied());
            }
            Event::Unreachable { id: other, .. } => {
                let other = self.id(other);
                self.cluster.core(id).unreachable(other);
            }
            Event::Cut { to, .. } => {
                let to = self.id(to);
                self.cluster.cut.insert((id, to));
            }
            Event::Heal => self.cluster.cut.clear(),
            Event::Stabilize => self.cluster.stabilize(),
            _ => {}
        }
        self.cluster.watch();
    }

    /// The member an event happens to; none when it is down and the event needs it up.
    fn live_target(&self, event: &Event) -> Option<NodeId> {
        let (number, wants_up) = match *event {
            Event::Tick { id, .. }
            | Event::Ready(id)
            | Event::Persist(id)
            | Event::Propose(id)
            | Event::Read(id)
            | Event::Campaign(id)
            | Event::Overthrow(id)
            | Event::Crash { id, .. }
            | Event::Compact(id)
            | Event::Unreachable { at: id, .. } => (id, true),
            Event::Restart(id) => (id, false),
            Event::Cut { from, .. } => return Some(self.id(from)),
            _ => return Some(1),
        };
        let id = self.id(number);
        (self.cluster.members[&id].is_up == wants_up).then_some(id)
    }

    /// Everything works again: a leader is found, and what it commits is applied by all.
    fn converge(&mut self) {
        self.cluster.cut.clear();
        for id in self.cluster.ids() {
            if !self.cluster.members[&id].is_up {
                self.cluster.member(id).restart();
            }
        }
        self.cluster.pass(100);
        let leader = self.cluster.leader().expect("a leader is found when all is well");
        assert!(self.cluster.propose(leader, "last"));
        self.cluster.read(leader, "last");
        let confirmed = self.cluster.watchman.confirmed;
        self.cluster.pass(3);
        assert_eq!(self.cluster.watchman.confirmed, confirmed + 1, "the last read is served");
        let expected = self.cluster.commands(leader);
        assert!(expected.last().is_some_and(|last| last.ends_with("last")));
        for id in self.cluster.ids() {
            assert_eq!(self.cluster.commands(id), expected, "n{id} and the leader n{leader}");
        }
    }
}

/// A whole run: how the cluster is set up, and what happens.
type Story = (Setup, Vec<Event>);

pub(super) fn story() -> impl Strategy<Value = Story> {
    let setup = (
        prop_oneof![Just(1_u64), Just(3), Just(3), Just(5)],
        1..4_usize,
        prop_oneof![Just(1_usize), Just(40), Just(1 << 20)],
        any::<u64>(),
    )
        .prop_map(|(voters, inflight_max, append_bytes_max, seed)| Setup {
            voters,
            learners: 0,
            inflight_max,
            append_bytes_max,
            seed,
        });
    (setup, prop::collection::vec(event(), 0..600))
}

/// Plays one run; panics when a promise is broken.
pub(super) fn play(story: Story) {
    let (setup, events) = story;
    let mut run = Run { cluster: Cluster::new(&setup), voters: setup.voters, asked: 0 };
    run.cluster.core(1).campaign();
    run.cluster.stabilize();
    for event in events {
        run.happen(event);
    }
    Watchman::match_logs(run.cluster.members.values());
    run.converge();
    Watchman::match_logs(run.cluster.members.values());
}

proptest! {
    #[test]
    fn safety_holds_whatever_happens_and_a_healed_cluster_goes_on(story in story()) {
        play(story);
    }
}
