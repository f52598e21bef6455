//! The event loop: an event comes in, the core steps, and what it wants done is handed out.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::event::{Event, NodeError, Proposal, ProposalWaiter};
use super::handle::Shared;
use super::reads::Reads;
use super::{Fatal, applier, writer};
use crate::command::{Applied, ProposalId, Rejected};
use crate::consensus::Core;
use crate::consensus::types::{Index, Message, MessageBody, Ready, SnapshotMark};
use crate::peer::{Peers, Received};

/// The loop's own state.
pub struct EventLoop {
    core: Core,
    shared: Arc<Shared>,
    peers: Peers,
    writer: mpsc::UnboundedSender<writer::Job>,
    applier: mpsc::UnboundedSender<applier::Job>,
    reads: Reads,
    pending: BTreeMap<u64, ProposalWaiter>,
    /// Proposals that wait for somebody to lead; as in etcd, they are not refused before their time.
    waiting_for_leader: Vec<Proposal>,
    applied: Index,
    flushing: bool,
    installing: bool,
    announced: bool,
}

impl EventLoop {
    pub(crate) fn new(
        core: Core,
        shared: Arc<Shared>,
        peers: Peers,
        writer: mpsc::UnboundedSender<writer::Job>,
        applier: mpsc::UnboundedSender<applier::Job>,
    ) -> EventLoop {
        let applied = shared.store.read().expect("no holder panics").applied().index;
        let retry_ticks = election_ticks(&shared.config).div_ceil(2);
        let start = shared.platform.entropy.next_u64();
        let reads = Reads::new(shared.identity.member_id, start, retry_ticks);
        EventLoop {
            core,
            shared,
            peers,
            writer,
            applier,
            reads,
            pending: BTreeMap::new(),
            waiting_for_leader: Vec::new(),
            applied,
            flushing: false,
            installing: false,
            announced: false,
        }
    }

