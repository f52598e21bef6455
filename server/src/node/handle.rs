//! What the services hold of the node: propose, wait for a read index, look at state and status.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::event::{Event, NodeError, Proposal};
use crate::command::{Attributes, Command, Header, Proposable, ProposalId, Rejected};
use crate::config::Config;
use crate::consensus::types::{Index, NodeId, Term};
use crate::identity::Identity;
use crate::mvcc::Store;
use crate::peer::{Beginning, Register};
use crate::platform::{Platform, timeout};
use crate::watch::Hub;

/// Pause before a member says again who it is.
const PUBLISH_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A cheap handle to the running node.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

/// What the handle, the loop and the applier share.
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) beginning: Beginning,
    pub(crate) register: Arc<Register>,
    pub(crate) config: Config,
    pub(crate) platform: Platform,
    pub(crate) inbox: mpsc::Sender<Event>,
    pub(crate) store: RwLock<Arc<Store>>,
    pub(crate) hub: Arc<Mutex<Hub>>,
    pub(crate) hub_work: Notify,
    pub(crate) status: RwLock<NodeStatus>,
    /// Whether the member can serve: somebody leads, and what is committed is applied here.
    pub(crate) serves: watch::Sender<bool>,
    pub(crate) sequence: AtomicU64,
    pub(crate) members: Vec<Member>,
}

/// A member of the cluster as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Where peers reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach the member; empty until the member published them.
    pub client_urls: Vec<String>,
    /// Whether it receives without voting.
    pub is_learner: bool,
}

/// Where this member stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// Who leads; 0 when unknown.
    pub leader: NodeId,
    /// The current term.
    pub term: Term,
    /// Highest index known committed.
    pub commit_index: Index,
    /// Highest index applied.
    pub applied_index: Index,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Handle {
        Handle(shared)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// This cluster and this member.
    pub fn identity(&self) -> Identity {
        self.0.identity
    }

    /// How the member was set up.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The member's world.
    pub fn platform(&self) -> &Platform {
        &self.0.platform
    }

    /// The current state; a snapshot from the leader replaces it, so do not keep it across awaits.
    pub fn store(&self) -> Arc<Store> {
        self.0.store.read().expect("no holder panics").clone()
    }

    /// Where this member stands.
    pub fn status(&self) -> NodeStatus {
        *self.0.status.read().expect("no holder panics")
    }

    /// Whether this member can serve now, and from now on.
    pub fn serves(&self) -> watch::Receiver<bool> {
        self.0.serves.subscribe()
    }

    /// The members of the cluster, each with the attributes it published last.
    pub fn members(&self) -> Vec<Member> {
        let published = self.store().cluster().published;
        let mut members = self.0.members.clone();
        for member in &mut members {
            if let Some(said) = published.get(&member.id) {
                member.name.clone_from(&said.name);
                member.client_urls.clone_from(&said.client_urls);
            }
        }
        members
    }

    /// Tells the cluster how this member is called and where clients reach it, until it has been heard.
    pub(crate) async fn publish(self) {
        let own = Attributes {
            member: self.identity().member_id,
            name: self.config().name.clone(),
            client_urls: self.config().advertise_client_urls.clone(),
            life: self.0.beginning.life,
        };
        loop {
            if self.read_index().await.is_ok()
                && (self.store().cluster().published.get(&own.member) == Some(&own)
                    || self.propose(own.clone()).await.is_ok())
            {
                return;
            }
            self.0.platform.clock.sleep(PUBLISH_AGAIN_AFTER).await;
        }
    }

    /// The watch hub. Hold the lock briefly and never across an await.
    pub fn hub(&self) -> &Arc<Mutex<Hub>> {
        &self.0.hub
    }

    /// Tells the hub's pump that there is work (a new watcher, room in an outbox).
    pub fn wake_hub(&self) {
        self.0.hub_work.notify_one();
    }

    /// Proposes a change and waits until it is applied here.
    pub async fn propose<R: Proposable>(
        &self,
        request: R,
    ) -> Result<Result<R::Answer, Rejected>, NodeError> {
        if request.grows() && self.is_over_quota() {
            return Ok(Err(Rejected::NoSpace));
        }
        let sequence = self.0.sequence.fetch_add(1, Ordering::Relaxed);
        let (member, boot) = (self.0.identity.member_id, self.0.beginning.life.boot);
        let id = ProposalId { member, boot, sequence };
        let command = Command { header: Header::of(id), body: request.into_body() }.encode();
        let (reply, answer) = oneshot::channel();
        let answer = self.ask(Event::Propose(Proposal { id, command, reply }), answer).await??;
        // The waiter is found by the proposal's name, which no other proposal has.
        Ok(answer.map(|applied| {
            R::answer(applied).expect("a proposal is answered by what was applied for its name")
        }))
    }

    /// Waits until this member has applied everything committed before the call.
    pub async fn read_index(&self) -> Result<(), NodeError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Event::Read { reply }, answer).await?
    }

    async fn ask<T>(&self, event: Event, answer: oneshot::Receiver<T>) -> Result<T, NodeError> {
        let work = async {
            self.0.inbox.send(event).await.map_err(|_| NodeError::Stopped)?;
            answer.await.map_err(|_| NodeError::Stopped)
        };
        timeout(&*self.0.platform.clock, self.request_timeout(), work)
            .await
            .unwrap_or(Err(NodeError::Timeout))
    }

    /// # Source
    /// etcd `ReqTimeout`: 5 s for the disk and the queue, and two elections.
    fn request_timeout(&self) -> Duration {
        Duration::from_secs(5) + 2 * self.0.config.election_timeout
    }

    fn is_over_quota(&self) -> bool {
        let quota = self.0.config.quota_backend_bytes;
        quota > 0 && self.store().size() > quota
    }
}
