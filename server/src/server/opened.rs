//! What lies on the disk, opened and checked: log and state, and whether they belong together.

use crate::config::Config;
use crate::consensus::types::{AppendBatch, AppendToken, HardState, Membership, Stored};
use crate::consensus::{self, Core};
use crate::identity::{Identity, Life};
use crate::mvcc::Store;
use crate::node::{Fatal, snapshot};
use crate::peer::{Beginning, Register};
use crate::platform::Platform;
use crate::probe::{self, Fact};
use crate::wal::{self, Recovered, Wal};

/// Where the log lies in the data directory.
const WAL_DIR: &str = "wal";

/// Log and state as they were left.
pub(super) struct Opened {
    wal: Wal,
    store: Store,
    stored: Stored,
    /// The life before this one.
    before: Life,
}

/// The same in use, with the core that was made from it.
pub(super) struct Storage {
    pub(super) wal: Wal,
    pub(super) store: Store,
    pub(super) core: Core,
    pub(super) beginning: Beginning,
}

impl Opened {
    pub(super) async fn open(
        config: &Config,
        platform: &Platform,
        identity: Identity,
    ) -> Result<Opened, Fatal> {
        let buffer_bytes = config.limits.wal_buffer_bytes;
        let options = wal::Options { segment_bytes: config.wal_segment_bytes, buffer_bytes };
        let disk = platform.disk.clone();
        let (mut wal, recovered) = Wal::open(disk, WAL_DIR, identity, options).await?;
        tell(&recovered);
        let store = snapshot::open_state(platform, identity, config.limits.store).await?;
        probe::fact(Fact::StandsAt { index: store.applied().index });
        let before = recovered.life;
        let is_fresh = recovered.is_fresh();
        let applied = store.applied().index;
        if is_fresh && applied > 0 {
            // Whatever a snapshot brought: this log promised nothing, and its member did.
            return Err(Fatal::LogBehindState { applied, last: 0 });
        }
        check_life(&store, identity, before)?;
        let stored = stored(config, recovered, &store, &mut wal).await?;
        Ok(Opened { wal, store, stored, before })
    }

    /// Whether no process ever used this log.
    pub(super) fn is_fresh(&self) -> bool {
        self.before.incarnation == 0
    }

    /// What is known of the peers from the state.
    pub(super) fn register(&self) -> Register {
        let register = Register::default();
        register.publish(self.store.cluster().lives());
        register.set_empty(self.last_index() == 0);
        register
    }

    fn last_index(&self) -> u64 {
        let start = self.stored.snapshot.index;
        self.stored.entries.last().map_or(start, |entry| entry.index)
    }

    /// Begins the member's next life, durably, and makes the core.
    pub(super) async fn begin(
        self,
        core: consensus::types::Config,
        platform: &Platform,
    ) -> Result<Storage, Fatal> {
        let last_index = self.last_index();
        let Opened { mut wal, store, stored, before } = self;
        let life = if before.incarnation == 0 {
            // 0 says that there is none.
            Life { incarnation: platform.entropy.next_u64().max(1), boot: 1 }
        } else {
            Life { boot: before.boot + 1, ..before }
        };
        let beginning = Beginning { life, term: stored.hard_state.term, last_index };
        wal.begin_life(life).await?;
        tracing::info!(%life, term = beginning.term, last_index, "the member begins");
        Ok(Storage { wal, store, core: Core::new(core, stored), beginning })
    }
}

/// Tells whoever listens what was read from the log.
fn tell(recovered: &Recovered) {
    if !probe::is_heard() {
        return;
    }
    let HardState { term, vote, commit: _ } = recovered.hard_state;
    let (start, last) = (recovered.snapshot.index, recovered.last_index());
    probe::fact(Fact::Recovered { term, vote, start, last, digest: recovered.digest() });
}

/// The state remembers which life this member published: the log must be of that life or a later one.
fn check_life(store: &Store, own: Identity, log: Life) -> Result<(), Fatal> {
    let published = store.cluster().lives().find(|(member, _)| *member == own.member_id);
    let Some((_, state)) = published else { return Ok(()) };
    if state.incarnation != log.incarnation || log.boot < state.boot {
        return Err(Fatal::LogOfAnotherLife { state, log });
    }
    Ok(())
}

/// What storage had, as the core wants it.
///
/// Log and state meet unless a snapshot was put in its place and the log did not learn of it
/// before the end: then the log is told now, and begins after the state. A log that ends before a
/// state which grew from it has lost what it promised, votes included: the member refuses.
async fn stored(
    config: &Config,
    recovered: Recovered,
    store: &Store,
    wal: &mut Wal,
) -> Result<Stored, Fatal> {
    let applied = store.applied();
    let mut voters: Vec<u64> = config.initial_cluster.iter().map(|m| config.member_id(m)).collect();
    voters.sort_unstable();
    let Recovered { hard_state, mut snapshot, entries, .. } = recovered;
    snapshot.membership = Membership { voters, ..Membership::default() };
    let start = snapshot.index;
    let last = entries.last().map_or(start, |entry| entry.index);
    if applied.index < start {
        return Err(Fatal::StateBehindLog { applied: applied.index, start });
    }
    let stored = Stored { hard_state, snapshot, entries, applied: 0 };
    let stored = stored.settle(applied.index, applied.term)?;
    assert_eq!(stored.applied, applied.index, "the core goes on where the state stands");
    if stored.snapshot.index != start {
        if store.installed() != applied.index {
            return Err(Fatal::LogBehindState { applied: applied.index, last });
        }
        crate::probe!("log restarts after the installed snapshot");
        let snapshot = Some(stored.snapshot.clone());
        let token = AppendToken(0);
        wal.append(&AppendBatch { token, hard_state: None, entries: vec![], snapshot }).await?;
        wal.sync().await?;
    }
    Ok(stored)
}