    /// Runs until the member stops or cannot go on.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Event>) -> Result<(), Fatal> {
        let clock = self.shared.platform.clock.clone();
        let interval = self.shared.config.heartbeat_interval;
        let mut tick_at = clock.now() + interval;
        let mut tick = clock.sleep_until(tick_at);
        self.process_all()?;
        loop {
            tokio::select! {
                biased;
                () = &mut tick => {
                    self.tick();
                    // A member that slept through ticks does not run them all at once.
                    tick_at = (tick_at + interval).max(clock.now());
                    tick.as_mut().reset(tick_at);
                }
                event = inbox.recv() => {
                    let Some(mut event) = event else { return Ok(()) };
                    for _ in 0..self.shared.config.limits.turn_events {
                        match event {
                            Event::Fatal(fatal) => return Err(fatal),
                            Event::Stopped => return Ok(()),
                            event => self.on_event(event),
                        }
                        match inbox.try_recv() {
                            Ok(next) => event = next,
                            Err(_) => break,
                        }
                    }
                }
            }
            self.process_all()?;
        }
    }

    fn tick(&mut self) {
        self.core.tick();
        self.reads.tick();
        self.pending.retain(|_, waiter| !waiter.is_closed());
        self.waiting_for_leader.retain(|proposal| !proposal.reply.is_closed());
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Peer(received) => self.on_received(received),
            Event::Propose(proposal) => self.propose(proposal),
            Event::Read { reply } => self.reads.join(reply),
            Event::Persisted(token) => self.core.persisted(token),
            Event::Applied { index, answers } => self.on_applied(index, answers),
            Event::Flushed(index) => self.on_flushed(index),
            Event::SnapshotInstalled { message, reply } => self.on_installed(message, reply),
            Event::SnapshotSent { to, ok } => self.core.snapshot_sent(to, ok),
            Event::Stop => drop(self.applier.send(applier::Job::Stop)),
            Event::Stopped | Event::Fatal(_) => unreachable!("the loop ends on these"),
        }
    }

    fn on_received(&mut self, received: Received) {
        match received {
            // A snapshot's message counts only with its bytes.
            Received::Message(Message { body: MessageBody::Snapshot { .. }, .. }) => {}
            Received::Message(message) => self.core.step(message),
            Received::Snapshot { message, chunks, reply } => {
                self.on_snapshot(message, chunks, reply);
            }
        }
    }

    fn propose(&mut self, proposal: Proposal) {
        match self.core.propose(proposal.command.clone()) {
            Ok(()) => drop(self.pending.insert(proposal.id.sequence, proposal.reply)),
            Err(_)
                if self.waiting_for_leader.len() < self.shared.config.limits.waiting_proposals =>
            {
                self.waiting_for_leader.push(proposal);
            }
            Err(_) => drop(proposal.reply.send(Err(NodeError::TooManyRequests))),
        }
    }

    fn on_applied(&mut self, index: Index, answers: Vec<(ProposalId, Result<Applied, Rejected>)>) {
        self.applied = self.applied.max(index);
        self.core.applied(self.applied);
        for (id, answer) in answers {
            if id.member == self.shared.identity.member_id
                && let Some(waiter) = self.pending.remove(&id.sequence)
            {
                let _ = waiter.send(Ok(answer));
            }
        }
        let kept = self.applied.saturating_sub(self.core.first_index());
        let limit = self.shared.config.snapshot_count + self.shared.config.snapshot_catchup_entries;
        if kept > limit && !self.flushing {
            self.flushing = true;
            let _ = self.applier.send(applier::Job::Flush);
        }
    }

    /// The state is durable up to `index`: the log may go, but for what laggards may still want.
    fn on_flushed(&mut self, index: Index) {
        self.flushing = false;
        let cut = index.saturating_sub(self.shared.config.snapshot_catchup_entries);
        if cut > self.core.first_index()
            && let Some(term) = self.core.term_at(cut)
        {
            self.core.compact(cut);
            let mark = SnapshotMark { index: cut, term, ..SnapshotMark::default() };
            let _ = self.writer.send(writer::Job::Cut(mark));
            crate::probe!("log cut");
        }
    }

    fn on_snapshot(&mut self, message: Message, chunks: Vec<Bytes>, reply: oneshot::Sender<bool>) {
        let MessageBody::Snapshot { mark } = &message.body else { return };
        let status = self.core.status();
        if self.installing || message.term < status.term || mark.index <= status.commit {
            let _ = reply.send(false);
            return;
        }
        self.installing = true;
        let _ = self.applier.send(applier::Job::Install { message, chunks, reply });
    }

    fn on_installed(&mut self, message: Message, reply: oneshot::Sender<bool>) {
        self.installing = false;
        let MessageBody::Snapshot { mark: SnapshotMark { index, .. } } = &message.body else {
            return;
        };
        self.applied = self.applied.max(*index);
        self.core.step(message);
        self.core.applied(self.applied);
        let _ = reply.send(true);
    }

    /// Hands out what the core wants done until it wants nothing more.
    fn process_all(&mut self) -> Result<(), Fatal> {
        if !self.waiting_for_leader.is_empty() && self.core.status().leader != 0 {
            crate::probe!("proposal waited for a leader");
            for proposal in std::mem::take(&mut self.waiting_for_leader) {
                self.propose(proposal);
            }
        }
        loop {
            if let Some(context) = self.reads.start() {
                self.core.read_index(context);
            }
            if !self.core.has_ready() {
                break;
            }
            let ready = self.core.ready();
            if let Some(broken) = ready.broken {
                return Err(broken.into());
            }
            self.process_ready(ready);
        }
        self.reads.release(self.applied);
        self.publish();
        Ok(())
    }

    fn process_ready(&mut self, ready: Ready) {
        for message in ready.messages {
            let to = message.to;
            if !self.peers.send(message) {
                self.core.unreachable(to);
            }
        }
        if let Some(batch) = ready.append {
            let _ = self.writer.send(writer::Job::Append(batch));
        }
        if !ready.committed.is_empty() {
            let _ = self.applier.send(applier::Job::Apply(ready.committed));
        }
        for read in ready.reads {
            self.reads.confirm(&read.context, read.index);
        }
        for context in ready.dropped_reads {
            self.reads.dropped(&context);
        }
        for to in ready.snapshots_to {
            let term = self.core.status().term;
            let membership = self.core.membership().clone();
            let peers = self.peers.clone();
            let wanted = applier::Export { to, term, membership, peers };
            let _ = self.applier.send(applier::Job::Export(wanted));
        }
    }

    /// Shows where the member stands to the services, and says once that it serves.
    fn publish(&mut self) {
        let status = self.core.status();
        let mut shown = self.shared.status.write().expect("no holder panics");
        if shown.leader != status.leader || shown.term != status.term {
            tracing::info!(
                term = status.term,
                leader = format_args!("{:x}", status.leader),
                role = ?status.role,
                "leadership changed"
            );
        }
        shown.leader = status.leader;
        shown.term = status.term;
        shown.commit_index = status.commit;
        shown.applied_index = self.applied;
        if !self.announced && status.leader != 0 {
            self.announced = true;
            tracing::info!("ready to serve client requests");
        }
    }
}

/// Ticks of a heartbeat interval in an election timeout.
pub fn election_ticks(config: &crate::config::Config) -> u32 {
    let ticks = config.election_timeout.as_nanos() / config.heartbeat_interval.as_nanos().max(1);
    u32::try_from(ticks).unwrap_or(u32::MAX).max(2)
}
