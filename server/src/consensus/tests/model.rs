//! Searches every order of events of the real core within small bounds (stateright).
//!
//! Three members, two of which may campaign (without pre-vote, as if leadership were handed to
//! them), two terms, and where the bounds say so a proposal and a power loss. Messages arrive in
//! any order or never, and each write becomes durable at any later moment or never. Time plays no
//! part: what a timeout would start, the search starts at any moment.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use stateright::{Checker, Model, Property};

use super::cluster::{Cluster, Packet, Setup};
use super::member::Member;
use super::watchman::Watchman;
use crate::consensus::{Message, MessageBody, NodeId, Role, Term};

/// What may happen, and how much of it.
#[derive(Clone)]
struct Bounds {
    terms: u64,
    proposals: u8,
    crashes: u8,
    /// These may campaign, and these may lose power.
    candidates: [NodeId; 2],
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Campaign(NodeId),
    Propose(NodeId),
    Persist(NodeId),
    Crash(NodeId),
    Deliver(Message),
}

#[derive(Clone)]
struct State {
    cluster: Cluster,
    proposals: u8,
    crashes: u8,
    /// What the watchman cried.
    violation: Option<String>,
}

impl State {
    /// What makes two states different: clocks and drawn timeouts do not, nor what was drawn.
    fn members(&self) -> impl Iterator<Item = impl Hash + Eq + '_> {
        self.cluster.members.values().map(|member| {
            let Member { core, disk, writing, state, .. } = member;
            let in_memory = (core.term, core.vote, core.leader, &core.role_state, &core.log);
            (in_memory, &core.outbox.in_flight, disk, writing, state)
        })
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.members().for_each(|member| member.hash(state));
        self.cluster.wire.iter().for_each(|packet| packet.message.hash(state));
        self.cluster.watchman.promises().hash(state);
        (self.proposals, self.crashes, &self.violation).hash(state);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.members().eq(other.members())
            && self.messages().eq(other.messages())
            && self.cluster.watchman.promises() == other.cluster.watchman.promises()
            && (self.proposals, self.crashes) == (other.proposals, other.crashes)
            && self.violation == other.violation
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for member in self.cluster.members.values() {
            let (status, log) = (member.core.status(), &member.core.log);
            writeln!(out, "n{} {status:?} {log:?}", member.config.id)?;
        }
        write!(out, "{:?}", self.violation)
    }
}

impl State {
    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.cluster.wire.iter().map(|packet| &packet.message)
    }

    fn act(&mut self, action: Action) {
        let cluster = &mut self.cluster;
        match action {
            Action::Campaign(id) => cluster.core(id).ask_for_votes(true),
            Action::Propose(id) => {
                self.proposals += 1;
                cluster.core(id).propose(Bytes::from_static(b"x")).expect("it leads");
            }
            Action::Persist(id) => {
                cluster.persist(id);
            }
            Action::Crash(id) => {
                self.crashes += 1;
                cluster.member(id).crash();
                cluster.member(id).restart();
            }
            Action::Deliver(message) => {
                let at = cluster.wire.iter().position(|packet| packet.message == message);
                cluster.wire.remove(at.expect("it is on the wire"));
                cluster.deliver(Packet { message, state: None });
            }
        }
        for id in cluster.ids() {
            while cluster.ready(id) {}
        }
        cluster.watch();
        Watchman::match_logs(cluster.members.values());
        cluster.drawing.clear();
        let (members, wire) = (&cluster.members, &mut cluster.wire);
        wire.retain(|packet| !is_spent(&packet.message, &members[&packet.message.to]));
        // The wire is a bag: its order means nothing.
        wire.sort_by_cached_key(|packet| format!("{:?}", packet.message));
    }
}

impl Model for Bounds {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let cluster = Cluster::new(&Setup::default());
        vec![State { cluster, proposals: 0, crashes: 0, violation: None }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (&id, member) in &state.cluster.members {
            let status = member.core.status();
            let is_leader = status.role == Role::Leader;
            let is_candidate = self.candidates.contains(&id);
            if !is_leader && is_candidate && status.term < self.terms {
                actions.push(Action::Campaign(id));
            }
            if is_leader && state.proposals < self.proposals {
                actions.push(Action::Propose(id));
            }
            if !member.writing.is_empty() {
                actions.push(Action::Persist(id));
                if state.crashes < self.crashes && is_candidate {
                    actions.push(Action::Crash(id));
                }
            }
        }
        let mut seen = None;
        for message in state.messages().filter(|message| seen.replace(*message) != Some(message)) {
            actions.push(Action::Deliver(message.clone()));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| next.act(action)));
        if let Err(cry) = outcome {
            let text = cry.downcast_ref::<String>().cloned();
            next.violation = Some(text.unwrap_or_else(|| "a panic".to_owned()));
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("promises are kept", |_, state: &State| state.violation.is_none()),
            // Without these the search would prove nothing.
            Property::sometimes("someone leads term 2", |_, state| leads(state, 2)),
            Property::sometimes("an entry is applied", |_, state| applies(state)),
        ];
        if self.crashes > 0 {
            let is_lost = |_: &Self, state: &State| state.crashes > 0;
            properties.push(Property::sometimes("power is lost with a write in flight", is_lost));
        }
        properties
    }
}

/// Whether a message would change nothing now or later: answers to what the receiver is no longer
/// asking, and votes for terms gone by.
fn is_spent(message: &Message, receiver: &Member) -> bool {
    let status = receiver.core.status();
    let answers = match message.body {
        MessageBody::VoteResponse { .. } => status.role != Role::Candidate,
        MessageBody::AppendAccepted { .. } | MessageBody::HeartbeatResponse { .. } => {
            status.role != Role::Leader
        }
        MessageBody::Vote { .. } => false,
        _ => return false,
    };
    message.term < status.term || (message.term == status.term && answers)
}

fn leads(state: &State, term: Term) -> bool {
    let mut all = state.cluster.members.values().map(|member| member.core.status());
    all.any(|status| status.role == Role::Leader && status.term == term)
}

fn applies(state: &State) -> bool {
    state.cluster.members.values().any(|member| member.applied() > 0)
}

#[test]
fn every_order_of_two_elections_and_their_first_entries_is_safe() {
    let bounds = Bounds { terms: 2, proposals: 0, crashes: 0, candidates: [1, 2] };
    let checker = bounds.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 50_000, "the whole space, not a corner of it");
}

#[test]
fn with_power_loss_and_proposals_the_first_hundred_thousand_states_are_safe() {
    let bounds = Bounds { terms: 2, proposals: 1, crashes: 1, candidates: [1, 2] };
    let checker = bounds.checker().threads(2).target_state_count(100_000).spawn_bfs().join();
    checker.assert_properties();
}
