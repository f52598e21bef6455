//! The event loop: an event comes in, the core steps, and what it wants done is handed out.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::event::Event;
use super::handle::Shared;
use super::proposals::{Office, Proposals};
use super::reads::Reads;
use super::{Fatal, applier, writer};
use crate::command::{Applied, ProposalId, Rejected};
use crate::consensus::Core;
use crate::consensus::types::{Index, Message, MessageBody, Ready, Role, SnapshotMark, Status};
use crate::peer::{Peers, Received};
use crate::probe;

/// The loop's own state.
pub struct EventLoop {
    core: Core,
    shared: Arc<Shared>,
    peers: Peers,
    writer: mpsc::UnboundedSender<writer::Job>,
    applier: mpsc::UnboundedSender<applier::Job>,
    reads: Reads,
    proposals: Proposals,
    /// The way to the leader has no room for a proposal: the next try is at the next tick.
    is_way_full: bool,
    /// Why the member must end.
    disowned: Option<Fatal>,
    applied: Index,
    flushing: bool,
    installing: bool,
    announced: bool,
    applying: Applying,
}

/// Whether what is committed becomes applied.
#[derive(Default)]
struct Applying {
    /// Applied up to here at the last tick.
    applied: Index,
    /// Ticks without a step, while there was something to apply.
    stuck_ticks: u32,
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
        let waiting_proposals = shared.config.limits.waiting_proposals;
        let reads = Reads::new(shared.identity.member_id, start, retry_ticks);
        EventLoop {
            core,
            shared,
            peers,
            writer,
            applier,
            reads,
            proposals: Proposals::new(waiting_proposals),
            is_way_full: false,
            disowned: None,
            applied,
            flushing: false,
            installing: false,
            announced: false,
            applying: Applying::default(),
        }
    }

    /// Runs until the member stops or cannot go on.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Event>) -> Result<(), Fatal> {
        let clock = self.shared.platform.clock.clone();
        let interval = self.shared.config.heartbeat_interval;
        let mut tick_at = clock.now() + interval;
        let mut tick = clock.sleep_until(tick_at);
        // What was taken from the inbox is handled in the same turn, all of it.
        let turn_events = self.shared.config.limits.turn_events;
        let mut turn = Vec::with_capacity(turn_events);
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
                taken = inbox.recv_many(&mut turn, turn_events) => {
                    if taken == 0 {
                        return Ok(());
                    }
                    if taken == turn_events {
                        probe!("event loop took a full turn");
                    }
                    for event in turn.drain(..) {
                        match event {
                            Event::Fatal(fatal) => return Err(fatal),
                            Event::Stopped => return Ok(()),
                            event => self.on_event(event),
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
        self.proposals.tick();
        self.is_way_full = false;
        self.tell_health();
    }

    /// Says whether the member can serve: somebody leads, storage works, and entries are applied.
    fn tell_health(&mut self) {
        let status = self.core.status();
        let is_stuck = self.applied < status.commit && self.applied == self.applying.applied;
        let stuck_ticks = if is_stuck { self.applying.stuck_ticks + 1 } else { 0 };
        self.applying = Applying { applied: self.applied, stuck_ticks };
        let applies = stuck_ticks < election_ticks(&self.shared.config);
        let serves = status.leader != 0 && applies && !self.core.storage_hangs();
        self.shared.serves.send_if_modified(|served| {
            let is_news = *served != serves;
            *served = serves;
            is_news
        });
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Peer(received) => self.on_received(received),
            Event::Propose(proposal) => self.proposals.join(proposal),
            Event::Read { reply } => self.reads.join(reply),
            Event::Persisted(token) => self.core.persisted(token),
            Event::Applied { index, answers } => self.on_applied(index, answers),
            Event::Flushed(index) => self.on_flushed(index),
            Event::SnapshotInstalled { message, reply } => self.on_installed(message, reply),
            Event::SnapshotRefused { reply } => {
                self.installing = false;
                let _ = reply.send(false);
            }
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
            Received::Disowned { by, why } => self.disowned = Some(Fatal::Disowned { by, why }),
            Received::ProposalsLost { to } => self.proposals.link_broke(to),
            Received::Snapshot { message, chunks, reply } => {
                self.on_snapshot(message, chunks, reply);
            }
        }
    }

    /// Gives the core, or the leader's member, the proposals that nobody has.
    fn hand_out_proposals(&mut self) {
        let Status { role, term, leader, .. } = self.core.status();
        if self.is_way_full && role != Role::Leader {
            return;
        }
        for (id, command) in self.proposals.take(Office { term, leader }) {
            let is_taken = if role == Role::Leader {
                self.core.propose(command).is_ok()
            } else {
                self.pass_on(Office { term, leader }, command)
            };
            if !is_taken {
                self.is_way_full = true;
                self.proposals.refused(id);
            }
        }
    }

    fn pass_on(&self, office: Office, command: Bytes) -> bool {
        let Office { term, leader } = office;
        let from = self.shared.identity.member_id;
        self.peers.takes_proposal(leader, command.len())
            && self.peers.send(Message {
                from,
                to: leader,
                term,
                body: MessageBody::Propose { command },
            })
    }

    fn on_applied(&mut self, index: Index, answers: Vec<(ProposalId, Result<Applied, Rejected>)>) {
        self.applied = self.applied.max(index);
        self.core.applied(self.applied);
        for (id, answer) in answers {
            if id.member == self.shared.identity.member_id
                && id.boot == self.shared.beginning.life.boot
            {
                self.proposals.answer(id, answer);
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
            probe!("log cut");
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
        let store = self.shared.store.read().expect("no holder panics").clone();
        self.proposals.jumped(|id| store.is_past(id));
        self.core.step(message);
        self.core.applied(self.applied);
        let _ = reply.send(true);
    }

    /// Hands out what the core wants done until it wants nothing more.
    fn process_all(&mut self) -> Result<(), Fatal> {
        loop {
            self.hand_out_proposals();
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
        self.disowned.take().map_or(Ok(()), Err)
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
        self.shared.register.set_empty(self.core.last_index() == 0);
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
