//! A cluster of cores with a network and disks moved by hand; it draws what happens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Bytes;

use super::draw;
use super::member::Member;
use super::watchman::Watchman;
use crate::consensus::{
    Config, Core, Entry, Index, Membership, Message, MessageBody, NodeId, Role, SnapshotMark,
};

/// A message on the wire, with the state a snapshot carries beside it.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) message: Message,
    pub(super) state: Option<Vec<Entry>>,
}

/// How a cluster is set up.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) voters: u64,
    pub(super) learners: u64,
    pub(super) append_bytes_max: usize,
    pub(super) inflight_max: usize,
    pub(super) seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self { voters: 3, learners: 0, append_bytes_max: 1 << 20, inflight_max: 16, seed: 1 }
    }
}

/// See the head of the file.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) members: BTreeMap<NodeId, Member>,
    /// Messages on their way, in the order they were sent.
    pub(super) wire: Vec<Packet>,
    /// Links (from, to) on which nothing arrives.
    pub(super) cut: BTreeSet<(NodeId, NodeId)>,
    /// Members whose disk finishes nothing by itself.
    pub(super) slow: BTreeSet<NodeId>,
    pub(super) watchman: Watchman,
    /// What happened, a line each.
    pub(super) drawing: String,
}

pub(super) const ELECTION_TIMEOUT_TICKS: u32 = 10;

impl Cluster {
    pub(super) fn new(setup: &Setup) -> Self {
        let voters: Vec<NodeId> = (1..=setup.voters).collect();
        let learners: Vec<NodeId> = (setup.voters + 1..=setup.voters + setup.learners).collect();
        let ids = [voters.clone(), learners.clone()].concat();
        let membership = Membership { voters, outgoing: Vec::new(), learners };
        let member = |&id: &NodeId| {
            let config = Config {
                id,
                election_timeout_ticks: ELECTION_TIMEOUT_TICKS,
                heartbeat_ticks: 1,
                append_bytes_max: setup.append_bytes_max,
                inflight_max: setup.inflight_max,
                seed: setup.seed,
            };
            let mark = SnapshotMark { index: 0, term: 0, membership: membership.clone() };
            (id, Member::new(config, mark))
        };
        Self {
            members: ids.iter().map(member).collect(),
            wire: Vec::new(),
            cut: BTreeSet::new(),
            slow: BTreeSet::new(),
            watchman: Watchman::default(),
            drawing: String::new(),
        }
    }

    pub(super) fn core(&mut self, id: NodeId) -> &mut Core {
        &mut self.member(id).core
    }

    pub(super) fn member(&mut self, id: NodeId) -> &mut Member {
        self.members.get_mut(&id).expect("a member of the cluster")
    }

    pub(super) fn ids(&self) -> Vec<NodeId> {
        self.members.keys().copied().collect()
    }

    pub(super) fn leader(&self) -> Option<NodeId> {
        let leads = |member: &&Member| member.is_up && member.core.role() == Role::Leader;
        let newest = |member: &&Member| member.core.status().term;
        self.members.values().filter(leads).max_by_key(newest).map(|member| member.config.id)
    }

    pub(super) fn say(&mut self, line: impl AsRef<str>) {
        writeln!(self.drawing, "{}", line.as_ref()).expect("writing to a string");
    }

    /// Does what the core of `id` says; returns whether there was anything.
    pub(super) fn ready(&mut self, id: NodeId) -> bool {
        let member = self.members.get_mut(&id).expect("a member of the cluster");
        if !member.is_up || !member.core.has_ready() {
            return false;
        }
        let ready = member.core.ready();
        let mut lines = Vec::new();
        if let Some(status) = ready.status {
            let leader = match status.leader {
                0 => "nobody".to_owned(),
                leader => format!("n{leader}"),
            };
            let role = draw::role(status.role);
            lines.push(format!("n{id} is {role} in term {}, led by {leader}", status.term));
        }
        if let Some(batch) = ready.append {
            lines.push(format!("n{id} writes {}", draw::batch(&batch)));
            member.writing.push_back(batch);
        }
        if !ready.committed.is_empty() {
            lines.push(format!("n{id} applies {}", draw::entries(&ready.committed)));
            self.watchman.applied(id, &ready.committed);
            member.apply(&ready.committed);
        }
        for read in ready.reads {
            let context = String::from_utf8_lossy(&read.context).into_owned();
            lines.push(format!("n{id} serves {context} at {}", read.index));
            self.watchman.read_confirmed(&read.context, read.index);
        }
        for context in ready.dropped_reads {
            lines.push(format!("n{id} drops {}", String::from_utf8_lossy(&context)));
        }
        if let Some(broken) = ready.broken {
            lines.push(format!("n{id} stops: {broken}"));
            self.watchman.broken.push((id, broken));
            member.crash();
        }
        let snapshots = ready.snapshots_to.iter().map(|&to| {
            let (message, state) = member.snapshot_for(to);
            Packet { message, state: Some(state) }
        });
        let plain = ready.messages.into_iter().map(|message| Packet { message, state: None });
        let packets: Vec<Packet> = plain.chain(snapshots).collect();
        for line in lines {
            self.say(line);
        }
        for packet in packets {
            self.send(packet);
        }
        true
    }

