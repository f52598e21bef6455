//! What a member is told at start: names, addresses, timing, and the ids derived from them.

use std::net::SocketAddr;
use std::time::Duration;

use sha1::{Digest, Sha1};

use crate::identity::Identity;
use crate::limits::Limits;

/// Everything a member needs to know; `mettled` fills it from etcd's flags.
#[derive(Clone, Debug)]
pub struct Config {
    /// This member's name; one of `initial_cluster`.
    pub name: String,
    /// Where clients connect to.
    pub listen_client: Vec<SocketAddr>,
    /// Where peers connect to.
    pub listen_peer: Vec<SocketAddr>,
    /// What clients are told to connect to.
    pub advertise_client_urls: Vec<String>,
    /// All members at the start, this member included.
    pub initial_cluster: Vec<InitialMember>,
    /// Keeps clusters with the same URLs apart.
    pub initial_cluster_token: String,
    /// How often a leader speaks; the length of a tick.
    pub heartbeat_interval: Duration,
    /// Without a leader for so long, a member campaigns.
    pub election_timeout: Duration,
    /// Entries applied before the log is cut.
    pub snapshot_count: u64,
    /// Entries kept below the cut for members that lag a little.
    pub snapshot_catchup_entries: u64,
    /// Size of the state above which writes are refused; 0 for none.
    pub quota_backend_bytes: u64,
    /// Largest request taken from a client.
    pub max_request_bytes: usize,
    /// Most operations in one transaction.
    pub max_txn_ops: usize,
    /// How often a watcher that asked for it is told of progress.
    pub watch_progress_interval: Duration,
    /// A segment of the log is closed at this size.
    pub wal_segment_bytes: u64,
    /// How much is taken, kept and done at a time.
    pub limits: Limits,
}

/// One member as the cluster was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialMember {
    /// Its name.
    pub name: String,
    /// Its peer URLs, as written.
    pub peer_urls: Vec<String>,
    /// The first of them as an address.
    pub peer_addr: SocketAddr,
}

/// A configuration that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The member is not part of the cluster it is to start.
    #[error("--name {name:?} is not in --initial-cluster ({members}): add it, or correct the name")]
    UnknownName {
        /// The name given.
        name: String,
        /// The names known.
        members: String,
    },
    /// Two members share a name or an address.
    #[error("--initial-cluster names {what} twice: every member needs its own")]
    Twice {
        /// What is shared.
        what: String,
    },
    /// An election must outlast several heartbeats.
    #[error(
        "--election-timeout {election:?} must be at least 5 times --heartbeat-interval {heartbeat:?}"
    )]
    Timing {
        /// As given.
        election: Duration,
        /// As given.
        heartbeat: Duration,
    },
}

impl Config {
    /// Checks what can be checked without touching the world.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let names = |members: &[InitialMember]| {
            members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        if !self.initial_cluster.iter().any(|m| m.name == self.name) {
            return Err(ConfigError::UnknownName {
                name: self.name.clone(),
                members: names(&self.initial_cluster),
            });
        }
        for (i, member) in self.initial_cluster.iter().enumerate() {
            for other in &self.initial_cluster[..i] {
                if other.name == member.name {
                    return Err(ConfigError::Twice { what: format!("the name {}", member.name) });
                }
                if other.peer_addr == member.peer_addr {
                    return Err(ConfigError::Twice { what: member.peer_addr.to_string() });
                }
            }
        }
        if self.election_timeout < self.heartbeat_interval * 5 {
            return Err(ConfigError::Timing {
                election: self.election_timeout,
                heartbeat: self.heartbeat_interval,
            });
        }
        Ok(())
    }

    /// The id of a declared member: the first 8 bytes of the SHA-1 of its sorted peer URLs and the
    /// cluster token.
    ///
    /// # Source
    /// etcd `server/etcdserver/api/membership/member.go`, `computeMemberID`.
    pub fn member_id(&self, member: &InitialMember) -> u64 {
        let mut urls = member.peer_urls.clone();
        urls.sort();
        first_8(Sha1::new().chain_update(urls.concat()).chain_update(&self.initial_cluster_token))
    }

    /// This cluster and this member.
    ///
    /// # Source
    /// etcd `membership/cluster.go`, `genID`: SHA-1 of the sorted member ids, big endian.
    pub fn identity(&self) -> Result<Identity, ConfigError> {
        self.validate()?;
        let mut ids: Vec<u64> = self.initial_cluster.iter().map(|m| self.member_id(m)).collect();
        ids.sort_unstable();
        let digest = ids.iter().fold(Sha1::new(), |sha, id| sha.chain_update(id.to_be_bytes()));
        let own = self
            .initial_cluster
            .iter()
            .find(|m| m.name == self.name)
            .map(|m| self.member_id(m))
            .expect("validate found this member");
        Ok(Identity { cluster_id: first_8(digest), member_id: own })
    }
}

fn first_8(sha: Sha1) -> u64 {
    let digest = sha.finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-1 has 20 bytes"))
}