    fn send(&mut self, packet: Packet) {
        let (from, to) = (packet.message.from, packet.message.to);
        let arrives = !self.cut.contains(&(from, to)) && self.members[&to].is_up;
        self.say(draw::packet(&packet, arrives));
        if arrives {
            self.wire.push(packet);
        } else {
            self.lost(&packet);
        }
    }

    /// A message never arrives; of a snapshot, the sender learns so.
    pub(super) fn lost(&mut self, packet: &Packet) {
        if packet.state.is_some() {
            self.core(packet.message.from).snapshot_sent(packet.message.to, false);
        }
    }

    /// Delivers one packet.
    pub(super) fn deliver(&mut self, packet: Packet) {
        let (from, to) = (packet.message.from, packet.message.to);
        if !self.members[&to].is_up {
            return self.lost(&packet);
        }
        let member = self.members.get_mut(&to).expect("a member of the cluster");
        let Packet { message, state } = packet;
        match state {
            None => member.core.step(message),
            Some(state) => {
                member.install(message, state);
                self.core(from).snapshot_sent(to, true);
            }
        }
        self.watch();
    }

    /// Makes the oldest batch of `id` durable; returns whether there was one.
    pub(super) fn persist(&mut self, id: NodeId) -> bool {
        let Some(batch) = self.member(id).persist() else { return false };
        self.say(format!("n{id} has #{} on disk", batch.token.0));
        self.watch();
        true
    }

    /// Runs until nothing moves any more.
    pub(super) fn stabilize(&mut self) {
        let mut moved = true;
        while moved {
            moved = false;
            for id in self.ids() {
                while self.ready(id) {
                    moved = true;
                }
                while !self.slow.contains(&id) && self.persist(id) {
                    moved = true;
                }
            }
            for packet in std::mem::take(&mut self.wire) {
                self.deliver(packet);
                moved = true;
            }
            self.watch();
        }
    }

    /// Lets `ticks` pass at everyone, with all messages delivered after each.
    pub(super) fn pass(&mut self, ticks: u32) {
        for _ in 0..ticks {
            for id in self.ids() {
                if self.members[&id].is_up {
                    self.core(id).tick();
                }
            }
            self.stabilize();
        }
    }

    /// Asks for a read at `id`; the watchman notes what it must see.
    pub(super) fn read(&mut self, id: NodeId, context: &str) {
        let committed = self.members.values().map(|member| member.core.status().commit).max();
        let context = Bytes::copy_from_slice(context.as_bytes());
        self.watchman.read_asked(context.clone(), committed.unwrap_or(0));
        self.core(id).read_index(context);
    }

    /// Cuts every link between members of different groups, both ways.
    pub(super) fn partition(&mut self, groups: &[Vec<NodeId>]) {
        let group_of = |id| groups.iter().position(|group| group.contains(&id));
        for from in self.ids() {
            for to in self.ids() {
                if group_of(from) != group_of(to) {
                    self.cut.insert((from, to));
                }
            }
        }
        let cut = self.cut.clone();
        self.lose(|message| cut.contains(&(message.from, message.to)));
    }

    pub(super) fn propose(&mut self, id: NodeId, command: &str) -> bool {
        self.core(id).propose(Bytes::copy_from_slice(command.as_bytes())).is_ok()
    }

    /// Commands that `id` has applied.
    pub(super) fn commands(&self, id: NodeId) -> Vec<String> {
        let state = &self.members[&id].state;
        state.iter().map(draw::entry).filter(|text| !text.ends_with(" -")).collect()
    }

    /// Terms of the log of `id`, from `first_index` on.
    pub(super) fn terms(&self, id: NodeId) -> Vec<u64> {
        let core = &self.members[&id].core;
        let indexes = core.first_index()..=core.last_index();
        indexes.map(|index| core.term_at(index).expect("inside the log")).collect()
    }

    /// Takes messages of one kind off the wire.
    pub(super) fn lose(&mut self, is_lost: impl Fn(&Message) -> bool) {
        for packet in std::mem::take(&mut self.wire) {
            if is_lost(&packet.message) {
                self.lost(&packet);
            } else {
                self.wire.push(packet);
            }
        }
    }

    pub(super) fn watch(&mut self) {
        self.watchman.watch(self.members.values());
    }
}

/// A message as if from another member.
pub(super) fn message(from: NodeId, to: NodeId, term: u64, body: MessageBody) -> Message {
    Message { from, to, term, body }
}

/// Entries with the given terms, from `first` on.
pub(super) fn entries_of(first: Index, terms: &[u64]) -> Vec<Entry> {
    let entry = |(at, &term): (usize, &u64)| Entry {
        term,
        index: first + at as Index,
        payload: crate::consensus::Payload::Command(Bytes::from(format!("t{term}"))),
    };
    terms.iter().enumerate().map(entry).collect()
}
